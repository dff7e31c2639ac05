"""``reroll init``: a series folder from a bundled campaign."""

from pathlib import Path

from generator.campaign import load
from tests.conftest import Run


def test_a_bundled_campaign_becomes_a_folder(reroll: Run, tmp_path: Path) -> None:
    done = reroll("-C", tmp_path, "init", "mine", "--campaign", "frame_vector")
    assert done.code == 0
    assert load(tmp_path / "mine").series.name == "frame-vector"
    assert "reroll -C mine --tree LINUX generate" in done.out


def test_nothing_is_overwritten(reroll: Run, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/file").write_text("precious\n")
    done = reroll("-C", tmp_path, "init", "mine", "--campaign", "frame_vector")
    assert (done.code, "exists already" in done.err) == (2, True)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["file"]


def test_unknown_campaign(reroll: Run, tmp_path: Path) -> None:
    done = reroll("-C", tmp_path, "init", "mine", "--campaign", "frame_vectr")
    assert (done.code, "there are: frame_vector" in done.err) == (2, True)
    assert not (tmp_path / "mine").exists()


def test_dry_run(reroll: Run, tmp_path: Path) -> None:
    assert reroll("-C", tmp_path, "init", "mine", "--campaign", "frame_vector", "-n").code == 0
    assert list(tmp_path.iterdir()) == []
