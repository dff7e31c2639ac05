"""The benchmark of ``reroll status`` and ``reroll report``, on a small series."""

import json
from pathlib import Path

import pytest

from benchmarks import reading


@pytest.mark.slow
def test_both_commands_are_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, number in (("_VERSIONS", 2), ("_PATCHES", 3), ("_REPLIES", 6)):
        monkeypatch.setattr(reading, name, number)
    reading.main(["--rounds", "1", "--json", str(tmp_path / "figures.json")])
    heading, *rows = capsys.readouterr().out.splitlines()
    assert heading.split()[:3] == ["command", "median", "s"]
    assert [row.split()[0] for row in rows] == ["status", "report"]
    found = json.loads((tmp_path / "figures.json").read_text())
    assert found["series"] == {"versions": 2, "patches": 3, "replies": 6}
    for one in found["commands"].values():
        assert len(one["seconds"]) == len(one["memory"]) == 1
        assert 0 < min(one["seconds"]) <= one["median"] <= max(one["seconds"])
    # A whole page, not an error.
    assert found["commands"]["report"]["size"] > 10_000
