"""``reroll check`` with the scripts of Linux 5.10 itself."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Outcome, Run
from tests.linux.conftest import Kernel

pytestmark = pytest.mark.linux

QUICK = ("applies", "order", "remaining", "second-run", "kernel-doc", "checkpatch", "fixes")
EDITED = r"""
[series]
name = "seeded"
title = "Faults"
cover = "See each."

[[patch]]
id = "stale"
title = "mm: frame_vector: drop the flags"
message = "They are not needed."

[[patch.step]]
edit = "mm/frame_vector.c"
pattern = 'unsigned int gup_flags, struct frame_vector'
replace = '  struct frame_vector '

[[patch.step]]
edit = "mm/frame_vector.c"
pattern = '\tint locked;'
replace = "\\tint locked ;"

[[patch]]
id = "pfn"
title = "mm: remove follow_pfn()"
message = "Nobody uses it."

[[patch.step]]
edit = "mm/memory.c"
pattern = '(?s)/\*\*\n \* follow_pfn.*?EXPORT_SYMBOL\(follow_pfn\);\n\n'
replace = ""

[[patch.step]]
edit = "mm/nommu.c"
pattern = '(?s)/\*\*\n \* follow_pfn.*?EXPORT_SYMBOL\(follow_pfn\);\n'
replace = ""
"""


def results(done: Outcome) -> dict[str, dict[int, Any]]:
    """The results by check and patch."""
    found: dict[str, dict[int, Any]] = {}
    for patch in json.loads(done.out)["patches"]:
        for name, result in patch["results"].items():
            found.setdefault(name, {})[patch["number"]] = result
    return found


def test_frame_vector_passes_and_is_quick_again(reroll: Run, kernel: Kernel, series: Path) -> None:
    words = ["-C", series, "--tree", kernel.path, "check", *QUICK, "--json"]
    done = reroll(*words)
    assert done.code == 0, done.out + done.err
    states = {name: {one["state"] for one in said.values()} for name, said in results(done).items()}
    assert states == {name: {"passed"} for name in QUICK}
    start = time.monotonic()
    again = reroll(*words)
    print(f"a second check took {time.monotonic() - start:.1f} s")  # noqa: T201
    assert again.out == done.out


def test_seeded_faults(reroll: Run, kernel: Kernel, tmp_path: Path) -> None:
    folder = tmp_path / "series"
    folder.mkdir()
    (folder / "series.toml").write_text(EDITED)
    words = ["-C", folder, "--tree", kernel.path]
    made = reroll(*words, "generate")
    assert made.code == 0, made.err
    done = reroll(*words, "check", "kernel-doc", "checkpatch", "order", "--json")
    assert done.code == 1, done.out
    found = results(done)
    (stale,) = found["kernel-doc"][1]["findings"]
    assert stale["source"].startswith(" * @gup_flags:")
    assert stale["path"] == "mm/frame_vector.c"
    assert "gup_flags" in stale["what"]
    assert found["checkpatch"][1]["findings"][0]["path"] == "mm/frame_vector.c"
    users = {one["path"] for one in found["order"][2]["findings"]}
    assert "arch/s390/pci/pci_mmio.c" in users
