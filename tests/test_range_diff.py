"""``reroll range-diff``: what git says of the commits, said of the mails."""

import json
import os
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from series import git_diff, range_diff
from tests.conftest import Run, Small
from tests.repositories import git, make_repository

THREADS = Path(os.environ.get("REROLL_THREADS", Path(__file__).parents[2] / "shared/threads"))


def function(name: str, lines: int = 12) -> str:
    """A function long enough that two of its ends are in two hunks."""
    body = "".join(f"\tstep_{at}(x);\n" for at in range(lines))
    return f"static int {name}(int x)\n{{\n{body}\treturn 0;\n}}\n\n"


FILES: dict[str, str | bytes] = {
    "a.c": "".join(map(function, ("a_one", "a_two", "a_three"))),
    "b.c": function("b_one") + "int last;",
    "old name.c": function("moved", 40),
    "run.sh": "#!/bin/sh\ntrue\n",
    "gone.txt": "one\ntwo\n",
    "doc/x.rst": "title\n=====\n\n" + "    indented\n" * 20,
    "blob.bin": bytes(range(256)),
}


def change(place: Path, name: str, old: str, new: str) -> None:
    text = (place / name).read_text()
    assert old in text
    (place / name).write_text(text.replace(old, new, 1))


def move(place: Path) -> None:
    (place / "new name.c").write_text((place / "old name.c").read_text() + "int more;\n")
    (place / "old name.c").unlink()


# Each is a commit: its message and what it does.
Step = tuple[str, Callable[[Path], object]]
STEPS: dict[str, Step] = {
    "edit": ("a: edit\n\nBody.", lambda to: change(to, "a.c", "step_3(x)", "other(x)")),
    "edited": ("a: edit\n\nBody, longer.", lambda to: change(to, "a.c", "step_3(x)", "that(x)")),
    "far": (
        "a: three places",
        lambda to: (to / "a.c").write_text((to / "a.c").read_text().replace("step_6", "leap_6")),
    ),
    "end": ("b: no line end", lambda to: change(to, "b.c", "int last;", "int last;\nint end;")),
    "end2": ("b: no line end", lambda to: change(to, "b.c", "int last;", "int last;\nint end;\n")),
    "move": ("move a file", move),
    "mode": ("run.sh: may run", lambda to: (to / "run.sh").chmod(0o755)),
    "new": ("a new file", lambda to: (to / "new.c").write_text("int new;\n")),
    "empty": ("an empty file", lambda to: (to / "empty").write_text("")),
    "delete": ("gone: it is", lambda to: (to / "gone.txt").unlink()),
    "doc": ("doc: ünïcode", lambda to: change(to, "doc/x.rst", "title\n", "Títle\n")),
    "binary": ("blob: other", lambda to: (to / "blob.bin").write_bytes(bytes(range(255, 0, -1)))),
}


def branch(place: Path, name: str, steps: list[str]) -> None:
    git(place, "checkout", "-q", "-b", name, "master")
    for step in steps:
        message, action = STEPS[step]
        action(place)
        git(place, "add", "-A")
        git(place, "commit", "-q", "-m", f"{message}\n\nSigned-off-by: A <a@example.org>")


def patches(place: Path, name: str) -> list[range_diff.Patch]:
    """The commits of a branch as diffs and words."""
    made = []
    for commit in git(place, "rev-list", "--reverse", f"master..{name}").split():
        title, _, message = git(place, "show", "-s", "--format=%B", commit).partition("\n\n")
        diff = git(place, "show", "--format=", "-M", "--binary", commit) + "\n"
        content = diff.encode("utf-8", "surrogateescape")
        author = "Ada Developer <ada@example.org>"
        made.append(range_diff.Patch(title, message.rstrip(), author, content, commit))
    return made


def as_git_says(place: Path) -> str:
    words = ("-c", "core.abbrev=12", "range-diff", "--no-color")
    said = git(place, *words, "master..old", "master..new")
    # git writes as many dashes as an abbreviated id has by default.
    return re.sub(r"(?m)^( *-: +)-+|( [<>] +-: +)-+", r"\1\2" + "-" * 12, said)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (["edit", "far", "move"], ["edited", "far", "move"]),
        (["end", "mode", "new"], ["end2", "new", "mode"]),
        (["move", "delete", "doc"], ["doc", "move", "empty"]),
        (["binary", "edit"], ["binary", "edited"]),
        (["edit"], ["edit", "far", "doc", "mode"]),
        (["empty", "delete"], ["delete"]),
    ],
)
def test_it_says_what_git_says_of_the_commits(
    tmp_path: Path, old: list[str], new: list[str]
) -> None:
    place = make_repository(tmp_path / "tree", FILES)
    branch(place, "old", old)
    branch(place, "new", new)
    pairs = range_diff.compare(patches(place, "old"), patches(place, "new"))
    assert range_diff.shown(pairs) == as_git_says(place)


@pytest.mark.parametrize("seed", range(4))
def test_it_says_what_git_says_in_any_order(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    names = [name for name in STEPS if name not in ("edited", "end2")]
    old, new = chance.sample(names, 6), chance.sample(names, 6)
    new = [{"edit": "edited", "end": "end2"}.get(name, name) for name in new]
    place = make_repository(tmp_path / "tree", FILES)
    branch(place, "old", old)
    branch(place, "new", new)
    pairs = range_diff.compare(patches(place, "old"), patches(place, "new"))
    assert range_diff.shown(pairs) == as_git_says(place)


def test_two_versions_of_a_folder(reroll: Run, generated: Small) -> None:
    generated.rewrite('replace = ""', 'replace = "\\tselect NEW\\n"')
    assert reroll(*generated.words("generate", "-v", 2)).code == 0
    done = reroll("-C", generated.folder, "range-diff")
    assert done.code == 0
    words = ("-c", "core.abbrev=12", "range-diff", "--no-color", "master", "reroll/new-call-v1")
    assert done.out.rstrip("\n") == git(generated.tree, *words, "reroll/new-call-v2")
    # No tree is needed, and an mbox is as good.
    mbox = generated.folder / "v1.mbox"
    mails = sorted((generated.folder / "versions/v1").glob("*.patch"))
    mbox.write_bytes(b"".join(mail.read_bytes() + b"\n" for mail in mails))
    done = reroll("-C", generated.folder, "--json", "range-diff", mbox, "v2")
    assert done.code == 0
    told = [(one["status"], one["old"], one["new"]) for one in json.loads(done.out)]
    assert told == [("=", 1, 1), ("!", 2, 2)]
    done = reroll("-C", generated.folder, "range-diff", mbox)
    assert done.out.splitlines()[0].startswith("1:  ............ = 1:  ")
    assert done.out.splitlines()[0].endswith(" drivers: a: use new_call()")


def test_what_cannot_be_compared(reroll: Run, generated: Small, tmp_path: Path) -> None:
    folder = generated.folder
    done = reroll("-C", folder, "range-diff")
    assert (done.code, "no two versions" in done.err) == (2, True)
    done = reroll("-C", folder, "range-diff", 1, 7)
    assert (done.code, "there is no version 7" in done.err) == (2, True)
    done = reroll("-C", folder, "range-diff", 1, tmp_path / "nowhere.mbox")
    assert (done.code, "nowhere.mbox" in done.err) == (2, True)
    done = reroll("-C", folder, "range-diff", 1, 2, 3)
    assert (done.code, "compares two versions" in done.err) == (2, True)
    (tmp_path / "words.mbox").write_text("From x\nSubject: hello\n\nnothing\n")
    done = reroll("-C", folder, "range-diff", 1, tmp_path / "words.mbox")
    assert (done.code, "holds no patch series" in done.err) == (2, True)
    assert "Traceback" not in done.err


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/../../b", ".git/config", "a//b"])
def test_a_path_outside_of_the_tree_is_refused(name: str) -> None:
    diff = f"--- a/{name}\n+++ b/{name}\n@@ -1 +1 @@\n-a\n+b\n".encode()
    patch = range_diff.Patch("bad", "", "A <a@example.org>", diff)
    with pytest.raises(Exception, match="outside of the tree"):
        range_diff.compare([patch], [patch])


def test_strange_mails_are_no_trouble() -> None:
    odd = [
        range_diff.Patch("", "", "", b""),
        range_diff.Patch("x\ny <z>", "\udcff\n---\n", "A\n<B> <a@b", b"@@ -1 +1 @@\n-a\n"),
        range_diff.Patch("t", "m", "A <a@example.org>", b"diff --git a/x b/x\n@@ -9 +9 @@\n-a"),
        range_diff.Patch("t", "m", "A <a@example.org>", b"--- x\n+++ x\n@@ -1,9 +1,2 @@\n-a\n"),
    ]
    pairs = range_diff.compare(odd, odd)
    assert [pair.status for pair in pairs] == ["="] * 4


def test_files_of_a_diff() -> None:
    diff = (
        b"diff --git a/a b b/a b\nold mode 100644\nnew mode 100755\n"
        b'diff --git "a/t\\303\\244\\tx" "b/t\\303\\244\\tx"\nindex 1..2 100755\n'
        b'--- "a/t\\303\\244\\tx"\n+++ "b/t\\303\\244\\tx"\n'
        b"@@ -1,2 +1,3 @@ int f(void)\n a\n---- b\n+-- c\n++++ d\n\\ No newline at end of file\n"
        b"diff --git a/new b/new\nnew file mode 100644\nindex 0..1\n--- /dev/null\n+++ b/new\n"
        b"@@ -0,0 +1 @@\n+x\n-- \n2.39\n"
        b"diff --git a/bin b/bin\nindex 1..2 100644\nGIT binary patch\nliteral 3\nKcmZ\n\n"
        b"diff --git a/from b/to\nsimilarity index 100%\nrename from from\nrename to to\n"
    )
    mode, quoted, new, binary, moved = git_diff.files(diff)
    assert (mode.old, mode.new, mode.old_mode, mode.new_mode) == (
        b"a b",
        b"a b",
        "100644",
        "100755",
    )
    assert (quoted.old, quoted.new_mode) == ("tä\tx".encode(), "100755")
    assert quoted.changed == ((b"-", b"--- b\n"), (b"+", b"-- c\n"), (b"+", b"+++ d"))
    assert quoted.hunks[0].section == b"int f(void)"
    assert (new.old, new.new, new.changed) == (b"", b"new", ((b"+", b"x\n"),))
    assert binary.binary.startswith(b"GIT binary patch")
    assert (moved.old, moved.new) == (b"from", b"to")


@pytest.mark.skipif(not THREADS.is_dir(), reason="no real threads here (REROLL_THREADS)")
def test_two_real_versions(reroll: Run, tmp_path: Path) -> None:
    old, new = (THREADS / f"follow-pfn-v{number}.mbox" for number in (5, 6))
    done = reroll("-C", tmp_path, "--json", "range-diff", old, new)
    assert done.code == 0
    told = "".join(one["status"] for one in json.loads(done.out))
    assert told == "!=!=!=====!=!=!>>"
