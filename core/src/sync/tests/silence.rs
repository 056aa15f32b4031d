//! Servers that take a connection and say nothing more. The time is virtual from the moment they fall silent.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use outlay_ledger::hex;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

use super::SERVER;
use crate::store::remote::{self, Remote};
use crate::sync::account::runtime;
use crate::sync::driver::{Aim, Carried, Ended, Stop, converse};
use crate::sync::token::Tokens;
use crate::{Currency, Engine, ErrorKind};

fn signed_in(url: &str) -> (Engine, Remote) {
    let engine = Engine::open_in_memory().unwrap();
    engine.create_ledger("Home", Currency::EUR).unwrap();
    let entered = engine.write(|write| {
        let remote = remote::enter(&write.tx, &SERVER, "account", url, "")?;
        remote::set_current(&write.tx, Some(remote.sid))?;
        Ok(remote)
    });
    let tokens = Tokens {
        server: hex::encode(&SERVER),
        account: "account".to_owned(),
        device: None,
        access_token: "token".to_owned(),
        expires_ms: i64::MAX,
        refresh_token: String::new(),
    };
    tokens.save(engine.sync.tokens.as_ref()).unwrap();
    (engine, entered.unwrap())
}

/// Connects to a server that does `greet` and then nothing, and says how it ended and after how long of that.
fn after_silence(greet: fn(&TcpStream)) -> (Ended, Duration) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (engine, remote) = signed_in(&format!("http://{}", listener.local_addr().unwrap()));
    let (silent, fell_silent) = tokio::sync::oneshot::channel();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        greet(&stream);
        silent.send(()).unwrap();
        // What comes is read and not answered, until the device goes.
        while matches!(stream.read(&mut [0; 4096]), Ok(1..)) {}
    });
    let ended = runtime().unwrap().block_on(async {
        let connector = engine.connector(&remote).unwrap();
        let aim = Aim { is_live: true, deadline: None };
        let (stop, mut carried) = (Stop::default(), Carried::default());
        let conversation = converse(&engine, &remote, &connector, aim, &stop, &mut carried);
        tokio::pin!(conversation);
        tokio::select! {
            _ = &mut conversation => panic!("it has not been silent yet"),
            heard = fell_silent => heard.unwrap(),
        }
        tokio::time::pause();
        let begun = Instant::now();
        (conversation.await, begun.elapsed())
    });
    server.join().unwrap();
    ended
}

#[track_caller]
fn assert_given_up(ended: (Ended, Duration), seconds: std::ops::RangeInclusive<u64>) {
    let Ended::Broken(error) = ended.0 else { panic!("it was not given up") };
    assert_eq!(error.kind(), ErrorKind::Offline, "so that it is tried again");
    assert!(seconds.contains(&ended.1.as_secs()), "{:?}", ended.1);
}

#[test]
fn a_server_that_falls_silent_is_given_up_after_a_minute() {
    let greet = |stream: &TcpStream| {
        #[allow(clippy::result_large_err, reason = "the library wants it so")]
        let identify = |_: &Request, mut response: Response| {
            let headers = response.headers_mut();
            headers.insert("outlay-server", hex::encode(&SERVER).parse().unwrap());
            headers.insert("outlay-nonce", hex::encode(&[7; 16]).parse().unwrap());
            Ok(response)
        };
        let mut socket = tungstenite::accept_hdr(stream, identify).unwrap();
        assert!(socket.read().unwrap().is_binary(), "the first flight");
    };
    assert_given_up(after_silence(greet), 55..=65);
}

/// Takes the request for an upgrade, whose answer would be next.
fn take_upgrade(mut stream: &TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
}

#[test]
fn a_proxy_that_takes_connections_and_answers_none_is_given_up() {
    assert_given_up(after_silence(take_upgrade), 25..=35);
}

#[test]
fn a_sync_with_a_server_that_hangs_ends_when_it_is_asked_to() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (engine, _) = signed_in(&format!("http://{}", listener.local_addr().unwrap()));
    let stop = Stop::default();
    std::thread::scope(|scope| {
        let syncing = scope.spawn(|| engine.sync_until(Duration::from_secs(3_600), &stop));
        let (stream, _) = listener.accept().unwrap();
        take_upgrade(&stream);
        stop.ask();
        // Nobody having asked, it fails as offline after half a minute.
        let ended = syncing.join().unwrap().map_err(|error| error.kind());
        assert_eq!(ended, Err(ErrorKind::Cancelled));
    });
}
