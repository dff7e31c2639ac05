"""The tutorial's commands, run as they stand."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.repositories import git

TUTORIAL = Path(__file__).parents[1] / "docs/tutorial.md"


@pytest.mark.slow
def test_every_command_of_the_tutorial(sample: Path, hermetic_seal: Path) -> None:
    place = sample.parent
    (hermetic_seal / ".gitconfig").write_text("[init]\n\tdefaultBranch = master\n")
    blocks = re.findall(r"^```sh\n(.*?)^```$", TUTORIAL.read_text(), re.DOTALL | re.MULTILINE)
    assert len(blocks) >= 8
    script = "set -eu\n" + "\n".join(blocks)
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=place,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "11 = 11 converted" in done.stdout + done.stderr
    assert "Acked-by: Bela Horvath" in (place / "peek-pfn/trailers.toml").read_text()
    (mail,) = (place / "peek-pfn/versions/v2").glob("*.patch")
    assert "Acked-by: Bela Horvath" in mail.read_text()
    assert "It holds on to nothing" in mail.read_text()
    branch = "reroll/peek-pfn-v2-applied"
    assert "peek_pfn" in git(place / "other", "show", f"{branch}:mm/memory.c")


def test_links_of_the_docs_lead_somewhere() -> None:
    docs = [*TUTORIAL.parent.glob("*.md"), TUTORIAL.parents[1] / "README.md"]
    lost = [
        f"{page.name}: {link}"
        for page in docs
        for link in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text())
        if not (page.parent / link).exists()
    ]
    assert lost == []
