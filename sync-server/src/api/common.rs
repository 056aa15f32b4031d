//! What all pages share in their description: codes that follow from what a page takes, headers, names.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use outlay_protocol::Code;
use serde_json::Value;
use utoipa::PartialSchema;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::schema::{AllOfBuilder, ObjectBuilder, Schema};
use utoipa::openapi::{Components, ContentBuilder, Header, OpenApi, Ref, RefOr, Response, ResponseBuilder, Type};

use super::refused;
use crate::error::{Problem, message};

/// What anything can end with, health too.
const ANYTHING: [Code; 2] = [Code::Slow, Code::Internal];
/// What is told to whoever asks too often or too much.
const COUNTED: [Code; 5] = [Code::TooBig, Code::Rate, Code::Busy, Code::Storage, Code::Full];
/// What is told to whoever needs a token.
const TOKEN: [Code; 3] = [Code::SignInNeeded, Code::TokenExpired, Code::Revoked];
/// What is told of a body.
const BODY: [Code; 4] = [Code::Malformed, Code::TooBig, Code::MediaType, Code::Invalid];
const JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";
/// Pages that may be asked as often as one likes.
const HEALTH: &str = "health";

/// Headers of answers, and what is in them.
const HEADERS: [(&str, &str); 3] = [
    ("x-request-id", "The id under which the request is logged."),
    ("ratelimit-policy", "How many requests a minute may be made, by what they are counted by."),
    ("ratelimit", "How many requests are left, by what they are counted by, and for how many seconds."),
];
const RETRY_AFTER: &str = "retry-after";

/// Adds what all pages share.
pub(super) fn complete(document: &mut OpenApi) {
    let components = document.components.get_or_insert_default();
    components.schemas.insert("Problem".to_owned(), Problem::schema());
    for (name, about) in HEADERS {
        components.headers.insert(name.to_owned(), header(Type::String, about));
    }
    let about = "How many seconds to wait before trying again.";
    components.headers.insert(RETRY_AFTER.to_owned(), header(Type::Integer, about));
    for item in document.paths.paths.values_mut() {
        operations(item).into_iter().flatten().for_each(|operation| complete_one(operation, components));
    }
}

/// Says of the headers that no answer lacks them, for which the types have no word.
pub(super) fn require_headers(json: &mut Value) {
    for (name, _) in HEADERS {
        json["components"]["headers"][name]["required"] = true.into();
    }
}

fn header(of: Type, about: &str) -> RefOr<Header> {
    let mut header = Header::new(ObjectBuilder::new().schema_type(of).build());
    header.description = Some(about.to_owned());
    RefOr::T(header)
}

fn operations(item: &mut PathItem) -> [Option<&mut Operation>; 5] {
    [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete].map(Option::as_mut)
}

fn complete_one(operation: &mut Operation, components: &mut Components) {
    let tag = operation.tags.iter().flatten().next().cloned().unwrap_or_default();
    // Handlers are named within their module; clients that are generated need one name for each.
    operation.operation_id = operation.operation_id.take().map(|name| format!("{tag}_{name}"));
    let is_counted = tag != HEALTH;
    let mut codes = implied(operation, is_counted);
    operation.responses.responses.retain(|key, _| {
        let code = refused::code(key);
        codes.extend(code);
        code.is_none()
    });
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response {
            response.headers.extend(shared_headers(is_counted));
            if response.description.is_empty() {
                response.description = reason(status);
            }
        }
    }
    for (status, codes) in by_status(codes) {
        let names: Vec<&str> = codes.iter().map(|code| code.name()).collect();
        let kind = if is_counted { "" } else { "health." };
        let name = format!("{kind}{status}.{}", names.join("."));
        let reference = RefOr::Ref(Ref::from_response_name(&name));
        components.responses.entry(name).or_insert_with(|| RefOr::T(refusal(status, &codes, is_counted)));
        operation.responses.responses.entry(status.to_string()).or_insert(reference);
    }
}

/// What a status is called, for answers of which there is nothing else to say.
fn reason(status: &str) -> String {
    let status = StatusCode::from_bytes(status.as_bytes()).ok();
    status.and_then(|status| status.canonical_reason()).unwrap_or_default().to_owned()
}

/// The codes that follow from what a page takes.
fn implied(operation: &Operation, is_counted: bool) -> Vec<Code> {
    let mut codes = ANYTHING.to_vec();
    if is_counted {
        codes.extend(COUNTED);
    }
    if operation.security.is_some() {
        codes.extend(TOKEN);
    }
    if let Some(RefOr::T(body)) = &operation.request_body
        && body.content.contains_key(JSON)
    {
        codes.extend(BODY);
    }
    let has_query = |parameter: &RefOr<_>| match parameter {
        RefOr::T(utoipa::openapi::path::Parameter { parameter_in, .. }) => {
            matches!(parameter_in, utoipa::openapi::path::ParameterIn::Query)
        }
        RefOr::Ref(_) => false,
    };
    if operation.parameters.iter().flatten().any(has_query) {
        codes.push(Code::Invalid);
    }
    codes
}

/// Each status with its codes, once and in order.
fn by_status(mut codes: Vec<Code>) -> BTreeMap<u16, Vec<Code>> {
    codes.sort_by_key(|code| code.number());
    codes.dedup();
    let mut statuses: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    codes.into_iter().for_each(|code| statuses.entry(code.http_status()).or_default().push(code));
    statuses
}

fn shared_headers(is_counted: bool) -> impl Iterator<Item = (String, RefOr<Header>)> {
    let names = HEADERS.into_iter().map(|(name, _)| name).take(if is_counted { HEADERS.len() } else { 1 });
    names.map(|name| (name.to_owned(), reference(name)))
}

fn reference(header: &str) -> RefOr<Header> {
    RefOr::Ref(Ref::new(format!("#/components/headers/{header}")))
}

/// An answer that refuses with one of these codes.
fn refusal(status: u16, codes: &[Code], is_counted: bool) -> Response {
    let about: Vec<String> = codes.iter().map(|code| format!("`{}`: {}", code.name(), message(*code))).collect();
    let number = |values: Vec<u16>| ObjectBuilder::new().schema_type(Type::Integer).enum_values(Some(values));
    let types: Vec<String> = codes.iter().map(|code| Problem::kind(*code)).collect();
    let these = ObjectBuilder::new()
        .property("type", ObjectBuilder::new().schema_type(Type::String).enum_values(Some(types)))
        .property("status", number(vec![status]))
        .property("code", number(codes.iter().map(|code| code.number()).collect()));
    let schema = AllOfBuilder::new().item(Ref::from_schema_name("Problem")).item(these);
    let content = ContentBuilder::new().schema(Some(Schema::AllOf(schema.build()))).build();
    let mut response = ResponseBuilder::new().description(about.join("\n")).content(PROBLEM, content).build();
    response.headers.extend(shared_headers(is_counted));
    if [429, 503].contains(&status) {
        response.headers.insert(RETRY_AFTER.to_owned(), reference(RETRY_AFTER));
    }
    response
}
