//! API tokens and webhooks.

use super::story::Story;
use crate::tenants::Tenant;
use crate::webhooks::Receiver;

pub(super) fn tell(story: &mut Story, ana: &Tenant) {
    story.know("token-before", ana.token.0.clone());
    story.know("hook-before", ana.webhook.clone());
    let receiver = Receiver::start(&[]);
    story.know("receiver", receiver.url());
    tokens(story);
    webhooks(story);
    telling(story);
}

fn tokens(story: &mut Story) {
    story.tell(
        r#"
        POST /v1/tokens as ana
        {"name": "report", "scope": "read", "ledgers": ["<ana-ledger>"], "days": 7}
        201
        {"created_ms": "<time>", "expires_ms": "<time>", "id": "<id token>", "ledgers": ["<ana-ledger>"],
         "name": "report", "scope": "read", "token": "<text report>", "used_ms": null}

        POST /v1/tokens as ana
        {"name": "report", "scope": "all"}
        422
        {"code": 109, "status": 422, "title": "A value in the request cannot be.",
         "type": "urn:outlay:problem:invalid"}

        GET /v1/tokens as ana
        200
        {"tokens": [{"created_ms": "<time>", "expires_ms": "<time>", "id": "<token>", "ledgers": ["<ana-ledger>"],
         "name": "report", "scope": "read", "used_ms": null}, {"created_ms": "<time>", "expires_ms": "<time>",
         "id": "<token-before>", "ledgers": null, "name": "canaryana", "scope": "write", "used_ms": null}]}

        GET /v1/tokens as report
        401
        {"code": 201, "status": 401, "title": "Sign in first.", "type": "urn:outlay:problem:sign_in_needed"}

        DELETE /v1/tokens/<token> as ana
        204

        DELETE /v1/tokens/<token> as ana
        404
        {"code": 106, "status": 404, "title": "There is no such page.", "type": "urn:outlay:problem:no_such_page"}
        "#,
    );
}

fn webhooks(story: &mut Story) {
    story.tell(
        r#"
        POST /v1/webhooks as ana
        {"ledger": "<ana-ledger>", "url": "<receiver>", "events": ["expense.added"]}
        201
        {"created_ms": "<time>", "disabled_reason": null, "enabled": true, "events": ["expense.added"],
         "failed_attempts": 0, "id": "<id hook>", "ledger": "<ana-ledger>", "position": 10,
         "secret": "<text hook-secret>", "url": "<receiver>"}

        POST /v1/webhooks as ana
        {"ledger": "<ben-ledger>", "url": "<receiver>"}
        404
        {"code": 301, "status": 404, "title": "There is no such ledger, or it is not yours.",
         "type": "urn:outlay:problem:no_such_ledger"}

        GET /v1/webhooks as ana
        200
        {"webhooks": [{"created_ms": "<time>", "disabled_reason": null, "enabled": true,
         "events": ["member.removed"], "failed_attempts": 0, "id": "<hook-before>", "ledger": "<ana-ledger>",
         "position": 10, "url": "https://localhost/canaryana"}, {"created_ms": "<time>", "disabled_reason": null,
         "enabled": true, "events": ["expense.added"], "failed_attempts": 0, "id": "<hook>",
         "ledger": "<ana-ledger>", "position": 10, "url": "<receiver>"}]}

        GET /v1/webhooks
        401
        {"code": 201, "status": 401, "title": "Sign in first.", "type": "urn:outlay:problem:sign_in_needed"}

        GET /v1/webhooks/<hook> as ana
        200
        {"created_ms": "<time>", "disabled_reason": null, "enabled": true, "events": ["expense.added"],
         "failed_attempts": 0, "id": "<hook>", "ledger": "<ana-ledger>", "position": 10, "url": "<receiver>"}

        GET /v1/webhooks/<hook> as ben
        404
        {"code": 106, "status": 404, "title": "There is no such page.", "type": "urn:outlay:problem:no_such_page"}

        PATCH /v1/webhooks/<hook> as ana
        {"events": ["expense.added", "expense.deleted"]}
        200
        {"created_ms": "<time>", "disabled_reason": null, "enabled": true, "events": ["expense.added",
         "expense.deleted"], "failed_attempts": 0, "id": "<hook>", "ledger": "<ana-ledger>", "position": 10,
         "url": "<receiver>"}

        PATCH /v1/webhooks/<hook> as ana
        {"events": ["expense.eaten"]}
        422
        {"code": 109, "status": 422, "title": "A value in the request cannot be.",
         "type": "urn:outlay:problem:invalid"}
        "#,
    );
}

fn telling(story: &mut Story) {
    story.tell(
        r#"
        GET /v1/ledgers/<ana-ledger>/events?limit=1 as ana
        accept: application/json
        200
        {"events": [{"data": {"member": "<ana-member>", "role": "owner"}, "id": "<text event>",
         "ledger": "<ana-ledger>", "position": 1, "time": "<text>", "type": "member.added"}],
         "more": true, "next": "<text>-1"}

        POST /v1/webhooks/<hook>/test as ana
        200
        {"attempt": 1, "delivered": true, "duration_ms": "<number>", "event": "ping-<id>",
         "failure": null, "status": 204, "time_ms": "<time>", "type": "ping"}

        POST /v1/webhooks/<hook>/test as ben
        404
        {"code": 106, "status": 404, "title": "There is no such page.", "type": "urn:outlay:problem:no_such_page"}

        POST /v1/webhooks/<hook>/redeliver as ana
        {"event": "<event>"}
        200
        {"attempt": 1, "delivered": true, "duration_ms": "<number>", "event": "<event>", "failure": null, "status": 204,
         "time_ms": "<time>", "type": "member.added"}

        POST /v1/webhooks/<hook>/redeliver as ana
        {"event": "0000000000000001-2-0"}
        412
        {"code": 110, "status": 412, "title": "It has changed meanwhile. Get it again.",
         "type": "urn:outlay:problem:changed"}

        GET /v1/webhooks/<hook>/deliveries as ana
        200
        {"deliveries": [{"attempt": 1, "delivered": true, "duration_ms": "<number>", "event": "<event>", "failure": null,
         "status": 204, "time_ms": "<time>", "type": "member.added"}, {"attempt": 1, "delivered": true,
         "duration_ms": "<number>", "event": "ping-<id>", "failure": null, "status": 204,
         "time_ms": "<time>", "type": "ping"}]}

        GET /v1/webhooks/<hook>/deliveries as ben
        404
        {"code": 106, "status": 404, "title": "There is no such page.", "type": "urn:outlay:problem:no_such_page"}

        DELETE /v1/webhooks/<hook> as ana
        204

        DELETE /v1/webhooks/<hook> as ana
        404
        {"code": 106, "status": 404, "title": "There is no such page.", "type": "urn:outlay:problem:no_such_page"}
        "#,
    );
}
