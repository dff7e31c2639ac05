"""Regular expressions that mean the same in every Python that reroll runs on."""

import re
from pathlib import Path

import pytest

import generator
import series

SOURCES = [
    path
    for package in (generator, series)
    for path in sorted(Path(str(package.__file__)).parent.rglob("*.py"))
]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_group_is_possessive(path: Path) -> None:
    """Before Python 3.11.5 it matches wrongly where the group backtracks (cpython gh-106052)."""
    # What follows a bracket, or a part that is put in from elsewhere; ")*+;" is in a set.
    assert not re.search(r"""\)[*+?]\+(?!;)|["'][*+?]\+["'()]""", path.read_text("utf-8"))
