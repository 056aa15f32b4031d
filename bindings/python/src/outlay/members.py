"""The calls of the engine for those who share a ledger."""

from __future__ import annotations

from collections.abc import Iterable

from outlay._native import outlay as native
from outlay._native.outlay import AsideCommit, Invitation, Member, OpenInvitation, Role
from outlay.errors import called


class MemberCalls:
    """Who shares a ledger, how they come in, and what they wrote that does not count."""

    _native: native.Engine

    def members(self, ledger: str) -> list[Member]:
        """The members of a ledger, this device's own first, then by name and id."""
        return called(self._native.members, ledger)

    def invite(self, ledger: str, role: Role, valid_days: int = 7) -> Invitation:
        """Makes an invitation. Whoever has its ``code`` can use it, once, as soon as it has been synced."""
        return called(self._native.invite, ledger, role, valid_days)

    def join_ledger(self, code: str) -> str:
        """Becomes a member by an invitation, and says of which ledger. It waits for the network."""
        return called(self._native.join_ledger, code)

    def open_invitations(self, ledger: str) -> list[OpenInvitation]:
        """The invitations that can be used, as the server of the account knows them. It waits for the network."""
        return called(self._native.open_invitations, ledger)

    def take_back_invitation(self, ledger: str, key: str) -> None:
        """Takes an invitation back that nobody has used. It waits for the network."""
        called(self._native.take_back_invitation, ledger, key)

    def add_member(self, ledger: str, device: str, role: Role) -> str:
        """Adds a member by a device of his, and says which member it is."""
        return called(self._native.add_member, ledger, device, role)

    def set_role(self, ledger: str, member: str, role: Role) -> None:
        """Gives a member another role. What he wrote so far goes on counting."""
        called(self._native.set_role, ledger, member, role)

    def transfer_ledger(self, ledger: str, to: str) -> None:
        """Makes another member the owner in place of this device's, who is an editor from then on."""
        called(self._native.transfer_ledger, ledger, to)

    def remove_member(self, ledger: str, member: str) -> None:
        """Removes a member with all devices. What he wrote so far stays."""
        called(self._native.remove_member, ledger, member)

    def leave_ledger(self, ledger: str) -> None:
        """Leaves a ledger. What is on this device stays and can be read."""
        called(self._native.leave_ledger, ledger)

    def admit_device(self, ledger: str, device: str) -> None:
        """Admits a further device of this device's person, with the same role."""
        called(self._native.admit_device, ledger, device)

    def confirm_device(self, ledger: str, device: str) -> None:
        """Makes a device that only the server's word speaks for a full one."""
        called(self._native.confirm_device, ledger, device)

    def remove_device(self, ledger: str, device: str) -> None:
        """Takes a device out of a ledger, as when a phone is lost."""
        called(self._native.remove_device, ledger, device)

    def set_own_name(self, ledger: str, name: str) -> None:
        """Says what this device's person is called in a ledger."""
        called(self._native.set_own_name, ledger, name)

    def aside(self, ledger: str) -> list[AsideCommit]:
        """The commits that are set aside: what removed members wrote before they knew."""
        return called(self._native.aside, ledger)

    def fetch_aside(self, ledger: str) -> int:
        """Gets what the server keeps aside, and says how many commits were new here. It waits for the network."""
        return called(self._native.fetch_aside, ledger)

    def accept(self, ledger: str, commits: Iterable[str]) -> None:
        """Lets commits count that were set aside, on every device that has them."""
        called(self._native.accept, ledger, list(commits))
