//! How often somebody may ask: by address before anybody knows who it is, by account and by session after.
//!
//! Each has a bucket that holds the requests of a minute and fills steadily, so that a burst passes and a flood does not.
//! Every answer says what is left (`RateLimit`, draft-ietf-httpapi-ratelimit-headers-10). Health is never asked here.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use outlay_protocol::Code;

use crate::accounts::Session;
use crate::config::Limits;
use crate::error::ApiError;
use crate::limiter::{Key, Kind, Limiter, LocalLimiter, Rate, Taken};
use crate::node::{Node, Shared};
use crate::{clock, logs, proxies};

/// What a bucket holds is that of so long.
const WINDOW_SECONDS: i64 = 60;

/// How often who may ask.
pub(crate) struct Gate<L = LocalLimiter> {
    limiter: Arc<L>,
    address: Policy,
    account: Policy,
    session: Policy,
    sign_in: Rate,
    mail: Rate,
}

/// The requests of a minute, under the name that an answer has for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Policy {
    name: &'static str,
    per_minute: u32,
}

impl<L: Limiter> Gate<L> {
    pub(crate) fn new(limiter: Arc<L>, limits: &Limits) -> Self {
        Self {
            limiter,
            address: Policy { name: "address", per_minute: limits.address_requests_per_minute },
            account: Policy { name: "account", per_minute: limits.person_requests_per_minute },
            session: Policy { name: "session", per_minute: limits.session_requests_per_minute },
            sign_in: Rate::per_minute(limits.account_requests_per_minute),
            mail: Rate::per_hour(limits.address_mails_per_hour),
        }
    }

    /// Lets a session ask once more.
    pub(crate) fn admit(&self, node: &Node, session: &Session) -> Result<(), ApiError> {
        // What a session has too many takes nothing from the others of its account.
        pass(node, self.take(self.session, Key(Kind::Session, session.id)))?;
        pass(node, self.take(self.account, Key::of_account(Kind::Account, session.aid)))
    }

    /// Lets an address ask once more to make an account or to sign in.
    pub(crate) fn admit_sign_in(&self, client: IpAddr) -> Result<(), ApiError> {
        unless_over(self.limiter.take(
            clock::monotonic_ms(),
            Key::of_address(Kind::SignIn, site(client)),
            self.sign_in,
            1,
        ))
    }

    /// Lets somebody ask once more for a mail to an address.
    pub(crate) fn admit_mail(&self, address: &str) -> Result<(), ApiError> {
        unless_over(self.limiter.take(clock::monotonic_ms(), Key::of_text(Kind::Mail, address), self.mail, 1))
    }

    fn take(&self, policy: Policy, key: Key) -> Quota {
        let taken = self.limiter.take(clock::monotonic_ms(), key, Rate::per_minute(policy.per_minute), 1);
        Quota { policy, taken }
    }
}

/// What is left in a bucket after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quota {
    policy: Policy,
    taken: Taken,
}

impl Quota {
    fn left(&self) -> u64 {
        match self.taken {
            Taken::Yes { left, .. } => left,
            Taken::No { .. } => 0,
        }
    }

    /// Until it is full again, or until there is room for a request.
    fn seconds(&self) -> i64 {
        let (Taken::Yes { full_ms: ms, .. } | Taken::No { wait_ms: ms }) = self.taken;
        (ms + 999) / 1_000
    }
}

fn unless_over(taken: Taken) -> Result<(), ApiError> {
    match taken {
        Taken::Yes { .. } => Ok(()),
        Taken::No { wait_ms } => Err(ApiError::later(Code::Rate, wait_ms)),
    }
}

/// Notes what is left for the answer, and refuses when nothing was.
fn pass(node: &Node, quota: Quota) -> Result<(), ApiError> {
    logs::has_left(quota);
    unless_over(quota.taken).inspect_err(|_| _ = node.metrics.rate_limited.inc())
}

/// Says in the headers of an answer what is left.
pub(crate) fn tell(headers: &mut HeaderMap, quotas: &[Quota]) {
    let policy =
        |Quota { policy, .. }: &Quota| format!("\"{}\";q={};w={WINDOW_SECONDS}", policy.name, policy.per_minute);
    let left = |quota: &Quota| format!("\"{}\";r={};t={}", quota.policy.name, quota.left(), quota.seconds());
    let (policy, left) = (quotas.iter().map(policy), quotas.iter().map(left));
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
        let quota = node.gate.take(node.gate.address, Key::of_address(Kind::Address, site(client)));
        if let Err(error) = pass(&node, quota) {
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
    fn what_is_left_is_said() {
        let [address, account] = ["address", "account"].map(|name| Policy { name, per_minute: 60 });
        let first = Quota { policy: address, taken: Taken::Yes { left: 59, full_ms: 1_000 } };
        let over = Quota { policy: account, taken: Taken::No { wait_ms: 1_001 } };
        let mut headers = HeaderMap::new();
        tell(&mut headers, &[first, over]);
        assert_eq!(headers["ratelimit-policy"], "\"address\";q=60;w=60, \"account\";q=60;w=60");
        assert_eq!(headers["ratelimit"], "\"address\";r=59;t=1, \"account\";r=0;t=2");
    }

    #[test]
    fn an_ipv6_customer_is_one_whichever_address_he_takes() {
        let of = |text: &str| site(text.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(of("::ffff:192.0.2.1"), "192.0.2.1");
    }
}
