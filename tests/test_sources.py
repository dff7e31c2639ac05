"""Warm runs: only what changed is run, and the bytes are those of a cold run."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from shutil import which

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator import includes
from generator.conversion import Bench, Order, convert
from generator.rule import parse_rule
from generator.sources import Listing, Shelf, Sources
from generator.spatch import Kind, Outcome, Spatch, find_spatch
from generator.tree import Tree
from tests.repositories import commit_all, make_repository

TYPED = """\
@@ struct thing *t; @@
- old_call(t)
+ new_call(t)
"""
FILES = {
    "a/a.c": '#include "a.h"\nint a(struct thing *t)\n{\n\treturn old_call(t);\n}\n',
    "a/a.h": '#include "../deep/deep.h"\n',
    "deep/deep.h": "struct thing { int x; };\n",
    "b/b.c": '#include "gone.h"\nint b(struct thing *t)\n{\n\treturn old_call(t);\n}\n',
    "c/c.c": "int c(void)\n{\n\treturn 0;\n}\n",
}


class Memory(dict[bytes, bytes]):
    """A store that forgets nothing."""

    problem = ""

    def get(self, keys: Iterable[bytes]) -> dict[bytes, bytes]:  # type: ignore[override]
        return {key: self[key] for key in keys if key in self}

    def put(self, items: Mapping[bytes, bytes]) -> None:
        self.update(items)

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture(scope="module")
def spatch() -> Spatch:
    return find_spatch()


def run(
    place: Path, store: Memory, spatch: Spatch, text: str = TYPED, timeout: int = 60, **more: bool
) -> tuple[bytes, int]:
    """What a rule changes, and how many files spatch was given on its first run."""
    rule = parse_rule(text, name="x.cocci")
    told: list[tuple[int, int]] = []
    tree = Tree(place)
    with tree.worktree(tree.resolve("HEAD")) as worktree:
        bench = Bench(
            worktree,
            lambda _: spatch,
            timeout=timeout,
            jobs=1,
            progress=lambda state: told.append((state.done, state.total)),
            store=store,
            **more,
        )
        convert(bench, Order(rule, style=False))
        diff = worktree.staged_diff()
    tree.close()
    return diff, told[0][1] - told[0][0]


@pytest.mark.slow
def test_only_what_changed_is_run_again(tmp_path: Path, spatch: Spatch) -> None:
    place = make_repository(tmp_path / "tree", FILES)
    store = Memory()
    cold, count = run(place, store, spatch)
    assert (b"new_call(t)" in cold, count) == (True, 2)
    assert run(place, store, spatch) == (cold, 0)
    # A header three steps away decides whether the type is known.
    (place / "deep/deep.h").write_text("struct thing { long y; };\n")
    commit_all(place, "another header")
    assert run(place, store, spatch) == (cold, 1)
    # A header that was not there, and the file itself.
    (place / "b/gone.h").write_text("struct thing { int x; };\n")
    (place / "a/a.c").write_text(FILES["a/a.c"] + "\n/* more */\n")
    commit_all(place, "two files")
    fresh, count = run(place, Memory(), spatch)
    assert count == 2
    assert run(place, store, spatch) == (fresh, 2)
    assert run(place, store, spatch) == (fresh, 0)


@pytest.mark.parametrize(
    "change",
    [
        {"text": TYPED + "\n"},
        {"text": TYPED.replace("new_call", "newer_call")},
        {"timeout": 61},
    ],
)
def test_another_rule_or_option_is_another_result(
    tmp_path: Path, spatch: Spatch, change: dict[str, object]
) -> None:
    place = make_repository(tmp_path / "tree", FILES)
    store = Memory()
    run(place, store, spatch)
    cold = run(place, Memory(), spatch, **change)  # type: ignore[arg-type]
    assert run(place, store, spatch, **change) == cold  # type: ignore[arg-type]


def test_a_damaged_store_is_a_cold_run(tmp_path: Path, spatch: Spatch) -> None:
    place = make_repository(tmp_path / "tree", FILES)
    store = Memory()
    cold = run(place, store, spatch)
    for key, value in store.items():
        if value.startswith(b"["):
            store[key] = b"\xff not what it was"
    assert run(place, store, spatch) == cold


def test_a_kept_outcome_is_the_same() -> None:
    outcome = Outcome("a.c", Kind.CHANGED, b"--- a/a.c\n\xff\0\n", (3, 4), "x\ny")
    assert Outcome.unpacked("a.c", outcome.packed()) == outcome
    for bad in (b"", b"[]\n", b'["changed"]\n', b'["odd", [], ""]\n', b'["changed", 3, ""]\n'):
        with pytest.raises(ValueError, match=r"."):
            Outcome.unpacked("a.c", bad)


@given(
    st.dictionaries(
        st.sampled_from("abcdef"), st.lists(st.sampled_from("abcdefgh"), max_size=4), max_size=6
    )
)
def test_what_is_reached_is_what_can_be_reached(edges: dict[str, list[str]]) -> None:
    """Loops end, and what is not there leads nowhere."""
    found = includes.graph(
        ["a"], lambda paths: {path: tuple(edges[path]) for path in paths if path in edges}
    )
    expected: set[str] = set()
    todo = ["a"]
    while todo:
        for name in edges.get(todo.pop(), []):
            if name not in expected:
                expected.add(name)
                todo.append(name)
    assert includes.reached("a", found) == expected - {"a"}


def test_links_and_directories_are_no_text(tmp_path: Path) -> None:
    files = {**FILES, "a/a.c": '#include "link.h"\n#include "../deep"\n#include "a.h"\n'}
    place = make_repository(tmp_path / "tree", files)
    (place / "a/link.h").symlink_to("a.h")
    commit_all(place, "a link")
    tree = Tree(place)
    with tree.worktree(tree.resolve("HEAD")) as worktree:
        paths = ["a/a.c", "a/link.h", "none.c"]
        shelf = Shelf(tmp_path / "shelf")
        sources = Sources(worktree, Listing(worktree), Memory(), shelf, paths)
        assert sorted(sources.contents(paths)) == ["a/a.c", "a/a.h", "a/link.h", "deep/deep.h"]
        assert sources.links(paths) == ["a/link.h"]
        assert sources.key("a/a.c", b"") != sources.key("none.c", b"")
        sources.write_out(paths)
        written = sorted(path for path in shelf.root.rglob("*") if not path.is_dir())
        assert not any(path.is_symlink() for path in written)
        assert [str(path.relative_to(shelf.root)) for path in written] == [
            "a/a.c",
            "a/a.h",
            "a/link.h",
            "deep/deep.h",
        ]
    tree.close()


@pytest.mark.skipif(not which("spatch"), reason="needs a spatch with scripting")
@pytest.mark.slow
def test_what_a_script_had_a_hand_in_is_never_kept(tmp_path: Path) -> None:
    """It may look at anything."""
    full = find_spatch("spatch")
    if not full.python:
        pytest.skip("this spatch has no Python scripting")
    place = make_repository(tmp_path / "tree", FILES)
    store = Memory()
    text = f"@initialize:python@\n@@\nx = 1\n\n{TYPED}"
    first = run(place, store, full, text, allow_scripts=True)
    assert (first[1], run(place, store, full, text, allow_scripts=True)) == (3, first)


HEADER = "struct thing { int x; };\nextern struct thing *g;\n"
USER = "int a(void)\n{{\n\treturn old_call(g);\n}}\n"


@pytest.mark.parametrize(
    ("files", "links", "options"),
    [
        ({"a/a.c": '/* */ #include "a.h"\n', "a/a.h": HEADER}, {}, ""),
        ({"a/a.c": '#include "a b~.h"\n', "a/a b~.h": HEADER}, {}, ""),
        ({"a/a.c": '#include "l.h"\n', "b/real.h": HEADER}, {"a/l.h": "../b/real.h"}, ""),
        ({"a/a.c": '#include "../l/real.h"\n', "b/real.h": HEADER}, {"l": "b"}, ""),
        ({"a/a.c": "#include <linux/a.h>\n", "include/linux/a.h": HEADER}, {}, "--all-includes"),
        ({"a/a.c": '#include "linux/a.h"\n', "include/linux/a.h": HEADER}, {}, "--all-includes"),
        (
            {"a/a.c": '#include "a.h"\n', "a/a.h": "#include <x.h>\n", "include/x.h": HEADER},
            {},
            "--recursive-includes",
        ),
    ],
)
def test_headers_that_spatch_finds(
    tmp_path: Path, spatch: Spatch, files: dict[str, str], links: dict[str, str], options: str
) -> None:
    """And another text of the header is another result."""
    files = files | {"a/a.c": files["a/a.c"] + USER.replace("{{", "{").replace("}}", "}")}
    place = make_repository(tmp_path / "tree", files)
    for name, target in links.items():
        (place / name).symlink_to(target)
    if links:
        commit_all(place, "links")
    text = (f"// Options: {options}\n" if options else "") + TYPED
    store = Memory()
    assert b"new_call(g)" in run(place, store, spatch, text)[0]
    header = next(path for path in files if HEADER in files[path])
    (place / header).write_text(HEADER.replace("thing *g", "other *g"))
    commit_all(place, "another type")
    assert run(place, store, spatch, text)[0] == b""


def test_links_out_of_the_tree_and_in_circles(tmp_path: Path, spatch: Spatch) -> None:
    (tmp_path / "out.h").write_text(HEADER)
    text = '#include "out.h"\n#include "round.h"\n#include "abs.h"\nint a(void) { old_call(g); }\n'
    place = make_repository(tmp_path / "tree", {"a.c": text})
    (place / "out.h").symlink_to("../out.h")
    (place / "round.h").symlink_to("round.h")
    (place / "abs.h").symlink_to(tmp_path / "out.h")
    commit_all(place, "links")
    assert run(place, Memory(), spatch)[0] == b""


def test_a_file_that_becomes_a_directory_and_back(tmp_path: Path) -> None:
    place = make_repository(tmp_path / "tree", {"a.h": "one\n", "b.h": "x\n"})
    tree = Tree(place)
    with tree.worktree(tree.resolve("HEAD")) as worktree:
        shelf = Shelf(tmp_path / "shelf")
        listing = Listing(worktree)
        one, other = listing.entries(["a.h", "b.h"]).values()
        shelf.put(worktree, {"d/x.h": one, "d/e/y.h": other})
        shelf.put(worktree, {"d": one})
        assert (shelf.root / "d").read_text() == "one\n"
        shelf.put(worktree, {"d/x.h": other, "d/e/y.h": other, "d": None})
        assert (shelf.root / "d/x.h").read_text() == "x\n"
        assert (shelf.root / "d/e/y.h").read_text() == "x\n"
    tree.close()
