//! Ledgers, who is in them, and files.

use outlay_ledger::BlobHash;
use outlay_ledger::hex;
use outlay_ledger::member::MemberOperation;

use super::story::Story;
use crate::tenants::Tenant;

/// A file, as two parts.
const PARTS: [&str; 2] = ["%PDF-1.7 a receipt ", "of two parts"];

/// Two people, and what they see of ledgers.
pub(super) fn tell(story: &mut Story) -> (Tenant, Tenant) {
    let [ana, mut ben] = [(1, "ana"), (2, "ben")].map(|(number, name)| Tenant::settle(&story.server, number, name));
    for (name, tenant) in [("ana", &ana), ("ben", &ben)] {
        story.know(name, tenant.account.access.clone());
        story.know(&format!("{name}-ledger"), tenant.ledger.to_string());
        story.know(&format!("{name}-member"), tenant.phone.member().to_string());
        story.know(&format!("{name}-phone"), tenant.phone.key());
        story.know(&format!("{name}-tablet"), tenant.tablet.key());
        story.know(&format!("{name}-invite"), tenant.invite.public().to_string());
        story.know(&format!("{name}-expense"), tenant.expense.clone());
    }
    seeing(story);
    joining(story, &ana, &mut ben);
    files(story);
    (ana, ben)
}

fn seeing(story: &mut Story) {
    story.tell(
        r#"
        GET /v1/ledgers as ana
        200
        {"ledgers": [{"bytes": 1964, "id": "<ana-ledger>", "member": "<ana-member>", "members": 1,
         "role": "owner"}]}

        GET /v1/ledgers
        401
        {"code": 201, "status": 401, "title": "Sign in first.", "type": "urn:outlay:problem:sign_in_needed"}

        GET /v1/ledgers/<ana-ledger>/members as ana
        200
        {"members": [{"devices": [{"confirmed": true, "key": "<ana-phone>"}], "id": "<ana-member>",
         "name": "canaryana", "role": "owner", "this": true}]}

        GET /v1/ledgers/<ana-ledger>/members as ben
        404
        {"code": 301, "status": 404, "title": "There is no such ledger, or it is not yours.",
         "type": "urn:outlay:problem:no_such_ledger"}

        GET /v1/ledgers/<ana-ledger>/aside as ana
        200
        {"commits": []}

        GET /v1/ledgers/<ana-ledger>/aside as ben
        404
        {"code": 301, "status": 404, "title": "There is no such ledger, or it is not yours.",
         "type": "urn:outlay:problem:no_such_ledger"}

        GET /v1/ledgers/<ana-ledger>/invitations as ana
        200
        {"invitations": [{"expires_ms": null, "key": "<ana-invite>", "role": "editor"}]}

        GET /v1/ledgers/<ana-ledger>/invitations as ben
        404
        {"code": 301, "status": 404, "title": "There is no such ledger, or it is not yours.",
         "type": "urn:outlay:problem:no_such_ledger"}

        GET /v1/ledgers/<ana-ledger>/events as ana
        accept: application/json
        200
        {"events": [{"data": {"member": "<ana-member>", "role": "owner"}, "id": "<text>-1-4",
         "ledger": "<ana-ledger>", "position": 1, "time": "<text>", "type": "member.added"},
         {"data": {"action": "<text>", "expense": "<ana-expense>"}, "id": "<text>-4-4",
         "ledger": "<ana-ledger>", "position": 4, "time": "<text>", "type": "expense.added"}],
         "more": false, "next": "<text>-4"}

        GET /v1/ledgers/<ana-ledger>/events as ben
        accept: application/json
        404
        {"code": 301, "status": 404, "title": "There is no such ledger, or it is not yours.",
         "type": "urn:outlay:problem:no_such_ledger"}
        "#,
    );
}

fn joining(story: &mut Story, ana: &Tenant, ben: &mut Tenant) {
    let join = MemberOperation::join(&ana.ledger, ben.phone.member(), ben.phone.public(), &ana.invite);
    let MemberOperation::Join { signature, .. } = &join else { panic!("a join is one") };
    story.know("signature", hex::encode(signature));
    story.tell(
        r#"
        POST /v1/ledgers/<ana-ledger>/join as ben
        {"invite_key": "<ben-invite>", "signature": "<signature>"}
        403
        {"code": 207, "status": 403, "title": "There is no such invitation, or it was used or is too old.",
         "type": "urn:outlay:problem:invitation"}

        POST /v1/ledgers/<ana-ledger>/join as ben
        {"invite_key": "<ana-invite>", "signature": "<signature>"}
        200
        {"member_heads": ["<key head>"]}

        DELETE /v1/ledgers/<ana-ledger>/invitations/<ben-phone> as ana
        404
        {"code": 106, "status": 404, "title": "There is no such page.", "type": "urn:outlay:problem:no_such_page"}

        DELETE /v1/ledgers/<ben-ledger>/invitations/<ben-invite> as ben
        204
        "#,
    );
}

fn files(story: &mut Story) {
    let whole = PARTS.concat();
    story.know("hash", BlobHash::of(whole.as_bytes()).to_string());
    story.know("part-0", PARTS[0]);
    story.know("part-1", PARTS[1]);
    story.tell(
        r#"
        PUT /v1/ledgers/<ana-ledger>/blobs/<hash> as ana
        content-range: bytes 0-18/31
        <part-0>
        202
        upload-offset: 19
        {"offset": 19}

        PUT /v1/ledgers/<ana-ledger>/blobs/<hash> as ana
        content-range: bytes 0-18/31
        <part-0>
        409
        upload-offset: 19
        {"code": 113, "status": 409,
         "title": "What is sent does not go on where what is held ends; upload-offset says where that is.",
         "type": "urn:outlay:problem:offset"}

        PUT /v1/ledgers/<ana-ledger>/blobs/<hash> as ana
        content-range: bytes 19-30/31
        <part-1>
        201
        upload-offset: 31
        {"bytes": 31, "hash": "<hash>", "media_type": "application/pdf"}

        PUT /v1/ledgers/<ana-ledger>/blobs/<hash> as ana
        <part-0><part-1>
        200
        upload-offset: 31
        {"bytes": 31, "hash": "<hash>", "media_type": "application/pdf"}

        GET /v1/ledgers/<ana-ledger>/blobs/<hash> as ana
        200
        accept-ranges: bytes
        cache-control: private, max-age=31536000, immutable
        content-disposition: attachment
        content-type: application/pdf
        etag: "<hash>"
        %PDF-1.7 a receipt of two parts

        GET /v1/ledgers/<ana-ledger>/blobs/<hash> as ana
        range: bytes=19-30
        206
        accept-ranges: bytes
        cache-control: private, max-age=31536000, immutable
        content-disposition: attachment
        content-range: bytes 19-30/31
        content-type: application/pdf
        etag: "<hash>"
        of two parts

        GET /v1/ledgers/<ana-ledger>/blobs/<hash> as ana
        if-none-match: "<hash>"
        304
        accept-ranges: bytes
        cache-control: private, max-age=31536000, immutable
        content-disposition: attachment
        content-type: application/pdf
        etag: "<hash>"

        GET /v1/ledgers/<ana-ledger>/blobs/<hash> as ana
        range: bytes=31-
        416
        content-range: bytes */31
        {"code": 114, "status": 416, "title": "The file has no such bytes.", "type": "urn:outlay:problem:range"}

        GET /v1/ledgers/<ben-ledger>/blobs/<hash> as ben
        404
        {"code": 106, "status": 404, "title": "There is no such page.", "type": "urn:outlay:problem:no_such_page"}
        "#,
    );
}
