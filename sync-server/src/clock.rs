//! The one place that reads clocks.

use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use outlay_ledger::Date;

/// Milliseconds since 1970.
pub(crate) fn unix_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// The day in UTC.
pub(crate) fn today() -> Date {
    let days = i32::try_from(unix_ms().div_euclid(86_400_000)).ok();
    days.and_then(Date::from_days).unwrap_or(Date::MIN)
}

/// Milliseconds since this process first asked, by a clock that does not go back.
pub(crate) fn monotonic_ms() -> i64 {
    static START: OnceLock<Instant> = OnceLock::new();
    i64::try_from(START.get_or_init(Instant::now).elapsed().as_millis()).unwrap_or(i64::MAX)
}

/// Now, as mails say it (RFC 5322).
pub(crate) fn mail_date() -> String {
    httpdate::fmt_http_date(SystemTime::now()).replace("GMT", "+0000")
}
