//! What carries a mail: a mail server, or for development a folder with a file for each.
//!
//! What is logged of a failure is its kind and the mail server's number, never its words: they may name whom the mail is for.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use axum::http::Uri;
use lettre::transport::smtp::Error;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use outlay_ledger::hex;

use super::letter::{Mail, Sender};
use crate::backup::new_file;
use crate::clock;
use crate::config::Serve;
use crate::node::random;

/// Why no mail can be sent with these options.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MailError {
    /// The URL of the mail server.
    #[error("--smtp-url: {0}")]
    Url(String),
    /// The sender.
    #[error("--mail-from is an address, such as outlay@example.org, or a name and an address in <>")]
    From,
    /// The folder.
    #[error("--mail-folder: {0}")]
    Folder(std::io::Error),
}

/// Why a mail was not carried.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) is_for_good: bool,
    pub(super) reason: &'static str,
    /// The number of the mail server's answer; 0 if it is none.
    pub(super) status: u16,
}

impl Failure {
    pub(super) const SLOW: Self = Self::for_now("it took too long");

    const fn for_now(reason: &'static str) -> Self {
        Self { is_for_good: false, reason, status: 0 }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let reason = match () {
            () if error.is_permanent() || error.is_transient() => "the mail server refused it",
            () if error.is_tls() => "there was no TLS that can be trusted",
            () if error.is_client() => "the mail server cannot what is needed",
            () => "the connection failed",
        };
        Self { is_for_good: error.is_permanent(), reason, status: error.status().map_or(0, u16::from) }
    }
}

/// What carries mails.
pub(super) enum Carrier {
    Smtp(Box<AsyncSmtpTransport<Tokio1Executor>>),
    Folder(PathBuf),
}

impl Carrier {
    /// By the options, with the sender of all mails; `None` if no mail is sent.
    pub(super) fn of(serve: &Serve) -> Result<Option<(Self, Sender)>, MailError> {
        let carrier = match (&serve.smtp_url, &serve.mail_folder) {
            (Some(url), _) => Self::Smtp(Box::new(smtp(url)?)),
            (None, Some(folder)) => {
                std::fs::create_dir_all(folder).map_err(MailError::Folder)?;
                Self::Folder(folder.clone())
            }
            (None, None) => return Ok(None),
        };
        let from = Sender::parse(serve.mail_from.as_deref().unwrap_or_default()).ok_or(MailError::From)?;
        Ok(Some((carrier, from)))
    }

    /// Carries one.
    pub(super) async fn carry(&self, mail: &Mail) -> Result<(), Failure> {
        match self {
            Self::Smtp(transport) => Ok(transport.send_raw(&mail.envelope, &mail.bytes).await.map(drop)?),
            Self::Folder(folder) => {
                let (folder, bytes) = (folder.clone(), mail.bytes.clone());
                let kept = tokio::task::spawn_blocking(move || keep(&folder, &bytes)).await;
                kept.ok().and_then(Result::ok).ok_or(Failure::for_now("it could not be written"))
            }
        }
    }
}

fn smtp(url: &str) -> Result<AsyncSmtpTransport<Tokio1Executor>, MailError> {
    let refused = |error: Error| MailError::Url(error.to_string());
    let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(&with_tls(url)?).map_err(refused)?;
    // The limit of an attempt is around all of it.
    Ok(builder.timeout(None).build())
}

/// The URL with what it leaves open: a mail server elsewhere must speak TLS, as what is mailed lets people in; one on this
/// machine need not. `?tls=` says otherwise.
fn with_tls(url: &str) -> Result<String, MailError> {
    let parsed: Uri = url.parse().map_err(|_| MailError::Url("not a URL such as smtps://user:password@host".into()))?;
    let is_local = matches!(parsed.host(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let is_told = parsed.query().is_some_and(|query| query.split('&').any(|part| part.starts_with("tls=")));
    if parsed.scheme_str() != Some("smtp") || is_local || is_told {
        return Ok(url.to_owned());
    }
    let separator = if parsed.query().is_some() { '&' } else { '?' };
    Ok(format!("{url}{separator}tls=required"))
}

/// Writes a mail as a file, whole or not at all.
fn keep(folder: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let name = format!("{}-{}", clock::unix_ms(), hex::encode(&random::<4>()));
    let unfinished = folder.join(format!("{name}.part"));
    new_file(&unfinished)?.write_all(bytes)?;
    std::fs::rename(&unfinished, folder.join(format!("{name}.eml")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_server_elsewhere_must_speak_tls_unless_it_is_said_that_it_need_not() {
        let completed = |url| with_tls(url).map_err(|_| ());
        assert_eq!(completed("smtp://mail.example.org"), Ok("smtp://mail.example.org?tls=required".into()));
        assert_eq!(
            completed("smtp://mail.example.org/name?x=1").unwrap(),
            "smtp://mail.example.org/name?x=1&tls=required"
        );
        for as_it_is in ["smtp://mail?tls=opportunistic", "smtp://localhost:25", "smtp://[::1]", "smtps://a:b@mail"] {
            assert_eq!(completed(as_it_is), Ok(as_it_is.into()));
        }
        assert_eq!(completed("not a URL"), Err(()));
        assert!(matches!(smtp("imap://mail.example.org"), Err(MailError::Url(_))));
    }
}
