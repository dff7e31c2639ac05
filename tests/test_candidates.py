"""Candidates are what the base holds, whatever the user's files look like."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generator.candidates import Candidates
from generator.results import NoResults
from generator.tree import Tree
from tests.repositories import commit_all, git, make_repository
from tests.test_sources import Memory

CALL = "int a(void)\n{\n\treturn old_call(1);\n}\n"
NONE = "int b(void)\n{\n\treturn new_call(1);\n}\n"
FILES: dict[str, str | bytes] = {
    "a/a.c": CALL,
    "a/b.c": NONE,
    "a/wide[1].c": CALL,
    "b/c.h": "int old_call(int);\nint old_call_too(int);\n",
    "b/no.c": "int old_call_too(int);\nint my_old_call;\n",
    "doc/text.rst": "Use old_call() here.\nAnd there: ``old_call``.\n",
    "bin/blob.c": b"\xff\xfe\0old_call\0\nold_call\n",
}
TRUTH = {
    "a/a.c": "\treturn old_call(1);",
    "a/wide[1].c": "\treturn old_call(1);",
    "b/c.h": "int old_call(int);",
    "bin/blob.c": "\xff\xfe\0old_call\0\nold_call",
    "doc/text.rst": "Use old_call() here.\nAnd there: ``old_call``.",
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "tree", FILES)


def found(
    place: Path, words: tuple[str, ...] = ("old_call",), paths: tuple[str, ...] = (), at: str = ""
) -> dict[str, str]:
    """What a search of a commit (HEAD) finds."""
    tree = Tree(place)
    try:
        with tree.worktree(tree.resolve(at or "HEAD")) as worktree:
            candidates = Candidates(worktree, NoResults())
            with candidates.lookup(words, paths) as lookup:
                return lookup.settle()
    finally:
        tree.close()


def _edit(place: Path) -> None:
    (place / "a/a.c").write_text(NONE)
    (place / "a/b.c").write_text(CALL)


def _stage(place: Path) -> None:
    _edit(place)
    git(place, "add", "-A")


def _stage_and_undo(place: Path) -> None:
    _stage(place)
    (place / "a/a.c").write_text(CALL)
    (place / "a/b.c").write_text(NONE)


def _delete(place: Path) -> None:
    (place / "a/a.c").unlink()
    git(place, "rm", "-q", "b/c.h")


def _add(place: Path) -> None:
    (place / "a/new.c").write_text(CALL)
    (place / "a/intent.c").write_text(CALL)
    (place / "a/untracked.c").write_text(CALL)
    git(place, "add", "a/new.c")
    git(place, "add", "-N", "a/intent.c")


def _hidden(place: Path) -> None:
    """Edited, and git told not to look."""
    git(place, "update-index", "--assume-unchanged", "a/a.c", "a/b.c")
    _edit(place)


def _skipped(place: Path) -> None:
    git(place, "update-index", "--skip-worktree", "a/a.c", "b/c.h")
    (place / "a/a.c").write_text(NONE)
    (place / "b/c.h").unlink()


def _sparse(place: Path) -> None:
    git(place, "sparse-checkout", "set", "--no-cone", "/b/")


def _filtered(place: Path) -> None:
    """A clean filter: what is on disk is not what is committed, and git finds them equal."""
    git(place, "config", "filter.hide.smudge", "sed s/old_call/gone/")
    git(place, "config", "filter.hide.clean", "sed s/gone/old_call/")
    (place / ".git/info/attributes").write_text("*.c filter=hide\n")
    (place / "a/a.c").write_text(CALL.replace("old_call", "gone"))
    git(place, "add", "a/a.c")
    assert git(place, "diff-index", "--name-only", "HEAD") == ""


def _global_filter(place: Path) -> None:
    _filtered(place)
    (place / ".git/info/attributes").rename(place.parent / "attributes")
    git(place, "config", "core.attributesFile", str(place.parent / "attributes"))


def _same_time(place: Path) -> None:
    """Edited to the same size within the tick of the index: racy to git."""
    file = place / "a/a.c"
    facts = file.stat()
    file.write_text(CALL.replace("old_call", "new_call"))
    os.utime(file, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def _configured(place: Path) -> None:
    for name, value in (
        ("grep.column", "true"),
        ("grep.lineNumber", "false"),
        ("grep.patternType", "perl"),
        ("color.ui", "always"),
        ("color.grep", "always"),
        ("submodule.recurse", "true"),
        ("core.quotePath", "true"),
        ("grep.fullName", "false"),
    ):
        git(place, "config", name, value)


def _linked(place: Path) -> None:
    (place / "a/b.c").unlink()
    (place / "a/b.c").symlink_to("a.c")


def _later(place: Path) -> None:
    _edit(place)
    commit_all(place, "later")


def _moved_file(place: Path) -> None:
    git(place, "mv", "a/a.c", "a/z.c")


def _merging(place: Path) -> None:
    git(place, "switch", "-q", "-c", "other")
    (place / "a/a.c").write_text(CALL.replace("1", "2"))
    commit_all(place, "two")
    git(place, "switch", "-q", "master")
    (place / "a/a.c").write_text(CALL.replace("1", "3"))
    commit_all(place, "three")
    with pytest.raises(AssertionError):
        git(place, "merge", "-q", "other")


def _no_index(place: Path) -> None:
    (place / ".git/index").unlink()


def _broken_index(place: Path) -> None:
    (place / ".git/index").write_bytes(b"DIRC nonsense")


def _untracked_attributes(place: Path) -> None:
    _filtered(place)
    (place / ".git/info/attributes").rename(place / "a/.gitattributes")


def _replaced(place: Path) -> None:
    """Other objects stand in for what is committed: git shows them, and writes them out."""
    new = git(place, "hash-object", "-w", "--stdin", stdin=NONE.encode())
    git(place, "replace", git(place, "rev-parse", "HEAD:a/a.c"), new)
    (place / "a/a.c").unlink()
    git(place, "checkout", "--", "a/a.c")
    assert (place / "a/a.c").read_text() == NONE


@pytest.mark.parametrize(
    "change",
    [
        _edit,
        _stage,
        _stage_and_undo,
        _delete,
        _add,
        _hidden,
        _skipped,
        _sparse,
        _filtered,
        _global_filter,
        _configured,
        _linked,
        _later,
        _moved_file,
        _merging,
        _no_index,
        _broken_index,
        _untracked_attributes,
        _replaced,
    ],
)
def test_the_base_counts_not_the_users_files(place: Path, change: Callable[[Path], None]) -> None:
    base = git(place, "rev-parse", "HEAD")
    assert found(place) == TRUTH
    change(place)
    assert found(place, at=base) == TRUTH


@pytest.mark.slow
def test_paths_words_and_a_bare_clone(place: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(place), "bare")
    for tree in (place, tmp_path / "bare"):
        assert found(tree) == TRUTH
        assert list(found(tree, paths=("a",))) == ["a/a.c", "a/wide[1].c"]
        assert list(found(tree, paths=("a/",))) == ["a/a.c", "a/wide[1].c"]
        assert list(found(tree, paths=("a/wide[1].c", "doc"))) == ["a/wide[1].c", "doc/text.rst"]
        assert found(tree, paths=(".",)) == TRUTH
        both = found(tree, words=("new_call", "my_old_call"))
        assert both == {"a/b.c": "\treturn new_call(1);", "b/no.c": "int my_old_call;"}
        assert found(tree, words=("nowhere",)) == {}
        every = [name for name in sorted(FILES) if not name.endswith(".rst")]
        assert list(found(tree, words=())) == every
        assert list(found(tree, words=(), paths=("b",))) == ["b/c.h", "b/no.c"]


def test_what_was_staged_since_counts(place: Path) -> None:
    tree = Tree(place)
    with tree.worktree(tree.resolve("HEAD")) as worktree:
        candidates = Candidates(worktree, NoResults())
        with candidates.lookup(["old_call"], []) as lookup:
            assert lookup.settle() == TRUTH
        worktree.file("a/a.c").write_text(NONE)
        worktree.file("a/b.c").write_text(CALL)
        worktree.file("b/c.h").unlink()
        worktree.stage(["a/a.c", "a/b.c", "b/c.h"])
        with candidates.lookup(["old_call"], []) as lookup:
            names = ["a/b.c", "a/wide[1].c", "bin/blob.c", "doc/text.rst"]
            assert (list(lookup.early), list(lookup.settle())) == (names, names)
        with candidates.lookup([], ["b"]) as lookup:
            assert list(lookup.settle()) == ["b/no.c"]
    tree.close()


def test_a_search_for_several_rules_answers_each(place: Path) -> None:
    tree = Tree(place)
    store = Memory()
    with tree.worktree(tree.resolve("HEAD")) as worktree:
        candidates = Candidates(worktree, store)
        wanted = [(["old_call"], ["a"]), (["new_call"], []), (["old_call"], []), ([], [])]
        candidates.ahead(wanted)
        (place / "a/a.c").unlink()  # nothing is searched any more
        kept = len(store)
        for words, paths in wanted:
            with candidates.lookup(words, paths) as lookup:
                assert lookup.settle() == found(place, tuple(words), tuple(paths))
        assert len(store) == kept
    tree.close()


def test_a_search_is_remembered_for_the_same_tree(place: Path) -> None:
    store = Memory()

    def search() -> dict[str, str]:
        tree = Tree(place)
        with (
            tree.worktree(tree.resolve("HEAD")) as worktree,
            Candidates(worktree, store).lookup(["old_call"], []) as lookup,
        ):
            return lookup.settle()

    assert search() == TRUTH
    (key,) = store
    store[key] = store[key].replace(b"return", b"RETURN")
    assert search()["a/a.c"] == "\tRETURN old_call(1);"
    git(place, "commit", "-q", "--allow-empty", "-m", "the same tree")
    assert search()["a/a.c"] == "\tRETURN old_call(1);"
    (place / "a/b.c").write_text(CALL)
    commit_all(place, "another tree")
    assert search() == TRUTH | {"a/b.c": "\treturn old_call(1);"}
    store[key] = b"nonsense"
    git(place, "reset", "-q", "--hard", "HEAD~2")
    assert search() == TRUTH


TEXTS = st.lists(st.sampled_from([CALL, NONE, "old_call", "x\n", "old_call2\n"]), max_size=3)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(edits=st.dictionaries(st.sampled_from([*FILES, "a/new.c"]), TEXTS, max_size=4))
@pytest.mark.slow
def test_any_edit_leaves_the_answer_alone(place: Path, edits: dict[str, list[str]]) -> None:
    for name, parts in edits.items():
        if parts:
            (place / name).write_text("".join(parts))
        else:
            (place / name).unlink(missing_ok=True)
    git(place, "add", "-A", "a")
    assert found(place) == TRUTH


def test_what_becomes_clean_in_the_meantime(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file was searched as edited; before git is asked for changes, somebody restores it."""
    (place / "a/a.c").write_text(NONE)
    real = shutil.which("git")
    fake = tmp_path / "bin/git"
    fake.parent.mkdir()
    fake.write_text(
        f'#!/bin/sh\ncase "$*" in *diff-index*) {real} -C {place} checkout -q -- a/a.c;; esac\n'
        f'exec {real} "$@"\n'
    )
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    assert found(place) == TRUTH


def test_a_search_of_c_files_alone_is_made_once(place: Path) -> None:
    """Each save of a watched rule asks the same."""
    tree = Tree(place)
    with tree.worktree(tree.resolve("HEAD")) as worktree:
        candidates = Candidates(worktree, NoResults())
        found = []
        for _ in range(2):
            with candidates.lookup(["old_call"], [], only_c=True) as lookup:
                found.append(lookup.settle())
            (place / "a/a.c").unlink(missing_ok=True)  # nothing is searched any more
        wanted = {name: text for name, text in TRUTH.items() if not name.endswith(".rst")}
        assert found == [wanted, wanted]
        with candidates.lookup(["old_call"], []) as lookup:
            assert lookup.settle() == TRUTH
        with candidates.lookup(["old_call"], ["a"], only_c=True) as lookup:
            assert list(lookup.settle()) == ["a/a.c", "a/wide[1].c"]
    tree.close()
