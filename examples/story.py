"""The story of two devices, each of them a program that a person types to: the examples in Kotlin and Swift, or one of them twice.

    story.py PROGRAM PROGRAM

A real server ($OUTLAY_SERVER) is started, stopped while both edit the same entry, and started again on the same folder. Both
see the conflict, one settles it, and in the end both show the same.
"""

import os
import queue
import re
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

# How long it is waited for what must come, in seconds.
PATIENCE_S = 60
TARGET = Path(os.environ["OUTLAY_SERVER"]).parents[1]


class Program:
    """A program that is typed to, and what it prints."""

    def __init__(self, name: str, command: list[str]) -> None:
        self.name = name
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def type(self, line: str) -> None:
        assert self.process.stdin
        print(f"{self.name} < {line}")
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def prints(self, pattern: str) -> re.Match[str]:
        """The next line that a pattern is in."""
        seen = []
        while True:
            try:
                line = self.lines.get(timeout=PATIENCE_S)
            except queue.Empty:
                line = None
            if line is None:
                sys.exit(f"FAILED: {self.name} does not print {pattern!r}, but {seen}")
            print(f"{self.name} > {line}")
            seen.append(line)
            if match := re.search(pattern, line):
                return match

    def ends(self) -> None:
        self.type("quit")
        if code := self.process.wait(PATIENCE_S):
            sys.exit(f"FAILED: {self.name} ended with {code}")


class Server:
    """A server, on the same port and folder each time that it is started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.listen = "127.0.0.1:0"

    def start(self) -> None:
        cheap = ["--password-hash-memory-kib", "64", "--password-hash-passes-count", "1"]
        command = [os.environ["OUTLAY_SERVER"], "serve", "--dev", "--log", "error", "--data", str(self.folder)]
        self.program = Program("server", [*command, "--listen", self.listen, *cheap])
        self.url = self.program.prints("^listening on (http://(.*))$")[1]
        self.listen = self.url.removeprefix("http://")

    def stop(self) -> None:
        self.program.process.terminate()
        self.program.process.wait(PATIENCE_S)


def story(one: Program, other: Program, server: Server) -> None:
    one.type("add 12.00 EUR Lunch")
    one.prints("^1 .* 12.00 EUR Lunch$")
    one.type(f"sync {server.url} ana@example.org")
    one.prints("^synced: [1-9]")
    other.type(f"sync {server.url} ana@example.org")
    other.prints("^1 .* 12.00 EUR Lunch$")

    server.stop()
    one.type("edit 1 Corner Café")
    one.prints("Corner Café$")
    other.type("edit 1 Café")
    other.prints("Café$")
    one.type("sync")
    one.prints("^failed: ")

    server.start()
    for device in (one, other, one):
        device.type("sync")
        device.prints("^synced: ")
    one.type("conflicts")
    found = one.prints(r"^conflict of payee: 1 (.*) \| 2 (.*)$")
    if {found[1], found[2]} != {"Corner Café", "Café"}:
        sys.exit(f"FAILED: the conflict has {found[1]!r} and {found[2]!r}")
    other.type("conflicts")
    other.prints("^conflict of payee: ")

    one.type("choose 1" if found[1] == "Corner Café" else "choose 2")
    one.prints("^settled$")
    one.type("add 3.40 EUR Tea")
    one.prints("^2 entries$")
    for device in (one, other):
        device.type("sync")
        device.prints("^synced: ")
    for device in (one, other):
        device.type("conflicts")
        device.type("choose 1")
        device.prints("^nothing collided$")


def shown(program: str, database: Path) -> list[str]:
    """The list that a program begins with."""
    device = Program(database.stem, [program, str(database)])
    count = int(device.prints(r"^(\d+) entries$")[1])
    lines = [device.prints(r"^\d+ ").string for _ in range(count)]
    device.ends()
    return lines


def main() -> None:
    programs = sys.argv[1:]
    os.environ["OUTLAY_PASSWORD"] = "correct horse battery"
    with tempfile.TemporaryDirectory(dir=TARGET, prefix="story-") as folder:
        databases = [Path(folder, f"{name}.outlay") for name in ("one", "other")]
        server = Server(Path(folder, "server"))
        server.start()
        devices = [Program(path.stem, [program, str(path)]) for program, path in zip(programs, databases)]
        try:
            story(devices[0], devices[1], server)
            for device in devices:
                device.ends()
        finally:
            for program in (*devices, server.program):
                program.process.kill()
        lists = [shown(program, path) for program, path in zip(programs, databases)]
    if lists[0] != lists[1] or not any(line.endswith(" 12.00 EUR Corner Café") for line in lists[0]):
        sys.exit(f"FAILED: they do not show the same: {lists}")
    print(f"{Path(programs[0]).name} and {Path(programs[1]).name} show the same")


main()
