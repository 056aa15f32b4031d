//! Which part of a file a request brings, and which it asks for (RFC 9110, section 14).

use axum::http::HeaderMap;
use axum::http::header::{self, HeaderName};
use outlay_protocol::Code;

/// What a request to store brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// These bytes of so many.
    Part { from: u64, to: u64, total: u64 },
    /// None: it asks how many of so many are there.
    Nothing { total: u64 },
}

impl Sent {
    /// How many bytes all of it has.
    pub(super) fn total(self) -> u64 {
        match self {
            Self::Part { total, .. } | Self::Nothing { total } => total,
        }
    }
}

/// What a request brings: all there is, unless `Content-Range` says which part.
pub(super) fn sent(headers: &HeaderMap) -> Result<Sent, Code> {
    let length = text(headers, &header::CONTENT_LENGTH).and_then(number);
    let Some(range) = text(headers, &header::CONTENT_RANGE) else {
        // Of what comes in pieces nobody says how much it is before it has come.
        let total = length.ok_or(Code::Malformed)?;
        return Ok(Sent::Part { from: 0, to: total, total });
    };
    let (part, total) = range.strip_prefix("bytes ").and_then(|range| range.split_once('/')).ok_or(Code::Malformed)?;
    let total = number(total).ok_or(Code::Malformed)?;
    if part == "*" {
        return Ok(Sent::Nothing { total });
    }
    let (from, last) = part.split_once('-').ok_or(Code::Malformed)?;
    let (from, last) = number(from).zip(number(last)).ok_or(Code::Malformed)?;
    let to = last.checked_add(1).filter(|to| from < *to && *to <= total).ok_or(Code::Invalid)?;
    if length.is_some_and(|length| length != to - from) {
        Err(Code::Malformed)
    } else {
        Ok(Sent::Part { from, to, total })
    }
}

/// Which bytes of a file are asked for, from one up to another; `None` for all of it. Several parts at once are not given,
/// which is answered with all of it.
pub(super) fn asked(headers: &HeaderMap, etag: &str, total: u64) -> Result<Option<(u64, u64)>, Code> {
    let is_other = text(headers, &header::IF_RANGE).is_some_and(|known| known != etag);
    let range = text(headers, &header::RANGE).and_then(|range| range.strip_prefix("bytes="));
    let Some((from, last)) = range.filter(|_| !is_other).and_then(|range| range.split_once('-')) else {
        return Ok(None);
    };
    let (from, to) = match (number(from), number(last)) {
        (Some(from), Some(last)) if from <= last => (from, last.saturating_add(1).min(total)),
        (Some(from), None) if last.is_empty() => (from, total),
        (None, Some(length)) if from.is_empty() => (total.saturating_sub(length), total),
        _ => return Ok(None),
    };
    if from < to { Ok(Some((from, to))) } else { Err(Code::Range) }
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

fn number(digits: &str) -> Option<u64> {
    // A sign is none of them.
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(HeaderName, &str)]) -> HeaderMap {
        fields.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_request_says_what_it_brings() {
        let sent = |range: &str, length: &str| {
            sent(&headers(&[(header::CONTENT_RANGE, range), (header::CONTENT_LENGTH, length)]))
        };
        assert_eq!(sent("bytes 0-9/100", "10"), Ok(Sent::Part { from: 0, to: 10, total: 100 }));
        assert_eq!(sent("bytes 90-99/100", "10"), Ok(Sent::Part { from: 90, to: 100, total: 100 }));
        assert_eq!(sent("bytes */100", "0"), Ok(Sent::Nothing { total: 100 }));
        for (range, length) in
            [("bytes 0-9/100", "11"), ("bytes 0-9/*", "10"), ("items 0-9/100", "10"), ("bytes +1-9/10", "9")]
        {
            assert_eq!(sent(range, length), Err(Code::Malformed), "{range}");
        }
        for range in ["bytes 9-0/100", "bytes 91-100/100", "bytes 0-18446744073709551615/18446744073709551615"] {
            assert_eq!(sent(range, "10"), Err(Code::Invalid), "{range}");
        }
        let plain = super::sent(&headers(&[(header::CONTENT_LENGTH, "7")]));
        assert_eq!(plain, Ok(Sent::Part { from: 0, to: 7, total: 7 }));
        assert_eq!(super::sent(&HeaderMap::new()), Err(Code::Malformed));
    }

    #[test]
    fn a_request_says_which_bytes_it_wants() {
        let asked = |range: &str| asked(&headers(&[(header::RANGE, range)]), "\"e\"", 100);
        assert_eq!(asked("bytes=0-9"), Ok(Some((0, 10))));
        assert_eq!(asked("bytes=90-"), Ok(Some((90, 100))));
        assert_eq!(asked("bytes=90-1000"), Ok(Some((90, 100))));
        assert_eq!(asked("bytes=-10"), Ok(Some((90, 100))));
        assert_eq!(asked("bytes=-1000"), Ok(Some((0, 100))));
        assert_eq!((asked("bytes=100-"), asked("bytes=-0")), (Err(Code::Range), Err(Code::Range)));
        for ignored in ["bytes=9-0", "bytes=0-1,5-6", "items=0-9", "bytes=-", "bytes=a-b"] {
            assert_eq!(asked(ignored), Ok(None), "{ignored}");
        }
        let of_another = headers(&[(header::RANGE, "bytes=0-9"), (header::IF_RANGE, "\"f\"")]);
        assert_eq!(super::asked(&of_another, "\"e\"", 100), Ok(None));
    }
}
