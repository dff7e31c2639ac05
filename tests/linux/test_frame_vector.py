"""The whole path on a real Linux 5.10: generate v7, compile it, apply it, send it."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.linux.conftest import Generated, Kernel, build, configure, git_am
from tests.repositories import git
from tests.smtp import send_to, smtp_server

pytestmark = pytest.mark.linux


def test_generate_is_quick_and_says_what_it_left_out(frame_vector: Generated) -> None:
    print(f"generate took {frame_vector.seconds:.1f} s\n{frame_vector.said}")  # noqa: T201
    assert "left out: vfio/type1" in frame_vector.said


def test_ledger_accounts_for_every_site(kernel: Kernel, series: Path) -> None:
    manifest = json.loads((series / "versions/v7/manifest.json").read_text())
    parent = kernel.base
    for patch in manifest["patches"]:
        ledger = patch["ledger"]
        assert len(ledger["sites"]) == sum(ledger["counts"].values())
        assert "unexplained" not in ledger["counts"]
        # An independent count, in the files that the ledger has, of the patch's parent.
        for path in {site["path"] for site in ledger["sites"]}:
            text = git(kernel.path, "show", f"{parent}:{path}")
            words = "|".join(map(re.escape, ledger["words"]))
            found = [site for site in ledger["sites"] if site["path"] == path]
            assert len(re.findall(rf"\b(?:{words})\b", text)) == len(found), path
        parent = patch["commit"]
    (drop,) = (patch for patch in manifest["patches"] if patch["id"] == "mm-longterm")
    whole = git(kernel.path, "grep", "-l", "-w", "get_vaddr_frames", f"{drop['commit']}~")
    files = {line.split(":", 1)[1] for line in whole.splitlines()}
    assert {site["path"] for site in drop["ledger"]["sites"]} == files


def test_kernel_doc_has_nothing_new(kernel: Kernel, series: Path, tmp_path: Path) -> None:
    manifest = json.loads((series / "versions/v7/manifest.json").read_text())
    script = tmp_path / "kernel-doc"
    script.write_text(git(kernel.path, "show", f"{kernel.base}:scripts/kernel-doc"))

    def complaints(revision: str, path: str) -> list[str]:
        file = tmp_path / Path(path).name
        file.write_text(git(kernel.path, "show", f"{revision}:{path}") + "\n")
        words = ["perl", str(script), "-none", str(file)]
        said = subprocess.run(words, capture_output=True, text=True, check=False, errors="replace")
        return sorted(re.sub(r":\d+:", ":", line) for line in said.stderr.splitlines())

    checked = 0
    for patch in manifest["patches"]:
        for path in patch["files"]:
            parent = f"{patch['commit']}~"
            if path.endswith((".c", ".h")) and git(kernel.path, "ls-tree", parent, path):
                new = complaints(patch["commit"], path)
                assert not set(new) - set(complaints(parent, path)), path
                checked += 1
    assert checked > 8


def test_scan_lists_callers_of_every_architecture(
    reroll: Run, kernel: Kernel, series: Path
) -> None:
    words = [
        *("-D", "function=follow_pfn", "-D", "position=4", "-D", "arguments=3"),
        *("-D", "type=unsigned int", "-D", "name=flags", "-D", "value=0"),
        *("--describe", "flags=how to look"),
    ]
    done = reroll("scan", "generic/add-argument", *words, "--tree", kernel.path, "--json")
    assert done.code == 0, done.err
    answer = json.loads(done.out)
    assert "arch/s390/pci/pci_mmio.c" in answer["changed"]
    assert set(answer["ledger"]["counts"]) <= {"converted", "comment", "string", "export", "not C"}
    callers = git(kernel.path, "grep", "-l", "-w", "follow_pfn", kernel.base, "--", "*.c")
    assert {site["path"] for site in answer["ledger"]["sites"]} >= {
        line.split(":", 1)[1] for line in callers.splitlines()
    }


def grep(kernel: Kernel, revision: str, pattern: str, *paths: str) -> list[str]:
    """Lines of ``revision`` that match, as file:line:text."""
    result = subprocess.run(
        ["git", "grep", "-n", "-E", pattern, revision, "--", *paths],
        cwd=kernel.path,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    return [line.removeprefix(f"{revision}:") for line in result.stdout.splitlines()]


def test_generate_apply_send(
    reroll: Run, kernel: Kernel, series: Path, tmp_path: Path, hermetic_seal: Path
) -> None:
    manifest = json.loads((series / "versions/v7/manifest.json").read_text())
    tree = manifest["tree"]
    assert len(manifest["patches"]) == 8
    _nothing_is_left(kernel, manifest["tip"])
    _same_again(reroll, kernel, series, manifest["tip"])

    # A second worktree of the same repository.
    second = tmp_path / "second"
    git(kernel.path, "worktree", "add", "-q", "--no-checkout", "--detach", str(second), kernel.base)
    done = reroll("-C", series, "--tree", second, "--json", "apply", "-v", 7, "--onto", kernel.base)
    assert json.loads(done.out)["tree"] == tree

    with smtp_server() as inbox:
        send_to(inbox, kernel.path)
        done = reroll("-C", series, "--tree", kernel.path, "send", "-v", 7, "--yes")
        assert done.code == 0, done.err
        ids = [mail["Message-ID"] for mail in inbox.messages]
        assert len(ids) == len(set(ids)) == len(manifest["patches"]) + 1
        expected = [manifest["cover"], *manifest["patches"]]
        for envelope, mail in zip(inbox.envelopes, expected, strict=True):
            wanted = {re.sub(r".*<(.*)>", r"\1", r["address"]) for r in mail["recipients"]}
            assert set(envelope.rcpt_tos) == wanted
        inbox.write_mbox(tmp_path / "received.mbox")
    assert _b4_am(kernel, tmp_path, ids[0], hermetic_seal) == tree


def _nothing_is_left(kernel: Kernel, tip: str) -> None:
    assert grep(kernel, tip, r"gup_flags.*frame|get_vaddr_frames.*flags") == []
    for path in ("mm/frame_vector.c", "drivers/media/common/videobuf2/frame_vector.c"):
        assert grep(kernel, tip, "gup_flags", path) == []
    assert grep(kernel, tip, "FRAME_VECTOR", "*Kconfig*", "*Makefile*") == []
    assert grep(kernel, tip, "frame_vector", "drivers/gpu/drm/exynos", "drivers/misc") == []
    # Every use in any architecture: prototype, definition and callers have three arguments.
    shown = grep(kernel, tip, r"\bget_vaddr_frames\(")
    files = {line.split(":")[0] for line in shown}
    uses = 0
    for file in files:
        text = git(kernel.path, "show", f"{tip}:{file}")
        code = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
        for call in re.findall(r"\bget_vaddr_frames\(((?:[^()]|\([^()]*\))*)\)", code):
            assert re.sub(r"\([^()]*\)", "", call).count(",") == 2, (file, call)
            uses += 1
    assert uses == 3


def _same_again(reroll: Run, kernel: Kernel, series: Path, tip: str) -> None:
    assert reroll("-C", series, "--tree", kernel.path, "generate", "-v", 7).code == 0
    assert git(kernel.path, "rev-parse", "reroll/frame-vector") == tip


def _b4_am(kernel: Kernel, tmp_path: Path, message_id: str, home: Path) -> str:
    """``b4 am`` on what arrived, then ``git am``: the tree that gives."""
    out = tmp_path / "am"
    with (home / ".gitconfig").open("a") as config:
        config.write("[b4]\n\tattestation-policy = off\n")
    b4 = [str(Path(sys.executable).with_name("b4")), "--offline-mode", "am"]
    words = ["-m", str(tmp_path / "received.mbox"), "-o", str(out), message_id.strip("<>")]
    subprocess.run([*b4, *words], cwd=tmp_path, check=True, stdin=subprocess.DEVNULL)
    (mbox,) = out.glob("v7*.mbx")
    return git_am(kernel, mbox, tmp_path / "am-tree")


def test_every_object_compiles_at_the_tip(kernel: Kernel, series: Path, tmp_path: Path) -> None:
    manifest = json.loads((series / "versions/v7/manifest.json").read_text())
    source, objects = tmp_path / "source", tmp_path / "objects"
    git(kernel.path, "worktree", "add", "-q", "--detach", str(source), manifest["tip"])
    configure(source, objects)
    files = {file for patch in manifest["patches"] for file in patch["files"]}
    sources = {file for file in files if file.endswith(".c") and (source / file).exists()}
    # What includes a header that the series changes or adds.
    for header in (file for file in files if file.endswith(".h") and "linux/mm.h" not in file):
        name = re.escape(header.removeprefix("include/").rsplit("/", 1)[-1])
        users = grep(kernel, manifest["tip"], rf'#\s*include [<"].*\b{name}[>"]', "*.c")
        near = header.rsplit("/", 1)[0] if not header.startswith("include/") else "drivers/media"
        sources |= {line.split(":")[0] for line in users if line.startswith(near)}
    # nommu.c is for machines without an MMU; x86 has one.
    targets = sorted(file[:-2] + ".o" for file in sources - {"mm/nommu.c"})
    assert len(targets) > 5
    said = build(source, objects, *targets)
    assert "warning:" not in said, said
    print(f"compiled {len(targets)} objects without a warning")  # noqa: T201
