//! How often somebody may ask: by address before anybody knows who it is, by account and by session after.
//!
//! Each has a bucket that holds the requests of a minute and fills steadily, so that a burst passes and a flood does not.
//! Every answer says what is left (`RateLimit`, draft-ietf-httpapi-ratelimit-headers-10). Health is never asked here.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use outlay_protocol::Code;

use crate::accounts::Session;
use crate::config::Limits;
use crate::error::ApiError;
use crate::node::{Node, Shared};
use crate::{clock, logs, proxies};

/// Who is remembered, some 50 bytes each. When it is full those who have not asked for a minute are forgotten, then all.
const KEYS_MAX: usize = 65_536;
/// What a bucket holds is that of so long.
const WINDOW_SECONDS: i64 = 60;
const WINDOW_US: i64 = WINDOW_SECONDS * 1_000_000;

/// The buckets of a server.
pub(crate) struct Gate {
    addresses: Buckets<IpAddr>,
    accounts: Buckets<i64>,
    sessions: Buckets<[u8; 16]>,
}

impl Gate {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            addresses: Buckets::new("address", limits.address_requests_per_minute),
            accounts: Buckets::new("account", limits.person_requests_per_minute),
            sessions: Buckets::new("session", limits.session_requests_per_minute),
        }
    }

    /// Lets a session ask once more.
    pub(crate) fn admit(&self, node: &Node, session: &Session) -> Result<(), ApiError> {
        let now_ms = clock::monotonic_ms();
        // What a session has too many takes nothing from the others of its account.
        pass(node, self.sessions.take(now_ms, session.id))?;
        pass(node, self.accounts.take(now_ms, session.aid))
    }
}

/// What is left in a bucket after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quota {
    name: &'static str,
    per_minute: u32,
    left: u32,
    /// Until it is full again, or until there is room for a request.
    seconds: i64,
    is_over: bool,
}

/// One bucket for each key. Of a bucket it keeps when it will be full again.
struct Buckets<K> {
    name: &'static str,
    per_minute: u32,
    full_us: Mutex<HashMap<K, i64>>,
}

impl<K: Eq + Hash> Buckets<K> {
    fn new(name: &'static str, per_minute: u32) -> Self {
        Self { name, per_minute, full_us: Mutex::default() }
    }

    /// Takes one request out, if there is one.
    fn take(&self, now_ms: i64, key: K) -> Quota {
        let now_us = now_ms.saturating_mul(1_000);
        let each_us = (WINDOW_US / i64::from(self.per_minute.max(1))).max(1);
        let mut all = self.full_us.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= KEYS_MAX {
            all.retain(|_, full_us| *full_us > now_us);
        }
        if all.len() >= KEYS_MAX {
            all.clear();
        }
        let full_us = all.entry(key).or_insert(now_us);
        let after_us = (*full_us).max(now_us) + each_us;
        let over_us = after_us - now_us - WINDOW_US;
        let is_over = over_us > 0;
        if !is_over {
            *full_us = after_us;
        }
        let left = ((WINDOW_US - (*full_us - now_us)) / each_us).max(0);
        let wait_us = if is_over { over_us } else { *full_us - now_us };
        Quota {
            name: self.name,
            per_minute: self.per_minute,
            left: u32::try_from(left).unwrap_or(u32::MAX),
            seconds: (wait_us + 999_999) / 1_000_000,
            is_over,
        }
    }
}

/// Notes what is left for the answer, and refuses when nothing was.
fn pass(node: &Node, quota: Quota) -> Result<(), ApiError> {
    logs::has_left(quota);
    if !quota.is_over {
        return Ok(());
    }
    node.metrics.rate_limited.inc();
    Err(ApiError::later(Code::Rate, quota.seconds.saturating_mul(1_000)))
}

/// Says in the headers of an answer what is left.
pub(crate) fn tell(headers: &mut HeaderMap, quotas: &[Quota]) {
    let policy = quotas.iter().map(|quota| format!("\"{}\";q={};w={WINDOW_SECONDS}", quota.name, quota.per_minute));
    let left = quotas.iter().map(|quota| format!("\"{}\";r={};t={}", quota.name, quota.left, quota.seconds));
    let fields = [("ratelimit-policy", policy.collect::<Vec<_>>()), ("ratelimit", left.collect())];
    for (name, items) in fields.into_iter().filter(|(_, items)| !items.is_empty()) {
        if let Ok(value) = HeaderValue::from_str(&items.join(", ")) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

/// Lets an address ask once more, for something that has a sane length.
pub(crate) async fn admit(State(node): Shared, request: Request, next: Next) -> Response {
    let peer = request.extensions().get().map(|ConnectInfo(peer): &ConnectInfo<SocketAddr>| peer.ip());
    if let Some(peer) = peer {
        let client = proxies::client(&node.trusted_proxies, peer, request.headers());
        if let Err(error) = pass(&node, node.gate.addresses.take(clock::monotonic_ms(), site(client))) {
            return error.into_response();
        }
    }
    let uri_bytes = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
    if uri_bytes > node.limits.uri_max_bytes {
        ApiError::from(Code::TooBig).into_response()
    } else {
        next.run(request).await
    }
}

/// What one customer of a provider has: of IPv6 addresses the first half, so that nobody has billions of buckets.
pub(crate) fn site(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(address) => address.into(),
            None => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_requests_of_a_minute_pass_at_once_and_then_as_they_come_again() {
        for per_minute in [1, 2, 7, 60, 6_000, 100_000] {
            let buckets = Buckets::new("address", per_minute);
            let passed = (0..per_minute).filter(|_| !buckets.take(0, 1).is_over).count();
            assert_eq!(passed, usize::try_from(per_minute).unwrap());
            let over = buckets.take(0, 1);
            assert!(over.is_over && over.left == 0 && over.seconds >= 1, "{over:?}");
            assert!(!buckets.take(0, 2).is_over, "another has his own");
            assert!(!buckets.take(over.seconds * 1_000, 1).is_over, "after as long as was said");
        }
    }

    #[test]
    fn what_is_left_is_said() {
        let buckets = Buckets::new("address", 60);
        let first = buckets.take(0, 1);
        assert_eq!((first.left, first.seconds), (59, 1));
        let mut headers = HeaderMap::new();
        tell(&mut headers, &[first, Quota { name: "account", left: 0, ..first }]);
        assert_eq!(headers["ratelimit-policy"], "\"address\";q=60;w=60, \"account\";q=60;w=60");
        assert_eq!(headers["ratelimit"], "\"address\";r=59;t=1, \"account\";r=0;t=1");
    }

    #[test]
    fn an_ipv6_customer_is_one_whichever_address_he_takes() {
        let of = |text: &str| site(text.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(of("::ffff:192.0.2.1"), "192.0.2.1");
    }
}
