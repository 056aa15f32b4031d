"""The calls of the engine for the files of entries: receipts, most often."""

from __future__ import annotations

from outlay._native import outlay as native
from outlay._native.outlay import Attachment
from outlay.errors import called


def _bytes(content: native.AttachmentContent) -> bytes | None:
    if isinstance(content, native.AttachmentContent.HERE):
        held: bytes = content[0]
        return held
    return None


class ReceiptCalls:
    """The files of entries, kept beside the database."""

    _native: native.Engine

    def attach(self, ledger: str, expense: str, name: str, content: bytes) -> Attachment:
        """Attaches a file to an entry. It goes up with the next sync."""
        return called(self._native.attach, ledger, expense, name, content)

    def detach(self, ledger: str, expense: str, hash: str) -> None:
        """Takes a file off an entry."""
        called(self._native.detach, ledger, expense, hash)

    def attachments(self, ledger: str, expense: str) -> list[Attachment]:
        """The files of an entry."""
        return called(self._native.attachments, ledger, expense)

    def read_attachment(self, ledger: str, expense: str, hash: str) -> bytes | None:
        """What is in a file, if it is on this device."""
        return _bytes(called(self._native.read_attachment, ledger, expense, hash))

    def fetch_attachment(self, ledger: str, expense: str, hash: str) -> bytes | None:
        """What is in a file: from this device, or from the server if that has it. It waits for the network then."""
        return _bytes(called(self._native.fetch_attachment, ledger, expense, hash))
