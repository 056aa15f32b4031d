"""Holds what a library exports against what the tests of a language ran.

    called.py CALLS SOURCE COVERAGE

CALLS lists what is exported, as `uniffi-bindgen calls` does: `Engine.add_expense`, one a line. SOURCE is the Kotlin or Swift
that uniffi wrote, in which each call is a line with its symbol, and each call back a line in the table of its trait. COVERAGE
says which lines of it ran: the XML of JaCoCo, or lcov. What did not run is listed, and is a failure.
"""

import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

TABLE = re.compile(r"(?:object u|struct U)niffiCallbackInterface(\w+) \{")
BACK = re.compile(r"\buniffiObj\.`?(\w+)`?\(")
CALL = re.compile(r"(?:UniffiLib\.|^\s*|\bin )uniffi_outlay_fn_(?:func|method|constructor)_(\w+)\(")


def lines_that_ran(coverage: Path, source: Path) -> set[int]:
    if coverage.suffix == ".xml":
        files = ElementTree.parse(coverage).iter("sourcefile")
        lines = [line for file in files if file.get("name") == source.name for line in file.iter("line")]
        return {int(line.get("nr", 0)) for line in lines if line.get("ci") != "0"}
    records = [part for part in coverage.read_text().split("end_of_record") if f"/{source.name}\n" in part]
    counts = [pair for record in records for pair in re.findall(r"^DA:(\d+),(\d+)", record, re.MULTILINE)]
    return {int(line) for line, count in counts if count != "0"}


def key(owner: str, call: str) -> str:
    """One spelling for `Engine.add_expense`, `engine_add_expense` and `addExpense` of `Engine`."""
    return f"{owner}{call}".replace("_", "").lower()


def calls_that_ran(source: Path, ran: set[int]) -> set[str]:
    found, table = set(), ""
    for number, line in enumerate(source.read_text().splitlines(), 1):
        if match := TABLE.search(line):
            table = match[1]
        if number in ran:
            found |= {key("", match[1]) for match in CALL.finditer(line)}
            found |= {key(table, match[1]) for match in BACK.finditer(line)}
    return found


def main() -> int:
    calls, source, coverage = map(Path, sys.argv[1:])
    exported = calls.read_text().split()
    ran = calls_that_ran(source, lines_that_ran(coverage, source))
    missing = [name for name in exported if key(*name.rpartition(".")[::2]) not in ran]
    for name in missing:
        print(f"exported, and called by no test: {name}", file=sys.stderr)
    print(f"{len(exported) - len(missing)} of {len(exported)} exported calls were called")
    return 1 if missing or not exported else 0


sys.exit(main())
