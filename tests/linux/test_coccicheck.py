# SPDX-License-Identifier: GPL-2.0-or-later
"""The tree's own rules: our hunks against those that ``make coccicheck MODE=patch`` prints.

A fixed sample; ``python -m benchmarks.coccicheck`` compares all rules on more files.  What is
known to differ is in that module, with a reason for each rule and file.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from pathlib import Path

import pytest

from benchmarks import coccicheck
from benchmarks.coccicheck import Place, Verdict, compare, file_results
from benchmarks.engine import Hunk, hunks

pytestmark = pytest.mark.linux

SAMPLE = (
    ("api/debugfs/debugfs_simple_attr.cocci", "drivers/gpu/drm/i915/gvt"),
    ("api/device_attr_show.cocci", "drivers/staging/fieldbus"),
    ("api/kfree_mismatch.cocci", "drivers/media/test-drivers/vidtv"),
    ("api/kobj_to_dev.cocci", "drivers/staging/fieldbus"),
    ("api/memdup.cocci", "drivers/media/test-drivers/vidtv"),
    ("api/platform_get_irq.cocci", "drivers/media/platform/mtk-jpeg"),
    ("iterators/for_each_child.cocci", "drivers/media/platform/sti/c8sectpfe"),
    ("misc/boolinit.cocci", "drivers/usb/gadget/legacy"),
    ("misc/bugon.cocci", "fs/ocfs2/dlmfs"),
    ("misc/excluded_middle.cocci", "drivers/hwmon/pmbus"),
    # With scripts in patch mode, so that both run the spatch in PATH.
    ("misc/flexible_array.cocci", "drivers/visorbus"),
)
"""Rules and directories; coccicheck changes something for each."""
KNOWN = (("api/vma_pages.cocci", "include/linux"),)
"""The same where a difference is known."""


@pytest.fixture(scope="module")
def place(linux: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The directories of the sample, checked out."""
    for program in ("make", "spatch", "lscpu"):
        if shutil.which(program) is None:
            pytest.skip(f"there is no '{program}' in PATH, which make coccicheck needs")
    folders = sorted({folder for _, folder in (*SAMPLE, *KNOWN)})
    return coccicheck.place_for(linux, tmp_path_factory.mktemp("coccicheck"), folders)


@pytest.mark.parametrize(("rule", "folder"), SAMPLE)
def test_same_hunks(place: Place, rule: str, folder: str) -> None:
    found = compare(place, rule, folder)
    assert found.theirs > 0, "make coccicheck changes nothing here: nothing is compared"
    assert found.unexpected == []
    assert found.notes == ()
    assert found.count(Verdict.EQUAL) > 0


@pytest.mark.parametrize(("rule", "folder"), KNOWN)
def test_known_differences(place: Place, rule: str, folder: str) -> None:
    """One that is gone is no less wrong than one that is new."""
    found = compare(place, rule, folder)
    assert found.different
    assert found.unexpected == []


def test_comparison_can_fail(place: Place) -> None:
    """A hunk less, another place and another split of the same change are told apart."""
    rule, folder = "misc/bugon.cocci", "fs/ocfs2/dlmfs"
    theirs = hunks(place.coccicheck(rule, folder).diff)
    assert {one.verdict for one in file_results(place, theirs, theirs)} == {Verdict.EQUAL}
    less = theirs.copy()
    del less[next(iter(theirs))]
    path = next(iter(theirs))[0]
    for ours in (less, theirs - theirs):
        found = {one.path: one for one in file_results(place, ours, theirs)}
        assert found[path].verdict is Verdict.DIFFERENT
    wider = _without_last_context(theirs)
    found_wider = file_results(place, wider, theirs)
    assert {one.verdict for one in found_wider} == {Verdict.SAME_RESULT}


def _without_last_context(found: Counter[Hunk]) -> Counter[Hunk]:
    """The same changes in hunks that have a line less at their end."""
    shorter: Counter[Hunk] = Counter()
    for path, head, body in found.elements():
        body, _, last = body.rpartition(b"\n")
        assert last.startswith(b" ")
        old, lines, new, more = map(int, re.findall(rb"\d+", head))
        shorter[path, b"@@ -%d,%d +%d,%d @@" % (old, lines - 1, new, more - 1), body] += 1
    return shorter
