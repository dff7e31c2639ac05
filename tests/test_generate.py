"""``reroll generate``: what a user sees in the tree and in the series folder."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import RENAME, Run, Small
from tests.repositories import commit_all, git, state_of


def test_a_campaign_becomes_commits_and_mails(reroll: Run, small: Small) -> None:
    before = state_of(small.tree)
    done = reroll(*small.words("generate", "-v", 2))
    assert (done.code, done.err) == (0, "")
    assert git(small.tree, "log", "--format=%s", "master..reroll/new-call") == (
        "drivers: b: use new_call()\ndrivers: a: use new_call()"
    )
    shown = git(small.tree, "show", "--format=%an <%ae>%n%B", "reroll/new-call~1")
    assert shown == (
        "Ada Developer <ada@example.org>\ndrivers: a: use new_call()\n\nnew_call() is better.\n\n"
        "Signed-off-by: Ada Developer <ada@example.org>\n\n\n"
        "diff --git a/drivers/a/a.c b/drivers/a/a.c\nindex f16515b..787044a 100644\n"
        "--- a/drivers/a/a.c\n+++ b/drivers/a/a.c\n@@ -1,4 +1,4 @@\n int a(int x)\n {\n"
        "-\treturn old_call(x);\n+\treturn new_call(x);\n }"
    )
    assert "select" not in git(small.tree, "show", "reroll/new-call:drivers/b/Kconfig")
    assert git(small.tree, "cat-file", "-t", "reroll/new-call-v2") == "tag"
    refs, head, status = state_of(small.tree)
    assert (head, status) == before[1:]
    assert set(before[0].splitlines()) <= set(refs.splitlines())


def test_mails_are_those_of_format_patch_with_changelog_and_recipients(
    reroll: Run, small: Small
) -> None:
    assert reroll(*small.words("generate", "-v", 2)).code == 0
    folder = small.folder / "versions" / "v2"
    assert sorted(path.name for path in folder.iterdir()) == [
        "manifest.json",
        "v2-0000-cover-letter.patch",
        "v2-0001-drivers-a-use-new_call.patch",
        "v2-0002-drivers-b-use-new_call.patch",
    ]
    manifest = json.loads((folder / "manifest.json").read_text())
    stem = manifest["cover"]["message_id"][: -len("-0@example.org>")]
    change_id = manifest["change_id"]
    assert change_id.startswith("20200913-new-call-")
    base = git(small.tree, "rev-parse", "master")
    cover = (folder / "v2-0000-cover-letter.patch").read_text()
    assert cover.startswith("From ")
    assert cover.split("\n", 1)[1] == (
        "From: Ada Developer <ada@example.org>\n"
        "Date: Sun, 13 Sep 2020 12:28:20 +0000\n"
        "Subject: [PATCH v2 0/2] Use new_call()\n"
        "To: Alice Maintainer <alice@example.org>,\n    Thea Rest <thea@example.org>\n"
        "Cc: Rob Reviewer <rob@example.org>,\n    drivers@lists.example.org,\n"
        "    all@lists.example.org\n"
        f"Message-ID: {stem}-0@example.org>\n"
        "\nAll users move over.\n\nChanges in v2:\n- done better\n\n"
        "Ada Developer (2):\n  drivers: a: use new_call()\n  drivers: b: use new_call()\n\n"
        " drivers/a/a.c     | 2 +-\n drivers/b/Kconfig | 1 -\n drivers/b/b.c     | 2 +-\n"
        " 3 files changed, 2 insertions(+), 3 deletions(-)\n\n\n"
        f"base-commit: {base}\nchange-id: {change_id}\n"
    )
    patch = (folder / "v2-0001-drivers-a-use-new_call.patch").read_text()
    assert patch.split("\n", 1)[1].split("diff --git")[0] == (
        "From: Ada Developer <ada@example.org>\n"
        "Date: Sun, 13 Sep 2020 12:28:21 +0000\n"
        "Subject: [PATCH v2 1/2] drivers: a: use new_call()\n"
        "To: Alice Maintainer <alice@example.org>,\n    Thea Rest <thea@example.org>\n"
        "Cc: Rob Reviewer <rob@example.org>,\n    drivers@lists.example.org,\n"
        "    all@lists.example.org\n"
        f"Message-ID: {stem}-1@example.org>\n"
        f"In-Reply-To: {stem}-0@example.org>\nReferences: {stem}-0@example.org>\n"
        "\nnew_call() is better.\n\nSigned-off-by: Ada Developer <ada@example.org>\n"
        "---\nChanges in v2:\n- said why\n\n drivers/a/a.c | 2 +-\n"
        " 1 file changed, 1 insertion(+), 1 deletion(-)\n\n"
    )


def test_twice_gives_the_same_commits_and_bytes(
    reroll: Run, small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (small.folder / "versions/v1").iterdir()}

    assert reroll(*small.words("generate")).code == 0
    first, tip = made(), git(small.tree, "rev-parse", "reroll/new-call")
    monkeypatch.delenv("SOURCE_DATE_EPOCH")  # the date comes from the version's record
    assert reroll(*small.words("generate")).code == 0
    assert (made(), git(small.tree, "rev-parse", "reroll/new-call")) == (first, tip)


def test_configuration_of_the_user_does_not_change_the_series(
    reroll: Run, small: Small, hermetic_seal: Path
) -> None:
    assert reroll(*small.words("generate")).code == 0
    first = git(small.tree, "rev-parse", "reroll/new-call")
    mail = (small.folder / "versions/v1/0001-drivers-a-use-new_call.patch").read_bytes()
    hook = small.tree / ".git/hooks/post-commit"
    hook.write_text('#!/bin/sh\ntouch "$HOME/hook-ran"\n')
    hook.chmod(0o755)
    with (hermetic_seal / ".gitconfig").open("a") as config:
        config.write(
            "[diff]\n\tnoprefix = true\n\tcontext = 9\n\talgorithm = patience\n"
            "[core]\n\tautocrlf = true\n[commit]\n\tgpgSign = true\n"
            "[format]\n\tattach = x\n\tto = evil@example.org\n\tsubjectPrefix = NO\n"
            "\tpretty = oneline\n[color]\n\tui = always\n[log]\n\tshowSignature = true\n[format]\n"
            "\tthread = deep\n\tnotes = true\n\tsignOff = true\n\toutputDirectory = /nowhere\n"
        )
    assert reroll(*small.words("generate")).code == 0
    assert git(small.tree, "rev-parse", "reroll/new-call") == first
    again = (small.folder / "versions/v1/0001-drivers-a-use-new_call.patch").read_bytes()
    assert again == mail
    assert not (hermetic_seal / "hook-ran").exists()


def test_hunks_name_functions_as_the_trees_attributes_say(reroll: Run, small: Small) -> None:
    """The kernel's "*.c diff=cpp" leaves labels out."""
    (small.tree / ".gitattributes").write_text("*.c diff=cpp\n")
    body = "".join(f"\tx += {number};\n" for number in range(5))
    code = f"int a(int x)\n{{\n{body}out:\n{body}\treturn old_call(x);\n}}\n"
    (small.tree / "drivers/a/a.c").write_text(code)
    commit_all(small.tree, "a label")
    git(small.tree, "config", "core.bare", "true")
    assert reroll(*small.words("generate")).code == 0
    mail = next((small.folder / "versions/v1").glob("0001*")).read_text()
    assert "@@ int a(int x)\n" in mail


def test_json_is_the_manifest(reroll: Run, small: Small) -> None:
    done = reroll(*small.words("--json", "generate"))
    manifest = json.loads((small.folder / "versions/v1/manifest.json").read_text())
    assert json.loads(done.out) == manifest
    assert manifest["tip"] == git(small.tree, "rev-parse", "reroll/new-call")
    assert [patch["id"] for patch in manifest["patches"]] == ["a", "b"]
    assert manifest["patches"][0]["rules"][0]["changed"] == ["drivers/a/a.c"]
    assert manifest["patches"][0]["recipients"][0] == {
        "address": "Alice Maintainer <alice@example.org>",
        "field": "to",
        "reasons": ["maintainer of DRIVERS OF A through F: drivers/a/"],
        "role": "maintainer",
    }


def test_dry_run_writes_nothing(reroll: Run, small: Small) -> None:
    before = state_of(small.tree)
    done = reroll(*small.words("generate", "-n"))
    assert done.code == 0
    assert "2/2 drivers: b: use new_call() (2 files, +1 -2)" in done.out
    assert state_of(small.tree) == before
    assert sorted(path.name for path in small.folder.iterdir()) == ["rename.cocci", "series.toml"]


def test_one_patch_has_no_cover_letter(reroll: Run, small: Small) -> None:
    text = (small.folder / "series.toml").read_text()
    (small.folder / "series.toml").write_text(text[: text.index('[[patch]]\nid = "b"')])
    assert reroll(*small.words("generate")).code == 0
    names = [path.name for path in (small.folder / "versions/v1").glob("*.patch")]
    assert names == ["0001-drivers-a-use-new_call.patch"]
    mail = (small.folder / "versions/v1" / names[0]).read_text()
    assert "Subject: [PATCH] drivers: a: use new_call()\n" in mail
    assert "In-Reply-To" not in mail


def test_unmatched_rule_fails_and_says_which(reroll: Run, small: Small) -> None:
    commit = small.tree / "drivers/b/b.c"
    commit.write_text("/* old_call() */\nint b;\n")
    commit_all(small.tree, "no user in b")
    before = state_of(small.tree)
    done = reroll(*small.words("generate"))
    assert done.code == 1
    assert done.err.splitlines()[0] == (
        "reroll: patch b: rename.cocci: changes none of 1 candidate file"
    )
    assert state_of(small.tree) == before
    assert not list(small.folder.glob("versions/*"))

    small.rewrite('id = "b"', 'id = "b"\nunmatched = "skip"')
    done = reroll(*small.words("generate"))
    assert done.code == 0
    assert "left out: drivers: b: use new_call() [b]" in done.out
    # The patch is left out whole: its edit of Kconfig is not in the series either.
    assert "select OLD" in git(small.tree, "show", "reroll/new-call:drivers/b/Kconfig")


def test_a_step_that_may_miss_leaves_the_patch(reroll: Run, small: Small) -> None:
    small.rewrite('paths = ["drivers/b"]', 'paths = ["drivers/nowhere"]\nunmatched = "skip"')
    done = reroll(*small.words("generate"))
    assert done.code == 0
    assert "step left out: rename.cocci: there is no drivers/nowhere in the tree" in done.out
    assert "select" not in git(small.tree, "show", "reroll/new-call:drivers/b/Kconfig")


def test_code_that_spatch_cannot_parse_is_named(reroll: Run, small: Small) -> None:
    (small.tree / "drivers/a/bad.c").write_text(
        "int g(void)\n{\n\tMACRO( { old_call(a) ; ;; if ( ] );\n\treturn old_call(3);\n}\n"
    )
    commit_all(small.tree, "code in a macro")
    done = reroll(*small.words("generate"))
    assert done.code == 1
    assert "drivers/a/bad.c:3: old_call: unparsed: spatch could not parse this code" in done.err
    small.rewrite(
        'paths = ["drivers/a"]', 'paths = ["drivers/a"]\nexclude = {"drivers/a/bad.c" = "by hand"}'
    )
    assert reroll(*small.words("generate")).code == 0


def test_a_file_that_spatch_drops_is_not_unmatched(reroll: Run, small: Small) -> None:
    (small.tree / "drivers/a/a.c").write_text(
        "int a(int x)\n{\n\treturn old_call(old_call(x));\n}\n"
    )
    commit_all(small.tree, "nested calls, which this rule cannot do")
    small.rewrite('id = "a"', 'id = "a"\nunmatched = "skip"')
    done = reroll(*small.words("generate"))
    assert done.code == 1
    assert "patch a: drivers/a/a.c:3: old_call: failed: spatch dropped it" in done.err


def test_a_later_rule_without_a_match_in_a_changed_file(reroll: Run, small: Small) -> None:
    (small.folder / "other.cocci").write_text(
        "virtual patch\n@@ @@\n- old_call(NONE)\n+ new_call(NONE)\n"
    )
    small.rewrite(
        'paths = ["drivers/a"]',
        'paths = ["drivers/a"]\n[[patch.step]]\nrule = "other.cocci"\nunmatched = "skip"\n'
        'paths = ["drivers/a"]',
    )
    done = reroll(*small.words("generate"))
    assert done.code == 0, done.err


def test_a_file_that_is_moved_and_much_changed_keeps_its_sites(reroll: Run, small: Small) -> None:
    extra = "".join(f"int x{number};\n" for number in range(20))
    (small.tree / "drivers/a/big.c").write_text(
        f"/* old_call */\n{extra}int z(void)\n{{\n\treturn old_call(1, 2);\n}}\n"
    )
    commit_all(small.tree, "one more")
    small.rewrite(
        '[[patch.step]]\nrule = "rename.cocci"\npaths = ["drivers/a"]',
        '[[patch.step]]\nmove = "drivers/a/big.c"\nto = "lib/big.c"\n'
        '[[patch.step]]\nedit = "lib/big.c"\npattern = "int x.*\\n"\nreplace = ""\ncount = 20\n'
        '[[patch.step]]\nrule = "rename.cocci"\npaths = ["drivers/a", "lib"]',
    )
    done = reroll(*small.words("generate"))
    assert done.code == 1
    assert "patch a: drivers/a/big.c:24: old_call: unexplained: a call" in done.err


def test_names_that_spatch_would_hand_to_a_shell_are_refused(
    reroll: Run, small: Small, tmp_path: Path
) -> None:
    (small.tree / "drivers/a/x$(touch PWN).c").write_text("int a = old_call(3);\n")
    commit_all(small.tree, "a name")
    done = reroll(*small.words("generate"))
    assert done.code == 1
    assert "drivers/a/x$(touch PWN).c:1: old_call: refused:" in done.err
    assert not list(tmp_path.rglob("PWN"))


def test_ignored_new_files_bytes_and_line_ends_survive(reroll: Run, small: Small) -> None:
    raw = b"/* caf\xe9 */\r\nint c(int x)\r\n{\r\n\treturn old_call(x);\r\n}\r\n"
    (small.tree / "drivers/a/crlf.c").write_bytes(raw)
    commit_all(small.tree, "CRLF and latin-1")
    small.rewrite(
        '[[patch.step]]\nedit = "drivers/b/Kconfig"',
        '[[patch.step]]\nmove = "drivers/b/b.c"\nto = "drivers/new/b.c"\n\n'
        '[[patch.step]]\nedit = "drivers/b/Kconfig"',
    )
    assert reroll(*small.words("generate")).code == 0
    place = small.tree.parent / "out"
    git(small.tree, "worktree", "add", "-q", "--detach", str(place), "reroll/new-call")
    assert (place / "drivers/a/crlf.c").read_bytes() == raw.replace(b"old_call", b"new_call")
    assert (place / "drivers/new/b.c").is_file()
    assert not (place / "drivers/b/b.c").exists()


@pytest.mark.slow
def test_apply_and_pick_keep_the_author(reroll: Run, small: Small) -> None:
    base = git(small.tree, "rev-parse", "HEAD")
    (small.tree / "drivers/a/a.c").write_text("int a(int x)\n{\n\treturn old_call(x) + 1;\n}\n")
    commit_all(small.tree, "a: count")
    git(small.tree, "commit", "-q", "--amend", "--no-edit", "--author=Bob Hand <bob@example.org>")
    git(small.tree, "format-patch", "-q", "-1", "-o", str(small.folder))
    picked = git(small.tree, "rev-parse", "HEAD")
    git(small.tree, "reset", "-q", "--hard", base)
    git(small.tree, "branch", "theirs", picked)
    text = (small.folder / "series.toml").read_text()
    for step in ('apply = "0001-a-count.patch"', 'pick = "theirs"'):
        first = f'[[patch]]\nid = "count"\ntitle = "a: count"\n[[patch.step]]\n{step}\n\n'
        (small.folder / "series.toml").write_text(
            text.replace('[[patch]]\nid = "a"', first + '[[patch]]\nid = "a"')
        )
        assert reroll(*small.words("generate")).code == 0
        assert git(small.tree, "log", "-1", "--format=%an %ae|%cn", "reroll/new-call~2") == (
            "Bob Hand bob@example.org|Ada Developer"
        )
        mail = (small.folder / "versions/v1/0001-a-count.patch").read_text()
        assert "From: Ada Developer" in mail.split("\n\n")[0]
        assert mail.split("\n\n")[1].startswith("From: Bob Hand <bob@example.org>")


def test_conflicts_name_patch_and_file(reroll: Run, small: Small) -> None:
    (small.folder / "x.patch").write_text(
        "--- a/drivers/a/a.c\n+++ b/drivers/a/a.c\n@@ -1,2 +1,2 @@\n-int zzz;\n+int y;\n int q;\n"
    )
    small.rewrite('rule = "rename.cocci"\npaths = ["drivers/a"]', 'apply = "x.patch"')
    before = state_of(small.tree)
    done = reroll(*small.words("generate"))
    assert done.code == 3
    assert done.err.startswith("reroll: patch a: step 1: x.patch: does not apply: drivers/a/a.c")
    assert state_of(small.tree) == before


def test_a_diff_that_the_base_has_already(reroll: Run, small: Small) -> None:
    base = git(small.tree, "rev-parse", "HEAD")
    (small.tree / "drivers/a/a.c").write_text("int a(int x)\n{\n\treturn old_call(x) + 1;\n}\n")
    commit_all(small.tree, "a: count")
    (small.folder / "count.diff").write_text(git(small.tree, "diff", base) + "\n")
    small.rewrite('rule = "rename.cocci"\npaths = ["drivers/a"]', 'apply = "count.diff"')
    done = reroll(*small.words("generate"))
    assert done.code == 1
    assert "patch a: count.diff: the tree has this change already" in done.err
    assert "unmatched" in done.err
    small.rewrite('id = "a"', 'id = "a"\nunmatched = "skip"')
    done = reroll(*small.words("generate"))
    assert (done.code, git(small.tree, "rev-list", "--count", "HEAD..reroll/new-call")) == (0, "1")


def test_work_of_the_user_on_the_branch_is_kept(reroll: Run, small: Small) -> None:
    assert reroll(*small.words("generate")).code == 0
    tip = git(
        small.tree, "commit-tree", "-m", "mine", "-p", "reroll/new-call", "reroll/new-call^{tree}"
    )
    git(small.tree, "branch", "-f", "reroll/new-call", tip)
    done = reroll(*small.words("generate"))
    assert done.code == 3
    assert "which no version in" in done.err
    assert git(small.tree, "rev-parse", "reroll/new-call") == tip
    assert reroll(*small.words("generate", "--force")).code == 0
    assert git(small.tree, "rev-parse", "reroll/new-call") != tip


def test_branch_checked_out_elsewhere(reroll: Run, small: Small, tmp_path: Path) -> None:
    git(small.tree, "worktree", "add", "-q", "-b", "reroll/new-call", str(tmp_path / "else"))
    done = reroll(*small.words("generate"))
    assert done.code == 3
    assert f"is checked out in {tmp_path / 'else'}" in done.err


@pytest.mark.slow
def test_a_bare_clone_with_a_sparse_worktree(reroll: Run, small: Small, tmp_path: Path) -> None:
    """git then moves core.bare into a file of its own (git-sparse-checkout(1))."""
    bare = tmp_path / "bare.git"
    git(tmp_path, "clone", "-q", "--bare", str(small.tree), str(bare))
    git(bare, "worktree", "add", "-q", "--detach", str(tmp_path / "hand"))
    git(tmp_path / "hand", "sparse-checkout", "set", "drivers/a")
    assert "bare = true" not in (bare / "config").read_text()
    for place in (bare, tmp_path / "hand"):
        done = reroll("-C", small.folder, "--tree", place, "generate")
        assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize("kind", ["bare", "shallow", "dirty"])
def test_unusual_clones(reroll: Run, small: Small, tmp_path: Path, kind: str) -> None:
    other = tmp_path / "other"
    if kind == "dirty":
        (small.tree / "drivers/a/a.c").write_text("int unfinished = old_call(\n")
        other = small.tree
    else:
        option = "--bare" if kind == "bare" else "--depth=1"
        git(tmp_path, "clone", "-q", option, f"file://{small.tree}", str(other))
    done = reroll("-C", small.folder, "--tree", other, "generate")
    assert done.code == 0
    assert ("note:" in done.err) == (kind != "bare")
    if kind == "dirty":
        assert (small.tree / "drivers/a/a.c").read_text() == "int unfinished = old_call(\n"


def test_rule_that_would_run_code_is_refused(reroll: Run, small: Small) -> None:
    (small.folder / "rename.cocci").write_text(
        RENAME + "@script:python@\n@@\nopen('/tmp/pwn', 'w')\n"
    )
    done = reroll(*small.words("generate"))
    assert done.code == 2
    assert "has python script rules" in done.err


@pytest.mark.slow
def test_killed_at_any_moment_the_next_run_heals(small: Small, tmp_path: Path) -> None:
    """SIGKILL while it works: the user's tree is as it was, and a second run does the job."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    environment = {**os.environ, "TMPDIR": str(scratch)}
    del environment["SOURCE_DATE_EPOCH"]
    words = [sys.executable, "-m", "series.cli", *map(str, small.words("generate"))]
    root = Path(__file__).parents[1]
    before = state_of(small.tree)
    for delay in (0.3, 0.45, 0.6, 0.75, 0.9, 1.05):
        process = subprocess.Popen(words, env=environment, cwd=root, stdout=subprocess.DEVNULL)
        time.sleep(delay)
        process.kill()
        process.wait()
        assert state_of(small.tree)[1:] == before[1:]
    done = subprocess.run(words, env=environment, cwd=root, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    manifest = json.loads((small.folder / "versions/v1/manifest.json").read_text())
    assert manifest["tip"] == git(small.tree, "rev-parse", "reroll/new-call")
    assert git(small.tree, "worktree", "list").count("\n") == 0
    assert [path.name for path in (small.folder / "versions").iterdir()] == ["v1"]


@pytest.mark.slow
def test_refs_moved_but_the_folder_lost(reroll: Run, small: Small) -> None:
    """Killed between the two: the tag shows that the branch holds no work of the user."""
    assert reroll(*small.words("generate")).code == 0
    shutil.rmtree(small.folder / "versions")
    small.rewrite('message = "new_call() is better."', 'message = "It is better."')
    assert reroll(*small.words("generate")).code == 0
    assert "It is better" in git(small.tree, "log", "--format=%B", "master..reroll/new-call")


def test_two_at_once(reroll: Run, small: Small) -> None:
    import fcntl

    held = os.open(small.folder, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    try:
        done = reroll(*small.words("generate"))
    finally:
        os.close(held)
    assert (done.code, "another reroll is at work" in done.err) == (3, True)


def test_file_names_that_git_quotes(reroll: Run, small: Small) -> None:
    (small.tree / "drivers/é").mkdir()
    (small.tree / "drivers/é/Kcon\tfig").write_text("config B\n\tbool\n")
    text = (small.tree / "MAINTAINERS").read_text()
    section = "EVE\nM:\tEve <eve@example.org>\nS:\tMaintained\nF:\tdrivers/é/\n\nTHE REST"
    (small.tree / "MAINTAINERS").write_text(text.replace("THE REST", section))
    commit_all(small.tree, "names")
    small.rewrite('"drivers/b/Kconfig"', '"drivers/é/Kcon\\tfig"')
    small.rewrite("'^\\tselect OLD\\n'", "'^\\tbool\\n'")
    assert reroll(*small.words("generate")).code == 0
    manifest = json.loads((small.folder / "versions/v1/manifest.json").read_text())
    patch = manifest["patches"][1]
    assert "drivers/é/Kcon\tfig" in patch["files"]
    assert "Eve <eve@example.org>" in [item["address"] for item in patch["recipients"]]
