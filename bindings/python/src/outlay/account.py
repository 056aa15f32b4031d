"""The calls of the engine for accounts and sync."""

from __future__ import annotations

import datetime

from outlay._native import outlay as native
from outlay._native.outlay import Account, KnownDevice, SignOut, SyncReport, SyncStatus
from outlay.errors import called
from outlay.watching import Cancel


class AccountCalls:
    """What an account is for: this database and a server come to hold the same."""

    _native: native.Engine

    def account(self) -> Account | None:
        """The account that this database belongs to, if it belongs to one."""
        return called(self._native.account)

    def sign_up(
        self,
        server: str,
        email: str,
        password: str,
        *,
        name: str | None = None,
        invitation: str | None = None,
        device_name: str = "",
    ) -> Account:
        """Makes an account and signs this database in to it. What is here goes up with the next sync. It waits for the network."""
        by = native.Credentials(email=email, password=password)
        options = native.SignInOptions(name=name, invitation=invitation, device_name=device_name)
        return called(self._native.sign_up, server, by, options)

    def sign_in(
        self, server: str, email: str, password: str, *, code: str | None = None, device_name: str = ""
    ) -> Account:
        """Signs this database in to an account. Its ledgers come with the next sync. It waits for the network."""
        by = native.Credentials(email=email, password=password)
        return called(self._native.sign_in, server, by, native.SignInOptions(code=code, device_name=device_name))

    def sign_out(self, how: SignOut = SignOut.KEEP) -> None:
        """Leaves the account, keeping what is here or wiping it. It can be done without a network too."""
        called(self._native.sign_out, how)

    def devices(self) -> list[KnownDevice]:
        """The devices of the account, as the server lists them. It waits for the network."""
        return called(self._native.devices)

    def sign_out_device(self, device: str) -> None:
        """Signs a device out of the account, as when a phone is lost. It waits for the network."""
        called(self._native.sign_out_device, device)

    def revoke_device(self, device: str) -> list[str]:
        """Signs a lost device out, and takes it out of every ledger but those that are answered. It waits for the network."""
        return called(self._native.revoke_device, device)

    def sync_once(
        self, timeout: datetime.timedelta = datetime.timedelta(minutes=1), cancel: Cancel | None = None
    ) -> SyncReport:
        """Returns when everything is alike here and on the server, or when the time is up. It waits for the network."""
        return called(self._native.sync_once, timeout, cancel and cancel.native)

    def start_sync(self) -> None:
        """Keeps this database in sync from a thread of its own, until it is stopped or the engine is closed."""
        called(self._native.start_sync)

    def retry_sync(self) -> None:
        """Tries now what sync would try again later: the network is back, say."""
        called(self._native.retry_sync)

    def stop_sync(self) -> None:
        """Ends what keeps this database in sync. A second time does nothing."""
        called(self._native.stop_sync)

    def sync_status(self) -> SyncStatus:
        """How sync stands: who is signed in, how the connection is, what is here only, and what waits for what."""
        return called(self._native.sync_status)

    def set_metered(self, is_metered: bool) -> None:
        """Says whether the network is paid for by the byte: files wait then."""
        called(self._native.set_metered, is_metered)
