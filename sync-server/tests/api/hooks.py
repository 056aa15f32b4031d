"""What schemathesis is told of the server under test: ids that are there, and requests that are in order.

The first requests of each page are put in order, so that each has answered with success before the others come as they
were generated. What a page takes only once (a token, a code, a device) is made anew for each.
"""

import base64
import collections
import functools
import hashlib
import hmac
import itertools
import json
import os
import pathlib
import re
import socket
import struct
import time

import requests
import schemathesis

FACTS = json.loads(pathlib.Path(os.environ["OUTLAY_FACTS"]).read_text())
URL, ANA, BEN = FACTS["url"], FACTS["ana"], FACTS["ben"]
# Requests of a page that are put in order: the checks of tokens and methods use up some.
IN_ORDER = 4
# How long a mail may take to arrive.
MAIL_SECONDS = 10

counts = collections.Counter()
numbers = itertools.count(1)
prepared = {}


def prepares(label):
    """The function puts a request of this page in order."""
    return lambda prepare: prepared.setdefault(label, prepare)


@schemathesis.hook
def before_call(context, case, kwargs):
    label = case.operation.label
    if case.method.upper() != case.operation.method.upper():
        return
    counts[label] += 1
    # A probe without a token, or with a false one, stays what it is.
    is_open = not case.operation.definition.raw.get("security")
    if not is_open and case.headers.get("Authorization") != bearer(ANA):
        return
    if counts[label] <= IN_ORDER:
        name_own(case, ANA)
        if label in prepared:
            prepared[label](case)
    elif counts[label] % 4 < 3:
        name_own(case, BEN if counts[label] % 4 == 2 else ANA)
        if label == "POST /v1/sync":
            # Else no body is ever looked at.
            case.headers["outlay-nonce"] = nonce()


@schemathesis.hook
def after_call(context, case, response):
    if case.method.upper() == case.operation.method.upper():
        with open(FACTS["tally"], "a") as tally:
            tally.write(f"{case.operation.label} {response.status_code}\n")


def name_own(case, tenant):
    """Names ids that are there."""
    for name in case.path_parameters:
        case.path_parameters[name] = tenant[name]


def bearer(account):
    return "Bearer " + account["access"]


def post(path, body, account=None):
    headers = {"authorization": bearer(account)} if account else {}
    answer = requests.post(URL + path, json=body, headers=headers, timeout=30)
    assert answer.ok, f"{path}: {answer.status_code}"
    return answer.json() if answer.content else None


def nonce():
    return requests.get(URL + "/v1/server", timeout=30).json()["nonce"]


def fresh():
    """Somebody who has just signed up: nothing that is done to him is in anybody's way."""
    email = f"somebody{next(numbers)}@example.org"
    tokens = post("/v1/auth/signup", {"email": email, "password": FACTS["password"]})
    return {"email": email, "access": tokens["access_token"], "refresh": tokens["refresh_token"]}


def fresh_for(case):
    account = fresh()
    case.headers["Authorization"] = bearer(account)
    return account


def login(account, **more):
    return post("/v1/auth/login", {"email": account["email"], "password": FACTS["password"], **more})


def sign(what):
    """What only a device can make."""
    host, port = FACTS["signer"].rsplit(":", 1)
    with socket.create_connection((host, int(port))) as signer:
        signer.sendall((what + "\n").encode())
        return json.load(signer.makefile())


def mailed(account, kind):
    """The token of the mail that somebody was sent."""
    end = time.monotonic() + MAIL_SECONDS
    while time.monotonic() < end:
        for mail in pathlib.Path(FACTS["mails"]).glob("*.eml"):
            text = mail.read_text()
            found = re.search(rf"^({kind}_\S+)$", text, re.MULTILINE)
            if found and f"To: {account['email']}" in text:
                return found[1]
        time.sleep(0.05)
    raise AssertionError("no mail has come")


def app_code(secret):
    """The code of an authenticator app now (RFC 6238)."""
    step = struct.pack(">Q", int(time.time()) // 30)
    tag = hmac.new(base64.b32decode(secret), step, hashlib.sha1).digest()
    at = tag[-1] & 15
    return f"{(struct.unpack('>I', tag[at : at + 4])[0] & 0x7FFFFFFF) % 1000000:06}"


def begin_totp(account):
    return app_code(post("/v1/auth/totp", {"password": FACTS["password"]}, account)["secret"])


@prepares("POST /v1/auth/signup")
def _(case):
    case.body = {"email": f"somebody{next(numbers)}@example.org", "password": FACTS["password"]}


@prepares("POST /v1/auth/login")
def _(case):
    case.body = {"email": fresh()["email"], "password": FACTS["password"]}


@prepares("POST /v1/auth/refresh")
def _(case):
    case.body = {"refresh_token": fresh()["refresh"]}


@prepares("POST /v1/auth/password")
def _(case):
    fresh_for(case)
    case.body = {"password": FACTS["password"], "new_password": "sunrise over the bay"}


@prepares("POST /v1/auth/reset")
def _(case):
    case.body = {"email": fresh()["email"]}


@prepares("POST /v1/auth/reset/confirm")
def _(case):
    account = fresh()
    post("/v1/auth/reset", {"email": account["email"]})
    case.body = {"token": mailed(account, "op1"), "new_password": "sunrise over the bay"}


@prepares("POST /v1/auth/verify")
def _(case):
    case.body = {"token": mailed(fresh(), "ov1")}


@prepares("POST /v1/auth/verify/resend")
def _(case):
    fresh_for(case)


@prepares("PUT /v1/me/email")
def _(case):
    fresh_for(case)
    case.body = {"email": f"elsewhere{next(numbers)}@example.org", "password": FACTS["password"]}


@prepares("POST /v1/auth/totp")
def _(case):
    fresh_for(case)
    case.body = {"password": FACTS["password"]}


@prepares("POST /v1/auth/totp/confirm")
def _(case):
    case.body = {"code": begin_totp(fresh_for(case))}


@prepares("DELETE /v1/auth/totp")
def _(case):
    account = fresh_for(case)
    recovery = post("/v1/auth/totp/confirm", {"code": begin_totp(account)}, account)["recovery_codes"]
    case.body = {"password": FACTS["password"], "code": recovery[0]}


@prepares("PATCH /v1/me")
def _(case):
    case.headers["if-match"] = "*"
    case.body = {"preferences": {"currency": "EUR", "week_start": 1}}


@prepares("DELETE /v1/sessions/{id}")
def _(case):
    account = fresh_for(case)
    login(account)
    headers = {"authorization": bearer(account)}
    sessions = requests.get(URL + "/v1/sessions", headers=headers, timeout=30).json()["sessions"]
    case.path_parameters["id"] = next(session["id"] for session in sessions if not session["this"])


@prepares("POST /v1/devices")
def _(case):
    case.body = sign("further " + ANA["access"])


@prepares("DELETE /v1/devices/{key}")
def _(case):
    account = fresh_for(case)
    device = sign("sign-in " + account["email"])
    login(account, device=device)
    case.path_parameters["key"] = device["key"]


@prepares("POST /v1/tokens")
def _(case):
    case.body = {"name": "a program", "scope": "read", "ledgers": [ANA["ledger"]], "days": 7}


@prepares("DELETE /v1/tokens/{id}")
def _(case):
    account = fresh_for(case)
    case.path_parameters["id"] = post("/v1/tokens", {"name": "a program", "scope": "read"}, account)["id"]


@prepares("DELETE /v1/ledgers/{ledger}/invitations/{key}")
def _(case):
    case.path_parameters["key"] = ANA["invite"]


@prepares("POST /v1/ledgers/{ledger}/join")
def _(case):
    case.path_parameters["ledger"] = BEN["ledger"]
    case.body = FACTS["invitation"]


def expense():
    return {"amount": {"minor": 1250, "currency": "EUR"}, "date": "2026-11-02", "payee": "Corner Café"}


def without_key(case):
    """A key that was used for another request is refused."""
    case.headers.pop("idempotency-key", None)


@prepares("GET /v1/ledgers/{ledger}/expenses")
def _(case):
    case.query = {"limit": 2, "month": "2026-11"}


@prepares("GET /v1/ledgers/{ledger}/expenses/delta")
def _(case):
    case.query = {}


@prepares("GET /v1/ledgers/{ledger}/totals")
def _(case):
    case.query = {"month": "2026-11"}


@prepares("POST /v1/ledgers/{ledger}/expenses")
def _(case):
    without_key(case)
    case.body = expense()


@prepares("POST /v1/ledgers/{ledger}/expenses/bulk")
def _(case):
    without_key(case)
    case.body = {"expenses": [{**expense(), "external_id": str(next(numbers))}, {**expense(), "date": "2026-11-31"}]}


@prepares("PATCH /v1/ledgers/{ledger}/expenses/{expense}")
def _(case):
    without_key(case)
    case.body = {"note": "two of them", "category": "Food:Snacks", "deleted": False}


@prepares("DELETE /v1/ledgers/{ledger}/expenses/{expense}")
def _(case):
    without_key(case)


@prepares("PUT /v1/ledgers/{ledger}/expenses/{expense}/attachments/{hash}")
def _(case):
    without_key(case)
    case.body = {"name": "receipt.txt"}


@prepares("DELETE /v1/ledgers/{ledger}/expenses/{expense}/attachments/{hash}")
def _(case):
    without_key(case)


def whole(case):
    """No part of a file and no condition: a header that was generated is for another one."""
    for name in ("range", "if-none-match", "content-range"):
        case.headers.pop(name, None)


@prepares("GET /v1/ledgers/{ledger}/blobs/{hash}")
def _(case):
    whole(case)


@prepares("PUT /v1/ledgers/{ledger}/blobs/{hash}")
def _(case):
    whole(case)
    case.body = bytes.fromhex(ANA["file"])


@prepares("POST /v1/sync")
def _(case):
    case.headers["outlay-nonce"] = nonce()
    case.body = b""


def webhook():
    """A webhook of Ana's, to a receiver that there is not."""
    return post("/v1/webhooks", {"ledger": ANA["ledger"], "url": "https://receiver.invalid/"}, ANA)["id"]


@functools.cache
def kept_webhook():
    return webhook()


@prepares("POST /v1/webhooks")
def _(case):
    case.body = {"ledger": ANA["ledger"], "url": "https://receiver.invalid/"}


@prepares("GET /v1/webhooks/{id}")
@prepares("GET /v1/webhooks/{id}/deliveries")
@prepares("POST /v1/webhooks/{id}/test")
def _(case):
    case.path_parameters["id"] = kept_webhook()


@prepares("PATCH /v1/webhooks/{id}")
def _(case):
    case.path_parameters["id"] = kept_webhook()
    case.body = {"enabled": False}


@prepares("DELETE /v1/webhooks/{id}")
def _(case):
    case.path_parameters["id"] = webhook()


@prepares("POST /v1/webhooks/{id}/redeliver")
def _(case):
    headers = {"authorization": bearer(ANA), "accept": "application/json"}
    answer = requests.get(f"{URL}/v1/ledgers/{ANA['ledger']}/events", headers=headers, timeout=30)
    case.path_parameters["id"] = kept_webhook()
    case.body = {"event": answer.json()["events"][0]["id"]}


@prepares("GET /v1/me/events")
def _(case):
    case.query = {}
