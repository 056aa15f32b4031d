//! What anybody may ask of it, how often, and what an answer says to browsers.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

use outlay_protocol::Code;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::certificate::Authority;
use crate::support::{Device, Ledger, PATIENCE, Reply, Server, Socket, counts, metric, request};

fn me(server: &Server, token: &str) -> Reply {
    request(&server.address, "GET", "/v1/me", &[("authorization", &format!("Bearer {token}"))], b"")
}

#[test]
fn an_address_has_its_requests_and_health_is_not_among_them() {
    let server = Server::start(&["--address-requests-per-minute", "3", "--trusted-proxies", "127.0.0.1"]);
    let of = |address: &str, path: &str| request(&server.address, "GET", path, &[("x-forwarded-for", address)], b"");
    let first = of("192.0.2.1", "/v1/server");
    assert_eq!(first.header("ratelimit-policy").as_deref(), Some("\"address\";q=3;w=60"));
    assert_eq!(first.header("ratelimit").as_deref(), Some("\"address\";r=2;t=20"));
    assert_eq!((of("192.0.2.1", "/v1/me").status, of("192.0.2.1", "/v1/nothing").status), (401, 404));
    let over = of("192.0.2.1", "/v1/server");
    assert_eq!(over.refusal(), (429, Code::Rate));
    let wait: u64 = over.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=20).contains(&wait), "{wait}");
    assert_eq!(over.json()["retry_after_seconds"].as_u64(), Some(wait));
    assert!(over.header("ratelimit").unwrap().starts_with("\"address\";r=0;t="));
    for path in ["/livez", "/readyz"] {
        let health = of("192.0.2.1", path);
        assert_eq!((health.status, health.header("ratelimit")), (200, None));
    }
    assert_eq!(of("192.0.2.2", "/v1/server").status, 200, "another address");
}

#[test]
fn a_session_has_its_requests_and_an_account_those_of_all() {
    let options = ["--session-requests-per-minute", "2", "--person-requests-per-minute", "3"];
    let (server, phone) = (Server::start(&options), Device::new(1));
    let account = server.sign_up("ana@example.org", &phone);
    let other = server.log_in("ana@example.org", &Device::new(2));
    let ben = server.sign_up("ben@example.org", &Device::new(3));
    let first = me(&server, &account.access);
    let left = first.header("ratelimit").unwrap();
    assert!(left.contains("\"account\";r=2;t=20") && left.contains("\"session\";r=1;t=30"), "{left}");
    assert_eq!((first.status, me(&server, &account.access).status), (200, 200));
    assert_eq!(me(&server, &account.access).refusal(), (429, Code::Rate), "the session has no more");
    assert_eq!(me(&server, &other.access).status, 200, "which costs another session nothing");
    assert_eq!(me(&server, &other.access).refusal(), (429, Code::Rate), "but the account has had three");
    assert_eq!(me(&server, &ben.access).status, 200);
}

#[test]
fn what_is_too_long_is_refused() {
    let server =
        Server::start(&["--head-max-bytes", "8192", "--head-fields-max-count", "8", "--uri-max-bytes", "1024"]);
    assert_eq!(server.get(&format!("/v1/server?{}", "q".repeat(1_100))).refusal(), (413, Code::TooBig));
    assert_eq!(server.get(&format!("/v1/server?{}", "q".repeat(900))).status, 200);
    let long = "x".repeat(9_000);
    assert_eq!(request(&server.address, "GET", "/v1/server", &[("x-long", &long)], b"").status, 431);
    let many: Vec<(String, String)> = (0..9).map(|number| (format!("x-{number}"), "y".to_owned())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(request(&server.address, "GET", "/v1/server", &many, b"").status, 431);
    assert_eq!(server.get("/v1/server").status, 200);
}

/// What a connection is told that sends this and then nothing.
fn told(server: &Server, begin: &[u8]) -> String {
    let mut stream = TcpStream::connect(&server.address).unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_secs(30))).unwrap();
    stream.write_all(begin).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn whoever_is_slow_is_let_go() {
    let server = Server::start(&["--header-timeout-seconds", "1", "--request-timeout-seconds", "1"]);
    let slow_head = told(&server, b"GET /v1/server HTTP/1.1\r\nhost: x\r\n");
    assert!(slow_head.is_empty() || slow_head.starts_with("HTTP/1.1 408"), "{slow_head}");
    let head =
        b"POST /v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{";
    let slow_body = told(&server, head);
    assert!(slow_body.starts_with("HTTP/1.1 408") && slow_body.contains("urn:outlay:problem:slow"), "{slow_body}");
}

/// A connection that was given a place: it is answered and stays.
fn connect(server: &Server) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(&server.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // Whoever was given no place is told so, or nothing: writing or reading fails.
    _ = stream.write_all(b"GET /v1/server HTTP/1.1\r\nhost: x\r\n\r\n");
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).ok().filter(|()| answer.ends_with(b"200")).map(|()| stream)
}

#[test]
fn an_address_has_its_connections_and_gets_them_back() {
    let server = Server::start(&["--address-connections-max-count", "2"]);
    let (first, second) = (connect(&server), connect(&server));
    assert!(first.is_some() && second.is_some() && connect(&server).is_none());
    drop(first);
    while connect(&server).is_none() {}
}

/// Of a proxy that is trusted there may be as many as the server has places, and no more.
#[test]
fn there_are_so_many_connections_in_all_and_each_that_ends_makes_room() {
    let server = Server::start(&["--connections-max-count", "3", "--trusted-proxies", "127.0.0.1"]);
    let all: Vec<Option<TcpStream>> = (0..3).map(|_| connect(&server)).collect();
    assert!(all.iter().all(Option::is_some) && connect(&server).is_none() && connect(&server).is_none());
    drop(all);
    while connect(&server).is_none() {}
}

#[test]
fn a_connection_too_many_is_told_so_and_health_is_not_among_them() {
    let server = Server::start(&["--connections-max-count", "1"]);
    let only = connect(&server).unwrap();
    let refused = server.get("/v1/server");
    assert_eq!(refused.refusal(), (503, Code::Busy));
    assert_eq!(
        (refused.header("retry-after").as_deref(), refused.header("connection").as_deref()),
        (Some("1"), Some("close"))
    );
    for path in ["/livez", "/readyz"] {
        assert_eq!(server.get(path).status, 200, "{path}");
    }
    drop(only);
    while connect(&server).is_none() {}
}

/// What is sent before anybody knows by whom is bounded for all together, whatever each may send.
#[test]
fn strangers_have_so_many_bytes_in_all_and_whoever_is_known_goes_on() {
    let bytes = "300000";
    let limits = ["--sync-body-max-bytes", bytes, "--unauthenticated-max-bytes", bytes];
    let server = Server::start(&[limits.as_slice(), &["--metrics-listen", "127.0.0.1:0"]].concat());
    let mut phone = Device::new(1);
    let account = server.sign_up("ana@example.org", &phone);
    let mut half = TcpStream::connect(&server.address).unwrap();
    let head = b"POST /v1/sync HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 290000\r\n\r\n";
    half.write_all(head).unwrap();
    // What comes from here on is counted, all of it.
    let mut go_on = [0; 25];
    half.read_exact(&mut go_on).unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    half.write_all(&[0; 250_000]).unwrap();
    while metric(server.metrics.as_deref().unwrap(), "outlay_unauthenticated_bytes") < 250_000 {}
    let ask = || request(&server.address, "POST", "/v1/sync", &[], &[0; 200_000]).refusal();
    assert_eq!(ask(), (503, Code::Busy));
    let mut stranger = Socket::connect(&server);
    stranger.send_bytes(vec![0; 260_000]);
    assert_eq!(stranger.closed(), Some(Code::Busy));
    let mut socket = Socket::of(&server, &phone, &account);
    let ledger = Ledger::of(&mut phone, 0);
    socket.open(ledger.id, None, &ledger.commits);
    assert_eq!(counts(&socket.acknowledged(1)), (1, 0, 0, None));
    for number in 2..8 {
        let commits: Vec<_> = (0..200).map(|_| phone.expense(ledger.id, &ledger.heads, 1).0).collect();
        assert_eq!(counts(&socket.push(number, &commits)), (200, 0, 0, None));
    }
    drop(half);
    while ask() != (401, Code::Proof) {}
}

#[test]
fn a_login_too_many_is_told_to_come_back_also_when_those_before_have_hung_up() {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let at_once = cores.saturating_sub(1).clamp(1, 4);
    let places = (at_once + 1).to_string();
    let server = Server::start(
        &[
            // Hashes that are not done before this test is.
            ["--password-hash-passes-count", "4000000000"],
            ["--password-hash-queue-count", "0"],
            ["--address-connections-max-count", &places],
            ["--metrics-listen", "127.0.0.1:0"],
        ]
        .concat(),
    );
    let login = |number: usize| {
        let body = format!("{{\"email\":\"{number}@example.org\",\"password\":\"a guess of many\"}}");
        let length = body.len();
        format!(
            "POST /v1/auth/login HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n{body}"
        )
    };
    let busy = || metric(server.metrics.as_deref().unwrap(), "outlay_password_hashes_count");
    let begun: Vec<_> = (0..at_once)
        .map(|number| {
            let mut stream = TcpStream::connect(&server.address).unwrap();
            stream.write_all(login(number).as_bytes()).unwrap();
            stream
        })
        .collect();
    while busy() < u64::try_from(at_once).unwrap() {}
    drop(begun);
    // All places are free again: it is known that nobody waits for those hashes.
    let mut connected = loop {
        let all: Option<Vec<_>> = (0..=at_once).map(|_| connect(&server)).collect();
        if let Some(all) = all {
            break all;
        }
    };
    assert_eq!(busy(), u64::try_from(at_once).unwrap());
    let mut stream = connected.pop().unwrap();
    stream.write_all(login(at_once).as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let answer = &answer[answer.find("HTTP/1.1 ").unwrap()..];
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("\r\nretry-after: 1\r\n"), "{answer}");
    assert!(answer.contains("urn:outlay:problem:busy"), "{answer}");
}

#[test]
fn an_answer_is_nothing_for_a_browser_to_run_or_to_keep() {
    let server = Server::start(&[]);
    for (path, status) in
        [("/livez", 200), ("/v1/server", 200), ("/v1/me", 401), ("/nothing", 404), ("/v1/auth/login", 405)]
    {
        let answer = server.get(path);
        let expected = [
            ("x-content-type-options", Some("nosniff")),
            ("content-security-policy", Some("default-src 'none'; frame-ancestors 'none'")),
            ("referrer-policy", Some("no-referrer")),
            ("cache-control", Some("no-store")),
            ("server", None),
            ("strict-transport-security", None),
            ("access-control-allow-origin", None),
        ];
        assert_eq!(answer.status, status, "{path}");
        for (name, value) in expected {
            assert_eq!(answer.header(name).as_deref(), value, "{path}: {name}");
        }
    }
}

/// An answer of a server that speaks TLS, to somebody who trusts this root.
fn get_by_tls(server: &Server, root: &[u8], path: &str) -> String {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(root).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let session = ClientConnection::new(Arc::new(config), "127.0.0.1".try_into().unwrap()).unwrap();
    let stream = TcpStream::connect(&server.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut stream = StreamOwned::new(session, stream);
    write!(stream, "GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_server_with_tls_keeps_browsers_from_asking_without() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(1);
    let (chain, key) = authority.certificate_of_this_machine();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(file("chain.pem"), chain).unwrap();
    std::fs::write(file("key.pem"), key).unwrap();
    let server = Server::start(&["--tls-cert", &file("chain.pem"), "--tls-key", &file("key.pem")]);
    for (path, status) in [("/livez", "200"), ("/v1/me", "401"), ("/nothing", "404")] {
        let answer = get_by_tls(&server, &authority.root(), path);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        assert!(answer.contains("\r\nstrict-transport-security: max-age=31536000\r\n"), "{answer}");
    }
}

#[test]
fn only_sites_that_were_named_may_ask_from_a_browser() {
    let server = Server::start(&["--cors-origins", "https://app.example.org,http://localhost:3000"]);
    let ask = |method: &str, origin: &str| {
        let headers = [("origin", origin), ("access-control-request-method", "PATCH")];
        request(&server.address, method, "/v1/me", &headers, b"")
    };
    for origin in ["https://app.example.org", "http://localhost:3000"] {
        let before = ask("OPTIONS", origin);
        assert_eq!((before.status, before.header("access-control-allow-origin").as_deref()), (200, Some(origin)));
        assert!(before.header("access-control-allow-methods").unwrap().contains("PATCH"));
        assert!(before.header("access-control-allow-headers").unwrap().contains("authorization"));
        assert_eq!(before.header("access-control-allow-credentials"), None);
        assert_eq!(ask("GET", origin).header("access-control-allow-origin").as_deref(), Some(origin));
    }
    assert_eq!(ask("GET", "https://evil.example.org").header("access-control-allow-origin"), None);
    let closed = Server::start(&[]);
    let asked = [("origin", "https://app.example.org"), ("access-control-request-method", "GET")];
    let answer = request(&closed.address, "OPTIONS", "/v1/me", &asked, b"");
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (405, None));
}
