"""``reroll absorb``: what a user did on the branch by hand comes back out of the campaign."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from series.campaign_file import CampaignFile
from tests.conftest import Run, Small
from tests.repositories import commit_all, git, state_of

BRANCH = "reroll/new-call"


class Hand:
    """The user's own worktree, on the branch."""

    def __init__(self, small: Small, place: Path) -> None:
        self.small, self.place = small, place
        git(small.tree, "worktree", "add", "-q", str(place), BRANCH)

    def git(self, *words: str) -> str:
        return git(self.place, *words)

    def write(self, name: str, content: str | bytes) -> None:
        path = self.place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    def commit(self, *words: str) -> None:
        self.git("add", "-f", "-A")
        self.git("commit", "-q", *words)

    def rebase(self, todo: str) -> None:
        """``git rebase -i`` with this list: "pick 2" is the second commit of the branch."""
        commits = self.git("rev-list", "--reverse", "master..HEAD").split("\n")
        lines = [line.split() for line in todo.strip().splitlines()]
        text = "".join(f"{verb} {commits[int(number) - 1]}\n" for verb, number in lines)
        (self.place.parent / "todo").write_text(text)
        self.git(
            "-c", f"sequence.editor=cp {self.place.parent / 'todo'}", "-c", "core.editor=true",
            "rebase", "-q", "-i", "master",
        )  # fmt: skip

    def leave(self) -> None:
        git(self.small.tree, "worktree", "remove", "--force", str(self.place))


@pytest.fixture
def hand(generated: Small, tmp_path: Path) -> Hand:
    return Hand(generated, tmp_path / "mine")


def shown(tree: Path, tip: str, base: str = "master") -> list[str]:
    """What has to be the same: tree, author and message of each commit."""
    said = git(tree, "log", "--reverse", "--format=%T %an <%ae>%n%B%x00", f"{base}..{tip}")
    return [entry.strip() for entry in said.split("\0") if entry.strip()]


def absorbed(reroll: Run, hand: Hand, *, base: str = "master") -> str:
    """Absorb, generate again, and see that the commits are the user's; what absorb said."""
    small = hand.small
    tip = git(small.tree, "rev-parse", BRANCH)
    wanted = shown(small.tree, tip, base)
    hand.leave()
    refused = reroll(*small.words("generate"))
    assert refused.code == 3, "work that was not absorbed must stay"
    before = state_of(small.tree)
    done = reroll(*small.words("absorb"))
    assert (done.code, done.err) == (0, ""), done
    assert state_of(small.tree) == before
    again = reroll(*small.words("generate", "--base", base))
    assert (again.code, again.err) == (0, ""), again
    assert shown(small.tree, BRANCH, base) == wanted
    return done.out


@pytest.mark.slow
def test_nothing_by_hand(reroll: Run, generated: Small) -> None:
    before = (generated.folder / "series.toml").read_bytes()
    done = reroll(*generated.words("absorb"))
    assert (done.code, done.out, done.err) == (
        0, "nothing to absorb: the branch is as it was made\n", "",
    )  # fmt: skip
    assert (generated.folder / "series.toml").read_bytes() == before


@pytest.mark.slow
def test_an_amended_commit_becomes_a_hand_edit(reroll: Run, hand: Hand) -> None:
    """On the very line that the rule makes."""
    hand.write("drivers/b/b.c", "/* old_call() */\nint b(int x)\n{\n\treturn new_call(1 + x);\n}\n")
    hand.commit("--amend", "--no-edit")
    out = absorbed(reroll, hand)
    assert "b: code: a hand edit after its steps (hand/b.diff)" in out
    text = (hand.small.folder / "series.toml").read_text()
    assert '[[patch.step]]\napply = "hand/b.diff"\nhand = true\n' in text
    assert text.index('edit = "drivers/b/Kconfig"') < text.index("hand/b.diff")
    assert (
        "-\treturn new_call(x + 1);\n+\treturn new_call(1 + x);"
        in (hand.small.folder / "hand/b.diff").read_text()
    )


@pytest.mark.slow
def test_a_hand_edit_taken_back_goes(reroll: Run, hand: Hand, tmp_path: Path) -> None:
    code = (hand.place / "drivers/b/b.c").read_bytes()
    hand.write("drivers/b/b.c", code + b"int more;\n")
    hand.commit("--amend", "--no-edit")
    absorbed(reroll, hand)
    again = Hand(hand.small, tmp_path / "again")
    again.write("drivers/b/b.c", code)
    again.commit("--amend", "--no-edit")
    out = absorbed(reroll, again)
    assert "b: code: no hand edit is needed any more" in out
    assert not (hand.small.folder / "hand/b.diff").exists()
    assert "hand" not in (hand.small.folder / "series.toml").read_text()


@pytest.mark.slow
def test_words(reroll: Run, hand: Hand) -> None:
    message = (
        "drivers: b: move to {{ new_call() }}\n\nSay {% it %} otherwise: \\n.\n\n"
        "Fixes: 123456789012 (\"one\")\nAcked-by: Eve <eve@example.org>\n"
        "Signed-off-by: Ada Developer <ada@example.org>"
    )  # fmt: skip
    hand.git("commit", "-q", "--amend", "-m", message, "--author=Bob Hand <bob@example.org>")
    out = absorbed(reroll, hand)
    assert 'b: title: "drivers: b: move to {{ new_call() }}"' in out
    assert "b: author: Bob Hand <bob@example.org>" in out
    text = (hand.small.folder / "series.toml").read_text()
    assert "Signed-off-by" not in text
    assert "Acked-by: Eve" in text
    assert not (hand.small.folder / "hand").exists()


@pytest.mark.slow
def test_a_template_stays_one_when_other_lines_change(reroll: Run, hand: Hand) -> None:
    small = hand.small
    hand.leave()
    small.rewrite(
        'message = "new_call() is better here, too."',
        'message = """\nIn {{ files | length }} files.\n\nIt is better.\n\n'
        'Cc: Eve <eve@example.org>\n"""',
    )
    assert reroll(*small.words("generate")).code == 0
    hand = Hand(small, hand.place)
    text = hand.git("log", "-1", "--format=%B")
    text = text.replace("It is better.", "It is much better,\nwe think.")
    text = text.replace("Cc: Eve <eve@example.org>\n", "Tested-by: Eve <eve@example.org>\n")
    hand.git("commit", "-q", "--amend", "-m", text)
    absorbed(reroll, hand)
    kept = (small.folder / "series.toml").read_text()
    assert "In {{ files | length }} files.\n\nIt is much better,\nwe think.\n\nTested-by" in kept


@pytest.mark.slow
def test_a_line_that_a_template_made_becomes_text(reroll: Run, hand: Hand) -> None:
    small = hand.small
    hand.leave()
    small.rewrite("new_call() is better here, too.", "In {{ files | length }} files.")
    assert reroll(*small.words("generate")).code == 0
    hand = Hand(small, hand.place)
    text = hand.git("log", "-1", "--format=%B").replace("In 2 files", "In two files")
    hand.git("commit", "-q", "--amend", "-m", text)
    absorbed(reroll, hand)
    assert 'message = "In two files."' in (small.folder / "series.toml").read_text()


@pytest.mark.slow
def test_order_add_and_drop(reroll: Run, hand: Hand) -> None:
    small = hand.small
    small.rewrite('[[patch]]\nid = "b"', '# about b\n[[patch]]\nid = "b"')
    hand.write("drivers/c/c.c", "int c;\n")
    hand.commit("-m", "drivers: c: new\n\nIt was missing.", "--author=Bob Hé <bob@example.org>")
    hand.rebase("pick 3\npick 2\npick 1")
    hand.leave()
    wanted = shown(small.tree, BRANCH)
    done = reroll(*small.words("absorb"))
    assert done.code == 0
    assert 'drivers-c-new: new: "drivers: c: new" (patches/drivers-c-new.patch)' in done.out
    assert "order: drivers-c-new, b, a" in done.out
    assert "your Signed-off-by is added to it" in done.err
    assert "# about b\n[[patch]]" in (small.folder / "series.toml").read_text()
    assert reroll(*small.words("generate")).code == 0
    signed = "\n\nSigned-off-by: Ada Developer <ada@example.org>"
    assert shown(small.tree, BRANCH) == [wanted[0] + signed, *wanted[1:]]

    hand = Hand(small, hand.place)
    hand.rebase("pick 1\npick 3")
    out = absorbed(reroll, hand)
    assert 'b: dropped: "drivers: b: use new_call()"' in out
    assert 'omit = "dropped by hand after v1"' in (small.folder / "series.toml").read_text()
    manifest = json.loads((small.folder / "versions/v1/manifest.json").read_text())
    assert [one["reason"] for one in manifest["skipped"]] == ["dropped by hand after v1"]


@pytest.mark.slow
def test_fixup_and_a_change_of_an_earlier_commit(reroll: Run, hand: Hand) -> None:
    """Code that the rule of a later patch would convert stays as the user has it."""
    hand.write("drivers/b/more.c", "int m(int x)\n{\n\treturn old_call(x + 2);\n}\n")
    hand.commit("-m", "fixup")
    hand.rebase("pick 1\nfixup 3\npick 2")
    hand.leave()
    done = reroll(*hand.small.words("absorb"))
    # The rule of b now finds a site more: its ledger wants a word on it.
    assert done.code == 1
    assert "drivers/b/more.c:3: old_call: unexplained" in done.err
    hand.small.rewrite(
        'paths = ["drivers/b"]', 'paths = ["drivers/b"]\nexclude = { "drivers/b/more.c" = "later" }'
    )
    wanted = shown(hand.small.tree, BRANCH)
    assert reroll(*hand.small.words("absorb")).code == 0
    assert reroll(*hand.small.words("generate")).code == 0
    assert shown(hand.small.tree, BRANCH) == wanted


@pytest.mark.slow
def test_renames_binaries_and_modes(reroll: Run, hand: Hand) -> None:
    hand.git("mv", "-f", "drivers/a/a.c", "drivers/a/moved.c")
    hand.write("drivers/a/blob.bin", bytes(range(256)) * 4)
    (hand.place / "MAINTAINERS").chmod(0o755)
    hand.commit("--amend", "--no-edit")
    out = absorbed(reroll, hand)
    assert "hand/b.diff" in out
    files = git(hand.small.tree, "ls-tree", "-r", BRANCH)
    assert "100755" in files
    assert "blob.bin" in files


@pytest.mark.slow
def test_a_commit_split_in_two_and_two_joined(reroll: Run, hand: Hand) -> None:
    hand.git("reset", "-q", "HEAD~1")
    hand.git("commit", "-q", "-m", "drivers: b: Kconfig first\n\nSigned-off-by: Ada Developer "
             "<ada@example.org>", "drivers/b/Kconfig")  # fmt: skip
    hand.git("commit", "-q", "-a", "-C", "reroll/new-call-v1")
    out = absorbed(reroll, hand)
    assert "drivers-b-kconfig-first: new: " in out
    assert 'b: step 2: unmatched = "skip", it finds nothing to do there' in out
    again = Hand(hand.small, hand.place)
    again.rebase("pick 1\npick 2\nfixup 3")
    out = absorbed(reroll, again)
    assert "dropped: " in out


@pytest.mark.slow
def test_twice_without_generate_between(reroll: Run, hand: Hand) -> None:
    many = "".join(f"int c{number};\n" for number in range(20))
    hand.write("drivers/c/c.c", many)
    hand.commit("-s", "-m", "drivers: c: new")
    assert reroll(*hand.small.words("absorb")).code == 0
    hand.write("drivers/c/c.c", f"{many}int c;\n")
    hand.commit("-s", "--amend", "-m", "drivers: c: renamed, too")
    out = absorbed(reroll, hand)
    assert "drivers-c-new: title" in out
    assert (hand.small.folder / "series.toml").read_text().count("[[patch]]") == 3


@pytest.mark.slow
def test_killed_before_the_record(reroll: Run, hand: Hand) -> None:
    """The campaign is written and the record is not: the next run ends what was begun."""
    hand.write("drivers/c/c.c", "int c;\n")
    hand.commit("-s", "-m", "drivers: c: new")
    hand.write("drivers/b/b.c", "int b;\n")
    hand.commit("--amend", "-s", "-m", "drivers: c: new")
    assert reroll(*hand.small.words("absorb")).code == 0
    text = (hand.small.folder / "series.toml").read_text()
    (hand.small.folder / "versions/absorbed.json").unlink()
    absorbed(reroll, hand)
    assert (hand.small.folder / "series.toml").read_text() == text


@pytest.mark.slow
@pytest.mark.parametrize("after", [1, 2, 3])
def test_killed_between_writes(hand: Hand, reroll: Run, after: int) -> None:
    hand.write("drivers/b/b.c", "int b_is_all_new;\n")
    hand.write("drivers/c/c.c", "int c;\n")
    hand.commit("-s", "--amend", "-m", "drivers: b: use new_call(), and c")
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom series import campaign_file, cli, store\n"
        "left = [int(sys.argv[1])]\nreal = Path.replace\n"
        "def replace(self, target):\n    left[0] -= 1\n    real(self, target)\n"
        "    if not left[0]: os._exit(9)\n"
        "Path.replace = replace\ncli.main(sys.argv[2:])\n"
    )
    words = [str(word) for word in hand.small.words("absorb")]
    root = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code, str(after), *words], cwd=root, env=dict(os.environ),
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 9, done
    if after < 3:
        absorbed(reroll, hand)


def test_dry_run_and_json(reroll: Run, hand: Hand) -> None:
    hand.write("drivers/b/b.c", "int b;\n")
    hand.commit("--amend", "--no-edit")
    before = {p: p.read_bytes() for p in hand.small.folder.rglob("*") if p.is_file()}
    done = reroll(*hand.small.words("absorb", "-n", "--json"))
    assert done.code == 0
    answer = json.loads(done.out)
    assert answer["written"] is False
    assert [(one["patch"], one["what"]) for one in answer["changes"]] == [
        ("b", "code: a hand edit after its steps (hand/b.diff)")
    ]
    assert before == {p: p.read_bytes() for p in hand.small.folder.rglob("*") if p.is_file()}


@pytest.mark.slow
def test_base_moved(reroll: Run, hand: Hand) -> None:
    small = hand.small
    (small.tree / "drivers/b/other.c").write_text("int o;\n")
    commit_all(small.tree, "upstream goes on")
    hand.git("rebase", "-q", "master")
    hand.write("drivers/b/b.c", "int b;\n")
    hand.commit("--amend", "--no-edit")
    out = absorbed(reroll, hand)
    base = git(small.tree, "rev-parse", "master")
    assert f"base: {base[:12]} (was " in out
    assert f'base = "{base}"' in (small.folder / "series.toml").read_text()


@pytest.mark.slow
def test_base_moved_to_more_call_sites(reroll: Run, hand: Hand) -> None:
    """What the rule makes of the new base is no hand work to be undone."""
    small = hand.small
    (small.tree / "drivers/b/other.c").write_text("int o(int x)\n{\n\treturn old_call(x);\n}\n")
    commit_all(small.tree, "upstream goes on")
    hand.git("rebase", "-q", "master")
    hand.leave()
    done = reroll(*small.words("absorb"))
    assert done.code == 0
    assert "b: its steps now do more or other than the commit: drivers/b/other.c" in done.err
    assert reroll(*small.words("generate")).code == 0
    assert "new_call" in git(small.tree, "show", f"{BRANCH}:drivers/b/other.c")


@pytest.mark.slow
def test_a_change_of_the_rule_meanwhile_is_not_undone(reroll: Run, hand: Hand) -> None:
    small = hand.small
    (small.folder / "rename.cocci").write_text(
        "virtual patch\n@@ expression E; @@\n- old_call(E)\n+ newer_call(E)\n"
    )
    hand.rebase("pick 2\npick 1")
    hand.leave()
    done = reroll(*small.words("absorb"))
    assert done.code == 0, done
    assert not (small.folder / "hand").exists()


@pytest.mark.slow
def test_a_split_patch(reroll: Run, small: Small, tmp_path: Path) -> None:
    text = (small.folder / "series.toml").read_text()
    start, end = text.index('[[patch]]\nid = "b"'), len(text)
    whole = text[:start] + text[end:]
    (small.folder / "series.toml").write_text(
        whole.replace('paths = ["drivers/a"]', "").replace('id = "a"', 'id = "a"\nsplit = "file"')
    )
    assert reroll(*small.words("generate")).code == 0
    hand = Hand(small, tmp_path / "mine")
    hand.write("drivers/b/b.c", (hand.place / "drivers/b/b.c").read_bytes() + b"int more;\n")
    hand.commit("--amend", "--no-edit")
    out = absorbed(reroll, hand)
    assert "a: code: a hand edit after its steps (hand/a.diff)" in out

    hand = Hand(small, hand.place)
    hand.git("commit", "-q", "--amend", "-m", "b: words of one shard")
    tip = hand.git("rev-parse", "HEAD")
    hand.leave()
    before = (small.folder / "series.toml").read_bytes()
    done = reroll(*small.words("absorb"))
    assert done.code == 1
    assert "cannot be absorbed: generate would give another message: " in done.err
    assert 'message: "a: words of one shard" instead of "a: drivers: a: use new_call()"' in done.err
    git(small.tree, "branch", "-q", "-f", BRANCH, f"{tip}~1")
    done = reroll(*small.words("absorb"))
    assert (done.code, "it was a shard of a" in done.err) == (1, True)
    assert (small.folder / "series.toml").read_bytes() == before


@pytest.mark.slow
def test_refusals_name_the_commit(reroll: Run, hand: Hand) -> None:
    small = hand.small
    before = (small.folder / "series.toml").read_bytes()
    hand.git("commit", "-q", "--allow-empty", "-m", "nothing in it")
    done = reroll(*small.words("absorb"))
    assert (done.code, '("nothing in it") cannot be absorbed: it changes nothing' in done.err) == (
        1, True,
    )  # fmt: skip
    hand.git("reset", "-q", "--hard", "HEAD~1")
    hand.git("commit", "-q", "--amend", "-m", "drivers: b: x\n\nfoo\n---\nbar\n")
    done = reroll(*small.words("absorb"))
    assert (done.code, "would end the message in git am" in done.err) == (2, True)
    hand.git("reset", "-q", "--hard", "reroll/new-call-v1")
    hand.git("merge", "-q", "--no-ff", "-m", "joined", "-s", "ours", "HEAD~1", check_merge(hand))
    done = reroll(*small.words("absorb"))
    assert (done.code, "is a merge" in done.err) == (2, True)
    hand.git("reset", "-q", "--hard", "master")
    done = reroll(*small.words("absorb"))
    assert (done.code, "the branch is at its base" in done.err) == (2, True)
    hand.write("drivers/c/c.c", "int c;\n")
    hand.git("add", "-f", "drivers/c/c.c")
    hand.git("commit", "-q", "-m", "cafe")
    raw = hand.git("cat-file", "commit", "HEAD").encode().replace(b"cafe", b"caf\xe9") + b"\n"
    odd = git(hand.place, "hash-object", "-t", "commit", "-w", "--stdin", stdin=raw)
    hand.git("reset", "-q", "--hard", odd)
    done = reroll(*small.words("absorb"))
    assert (done.code, "is not UTF-8 text" in done.err) == (1, True)
    done = reroll(*small.words("absorb", "--branch", "nowhere"))
    assert (done.code, "there is no commit" in done.err) == (2, True)
    done = reroll(*small.words("absorb", "--range", "master"))
    assert (done.code, "must be BASE..TIP" in done.err) == (2, True)
    assert (small.folder / "series.toml").read_bytes() == before


def check_merge(hand: Hand) -> str:
    """A commit beside the branch."""
    tree = hand.git("rev-parse", "master^{tree}")
    return hand.git("commit-tree", "-p", "master", "-m", "beside", tree)


def conflict(reroll: Run, small: Small) -> tuple[Path, str]:
    """A hand edit that no longer fits: where it can be resolved, and what was said."""
    source = (small.tree / "drivers/b/b.c").read_text()
    (small.tree / "drivers/b/b.c").write_text(source.replace("x + 1", "x + 9"))
    commit_all(small.tree, "upstream changes the line")
    before = state_of(small.tree)
    done = reroll(*small.words("generate"))
    assert done.code == 3
    assert state_of(small.tree) == before
    place = small.folder / "resolve/b"
    assert place.is_dir()
    return place, done.err


def by_hand(reroll: Run, hand: Hand) -> Small:
    code = (hand.place / "drivers/b/b.c").read_text()
    hand.write("drivers/b/b.c", code.replace("new_call(x + 1)", "new_call(1 + x)"))
    hand.commit("--amend", "--no-edit")
    absorbed(reroll, hand)
    return hand.small


@pytest.mark.slow
def test_a_hand_edit_that_no_longer_fits(reroll: Run, hand: Hand) -> None:
    small = by_hand(reroll, hand)
    place, said = conflict(reroll, small)
    assert said.splitlines()[0] == (
        "reroll: patch b: step 3: hand/b.diff: does not apply: drivers/b/b.c:1"
    )
    assert "patch b: drivers/b/b.c:1: - return new_call(x + 1); | + return new_call(1 + x);" in said
    assert f"'reroll absorb --resolved {place}'" in said
    text = (place / "drivers/b/b.c").read_text()
    assert "<<<<<<<" in text
    # Another run leaves it alone.
    (place / "drivers/b/b.c").write_text(f"{text}int begun;\n")
    assert reroll(*small.words("generate")).code == 3
    assert "int begun" in (place / "drivers/b/b.c").read_text()
    assert [path.name for path in place.parent.iterdir()] == ["b"]
    done = reroll(*small.words("absorb", "--resolved", place))
    assert (done.code, "there is a conflict marker at drivers/b/b.c:" in done.err) == (1, True)
    mine = "/* old_call() */\nint b(int x)\n{\n\treturn new_call(9 + x);\n}\n"
    (place / "drivers/b/b.c").write_text(mine)
    done = reroll(*small.words("absorb", "--resolved", place))
    assert (done.code, done.err) == (0, "")
    assert "now run 'reroll generate' again" in done.out
    assert not place.exists()
    assert git(small.tree, "worktree", "list").count("\n") == 0
    assert reroll(*small.words("generate")).code == 0
    assert git(small.tree, "show", f"{BRANCH}:drivers/b/b.c") == mine.strip()


@pytest.mark.slow
def test_a_hand_edit_without_its_blobs_leaves_rejects(reroll: Run, hand: Hand) -> None:
    small = by_hand(reroll, hand)
    diff = (small.folder / "hand/b.diff").read_text()
    kept = [line for line in diff.splitlines(keepends=True) if not line.startswith("index ")]
    (small.folder / "hand/b.diff").write_text("".join(kept))
    place, _ = conflict(reroll, small)
    assert (place / "drivers/b/b.c.rej").is_file()
    done = reroll(*small.words("absorb", "--resolved", place))
    assert (done.code, "b.c.rej is still there" in done.err) == (1, True)
    (place / "drivers/b/b.c.rej").unlink()
    done = reroll(*small.words("absorb", "--resolved", place))
    assert (done.code, "no hand edit any more" in done.out) == (0, True)
    assert "hand" not in (small.folder / "series.toml").read_text()
    assert reroll(*small.words("generate")).code == 0


@pytest.mark.slow
def test_giving_up_a_resolution(reroll: Run, hand: Hand) -> None:
    small = by_hand(reroll, hand)
    place, _ = conflict(reroll, small)
    before = (small.folder / "series.toml").read_bytes()
    done = reroll(*small.words("absorb", "--json", "--abort", place))
    assert (done.code, json.loads(done.out)) == (0, {"removed": str(place)})
    assert not (small.folder / "resolve").exists()
    assert git(small.tree, "worktree", "list").count("\n") == 0
    assert (small.folder / "series.toml").read_bytes() == before
    done = reroll(*small.words("absorb", "--resolved", small.tree))
    assert (done.code, "is not a worktree that reroll left" in done.err) == (2, True)


@pytest.mark.slow
def test_lines_that_look_like_tables(reroll: Run, hand: Hand) -> None:
    """Footnotes, and what maintainers note between brackets."""
    small = hand.small
    hand.leave()
    notes = "See [1].\\n\\n[1] https://www.example.org/x\\n[ Ann: fixed the title ]\\n[[patch]]"
    small.rewrite('"new_call() is better."', f'"""\n{notes}\n"""'.replace("\\n", "\n"))
    assert reroll(*small.words("generate")).code == 0
    hand = Hand(small, hand.place)
    hand.write("drivers/b/b.c", (hand.place / "drivers/b/b.c").read_bytes() + b"int more;\n")
    hand.commit("--amend", "--no-edit")
    hand.rebase("pick 2\npick 1")
    assert "order: b, a" in absorbed(reroll, hand)


def test_patches_in_one_list_are_refused(reroll: Run, hand: Hand) -> None:
    small = hand.small
    hand.leave()
    text = (small.folder / "series.toml").read_text()
    steps = '[{ rule = "rename.cocci", paths = ["drivers/b"] }]'
    one = f'{{ id = "b", title = "b", message = "x", step = {steps} }}'
    start = text.index("[series.changelog]")
    (small.folder / "series.toml").write_text(f"patch = [{one}]\n{text[:start]}")
    assert reroll(*small.words("generate")).code == 0
    hand = Hand(small, hand.place)
    hand.write("drivers/b/b.c", (hand.place / "drivers/b/b.c").read_bytes() + b"int more;\n")
    hand.commit("--amend", "--no-edit")
    done = reroll(*small.words("absorb"))
    assert (done.code, done.out) == (2, "")
    assert "series.toml: patch: is a list of inline tables" in done.err
    assert "hint: write each patch as a table of its own, below [[patch]]" in done.err


@pytest.mark.parametrize("verb", ["fixup", "squash", "amend"])
def test_a_commit_that_is_to_be_melded(reroll: Run, hand: Hand, verb: str) -> None:
    hand.write("drivers/c/c.c", "int c;\n")
    hand.commit("-m", f"{verb}! drivers: a: use new_call()\n\nMore.")
    done = reroll(*hand.small.words("absorb"))
    assert (done.code, done.out) == (1, "")
    title = f'("{verb}! drivers: a: use new_call()")'
    assert f"{title} cannot be absorbed: it is to be melded into another commit" in done.err
    base = git(hand.small.tree, "rev-parse", "--short=12", "master")
    assert f"'git rebase -i --autosquash {base}'" in done.err


def with_template(reroll: Run, hand: Hand) -> Hand:
    """The branch, on which b's message names its files."""
    small = hand.small
    hand.leave()
    small.rewrite(
        "new_call() is better here, too.", "Files: {{ files | length }}\\n\\nIt is better."
    )
    assert reroll(*small.words("generate")).code == 0
    made = Hand(small, hand.place)
    made.write("drivers/b/new.c", "int b;\n")
    return made


@pytest.mark.slow
def test_a_template_follows_the_code(reroll: Run, hand: Hand) -> None:
    """Words that nobody changed are no reason to refuse, nor a template's end."""
    hand = with_template(reroll, hand)
    hand.commit("--amend", "--no-edit")
    small, template = hand.small, (hand.small.folder / "series.toml").read_text()
    hand.leave()
    done = reroll(*small.words("absorb"))
    assert done.code == 0
    assert 'its message follows the code: "Files: 3" instead of "Files: 2"' in done.err
    assert (small.folder / "series.toml").read_text().startswith(template)
    assert reroll(*small.words("generate")).code == 0
    assert "Files: 3\n\nIt is better." in git(small.tree, "log", "-1", "--format=%B", BRANCH)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "said", "kept"),
    [
        ("use new_call", "take new_call", 'follows the code: "Files: 3" instead', "{{ files"),
        ("is better.", "is best.", "b: its message is plain text now, no template", "Files: 2"),
    ],
)
def test_code_and_words_at_once(
    reroll: Run, hand: Hand, old: str, new: str, said: str, kept: str
) -> None:
    hand = with_template(reroll, hand)
    small, text = hand.small, hand.git("log", "-1", "--format=%B").replace(old, new)
    hand.commit("--amend", "-m", text)
    hand.leave()
    done = reroll(*small.words("absorb"))
    assert (done.code, said in done.err) == (0, True), done
    toml = (small.folder / "series.toml").read_text()
    assert (new in toml, kept in toml) == (True, True)
    assert reroll(*small.words("generate")).code == 0
    assert new in git(small.tree, "log", "-1", "--format=%B", BRANCH)


@pytest.mark.slow
def test_the_command_that_failed_is_named(reroll: Run, hand: Hand) -> None:
    """Not 'generate', which knows nothing of the base that 'next' was given."""
    small = hand.small
    small.rewrite('name = "new-call"', 'name = "new-call"\nbase = "old-base"')
    git(small.tree, "tag", "old-base")
    by_hand(reroll, hand)
    source = (small.tree / "drivers/b/b.c").read_text()
    (small.tree / "drivers/b/b.c").write_text(source.replace("x + 1", "x + 9"))
    commit_all(small.tree, "upstream changes the line")
    words = ("--base", "master", "--anyway")
    assert reroll(*small.words("next", *words)).code == 3
    place = small.folder / "resolve/b"
    (place / "drivers/b/b.c").write_text("int b;\n")
    done = reroll(*small.words("absorb", "--resolved", place))
    assert done.code == 0
    assert done.out.endswith("now run 'reroll next --base master --anyway' again\n")
    assert reroll(*small.words("next", *words)).code == 0


def test_a_mail_that_no_longer_fits(reroll: Run, hand: Hand) -> None:
    """An ``apply`` step of its own: the file gets the resolved diff, the author stays."""
    small = hand.small
    code = (hand.place / "drivers/b/b.c").read_text()
    hand.git("reset", "-q", "--hard", "master")
    hand.write("drivers/b/b.c", code)
    hand.commit("-m", "drivers: b: by hand", "--author=Bob Hand <bob@example.org>")
    hand.git("format-patch", "-q", "-1", "-o", str(small.folder / "patches"))
    hand.git("reset", "-q", "--hard", "reroll/new-call-v1")
    hand.leave()
    text = (small.folder / "series.toml").read_text()
    head = text[: text.index('[[patch]]\nid = "a"')]
    step = '[[patch.step]]\napply = "patches/0001-drivers-b-by-hand.patch"\n'
    (small.folder / "series.toml").write_text(f'{head}[[patch]]\nid = "b"\ntitle = "b"\n{step}')
    place, _ = conflict(reroll, small)
    (place / "drivers/b/b.c").write_text("int b;\n")
    assert reroll(*small.words("absorb", "--resolved", place)).code == 0
    assert reroll(*small.words("generate")).code == 0
    assert git(small.tree, "log", "-1", "--format=%an", BRANCH) == "Bob Hand"
    assert git(small.tree, "show", f"{BRANCH}:drivers/b/b.c") == "int b;"


@pytest.mark.slow
def test_a_new_commit_in_front_is_no_base_although_a_copy_is_kept(reroll: Run, hand: Hand) -> None:
    hand.write("drivers/c/c.c", "int c;\n")
    hand.commit("-s", "-m", "drivers: c: first")
    hand.rebase("pick 3\npick 1\npick 2")
    hand.git("branch", "backup")
    out = absorbed(reroll, hand)
    assert "drivers-c-first: new" in out
    assert "base:" not in out


@pytest.mark.slow
def test_a_branch_of_b4(reroll: Run, hand: Hand) -> None:
    """Its cover letter is a commit without a change; that is no patch."""
    small = hand.small
    hand.git("checkout", "-q", "-b", "b4/new-call", "master")
    cover = 'EDITME\n\n--- b4-submit-tracking ---\n{"series": {"revision": 1}}'
    hand.git("commit", "-q", "--allow-empty", "-m", cover)
    hand.git("cherry-pick", f"master..{BRANCH}")
    text = hand.git("log", "-1", "--format=%B").replace(
        "Signed-off", "Acked-by: Eve <e@e.test>\nSigned-off"
    )
    hand.git("commit", "-q", "--amend", "-m", text.strip())
    hand.leave()
    done = reroll(*small.words("absorb", "--branch", "b4/new-call"))
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("b: message [")
    assert reroll(*small.words("generate")).code == 0
    assert "Acked-by: Eve" in git(small.tree, "log", "-1", "--format=%B", BRANCH)


@pytest.mark.slow
def test_a_range(reroll: Run, hand: Hand) -> None:
    small = hand.small
    hand.git("commit", "-q", "--amend", "-s", "-m", "drivers: b: said otherwise")
    hand.leave()
    done = reroll(*small.words("absorb", "--range", f"{BRANCH}~1..{BRANCH}"))
    assert (done.code, "is a commit of this series" in done.err) == (2, True)
    assert reroll(*small.words("absorb", "--range", f"master..{BRANCH}")).code == 0
    assert 'title = "drivers: b: said otherwise"' in (small.folder / "series.toml").read_text()


def test_carried_tags_do_not_go_into_the_campaign(reroll: Run, hand: Hand) -> None:
    """What reroll added to a message is no word of the user's."""
    small = hand.small
    manifest = small.folder / "versions/v1/manifest.json"
    tag = "Acked-by: Eve <eve@example.org>"
    text = hand.git("log", "-1", "--format=%B").replace("Signed-off", f"{tag}\nSigned-off")
    hand.git("commit", "-q", "--amend", "-m", text.strip())
    data = json.loads(manifest.read_text())
    data["patches"][1]["carried"] = [
        {"trailer": tag, "version": 1, "messages": ["<1@example.org>"], "why": ""}
    ]
    manifest.write_text(json.dumps(data))
    hand.leave()
    done = reroll(*small.words("absorb"))
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("the campaign makes these commits already\n")
    assert "Eve" not in (small.folder / "series.toml").read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    "damage", ["", "{", '{"generated": "x", "base": "y", "tip": "z", "commits": {}}']
)
def test_a_damaged_record_counts_for_nothing(reroll: Run, hand: Hand, damage: str) -> None:
    (hand.small.folder / "versions/absorbed.json").write_text(damage)
    hand.write("drivers/b/b.c", "int b;\n")
    hand.commit("--amend", "--no-edit")
    absorbed(reroll, hand)


def test_a_patch_that_is_left_out(reroll: Run, small: Small) -> None:
    small.rewrite('id = "b"', 'id = "b"\nomit = "waits for a decision"')
    done = reroll(*small.words("generate"))
    assert done.code == 0
    assert "left out: drivers: b: use new_call() [b]: waits for a decision" in done.out
    small.rewrite(
        'rule = "rename.cocci"\npaths = ["drivers/a"]',
        'apply = "rename.cocci"\nhand = true\n[[patch.step]]\nrule = "rename.cocci"',
    )
    done = reroll(*small.words("generate"))
    assert (done.code, "hand: is for the last step of a patch" in done.err) == (2, True)


@pytest.mark.slow
def test_diffs_that_fit_only_in_another_form_after_a_swap(reroll: Run, hand: Hand) -> None:
    """Each has the lines of the other around it; the files become what the commits are."""
    hand.write("drivers/c/c.c", "int one;\nint two;\nint three;\n")
    hand.commit("-s", "-m", "drivers: c: new")
    hand.write("drivers/c/c.c", "int one;\nint two_and_more;\nint three;\n")
    hand.commit("-s", "-m", "drivers: c: two")
    hand.write("drivers/c/c.c", "int one;\nint two_and_more;\nint three_and_more;\n")
    hand.commit("-s", "-m", "drivers: c: three")
    absorbed(reroll, hand)
    again = Hand(hand.small, hand.place)
    commits = again.git("rev-list", "--reverse", "master..HEAD").split()
    again.git("reset", "-q", "--hard", commits[2])
    again.write("drivers/c/c.c", "int one;\nint two;\nint three_and_more;\n")
    again.git("commit", "-q", "-a", "-C", commits[4])
    again.write("drivers/c/c.c", "int one;\nint two_and_more;\nint three_and_more;\n")
    again.git("commit", "-q", "-a", "-C", commits[3])
    out = absorbed(reroll, again)
    assert "order: a, b, drivers-c-new, drivers-c-three, drivers-c-two" in out
    assert (hand.small.folder / "series.toml").read_text().count("[[patch]]") == 5


@pytest.mark.parametrize(
    "steps",
    [
        '[[patch.step]]\nrule = "r.cocci" # keep\n\n[[patch.step]]\nrule = "r.cocci"\n',
        'step = [{ rule = "r.cocci" }, { rule = "r.cocci" }]\n',
    ],
)
def test_steps_change_and_comments_stay(tmp_path: Path, steps: str) -> None:
    head = '[series]\nname = "n"\ntitle = "t"\n\n# on a\n[[patch]]\nid = "a"\ntitle = "x"\n'
    tail = '# on b\n[[patch]]\nid = "b"\ntitle = "y"\nstep = [{ rule = "r.cocci" }]\n'
    (tmp_path / "series.toml").write_text(f"{head}{steps}\n{tail}")
    for name in ("r.cocci", "a.diff"):
        (tmp_path / name).write_text("")
    file = CampaignFile(tmp_path)
    file.set_step_key("a", 1, "unmatched", "skip")
    file.set_step("a", 2, {"apply": "a.diff"})
    file.add_step("a", {"apply": "a.diff", "hand": True})
    made = file.preview().patches[0]
    assert (len(made.step), made.step[0].unmatched, bool(made.hand)) == (3, "skip", True)
    assert file.text.startswith("[series]") and "# on a\n[[patch]]" in file.text
    assert f"\n\n{tail}" in file.text
    file.remove_step("a")
    assert len(file.preview().patches[0].step) == 2
    assert f"\n\n{tail}" in file.text
