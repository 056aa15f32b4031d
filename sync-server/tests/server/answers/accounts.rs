//! Signing up and in, sessions, devices, the profile, and leaving.

use outlay_ledger::hex;
use outlay_protocol::proof;

use super::story::Story;
use crate::postbox::Postbox;
use crate::second::App;
use crate::support::{Device, PASSWORD};

const CONFIRM: &str = "Outlay: confirm this address";
const RESET: &str = "Outlay: set another password";
const CHANGED: &str = "Outlay: your password was changed";

pub(super) fn tell(story: &mut Story, postbox: &Postbox) {
    story.know("password", PASSWORD);
    signing_in(story);
    story.know("mailed", postbox.receive_for("cleo@example.org", CONFIRM).token());
    verifying(story);
    let again = postbox.receive_for("cleo@example.org", CONFIRM).token();
    assert_ne!(again, story.name("mailed"));
    forgetting(story);
    story.know("mailed", postbox.receive_for("cleo@example.org", RESET).token());
    resetting(story);
    postbox.receive_for("cleo@example.org", CHANGED);
    codes(story);
    profile(story);
    devices(story);
    sessions(story);
    leaving(story);
}

fn signing_in(story: &mut Story) {
    story.tell(
        r#"
        POST /v1/auth/signup
        {"email": "cleo@example.org", "password": "<password>", "name": "Cleo"}
        200
        {"access_token": "<text cleo>", "account": "<id cleo-id>", "expires_in": 600,
         "refresh_token": "<text cleo-refresh>", "server": "<key>"}

        POST /v1/auth/signup
        {"email": "cleo@example.org", "password": "<password>"}
        409
        {"code": 208, "status": 409, "title": "There is an account with this address.",
         "type": "urn:outlay:problem:account_exists"}

        POST /v1/auth/login
        {"email": "cleo@example.org", "password": "<password>", "name": "script"}
        200
        {"access_token": "<text script>", "account": "<cleo-id>", "expires_in": 600,
         "refresh_token": "<text script-refresh>", "server": "<key>"}

        POST /v1/auth/login
        {"email": "cleo@example.org", "password": "not the password"}
        401
        {"code": 205, "status": 401, "title": "The address or the password is wrong.",
         "type": "urn:outlay:problem:credentials"}

        POST /v1/auth/refresh
        {"refresh_token": "<script-refresh>"}
        200
        {"access_token": "<text script>", "account": "<cleo-id>", "expires_in": 600,
         "refresh_token": "<text script-refresh>", "server": "<key>"}

        POST /v1/auth/refresh
        {"refresh_token": "or1_00"}
        401
        {"code": 201, "status": 401, "title": "Sign in first.", "type": "urn:outlay:problem:sign_in_needed"}

        POST /v1/auth/signout
        {"refresh_token": "<script-refresh>"}
        204

        POST /v1/auth/signout
        {"refresh_token": "or1_00"}
        401
        {"code": 201, "status": 401, "title": "Sign in first.", "type": "urn:outlay:problem:sign_in_needed"}

        POST /v1/auth/password as cleo
        {"password": "<password>", "new_password": "sunrise over the bay"}
        204

        POST /v1/auth/password as cleo
        {"password": "<password>", "new_password": "sunrise over the bay"}
        401
        {"code": 205, "status": 401, "title": "The address or the password is wrong.",
         "type": "urn:outlay:problem:credentials"}
        "#,
    );
}

fn verifying(story: &mut Story) {
    story.tell(
        r#"
        POST /v1/auth/verify
        {"token": "ov1_00"}
        403
        {"code": 210, "status": 403,
         "title": "The code from the mail is unknown, was used, or is too old. Ask for another.",
         "type": "urn:outlay:problem:mailed_token"}

        POST /v1/auth/verify/resend as cleo
        202

        POST /v1/auth/verify/resend
        401
        {"code": 201, "status": 401, "title": "Sign in first.", "type": "urn:outlay:problem:sign_in_needed"}

        POST /v1/auth/verify
        {"token": "<mailed>"}
        204
        "#,
    );
}

fn forgetting(story: &mut Story) {
    story.tell(
        r#"
        POST /v1/auth/reset
        {"email": "cleo@example.org"}
        202

        POST /v1/auth/reset
        {"address": "cleo@example.org"}
        422
        {"code": 109, "status": 422, "title": "A value in the request cannot be.",
         "type": "urn:outlay:problem:invalid"}
        "#,
    );
}

fn resetting(story: &mut Story) {
    story.tell(
        r#"
        POST /v1/auth/reset/confirm
        {"token": "<mailed>", "new_password": "<password>"}
        204

        POST /v1/auth/reset/confirm
        {"token": "<mailed>", "new_password": "<password>"}
        403
        {"code": 210, "status": 403,
         "title": "The code from the mail is unknown, was used, or is too old. Ask for another.",
         "type": "urn:outlay:problem:mailed_token"}

        POST /v1/auth/login
        {"email": "cleo@example.org", "password": "<password>", "name": "script"}
        200
        {"access_token": "<text cleo>", "account": "<cleo-id>", "expires_in": 600,
         "refresh_token": "<text cleo-refresh>", "server": "<key>"}
        "#,
    );
}

fn codes(story: &mut Story) {
    story.tell(
        r#"
        POST /v1/auth/totp as cleo
        {"password": "not the password"}
        401
        {"code": 205, "status": 401, "title": "The address or the password is wrong.",
         "type": "urn:outlay:problem:credentials"}

        POST /v1/auth/totp as cleo
        {"password": "<password>"}
        200
        {"secret": "<text secret>", "url": "otpauth://totp/Outlay:cleo@example.org?secret=<secret>&issuer=Outlay"}
        "#,
    );
    let app = App::with_secret(story.name("secret"));
    let (wrong, first, second) = (app.wrong(), app.code(0), app.code(1));
    [("code-wrong", wrong), ("code-first", first), ("code-second", second)]
        .into_iter()
        .for_each(|(name, code)| story.know(name, code));
    story.tell(
        r#"
        POST /v1/auth/totp/confirm as cleo
        {"code": "<code-wrong>"}
        401
        {"code": 213, "status": 401, "title": "The code is wrong, was used, or is too old.",
         "type": "urn:outlay:problem:code_wrong"}

        POST /v1/auth/totp/confirm as cleo
        {"code": "<code-first>"}
        200
        {"recovery_codes": ["<text>", "<text>", "<text>",
         "<text>", "<text>", "<text>", "<text>",
         "<text>", "<text>", "<text>"]}

        DELETE /v1/auth/totp as cleo
        {"password": "<password>", "code": "<code-wrong>"}
        401
        {"code": 213, "status": 401, "title": "The code is wrong, was used, or is too old.",
         "type": "urn:outlay:problem:code_wrong"}

        DELETE /v1/auth/totp as cleo
        {"password": "<password>", "code": "<code-second>"}
        204
        "#,
    );
}

fn profile(story: &mut Story) {
    story.tell(
        r#"
        GET /v1/me as cleo
        200
        etag: "2"
        {"created_ms": "<time>", "email": "cleo@example.org", "email_verified": true, "id": "<cleo-id>",
         "name": "Cleo", "new_email": null, "preferences": {"currency": null, "locale": null, "period_start": null,
         "week_start": null}, "totp": false}

        GET /v1/me
        401
        {"code": 201, "status": 401, "title": "Sign in first.", "type": "urn:outlay:problem:sign_in_needed"}

        PATCH /v1/me as cleo
        {"name": "Cleo B."}
        428
        {"code": 111, "status": 428, "title": "If-Match must say which version is changed.",
         "type": "urn:outlay:problem:version_needed"}

        PATCH /v1/me as cleo
        if-match: "1-1"
        {"name": "Cleo B."}
        412
        {"code": 110, "status": 412, "title": "It has changed meanwhile. Get it again.",
         "type": "urn:outlay:problem:changed"}

        PATCH /v1/me as cleo
        if-match: *
        {"name": "Cleo B.", "preferences": {"currency": "EUR", "week_start": 1, "locale": "de-AT", "period_start": 25}}
        200
        etag: "3"
        {"created_ms": "<time>", "email": "cleo@example.org", "email_verified": true, "id": "<cleo-id>",
         "name": "Cleo B.", "new_email": null, "preferences": {"currency": "EUR", "locale": "de-AT",
         "period_start": 25, "week_start": 1}, "totp": false}

        PUT /v1/me/email as cleo
        {"email": "cleo@example.net", "password": "not the password"}
        401
        {"code": 205, "status": 401, "title": "The address or the password is wrong.",
         "type": "urn:outlay:problem:credentials"}

        PUT /v1/me/email as cleo
        {"email": "cleo@example.net", "password": "<password>"}
        202

        GET /v1/me/events?limit=1 as cleo
        accept: application/json
        200
        {"events": [{"data": {"account": "<cleo-id>"}, "id": "<id>", "ledger": null, "position": null,
         "time": "<text>", "type": "user.signed_up"}], "more": true, "next": "<id>"}

        GET /v1/me/events?limit=0 as cleo
        accept: application/json
        422
        {"code": 109, "status": 422, "title": "A value in the request cannot be.",
         "type": "urn:outlay:problem:invalid"}

        GET /v1/me/export as cleo
        200
        content-disposition: attachment; filename="outlay-account.json"
        {"devices": [], "events": [{"data": {"account": "<cleo-id>"}, "id": "<id>", "ledger": null,
         "position": null, "time": "<text>", "type": "user.signed_up"},
         {"data": {"account": "<cleo-id>", "session": "<id>"}, "id": "<id>", "ledger": null, "position": null,
         "time": "<text>", "type": "session.revoked"}, {"data": {"account": "<cleo-id>",
         "session": "<id>"}, "id": "<id>", "ledger": null, "position": null, "time": "<text>",
         "type": "session.revoked"}], "ledgers": [], "profile": {"created_ms": "<time>",
         "email": "cleo@example.org", "email_verified": true, "id": "<cleo-id>", "name": "Cleo B.",
         "new_email": "cleo@example.net", "preferences": {"currency": "EUR", "locale": "de-AT", "period_start": 25,
         "week_start": 1}, "totp": false}, "sessions": [{"created_ms": "<time>", "device": null, "id": "<id>",
         "name": "script", "this": true, "used_ms": "<time>"}], "tokens": [], "version": 1, "webhooks": []}

        GET /v1/me/export
        401
        {"code": 201, "status": 401, "title": "Sign in first.", "type": "urn:outlay:problem:sign_in_needed"}
        "#,
    );
}

fn devices(story: &mut Story) {
    let [phone, tablet] = [60, 61].map(Device::new);
    let proved = story.server.proved("cleo@example.org", &phone, "phone");
    story.know("nonce", proved["nonce"].as_str().unwrap());
    story.know("proof", proved["proof"].as_str().unwrap());
    [("phone", &phone), ("tablet", &tablet)].into_iter().for_each(|(name, device)| story.know(name, device.key()));
    story.tell(
        r#"
        POST /v1/auth/login
        {"email": "cleo@example.org", "password": "<password>",
         "device": {"key": "<phone>", "name": "phone", "nonce": "<nonce>", "proof": "<proof>"}}
        200
        {"access_token": "<text on-phone>", "account": "<cleo-id>", "expires_in": 600,
         "refresh_token": "<text refresh-phone>", "server": "<key>"}
        "#,
    );
    let (server, nonce) = story.server.identity();
    let digest = proof::further_device_digest(&server, &nonce, story.name("on-phone"), &tablet.public());
    let [by_phone, by_tablet] = [&phone, &tablet].map(|device| hex::encode(&device.secret.sign_digest(&digest)));
    story.know("nonce", hex::encode(&nonce));
    story.know("by-phone", by_phone);
    story.know("by-tablet", by_tablet);
    story.tell(
        r#"
        POST /v1/devices as on-phone
        {"key": "<tablet>", "nonce": "<nonce>", "proof": "<by-phone>", "further_proof": "<by-tablet>"}
        200
        {"access_token": "<text on-tablet>", "account": "<cleo-id>", "expires_in": 600,
         "refresh_token": "<text tablet-refresh>", "server": "<key>"}

        POST /v1/devices as on-phone
        {"key": "<tablet>", "nonce": "<nonce>", "proof": "<by-phone>", "further_proof": "<by-tablet>"}
        401
        {"code": 204, "status": 401, "title": "The device has not proved that the token is its own.",
         "type": "urn:outlay:problem:proof"}

        GET /v1/devices as on-phone
        200
        {"devices": [{"created_ms": "<time>", "key": "<tablet>", "name": "phone", "seen_ms": "<time>",
         "signed_in": true, "this": false}, {"created_ms": "<time>", "key": "<phone>", "name": "phone",
         "seen_ms": "<time>", "signed_in": true, "this": true}]}

        GET /v1/devices
        401
        {"code": 201, "status": 401, "title": "Sign in first.", "type": "urn:outlay:problem:sign_in_needed"}

        DELETE /v1/devices/<tablet> as on-phone
        204

        DELETE /v1/devices/<tablet> as on-phone
        404
        {"code": 106, "status": 404, "title": "There is no such page.", "type": "urn:outlay:problem:no_such_page"}
        "#,
    );
}

fn sessions(story: &mut Story) {
    story.tell(
        r#"
        GET /v1/sessions as on-phone
        200
        {"sessions": [{"created_ms": "<time>", "device": "<phone>", "id": "<id>", "name": "phone", "this": true,
         "used_ms": "<time>"}, {"created_ms": "<time>", "device": null, "id": "<id other>", "name": "script",
         "this": false, "used_ms": "<time>"}]}

        GET /v1/sessions as on-tablet
        401
        {"code": 203, "status": 401, "title": "This device was signed out. Sign in again; what is on it is kept.",
         "type": "urn:outlay:problem:revoked"}

        DELETE /v1/sessions/<other> as on-phone
        204

        DELETE /v1/sessions/<other> as on-phone
        404
        {"code": 106, "status": 404, "title": "There is no such page.", "type": "urn:outlay:problem:no_such_page"}

        DELETE /v1/sessions
        401
        {"code": 201, "status": 401, "title": "Sign in first.", "type": "urn:outlay:problem:sign_in_needed"}

        DELETE /v1/sessions as on-phone
        204
        "#,
    );
}

fn leaving(story: &mut Story) {
    story.tell(
        r#"
        POST /v1/auth/login
        {"email": "cleo@example.org", "password": "<password>", "name": "script"}
        200
        {"access_token": "<text cleo>", "account": "<cleo-id>", "expires_in": 600,
         "refresh_token": "<text cleo-refresh>", "server": "<key>"}

        DELETE /v1/me as cleo
        {"password": "not the password"}
        401
        {"code": 205, "status": 401, "title": "The address or the password is wrong.",
         "type": "urn:outlay:problem:credentials"}

        DELETE /v1/me as cleo
        {"password": "<password>"}
        204
        "#,
    );
}
