"""Records as Python shows them: with their fields, which what uniffi writes leaves out of ``repr``."""

from __future__ import annotations

from dataclasses import is_dataclass

from outlay._native import outlay as native

# What holds a password is shown without it.
_SECRET = (native.Credentials, native.SignInOptions)


def _fields(record: object) -> str:
    return f"{type(record).__name__}({', '.join(f'{name}={value!r}' for name, value in vars(record).items())})"


def show_fields() -> None:
    """Gives each record and each variant of the engine a ``repr`` that says what is in it."""
    for made in vars(native).values():
        if not isinstance(made, type) or made.__module__ != native.__name__ or made in _SECRET:
            continue
        if is_dataclass(made):
            setattr(made, "__repr__", _fields)
        for variant in vars(made).values():
            if isinstance(variant, type) and is_dataclass(variant):
                setattr(variant, "__repr__", variant.__str__)
