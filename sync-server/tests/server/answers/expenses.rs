//! Expenses of a ledger.

use outlay_ledger::BlobHash;

use super::story::Story;
use crate::tenants::Tenant;

pub(super) fn tell(story: &mut Story, ana: &Tenant) {
    story.know("file", BlobHash::of(&ana.file).to_string());
    writing(story);
    reading(story);
    attaching(story);
}

fn writing(story: &mut Story) {
    story.tell(
        r#"
        POST /v1/ledgers/<ana-ledger>/expenses as ana
        {"amount": {"minor": 1250, "currency": "EUR"}, "date": "2026-11-03", "time": "18:05", "payee": "Corner Café",
         "category": "Food:Snacks", "account": "Cash", "note": "two of them", "tags": ["lunch"]}
        201
        {"account": "Cash", "account_id": "<id cash>", "amount": {"currency": "EUR", "minor": 1250},
         "attachments": [], "category": "Food:Snacks", "category_id": "<id snacks>", "conflicted": false,
         "date": "2026-11-03", "deleted": false, "id": "<id lunch>", "kind": "expense", "note": "two of them",
         "payee": "Corner Café", "refund_of": null, "tags": ["lunch"], "time": "18:05", "to_account": null}

        POST /v1/ledgers/<ana-ledger>/expenses as ana
        {"amount": {"minor": 0, "currency": "EUR"}, "date": "2026-11-03"}
        422
        {"code": 109, "status": 422, "title": "A value in the request cannot be.",
         "type": "urn:outlay:problem:invalid"}

        POST /v1/ledgers/<ana-ledger>/expenses/bulk as ana
        {"expenses": [
            {"amount": {"minor": 300, "currency": "JPY"}, "date": "2026-11-04", "payee": "Railway", "external_id": "a1"},
            {"amount": {"minor": 300, "currency": "JPY"}, "date": "2026-11-04", "external_id": "a1"},
            {"amount": {"minor": 0, "currency": "EUR"}, "date": "2026-11-03"}]}
        200
        {"added": 1, "duplicates": 1, "rejected": 1, "rows": [{"id": "<id>", "status": "added"}, {"id": "<id>",
         "status": "duplicate"}, {"reason": "the amount is zero", "status": "rejected"}]}

        POST /v1/ledgers/<ana-ledger>/expenses/bulk as ana
        {"expenses": []}
        422
        {"code": 109, "status": 422, "title": "A value in the request cannot be.",
         "type": "urn:outlay:problem:invalid"}

        PATCH /v1/ledgers/<ana-ledger>/expenses/<lunch> as ana
        {"payee": "Bakery", "time": null}
        200
        {"account": "Cash", "account_id": "<cash>", "amount": {"currency": "EUR", "minor": 1250}, "attachments": [],
         "category": "Food:Snacks", "category_id": "<snacks>", "conflicted": false, "date": "2026-11-03",
         "deleted": false, "id": "<lunch>", "kind": "expense", "note": "two of them", "payee": "Bakery",
         "refund_of": null, "tags": ["lunch"], "time": null, "to_account": null}

        PATCH /v1/ledgers/<ana-ledger>/expenses/<lunch> as ben
        {"payee": "Bakery"}
        404
        {"code": 301, "status": 404, "title": "There is no such ledger, or it is not yours.",
         "type": "urn:outlay:problem:no_such_ledger"}

        DELETE /v1/ledgers/<ana-ledger>/expenses/<ana-expense> as ana
        204

        DELETE /v1/ledgers/<ana-ledger>/expenses/<ana-ledger> as ana
        404
        {"code": 106, "status": 404, "title": "There is no such page.", "type": "urn:outlay:problem:no_such_page"}
        "#,
    );
}

fn reading(story: &mut Story) {
    story.tell(
        r#"
        GET /v1/ledgers/<ana-ledger>/expenses?month=2026-11&limit=1 as ana
        200
        {"expenses": [{"account": null, "account_id": null, "amount": {"currency": "JPY", "minor": 300},
         "attachments": [], "category": null, "category_id": null, "conflicted": false, "date": "2026-11-04",
         "deleted": false, "id": "<id>", "kind": "expense", "note": "", "payee": "Railway", "refund_of": null,
         "tags": [], "time": null, "to_account": null}],
         "next": "20761.<time>.<id>"}

        GET /v1/ledgers/<ana-ledger>/expenses?month=2026-13 as ana
        422
        {"code": 109, "status": 422, "title": "A value in the request cannot be.",
         "type": "urn:outlay:problem:invalid"}

        GET /v1/ledgers/<ana-ledger>/expenses/<lunch> as ana
        200
        {"account": "Cash", "account_id": "<cash>", "amount": {"currency": "EUR", "minor": 1250}, "attachments": [],
         "category": "Food:Snacks", "category_id": "<snacks>", "conflicted": false, "date": "2026-11-03",
         "deleted": false, "id": "<lunch>", "kind": "expense", "note": "two of them", "payee": "Bakery",
         "refund_of": null, "tags": ["lunch"], "time": null, "to_account": null}

        GET /v1/ledgers/<ana-ledger>/expenses/<cash> as ana
        404
        {"code": 106, "status": 404, "title": "There is no such page.", "type": "urn:outlay:problem:no_such_page"}

        GET /v1/ledgers/<ana-ledger>/expenses/delta?limit=1 as ana
        200
        {"changes": [{"expense": {"account": null, "account_id": null, "amount": {"currency": "JPY", "minor": 300},
         "attachments": [], "category": null, "category_id": null, "conflicted": false, "date": "2026-11-04",
         "deleted": false, "id": "<id>", "kind": "expense", "note": "", "payee": "Railway", "refund_of": null,
         "tags": [], "time": null, "to_account": null}, "id": "<id>"}], "cursor": "<text>.6.11",
         "more": true}

        GET /v1/ledgers/<ana-ledger>/expenses/delta?cursor=77.1.1 as ana
        412
        {"code": 110, "status": 412, "title": "It has changed meanwhile. Get it again.",
         "type": "urn:outlay:problem:changed"}

        GET /v1/ledgers/<ana-ledger>/categories as ana
        200
        {"categories": [{"id": "<id>", "name": "Food", "parent": null}, {"id": "<snacks>", "name": "Food:Snacks",
         "parent": "<id>"}, {"id": "<id>", "name": "canaryana", "parent": null}]}

        GET /v1/ledgers/<ana-ledger>/categories as ben
        404
        {"code": 301, "status": 404, "title": "There is no such ledger, or it is not yours.",
         "type": "urn:outlay:problem:no_such_ledger"}

        GET /v1/ledgers/<ana-ledger>/totals?month=2026-11 as ana
        200
        {"totals": [{"category": null, "category_id": null, "count": 1, "earned": {"currency": "JPY", "minor": 0},
         "month": "2026-11", "spent": {"currency": "JPY", "minor": 300}}, {"category": "Food:Snacks",
         "category_id": "<snacks>", "count": 1, "earned": {"currency": "EUR", "minor": 0}, "month": "2026-11",
         "spent": {"currency": "EUR", "minor": 1250}}]}

        GET /v1/ledgers/<ana-ledger>/totals as ana
        422
        {"code": 109, "status": 422, "title": "A value in the request cannot be.",
         "type": "urn:outlay:problem:invalid"}
        "#,
    );
}

fn attaching(story: &mut Story) {
    story.tell(
        r#"
        PUT /v1/ledgers/<ana-ledger>/expenses/<lunch>/attachments/<file> as ana
        {"name": "receipt.pdf"}
        200
        {"account": "Cash", "account_id": "<cash>", "amount": {"currency": "EUR", "minor": 1250},
         "attachments": [{"bytes": 22, "hash": "<file>", "media_type": "text/plain", "name": "receipt.pdf"}],
         "category": "Food:Snacks", "category_id": "<snacks>", "conflicted": false, "date": "2026-11-03",
         "deleted": false, "id": "<lunch>", "kind": "expense", "note": "two of them", "payee": "Bakery",
         "refund_of": null, "tags": ["lunch"], "time": null, "to_account": null}

        PUT /v1/ledgers/<ana-ledger>/expenses/<lunch>/attachments/<ana-phone> as ana
        {"name": "receipt.pdf"}
        404
        {"code": 106, "status": 404, "title": "There is no such page.", "type": "urn:outlay:problem:no_such_page"}

        DELETE /v1/ledgers/<ana-ledger>/expenses/<lunch>/attachments/<file> as ana
        204

        DELETE /v1/ledgers/<ana-ledger>/expenses/<lunch>/attachments/<file> as ben
        404
        {"code": 301, "status": 404, "title": "There is no such ledger, or it is not yours.",
         "type": "urn:outlay:problem:no_such_ledger"}
        "#,
    );
}

/// Last, because what is made beside the requests is told as an event.
pub(super) fn tell_insights(story: &mut Story) {
    story.tell(
        r#"
        GET /v1/ledgers/<ana-ledger>/insights as ana
        200
        {"day": null, "insights": null, "made_at": null, "position": null, "reason": null, "state": "making"}

        GET /v1/ledgers/<ana-ledger>/insights as ben
        404
        {"code": 301, "status": 404, "title": "There is no such ledger, or it is not yours.",
         "type": "urn:outlay:problem:no_such_ledger"}

        POST /v1/ledgers/<ana-ledger>/insights/refresh as ana
        202
        {"due": "<text>"}

        POST /v1/ledgers/<ana-ledger>/insights/refresh as ben
        404
        {"code": 301, "status": 404, "title": "There is no such ledger, or it is not yours.",
         "type": "urn:outlay:problem:no_such_ledger"}
        "#,
    );
}
