"""A campaign of five lines on Linux 6.1: class_create() loses its owner, by subsystem.

``REROLL_SOAK=1`` compiles all touched objects instead of every third.
"""

import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from generator import rules
from series import maintainers
from tests.conftest import Run
from tests.linux.conftest import Kernel, build, configure
from tests.repositories import git

pytestmark = pytest.mark.linux

STEP = 1 if os.environ.get("REROLL_SOAK") == "1" else 3
CAMPAIGN = """\
[series]
name = "class-create"
title = "class: class_create() knows its owner"
allow_many = "one patch a subsystem"
[[patch]]
id = "owner"
title = "drop the owner from class_create()"
split = "subsystem"
[[patch.step]]
rule = "generic/drop-argument"
parameters = { function = "class_create", position = 1, arguments = 2, value = "THIS_MODULE" }
[[patch.step]] # the one caller that passes something else
rule = "generic/drop-argument"
paths = ["arch/powerpc"]
parameters = { function = "class_create", position = 1, arguments = 2 }
"""


def test_class_create(reroll: Run, kernel_6_1: Kernel, tmp_path: Path) -> None:
    folder = tmp_path / "series"
    folder.mkdir()
    (folder / "series.toml").write_text(CAMPAIGN)
    start = time.monotonic()
    done = reroll("-C", folder, "--tree", kernel_6_1.path, "generate")
    print(f"generate took {time.monotonic() - start:.1f} s\n{done.out[:3000]}")  # noqa: T201
    assert done.code == 0, done.err
    # All that it has to say: between the first and the last patch the tree does not build.
    assert done.err.count("\n") == 1
    assert "include/linux/device/class.h is changed in one shard" in done.err
    manifest = json.loads((folder / "versions/v1/manifest.json").read_text())
    _sites(kernel_6_1, manifest)
    _shards(kernel_6_1, manifest)
    _objects(kernel_6_1, manifest, tmp_path)


def _sites(kernel: Kernel, manifest: dict[str, object]) -> None:
    """Nothing is unexplained, the sums agree, and no call has two arguments any more."""
    ledgers = [patch["ledger"] for patch in manifest["patches"]]  # type: ignore[attr-defined]
    ledgers += list(manifest["rest"].values())  # type: ignore[attr-defined]
    sites = [site for ledger in ledgers for site in ledger["sites"]]
    assert {site["bucket"] for site in sites} == {"converted", "comment", "string"}
    shown = git(kernel.path, "grep", "-o", "-w", "class_create", kernel.base)
    assert len(shown.splitlines()) == len(sites)
    tip = str(manifest["tip"])
    text = git(kernel.path, "grep", "-h", "-w", "-A1", "class_create(", tip, "--", "*.[ch]")
    assert not re.search(r"\bclass_create\((?:THIS_MODULE|owner|mod)\b", text)
    header = git(kernel.path, "show", f"{tip}:include/linux/device/class.h")
    assert re.search(r"#define class_create\(name\)\t+\\\n", header)
    assert "__class_create(THIS_MODULE, name, &__key);" in header
    assert '@owner: pointer to the module that is to "own"' not in header


def _shards(kernel: Kernel, manifest: dict[str, object]) -> None:
    """No shard mixes maintainers, and every prefix is its own."""
    known = maintainers.parse(git(kernel.path, "show", f"{kernel.base}:MAINTAINERS").encode())
    titles = []
    for patch in manifest["patches"]:  # type: ignore[attr-defined]
        titles.append(patch["title"])
        covering = [
            {section.title for section in maintainers.covering(known, file)} - {"THE REST"}
            for file in patch["files"]
        ]
        assert set.intersection(*covering) or len(patch["files"]) == 1 or not any(covering)
    assert len(set(titles)) == len(titles) > 50
    for title in titles:
        assert re.match(r"[\w/+-]+(?:: [\w/+-]+)?: drop the owner from class_create\(\)", title)
        assert not title.startswith(("treewide", "drivers"))
    print("; ".join(title.rsplit(": ", 1)[0] for title in titles))  # noqa: T201


def _objects(kernel: Kernel, manifest: dict[str, object], tmp_path: Path) -> None:
    """The touched objects that an x86 allmodconfig builds compile without a warning."""
    source, objects = tmp_path / "source", tmp_path / "objects"
    git(kernel.path, "worktree", "add", "-q", "--detach", str(source), str(manifest["tip"]))
    configure(source, objects)
    files = {file for patch in manifest["patches"] for file in patch["files"]}  # type: ignore[attr-defined]
    wanted = sorted(
        f"{file[:-2]}.o"
        for file in files
        if file.endswith(".c") and (not file.startswith("arch/") or file.startswith("arch/x86/"))
    )[::STEP]
    # Twice, because make -k -j was once seen to leave out an object without a word.
    said = build(source, objects, *wanted, keep_going=True)
    said += build(source, objects, *wanted, keep_going=True)
    missing = [target for target in wanted if not (objects / target).exists()]
    # Drivers of other machines do not compile here, with or without us.
    git(source, "checkout", "-q", kernel.base)
    build(source, objects, *missing, keep_going=True)
    ours = [target for target in missing if (objects / target).exists()]
    assert ours == [], said
    warnings = re.findall(r"^(\S+?\.[ch]):.* warning: .*", said, re.MULTILINE)
    assert not {f"{name[:-2]}.o" for name in warnings} & (set(wanted) - set(missing)), said[-3000:]
    made = len(wanted) - len(missing)
    assert made > 90 // STEP, missing
    print(f"compiled {made} of {len(wanted)} objects without a warning")  # noqa: T201
    print("not built on x86, with or without the series:", *missing)  # noqa: T201


@pytest.mark.skipif(shutil.which("spatch") is None, reason="coccicheck needs spatch in PATH")
def test_the_kernels_own_coccicheck_runs_our_rules(linux_6_1: Path, tmp_path: Path) -> None:
    module = tmp_path / "module"
    module.mkdir()
    text = "int a(int x)\n{\n\tint never_used;\n\n\treturn x;\n}\n"
    (module / "a.c").write_text(text)
    rule = rules.bundled_folder() / "generic/drop-unused-variable.cocci"
    words = [f"COCCI={rule}", "MODE=patch", f"M={module}"]
    command = ["make", "-C", str(linux_6_1), "coccicheck", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "-\tint never_used;" in done.stdout, done.stdout + done.stderr
