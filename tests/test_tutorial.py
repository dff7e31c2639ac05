"""The lessons of the documentation, run as they stand."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.repositories import git

DOCS = Path(__file__).parents[1] / "docs"


def learn(lesson: str, place: Path) -> str:
    """Run the shell blocks of a lesson in ``place``, as one script; returns what was said."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", (DOCS / lesson).read_text(), re.DOTALL | re.M)
    assert len(blocks) >= 8
    done = subprocess.run(
        ["bash", "-c", "set -eu\n" + "\n".join(blocks)],
        cwd=place,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.slow
def test_ten_minutes(sample: Path, hermetic_seal: Path) -> None:
    place = sample.parent
    (hermetic_seal / ".gitconfig").write_text("[init]\n\tdefaultBranch = master\n")
    assert "11 = 11 converted" in learn("tutorial.md", place)
    assert "Acked-by: Bela Horvath" in (place / "peek-pfn/trailers.toml").read_text()
    (mail,) = (place / "peek-pfn/versions/v2").glob("*.patch")
    assert "Acked-by: Bela Horvath" in mail.read_text()
    assert "It holds on to nothing" in mail.read_text()
    branch = "reroll/peek-pfn-v2-applied"
    assert "peek_pfn" in git(place / "other", "show", f"{branch}:mm/memory.c")


@pytest.mark.slow
def test_the_first_campaign(sample: Path, hermetic_seal: Path) -> None:
    place = sample.parent
    git(place, "config", "--global", "--unset", "reroll.required")
    said = learn("first-campaign.md", place)
    # What the document shows of the output.
    shown = re.findall(
        r"^```text\n(.*?)^```$", (DOCS / "first-campaign.md").read_text(), re.S | re.M
    )
    for line in "".join(shown).splitlines():
        assert line == "..." or line in said
    first = git(place / "linux", "show", "reroll/lookup-pfn-v1:include/linux/mm.h")
    assert "return follow_pfn(vma, address, pfn);" in first
    mails = {path.name[:4]: path.read_text() for path in (place / "preview").glob("*.eml")}
    assert mails.keys() == {"0000", "0001", "0002", "0003", "0004"}
    assert "All callers write, so all pass true." in mails["0002"]
    assert "To: mm@lists.example.org" in mails["0002"]
    # Only the patch that got a caller is another one, and the tag of another patch stays.
    (newest,) = (place / "lookup-pfn/versions/v2").glob("v2-0003*")
    assert "+\treturn lookup_pfn(vma, address, pfn, true);" in newest.read_text()
    (vfio,) = (place / "lookup-pfn/versions/v2").glob("v2-0004*")
    assert "Acked-by: Ravi Menon" in vfio.read_text()
    became = re.findall(r"^  ./4 .* \((.*)\)$", said.partition("lookup-pfn v2 on")[2], re.M)
    assert became == ["unchanged", "unchanged", "changed", "same change"]
