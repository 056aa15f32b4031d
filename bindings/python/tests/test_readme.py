"""The example of the README runs as it stands."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.mark.parametrize("page", ["README.md", "bindings/python/README.md"])
def test_the_example_of_the_readme_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    text = (Path(__file__).parents[3] / page).read_text()
    example = text.split("```python\n", 1)[1].split("```", 1)[0]
    monkeypatch.chdir(tmp_path)
    exec(compile(example, page, "exec"), {})
    assert capsys.readouterr().out.endswith("12.50 EUR Corner Café\n")
