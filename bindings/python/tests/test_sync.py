"""Accounts, sync and members, with a real server."""

from __future__ import annotations

import queue
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

import outlay
from outlay import Cancel, Connection, Engine, Money, Options, Role, SignOut, SyncStatus, entry, instant

from conftest import PASSWORD, Keys

People = Callable[[str], Engine]


def test_what_one_device_writes_another_one_reads(people: People) -> None:
    phone, laptop = people("ana"), people("ana")
    home = phone.create_ledger("Home", "EUR").id
    lunch = phone.add_expense(home, entry(Money("12.50", "EUR"), "Corner Café")).id
    receipt = phone.attach(home, lunch, "receipt.txt", b"12.50 EUR")
    report = phone.sync_once()
    assert report.is_complete and report.pushed > 0 and report.files_up == 1
    laptop.sync_once(timedelta(seconds=30))
    found = laptop.expense(home, lunch)
    assert found and found.payee == "Corner Café"
    assert laptop.read_attachment(home, lunch, receipt.hash) is None
    assert laptop.fetch_attachment(home, lunch, receipt.hash) == b"12.50 EUR"
    names = {device.name: device for device in phone.devices()}
    assert names["device 1"].is_this and not names["device 2"].is_this
    seen = names["device 1"].seen_ms
    assert seen and instant(seen).year >= 2024
    phone.sign_out_device(laptop.device_key)
    with pytest.raises(outlay.SignedOutError):
        laptop.sync_once()
    phone.set_metered(True)


def test_sync_that_runs_is_told_and_brings_what_others_write(people: People) -> None:
    phone, laptop = people("ana"), people("ana")
    home = phone.create_ledger("Home", "EUR").id
    told: queue.Queue[SyncStatus] = queue.Queue()
    with phone.observe_sync(told.put):
        phone.start_sync()
        phone.start_sync()
        phone.retry_sync()
        while told.get(timeout=30).connection != Connection.LIVE:
            pass
        laptop.sync_once()
        laptop.start_sync()
        with laptop.live(home) as live:
            assert live.wait(30) == []
            phone.add_expense(home, entry(Money("3.40", "EUR"), "Café"))
            entries = live.wait(30)
            assert entries and entries[0].payee == "Café"
        phone.stop_sync()
        phone.stop_sync()
    assert phone.sync_status().connection == Connection.OFF
    laptop.close()


def test_a_sync_is_cancelled_and_an_account_left(people: People) -> None:
    phone = people("ana")
    account = phone.account()
    assert account and account.email.startswith("ana-")
    cancel = Cancel()
    cancel.cancel()
    with pytest.raises(outlay.CancelledError):
        phone.sync_once(cancel=cancel)
    phone.create_ledger("Home", "EUR")
    with pytest.raises(outlay.ForbiddenError):
        phone.sign_out(SignOut.WIPE)
    phone.sign_out(SignOut.WIPE_UNSENT)
    assert phone.account() is None and phone.ledgers() == []
    with pytest.raises(outlay.SignedOutError):
        phone.devices()


class Tokens(outlay.TokenStore):
    """Tokens in memory."""

    kept: str | None = None

    def load(self) -> str | None:
        return self.kept

    def save(self, tokens: str | None) -> None:
        self.kept = tokens


def test_the_tokens_are_kept_where_the_app_says(server: str) -> None:
    tokens = Tokens()
    with Engine.in_memory(Options(token_store=tokens)) as engine:
        with pytest.raises(outlay.ForbiddenError):
            engine.sign_in(server, "nobody@example.org", PASSWORD)
        engine.sign_up(server, "tokens@example.org", PASSWORD)
        assert tokens.kept
        engine.sync_once()
        engine.sign_out()
        assert tokens.kept is None


def test_a_database_that_was_copied_with_its_key_takes_another_one(server: str, tmp_path: Path) -> None:
    keys, tokens = Keys(), Tokens()
    with Engine(tmp_path / "phone.outlay", Options(key_store=keys, token_store=tokens)) as phone:
        phone.sign_up(server, "copied@example.org", PASSWORD)
        home = phone.create_ledger("Home", "EUR").id
        phone.sync_once()
        phone.backup(tmp_path / "copy.outlay")
        key = phone.device_key
        copied, copied_tokens = Keys(keys.secret), Tokens()
        copied_tokens.kept = tokens.kept
        with Engine(tmp_path / "copy.outlay", Options(key_store=copied, token_store=copied_tokens)) as copy:
            for engine in (phone, copy):
                engine.add_expense(home, entry(Money("3.40", "EUR")))
                engine.sync_once()
            assert copy.device_key != key and copied.secret != keys.secret


def test_nobody_answers_is_offline(server: str) -> None:
    with Engine.in_memory() as engine, pytest.raises(outlay.OfflineError):
        engine.sign_up("http://127.0.0.1:9", "ana@example.org", PASSWORD)


def test_a_ledger_is_shared_by_an_invitation(people: People) -> None:
    ana, ben = people("ana"), people("ben")
    home = ana.create_ledger("Home", "EUR").id
    ana.set_own_name(home, "Ana")
    open_one, used = ana.invite(home, Role.VIEWER), ana.invite(home, Role.EDITOR, 1)
    ana.sync_once()
    assert {invitation.key for invitation in ana.open_invitations(home)} == {open_one.key, used.key}
    ana.take_back_invitation(home, open_one.key)
    assert ben.join_ledger(used.code) == home
    ben.sync_once()
    coffee = ben.add_expense(home, entry(Money("3.40", "EUR"), "Café")).id
    ben.sync_once()
    ana.sync_once()
    assert ana.expense(home, coffee)
    me, other = ana.members(home)
    assert me.is_self and me.name == "Ana" and other.role == Role.EDITOR
    assert ana.fetch_aside(home) == 0 and ana.aside(home) == []
    ana.set_role(home, other.id, Role.OWNER)
    ana.sync_once()
    ben.sync_once()
    ben.transfer_ledger(home, me.id)
    ben.sync_once()
    ben.leave_ledger(home)


def test_members_come_and_go_and_a_lost_device_is_taken_out(people: People) -> None:
    phone, laptop = people("ana"), people("ana")
    home = phone.create_ledger("Home", "EUR").id
    phone.admit_device(home, laptop.device_key)
    with pytest.raises(outlay.InvalidInputError):
        phone.confirm_device(home, laptop.device_key)
    with Engine.in_memory() as tablet:
        phone.admit_device(home, tablet.device_key)
        phone.remove_device(home, tablet.device_key)
    with Engine.in_memory() as stranger:
        ben = phone.add_member(home, stranger.device_key, Role.VIEWER)
        phone.remove_member(home, ben)
    phone.sync_once()
    laptop.sync_once()
    assert phone.revoke_device(laptop.device_key) == []
    with pytest.raises(outlay.NotFoundError):
        phone.accept(home, ["07" * 32])
