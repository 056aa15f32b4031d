//! The description of the pages: OpenAPI 3.1, made of the handlers and of the types that they read and write.
//!
//! How a page is described: its handler carries `#[utoipa::path(method, path = …, tag = …, …)]` and is given to
//! `Pages` by `routes!`, so that a page without a description cannot be reached. The attribute names the body, the
//! parameters, what is answered, `security(…)` if somebody must have signed in, and the codes of `refused` that are the
//! page's own. `common` adds what all pages share: codes of tokens, bodies and limits, and headers.
//!
//! Afterwards `make api` writes `docs/openapi.json`; a test compares it with what the code says.

mod common;
pub(crate) mod refused;

use std::sync::{Arc, LazyLock};

use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{InfoBuilder, OpenApi, OpenApiBuilder};
use utoipa_axum::router::OpenApiRouter;

use crate::node::Node;
use crate::{health, router};

/// Pages with their descriptions.
pub(crate) type Pages = OpenApiRouter<Arc<Node>>;

/// The text, made once: it is the same for every server of a version.
static TEXT: LazyLock<String> = LazyLock::new(text);

/// What is said of all of them.
const ABOUT: &str = "The accounts, ledgers and expenses of an Outlay server, for apps and other programs. \
    Whatever is refused is answered with a problem (RFC 9457) that carries a stable code; an id of somebody else's is \
    answered as one that does not exist.";

/// The description of all pages, as JSON.
///
/// ```
/// assert!(outlay_server::api::description().contains(r#""openapi": "3.1.0""#));
/// ```
pub fn description() -> &'static str {
    &TEXT
}

fn text() -> String {
    let mut document = begin();
    document.merge(router::pages(0).into_openapi());
    document.merge(health::router().into_openapi());
    common::complete(&mut document);
    let mut json = serde_json::to_value(document).unwrap_or_default();
    common::require_headers(&mut json);
    format!("{json:#}\n")
}

fn begin() -> OpenApi {
    let info = InfoBuilder::new().title("Outlay").version(env!("CARGO_PKG_VERSION")).description(Some(ABOUT)).build();
    let mut document = OpenApiBuilder::new().info(info).build();
    let components = document.components.get_or_insert_default();
    for (name, about) in [
        ("access_token", "The `access_token` of a login: all that the account may."),
        ("api_token", "The text of an API token: ledgers and expenses, as far as it was made for them."),
    ] {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(about)).build();
        components.add_security_scheme(name, SecurityScheme::Http(scheme));
    }
    document
}

/// This description.
#[utoipa::path(get, path = "/openapi.json", tag = "server", responses((status = 200, body = serde_json::Value)))]
pub(crate) async fn show() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], description()).into_response()
}

/// A page of one ledger.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct LedgerPath {
    /// The id of a ledger.
    #[param(pattern = "^[0-9a-f]{32}$")]
    pub(crate) ledger: String,
}

/// A page of one expense.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct ExpensePath {
    /// The id of a ledger.
    #[param(pattern = "^[0-9a-f]{32}$")]
    pub(crate) ledger: String,
    /// The id of an expense.
    #[param(pattern = "^[0-9a-f]{32}$")]
    pub(crate) expense: String,
}

/// A page of one file.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct BlobPath {
    /// The id of a ledger.
    #[param(pattern = "^[0-9a-f]{32}$")]
    pub(crate) ledger: String,
    /// The BLAKE3 hash of the file's bytes.
    #[param(pattern = "^[0-9a-f]{64}$")]
    pub(crate) hash: String,
}

/// A page of one file of an expense.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct AttachmentPath {
    /// The id of a ledger.
    #[param(pattern = "^[0-9a-f]{32}$")]
    pub(crate) ledger: String,
    /// The id of an expense.
    #[param(pattern = "^[0-9a-f]{32}$")]
    pub(crate) expense: String,
    /// The BLAKE3 hash of the file's bytes.
    #[param(pattern = "^[0-9a-f]{64}$")]
    pub(crate) hash: String,
}

/// A page of one invitation.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct InvitationPath {
    /// The id of a ledger.
    #[param(pattern = "^[0-9a-f]{32}$")]
    pub(crate) ledger: String,
    /// The public key of the invite.
    #[param(pattern = "^[0-9a-f]{64}$")]
    pub(crate) key: String,
}

/// A page of one session or token.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct IdPath {
    /// An id from the list.
    #[param(pattern = "^[0-9a-f]{32}$")]
    pub(crate) id: String,
}

/// A page of one device.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct DevicePath {
    /// The public key of a device.
    #[param(pattern = "^[0-9a-f]{64}$")]
    pub(crate) key: String,
}

/// 16 bytes in hexadecimal.
#[derive(ToSchema)]
#[schema(pattern = "^[0-9a-f]{32}$")]
#[expect(dead_code, reason = "stands for texts in the description")]
pub(crate) struct Id(String);

/// 32 bytes in hexadecimal, as public keys of devices are.
#[derive(ToSchema)]
#[schema(pattern = "^[0-9a-f]{64}$")]
#[expect(dead_code, reason = "stands for texts in the description")]
pub(crate) struct Key(String);
