//! The server itself, and sync, whose bodies are bytes.

use outlay_ledger::hex;
use outlay_protocol::Message;
use outlay_server::store::{Store, StoreOptions};

use super::story::Story;
use crate::description::committed;
use crate::support::{Socket, greeting, opening, request};
use crate::tenants::Tenant;

pub(super) fn tell(story: &mut Story, ana: &Tenant) {
    story.know("long", "a".repeat(4 * 1024));
    story.tell(
        r#"
        GET /livez
        200
        content-type: text/plain; charset=utf-8
        ok

        GET /readyz
        200
        {"checks": {"database_read": "ok", "database_write": "ok", "serving": "ok"}, "status": "ok"}

        GET /v1/server
        200
        {"id": "<key>", "nonce": "<id>", "sign_up": "open", "versions": {"max": 1, "min": 1}}

        GET /v1/server?<long>
        413
        {"code": 103, "status": 413, "title": "The request is too big.", "type": "urn:outlay:problem:too_big"}

        GET /.well-known/jwks.json
        200
        {"keys": [{"alg": "EdDSA", "crv": "Ed25519", "kid": "<text>", "kty": "OKP", "use": "sig",
         "x": "<text>"}, {"alg": "EdDSA", "crv": "Ed25519",
         "kid": "<text>", "kty": "OKP", "use": "sig",
         "x": "<text>"}]}

        GET /.well-known/jwks.json?<long>
        413
        {"code": 103, "status": 413, "title": "The request is too big.", "type": "urn:outlay:problem:too_big"}

        GET /openapi.json?<long>
        413
        {"code": 103, "status": 413, "title": "The request is too big.", "type": "urn:outlay:problem:too_big"}

        GET /v1/sync
        400
        outlay-nonce: <id>
        outlay-server: <key>
        {"code": 101, "status": 400, "title": "The request is not what this page takes.",
         "type": "urn:outlay:problem:malformed"}

        POST /v1/sync
        not a frame
        401
        outlay-nonce: <id>
        outlay-server: <key>
        {"code": 204, "status": 401, "title": "The device has not proved that the token is its own.",
         "type": "urn:outlay:problem:proof"}
        "#,
    );
    let description = story.server.get("/openapi.json");
    assert!(description.json() == committed());
    story.answered("/openapi.json", "get", description.status);
    syncing(story, ana);
    failing(story);
}

/// One exchange of frames, and a connection that goes on with them.
fn syncing(story: &mut Story, ana: &Tenant) {
    let (server, nonce) = story.server.identity();
    let [hello, auth] = greeting(&ana.phone, &ana.account.access, &server, &nonce);
    let open = Message::Open(opening(ana.ledger, None, &[]));
    let body: Vec<u8> = [hello, auth, open].iter().flat_map(framed).collect();
    let nonce = hex::encode(&nonce);
    let fields = [("outlay-nonce", nonce.as_str()), ("content-type", "application/octet-stream")];
    let reply = request(&story.server.address, "POST", "/v1/sync", &fields, &body);
    assert_eq!(reply.header("content-type").as_deref(), Some("application/octet-stream"));
    assert!(reply.header("outlay-nonce").is_some_and(|next| next != nonce));
    let kinds: Vec<&str> = messages(&reply.body).iter().map(kind).collect();
    assert_eq!(kinds, ["LEDGERS", "WELCOME", "OPENED", "COMMITS", "CAUGHT_UP"]);
    story.answered("/v1/sync", "post", reply.status);
    let mut socket = Socket::of(&story.server, &ana.phone, &ana.account);
    socket.open(ana.ledger, None, &[]);
    let (commits, cursor) = socket.caught_up();
    assert_eq!(usize::try_from(cursor.at.pos).unwrap(), commits.len());
    story.answered("/v1/sync", "get", 101);
}

fn framed(message: &Message) -> Vec<u8> {
    let frame = message.encode();
    [&u32::try_from(frame.len()).unwrap().to_be_bytes()[..], &frame].concat()
}

fn messages(mut body: &[u8]) -> Vec<Message> {
    let mut messages = Vec::new();
    while let Some((length, rest)) = body.split_first_chunk() {
        let (frame, rest) = rest.split_at(usize::try_from(u32::from_be_bytes(*length)).unwrap());
        messages.push(Message::decode(frame, 1 << 20).unwrap());
        body = rest;
    }
    messages
}

fn kind(message: &Message) -> &'static str {
    match message {
        Message::Welcome(_) => "WELCOME",
        Message::Ledgers(_) => "LEDGERS",
        Message::Opened(_) => "OPENED",
        Message::Commits(_) => "COMMITS",
        Message::CaughtUp(_) => "CAUGHT_UP",
        other => panic!("{other:?}"),
    }
}

/// Somebody else holds the database, so that it cannot be written: that is said, and not waited for.
fn failing(story: &mut Story) {
    let mut store = Store::open(&story.server.data.join("outlay-server.db"), StoreOptions::default()).unwrap();
    let held = store.write(|_| {
        // What was found before holds for a second.
        while story.server.get("/readyz").status == 200 {}
        story.tell(
            r#"
        GET /readyz
        503
        content-type: application/json
        {"checks": {"database_read": "ok", "database_write": "failed", "serving": "ok"}, "status": "failed"}
        "#,
        );
        Ok(())
    });
    held.unwrap();
}
