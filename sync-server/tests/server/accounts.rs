//! Accounts: signing up and in, renewing, signing out.

use outlay_protocol::Code;
use serde_json::json;

use crate::support::{Account, Device, PASSWORD, Reply, Server, Socket, metric, program, request, run};

fn login_body(server: &Server, email: &str, password: &str, device: &Device) -> serde_json::Value {
    json!({ "email": email, "password": password, "device": server.proved(email, device, "") })
}

#[test]
fn a_wrong_password_is_answered_like_an_unknown_address() {
    let (server, phone) = (Server::start(&[]), Device::new(1));
    server.sign_up("ana@example.org", &phone);
    let wrong = server.post("/v1/auth/login", &login_body(&server, "ana@example.org", "not the password", &phone));
    let unknown = server.post("/v1/auth/login", &login_body(&server, "ben@example.org", PASSWORD, &phone));
    let no_address = server.post("/v1/auth/login", &login_body(&server, "nonsense", PASSWORD, &phone));
    for refused in [&wrong, &unknown, &no_address] {
        assert_eq!(refused.refusal(), (401, Code::Credentials));
        assert_eq!(refused.problem(), wrong.problem());
    }
}

#[test]
fn whatever_is_wrong_with_a_login_costs_one_hash() {
    let (server, phone) = (Server::start(&["--metrics-listen", "127.0.0.1:0"]), Device::new(1));
    server.sign_up("ana@example.org", &phone);
    let hashes = || metric(server.metrics.as_deref().unwrap(), "outlay_password_hashes_total");
    let long = "long ".repeat(60);
    let wrong = [
        ("ana@example.org", "not the password"),
        ("ben@example.org", PASSWORD),
        ("nonsense", PASSWORD),
        ("ana@example.org", "short"),
        ("ben@example.org", "short"),
        ("ana@example.org", &long),
    ];
    for (email, password) in wrong {
        let before = hashes();
        let refused = server.post("/v1/auth/login", &login_body(&server, email, password, &phone));
        assert_eq!((refused.refusal(), hashes()), ((401, Code::Credentials), before + 1), "{email} {password}");
    }
}

#[test]
fn an_address_is_one_whatever_its_case_and_is_taken_once() {
    let (server, phone) = (Server::start(&[]), Device::new(1));
    let signed_up = server.sign_up("Ana@Example.org ", &phone);
    assert_eq!(server.log_in("ana@example.ORG", &Device::new(2)).id, signed_up.id);
    let again = server.post("/v1/auth/signup", &login_body(&server, "ANA@example.org", PASSWORD, &phone));
    assert_eq!(again.refusal(), (409, Code::AccountExists));
    let long = "long ".repeat(60);
    let refused = [
        ("ana", PASSWORD),
        ("cleo@example.org", "short"),
        ("cleo@example.org", &long),
        ("cleo@example.org", "password1"),
        ("cleo@example.org", "cleo@example.org"),
    ];
    for (email, password) in refused {
        let refused = server.post("/v1/auth/signup", &login_body(&server, email, password, &phone));
        assert_eq!(refused.refusal(), (422, Code::AccountInvalid));
    }
}

#[test]
fn guessing_a_password_takes_longer_and_longer() {
    let (server, phone) = (Server::start(&[]), Device::new(1));
    server.sign_up("ana@example.org", &phone);
    for email in ["ana@example.org", "nobody@example.org"] {
        let answers: Vec<Reply> = (0..7)
            .map(|_| server.post("/v1/auth/login", &login_body(&server, email, "a guess of many", &phone)))
            .collect();
        assert_eq!(answers[5].refusal(), (401, Code::Credentials));
        assert_eq!(answers[6].refusal(), (429, Code::Rate));
        assert_eq!(answers[6].header("retry-after").as_deref(), Some("1"));
    }
}

#[test]
fn a_lost_answer_to_a_renewal_is_given_again_and_an_old_token_ends_the_login() {
    let (server, phone) = (Server::start(&[]), Device::new(1));
    let first = server.sign_up("ana@example.org", &phone);
    let second = Account::of(&server.refresh(&phone, &first.refresh));
    let again = Account::of(&server.refresh(&phone, &first.refresh));
    assert_eq!(second.refresh, again.refresh, "the same device gets the same successor");
    let third = Account::of(&server.refresh(&phone, &second.refresh));
    assert_eq!(server.refresh(&phone, &first.refresh).refusal(), (401, Code::Revoked), "two steps back is a copy");
    assert_eq!(server.refresh(&phone, &third.refresh).refusal(), (401, Code::Revoked), "and ends the login");
    let mut socket = Socket::connect(&server);
    socket.greet(&phone, &third.access);
    assert_eq!(socket.closed(), Some(Code::Revoked));
}

#[test]
fn a_refresh_token_is_good_for_its_device_only_and_a_nonce_once() {
    let (server, phone) = (Server::start(&[]), Device::new(1));
    let account = server.sign_up("ana@example.org", &phone);
    assert_eq!(server.refresh(&Device::new(2), &account.refresh).refusal(), (401, Code::Proof));
    assert_eq!(server.refresh(&phone, "or1_00").refusal(), (401, Code::SignInNeeded));
    let (id, nonce) = server.identity();
    let digest = outlay_protocol::proof::digest(&id, &nonce, &account.refresh);
    let body = json!({
        "refresh_token": account.refresh,
        "nonce": outlay_ledger::hex::encode(&nonce),
        "proof": outlay_ledger::hex::encode(&phone.secret.sign_digest(&digest)),
    });
    assert_eq!(server.post("/v1/auth/refresh", &body).status, 200);
    assert_eq!(server.post("/v1/auth/refresh", &body).refusal(), (401, Code::Proof));
}

/// Keys are no secret: whoever shares a ledger sees those of the others.
#[test]
fn nobody_signs_up_or_in_as_the_device_of_somebody_else() {
    let (server, phone, thief) = (Server::start(&[]), Device::new(1), Device::new(2));
    server.sign_up("ana@example.org", &phone);
    server.sign_up("ben@example.org", &thief);
    let ask = |page: &str, email: &str, device: &serde_json::Value| {
        server.post(page, &json!({ "email": email, "password": PASSWORD, "device": device }))
    };
    for (page, email) in [("/v1/auth/signup", "cleo@example.org"), ("/v1/auth/login", "ben@example.org")] {
        let mut stolen = server.proved(email, &thief, "");
        stolen["key"] = phone.key().into();
        assert_eq!(ask(page, email, &stolen).refusal(), (401, Code::Proof), "{page} without the key");
        let of_another_address = server.proved("ana@example.org", &thief, "");
        assert_eq!(ask(page, email, &of_another_address).refusal(), (401, Code::Proof), "{page}");
        let mut not_given = server.proved(email, &thief, "");
        not_given["nonce"] = "00".repeat(16).into();
        assert_eq!(ask(page, email, &not_given).refusal(), (401, Code::Proof), "{page} with a nonce of its own");
        let unproved = ask(page, email, &json!({ "key": phone.key(), "name": "phone" }));
        assert_eq!(unproved.refusal(), (422, Code::Invalid), "{page} without a proof");
        let proved = server.proved(email, &thief, "");
        assert_eq!(ask(page, email, &proved).status, 200);
        assert_eq!(ask("/v1/auth/login", email, &proved).refusal(), (401, Code::Proof), "a nonce is good once");
    }
    let device = server.proved("ben@example.org", &thief, "");
    let wrong = json!({ "email": "ben@example.org", "password": "not the password", "device": device });
    assert_eq!(server.post("/v1/auth/login", &wrong).refusal(), (401, Code::Credentials));
    assert_eq!(ask("/v1/auth/login", "ben@example.org", &device).status, 200, "whoever was refused has used none up");
}

#[test]
fn signing_up_can_be_closed_or_need_an_invitation_that_is_good_once() {
    let phone = Device::new(1);
    let closed = Server::start(&["--sign-up", "closed"]);
    let body = login_body(&closed, "ana@example.org", PASSWORD, &phone);
    assert_eq!(closed.post("/v1/auth/signup", &body).refusal(), (403, Code::SignUpClosed));

    let server = Server::start(&["--sign-up", "invitation"]);
    let body = login_body(&server, "ana@example.org", PASSWORD, &phone);
    assert_eq!(server.post("/v1/auth/signup", &body).refusal(), (403, Code::Invitation));
    let (made, invitation) = run(&["invite"], &[("--data", &server.data)]);
    assert!(made, "{invitation}");
    let invited = |email: &str| {
        let mut body = login_body(&server, email, PASSWORD, &phone);
        body["invitation"] = json!(invitation.trim());
        server.post("/v1/auth/signup", &body)
    };
    assert_eq!(invited("ana@example.org").status, 200);
    assert_eq!(invited("ben@example.org").refusal(), (403, Code::Invitation));
}

#[test]
fn a_device_that_is_removed_is_cut_off_at_once() {
    let (server, phone, tablet) = (Server::start(&[]), Device::new(1), Device::new(2));
    let account = server.sign_up("ana@example.org", &phone);
    let other = server.log_in("ana@example.org", &tablet);
    let bearer = format!("Bearer {}", account.access);
    let by_token = [("authorization", bearer.as_str())];
    let listed = request(&server.address, "GET", "/v1/devices", &by_token, b"").json();
    assert_eq!(listed["devices"].as_array().map(Vec::len), Some(2));
    let mut socket = Socket::of(&server, &tablet, &other);
    let path = format!("/v1/devices/{}", tablet.key());
    assert_eq!(request(&server.address, "DELETE", &path, &by_token, b"").status, 204);
    assert_eq!(socket.closed(), Some(Code::Revoked));
    assert_eq!(server.refresh(&tablet, &other.refresh).refusal(), (401, Code::Revoked));
    assert_eq!(request(&server.address, "DELETE", &path, &by_token, b"").refusal(), (404, Code::NoSuchPage));
    assert_eq!(server.get("/v1/devices").refusal(), (401, Code::SignInNeeded));
}

#[test]
fn a_device_signs_a_further_one_in_when_both_prove_their_keys() {
    let (server, phone, copy) = (Server::start(&[]), Device::new(1), Device::new(2));
    let account = server.sign_up("ana@example.org", &phone);
    let ask = |by: &Device, further: &Device, named: &Device, access: &str| {
        let (id, nonce) = server.identity();
        let digest = outlay_protocol::proof::further_device_digest(&id, &nonce, access, &named.secret.public());
        let proof = |device: &Device| outlay_ledger::hex::encode(&device.secret.sign_digest(&digest));
        let body = json!({
            "key": named.key(),
            "nonce": outlay_ledger::hex::encode(&nonce),
            "proof": proof(by),
            "further_proof": proof(further),
        });
        let bearer = format!("Bearer {access}");
        let headers = [("content-type", "application/json"), ("authorization", bearer.as_str())];
        let post = || request(&server.address, "POST", "/v1/devices", &headers, body.to_string().as_bytes());
        (post(), post())
    };
    let stranger = Device::new(3);
    for (by, further, named) in
        [(&stranger, &copy, &copy), (&phone, &stranger, &copy), (&copy, &copy, &copy), (&phone, &phone, &phone)]
    {
        assert_eq!(ask(by, further, named, &account.access).0.refusal(), (401, Code::Proof));
    }
    assert_eq!(ask(&phone, &copy, &copy, "nonsense").0.refusal(), (401, Code::SignInNeeded));
    let (given, again) = ask(&phone, &copy, &copy, &account.access);
    assert_eq!(again.refusal(), (401, Code::Proof), "a nonce is good once");
    let further = Account::of(&given);
    assert_eq!(further.id, account.id);
    assert_eq!(server.refresh(&copy, &further.refresh).status, 200);
    assert_eq!(server.refresh(&phone, &account.refresh).status, 200, "the other login goes on");
    let bearer = format!("Bearer {}", further.access);
    let listed = request(&server.address, "GET", "/v1/devices", &[("authorization", &bearer)], b"").json();
    let names = listed["devices"].as_array().unwrap().iter().map(|device| device["name"].as_str());
    assert_eq!(names.collect::<Vec<_>>(), [Some("phone"), Some("phone")]);
}

#[test]
fn signing_out_ends_the_login_of_one_device() {
    let (server, phone, tablet) = (Server::start(&[]), Device::new(1), Device::new(2));
    let account = server.sign_up("ana@example.org", &phone);
    let other = server.log_in("ana@example.org", &tablet);
    assert_eq!(server.post("/v1/auth/signout", &json!({ "refresh_token": account.refresh })).status, 204);
    assert_eq!(server.refresh(&phone, &account.refresh).refusal(), (401, Code::Revoked));
    assert_eq!(server.refresh(&tablet, &other.refresh).status, 200);
}

#[test]
fn requests_that_are_none_are_refused_with_a_code() {
    let server = Server::start(&[]);
    assert_eq!(server.post("/v1/auth/login", &json!({ "email": 7 })).refusal(), (422, Code::Invalid));
    assert_eq!(server.get("/v1/nothing").refusal(), (404, Code::NoSuchPage));
    let wrong_method = server.get("/v1/auth/login");
    assert_eq!(wrong_method.refusal(), (405, Code::Method));
    assert_eq!(wrong_method.header("allow").as_deref(), Some("POST"));
    assert_eq!(wrong_method.header("content-type").as_deref(), Some("application/problem+json"));
    let problem = json!({
        "type": "urn:outlay:problem:method", "title": "This page does not take this method.", "status": 405, "code": 107,
    });
    assert_eq!(wrong_method.problem(), problem);
    let json_type = [("content-type", "application/json")];
    let half = request(&server.address, "POST", "/v1/auth/login", &json_type, b"{\"email\":");
    assert_eq!(half.refusal(), (400, Code::Malformed));
    let untyped = request(&server.address, "POST", "/v1/auth/login", &[("content-type", "text/plain")], b"{}");
    assert_eq!(untyped.refusal(), (415, Code::MediaType));
    let long = json!({ "email": "a".repeat(20_000) });
    assert_eq!(server.post("/v1/auth/login", &long).refusal(), (413, Code::TooBig));
}

fn names(sessions: &Reply) -> Vec<String> {
    let json = sessions.json();
    let mut names: Vec<String> =
        json["sessions"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_program_that_is_no_device_signs_in_renews_and_signs_out() {
    let server = Server::start(&[]);
    let first = program(&server, "signup", "ana@example.org", "");
    let renewed = Account::of(&server.post("/v1/auth/refresh", &json!({ "refresh_token": first.refresh })));
    assert_eq!(server.ask("GET", "/v1/sessions", &renewed, &json!({})).status, 200);
    let mut socket = Socket::connect(&server);
    socket.greet(&Device::new(1), &renewed.access);
    assert_eq!(socket.closed(), Some(Code::Proof), "what is no device does not sync");
    assert_eq!(server.post("/v1/auth/signout", &json!({ "refresh_token": renewed.refresh })).status, 204);
    assert_eq!(server.ask("GET", "/v1/sessions", &renewed, &json!({})).refusal(), (401, Code::Revoked));
}

#[test]
fn sessions_are_listed_and_ended_one_or_all() {
    let (server, phone) = (Server::start(&[]), Device::new(1));
    let account = server.sign_up("ana@example.org", &phone);
    let (script, report) = (
        program(&server, "login", "ana@example.org", "script"),
        program(&server, "login", "ana@example.org", "report"),
    );
    let ben = Account::of(
        &server.post("/v1/auth/signup", &login_body(&server, "ben@example.org", PASSWORD, &Device::new(2))),
    );
    let listed = server.ask("GET", "/v1/sessions", &account, &json!({}));
    assert_eq!(names(&listed), ["phone", "report", "script"]);
    let of_script = listed.json()["sessions"].as_array().unwrap().iter().find(|one| one["name"] == "script").cloned();
    let path = format!("/v1/sessions/{}", of_script.unwrap()["id"].as_str().unwrap());
    assert_eq!(server.ask("DELETE", &path, &ben, &json!({})).refusal(), (404, Code::NoSuchPage), "not his");
    assert_eq!(server.ask("DELETE", &path, &account, &json!({})).status, 204);
    assert_eq!(server.ask("DELETE", &path, &account, &json!({})).refusal(), (404, Code::NoSuchPage));
    assert_eq!(server.ask("GET", "/v1/sessions", &script, &json!({})).refusal(), (401, Code::Revoked));
    let mut socket = Socket::of(&server, &phone, &account);
    assert_eq!(server.ask("DELETE", "/v1/sessions", &report, &json!({})).status, 204);
    assert_eq!(socket.closed(), Some(Code::Revoked));
    assert_eq!(server.ask("GET", "/v1/sessions", &report, &json!({})).refusal(), (401, Code::Revoked));
    assert_eq!(names(&server.ask("GET", "/v1/sessions", &ben, &json!({}))), [""]);
}

#[test]
fn another_password_ends_the_other_sessions() {
    let (server, phone) = (Server::start(&[]), Device::new(1));
    let account = server.sign_up("ana@example.org", &phone);
    let script = program(&server, "login", "ana@example.org", "script");
    let change = |old: &str, new: &str| {
        server.ask("POST", "/v1/auth/password", &account, &json!({ "password": old, "new_password": new }))
    };
    assert_eq!(change("not the password", "sunrise over the bay").refusal(), (401, Code::Credentials));
    assert_eq!(change(PASSWORD, "12345678").refusal(), (422, Code::AccountInvalid));
    assert_eq!(change(PASSWORD, "sunrise over the bay").status, 204);
    assert_eq!(server.ask("GET", "/v1/sessions", &script, &json!({})).refusal(), (401, Code::Revoked));
    assert_eq!(names(&server.ask("GET", "/v1/sessions", &account, &json!({}))), ["phone"]);
    let old = server.post("/v1/auth/login", &login_body(&server, "ana@example.org", PASSWORD, &phone));
    assert_eq!(old.refusal(), (401, Code::Credentials));
    let new = server.post("/v1/auth/login", &login_body(&server, "ana@example.org", "sunrise over the bay", &phone));
    assert_eq!(new.status, 200);
}

#[test]
fn keys_change_while_the_server_runs_and_nobody_is_signed_out() {
    let server = Server::start(&[]);
    let before = program(&server, "signup", "ana@example.org", "");
    let published = || {
        let keys = server.get("/.well-known/jwks.json").json()["keys"].as_array().cloned().unwrap();
        keys.into_iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let first = published();
    assert_eq!(first.len(), 2, "the one in use, and the next");
    let (done, said) = run(&["rotate-keys"], &[("--data", &server.data)]);
    assert!(done, "{said}");
    let second = published();
    assert_eq!((second.len(), &second[0], &second[2]), (3, &first[1], &first[0]), "and the one before");
    let after = Account::of(&server.post("/v1/auth/refresh", &json!({ "refresh_token": before.refresh })));
    for account in [&before, &after] {
        assert_eq!(server.ask("GET", "/v1/sessions", account, &json!({})).status, 200);
    }
}

#[test]
fn of_two_changes_of_a_profile_at_once_none_is_lost_unseen() {
    let server = Server::start(&[]);
    let account = program(&server, "signup", "ana@example.org", "Ana");
    let change = |tag: &str, body: serde_json::Value| {
        let bearer = format!("Bearer {}", account.access);
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json"), ("if-match", tag)];
        request(&server.address, "PATCH", "/v1/me", &headers, body.to_string().as_bytes())
    };
    let shown = server.ask("GET", "/v1/me", &account, &json!({}));
    let tag = shown.header("etag").unwrap();
    assert_eq!((shown.json()["email"].as_str(), shown.json()["name"].as_str()), (Some("ana@example.org"), Some("Ana")));
    assert_eq!(shown.json()["preferences"]["currency"], serde_json::Value::Null);

    let changed = change(&tag, json!({ "preferences": { "currency": "EUR", "week_start": 1, "locale": "de-AT" } }));
    assert_eq!(changed.status, 200);
    assert_eq!(change(&tag, json!({ "name": "Anna" })).refusal(), (412, Code::Changed));
    let tag = changed.header("etag").unwrap();
    let renamed = change(&tag, json!({ "name": "Anna", "preferences": { "locale": null } })).json();
    let preferences = json!({ "currency": "EUR", "week_start": 1, "locale": null, "period_start": null });
    assert_eq!((renamed["name"].as_str(), &renamed["preferences"]), (Some("Anna"), &preferences));
    assert_eq!(server.ask("GET", "/v1/me", &account, &json!({})).json(), renamed);

    let refused = [
        json!({ "preferences": { "currency": "euro" } }),
        json!({ "preferences": { "week_start": 8 } }),
        json!({ "preferences": { "locale": "not a locale" } }),
        json!({ "preferences": { "period_start": 29 } }),
        json!({ "preferences": { "colour": "red" } }),
        json!({ "email": "ben@example.org" }),
    ];
    for body in refused {
        assert_eq!(change("*", body.clone()).refusal(), (422, Code::Invalid), "{body}");
    }
    let untold = server.ask("PATCH", "/v1/me", &account, &json!({ "name": "A" }));
    assert_eq!(untold.refusal(), (428, Code::VersionNeeded));
    assert_eq!(change("W/x", json!({ "name": "A" })).refusal(), (412, Code::Changed));
    assert_eq!(server.ask("GET", "/v1/me", &account, &json!({})).json(), renamed);
    assert_eq!(server.get("/v1/me").refusal(), (401, Code::SignInNeeded));
}
