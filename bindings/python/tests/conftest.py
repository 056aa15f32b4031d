"""What the tests share: engines, a real server, and the record of what was called.

With ``OUTLAY_CALLS`` naming a file of all that the library exports, as ``uniffi-bindgen calls`` lists it, a run of the whole
suite fails if something in it was never called.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import outlay
from outlay import Engine
from outlay._native import outlay as native

CALLED: set[str] = set()

PASSWORD = "correct horse battery"


class Keys(outlay.KeyStore):
    """A key store in memory that can be locked."""

    def __init__(self, secret: bytes | None = None) -> None:
        self.secret = secret
        self.is_locked = False

    def load(self) -> bytes | None:
        if self.is_locked:
            raise PermissionError("the phone is locked")
        return self.secret

    def save(self, secret: bytes) -> None:
        self.secret = self.secret or secret

    def replace(self, secret: bytes) -> None:
        self.secret = secret


def exported() -> list[str]:
    """All that the library exports, as ``Engine.add_expense``; nothing if the suite was not told."""
    path = os.environ.get("OUTLAY_CALLS")
    return Path(path).read_text().split() if path else []


def record_calls() -> None:
    """Has every call into the library, and every call back, noted."""

    def noting(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*arguments: Any) -> Any:
            CALLED.add(name)
            return function(*arguments)

        return noted

    library = native._UniffiLib
    for name in exported():
        *owner, call = name.split(".")
        place = "_".join([*(part.lower() for part in owner), call])
        for kind in ("func", "method", "constructor"):
            symbol = f"uniffi_outlay_fn_{kind}_{place}"
            if symbol in vars(library):
                setattr(library, symbol, noting(name, getattr(library, symbol)))

    for place in ("_uniffi_trait_interface_call", "_uniffi_trait_interface_call_with_error"):
        call = getattr(native, place)

        def calling_back(status: Any, make_call: Any, *rest: Any, call: Callable[..., Any] = call) -> Any:
            trait, method = make_call.__qualname__.split(".")[:2]
            CALLED.add(f"{trait.removeprefix('_UniffiTraitImpl').removesuffix('Impl')}.{method}")
            return call(status, make_call, *rest)

        setattr(native, place, calling_back)


record_calls()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    missing = sorted(set(exported()) - CALLED)
    if missing and exitstatus == 0:
        print("\nexported, and called by no test:", *missing, sep="\n  ")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture
def engine() -> Iterator[Engine]:
    """An engine in memory."""
    with Engine.in_memory() as engine:
        yield engine


@pytest.fixture
def home(engine: Engine) -> str:
    """A ledger in euros."""
    return engine.create_ledger("Home", "EUR").id


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real server, which is a process of its own and ends with the tests."""
    program = os.environ["OUTLAY_SERVER"]
    data = tmp_path_factory.mktemp("server")
    # Passwords are hashed as little as a server allows: it is not them that is tested.
    cheap = ["--password-hash-memory-kib", "64", "--password-hash-passes-count", "1"]
    command = [program, "serve", "--dev", "--listen", "127.0.0.1:0", "--log", "error", "--data", str(data), *cheap]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        line = process.stdout.readline().strip()
        assert line.startswith("listening on "), line
        yield line.removeprefix("listening on ")
        process.terminate()


@pytest.fixture
def people(server: str, tmp_path: Path) -> Iterator[Callable[[str], Engine]]:
    """Makes engines on files, each signed up or in with the address that it is named by."""
    made: list[Engine] = []

    def person(name: str) -> Engine:
        engine = Engine(tmp_path / f"{len(made)}.outlay")
        made.append(engine)
        email = f"{name}-{tmp_path.name}@example.org"
        try:
            engine.sign_up(server, email, PASSWORD, name=name, device_name=f"device {len(made)}")
        except outlay.InvalidInputError:
            engine.sign_in(server, email, PASSWORD, device_name=f"device {len(made)}")
        return engine

    yield person
    for engine in made:
        engine.close()
