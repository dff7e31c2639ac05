"""``reroll apply``: the mails onto another tree, or a conflict that changes nothing."""

import json
from pathlib import Path

from tests.conftest import SMALL, Run, Small
from tests.repositories import commit_all, git, make_repository, state_of


def test_the_same_base_gives_the_same_tree(reroll: Run, small: Small, tmp_path: Path) -> None:
    assert reroll(*small.words("generate", "-v", 7)).code == 0
    other = tmp_path / "other"
    git(tmp_path, "clone", "-q", str(small.tree), str(other))
    git(other, "tag", "old")
    before = state_of(other)
    done = reroll("-C", small.folder, "--tree", other, "--json", "apply", "-v", 7, "--onto", "old")
    assert done.code == 0
    answer = json.loads(done.out)
    assert answer["identical"] is True
    assert answer["branch"] == "reroll/new-call-v7-applied"
    assert git(other, "rev-parse", f"{answer['branch']}^{{tree}}") == git(
        small.tree, "rev-parse", "reroll/new-call^{tree}"
    )
    assert state_of(other)[1:] == before[1:]
    # Again: the same commits, so there is nothing to replace.
    assert reroll("-C", small.folder, "--tree", other, "apply", "--onto", "old").code == 0


def test_another_base_is_said(reroll: Run, small: Small, tmp_path: Path) -> None:
    assert reroll(*small.words("generate")).code == 0
    other = make_repository(tmp_path / "other", {**SMALL, "new": "file\n"})
    done = reroll("-C", small.folder, "--tree", other, "apply", "--branch", "try")
    assert done.code == 0
    assert "not the same as the tree that was generated" in done.out
    assert "new_call" in git(other, "show", "try:drivers/a/a.c")


def test_conflict_names_patch_and_files_and_changes_nothing(
    reroll: Run, small: Small, tmp_path: Path
) -> None:
    assert reroll(*small.words("generate")).code == 0
    other = make_repository(
        tmp_path / "other", {**SMALL, "drivers/b/b.c": "int b(int x)\n{\n\treturn other(x);\n}\n"}
    )
    (other / "untracked").write_text("mine\n")
    before = state_of(other)
    done = reroll("-C", small.folder, "--tree", other, "apply")
    assert done.code == 3
    assert done.err == (
        "reroll: patch 2/2 (drivers: b: use new_call()) does not apply to drivers/b/b.c; "
        "the tree is as it was\n"
    )
    assert state_of(other) == before
    assert git(other, "worktree", "list").count("\n") == 0


def test_a_branch_with_other_commits_is_kept(reroll: Run, small: Small) -> None:
    assert reroll(*small.words("generate")).code == 0
    git(small.tree, "branch", "mine")
    done = reroll(*small.words("apply", "--branch", "mine"))
    assert done.code == 3
    assert "exists already, with other commits" in done.err
    assert git(small.tree, "rev-parse", "mine") == git(small.tree, "rev-parse", "master")
    assert reroll(*small.words("apply", "--branch", "mine", "--force")).code == 0
    assert git(small.tree, "rev-parse", "mine^{tree}") == git(
        small.tree, "rev-parse", "reroll/new-call^{tree}"
    )
    done = reroll(*small.words("apply", "--branch=-x"))
    assert (done.code, "cannot be the name of a branch" in done.err) == (2, True)


def test_dry_run(reroll: Run, small: Small) -> None:
    assert reroll(*small.words("generate")).code == 0
    before = state_of(small.tree)
    done = reroll(*small.words("apply", "-n"))
    assert (done.code, done.out.startswith("would apply 2 patches")) == (0, True)
    assert state_of(small.tree) == before


def test_a_mail_that_has_gone(reroll: Run, small: Small) -> None:
    assert reroll(*small.words("generate")).code == 0
    next((small.folder / "versions/v1").glob("0002*")).unlink()
    done = reroll(*small.words("apply"))
    assert done.code == 2
    assert "this mail of version 1 has gone" in done.err


def test_damaged_manifest(reroll: Run, small: Small) -> None:
    assert reroll(*small.words("generate")).code == 0
    manifest = small.folder / "versions/v1/manifest.json"
    good = manifest.read_text()
    for text in ("{", good.replace('"format": 1', '"format": 99'), good.replace("0002-", "../x")):
        manifest.write_text(text)
        done = reroll(*small.words("apply"))
        assert (done.code, "Traceback" in done.err) == (2, False)
        assert "manifest.json" in done.err


def test_crlf_and_bytes_survive_the_mails(reroll: Run, small: Small) -> None:
    raw = b"/* caf\xe9 */\r\nint c(int x)\r\n{\r\n\treturn old_call(x);\r\n}\r\n"
    (small.tree / "drivers/a/crlf.c").write_bytes(raw)
    commit_all(small.tree, "CRLF and latin-1")
    assert reroll(*small.words("generate")).code == 0
    done = reroll(*small.words("--json", "apply"))
    assert json.loads(done.out)["identical"] is True
