"""Which patch of one version is which of another, in one conversion of many drivers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from series import identity
from series.identity import Known
from tests import threads

# How the titles of a conversion look: with the driver, renamed, by number, all the same.
STYLES = (
    "media: {driver}: stop using old_call()",
    "media: driver-{driver}: stop using old_call()",
    "{driver}: convert from old_call()",
    "drivers/media/{driver}: use new_call() instead",
    "media: stop using old_call() (part {number})",
    "media: stop using old_call()",
)


def version(drivers: str, style: str, call: str = "new_call(x)", common: str = "") -> list[Known]:
    """A conversion of ``drivers``, one patch each, whose changed lines are all the same."""
    made = []
    for number, driver in enumerate(drivers, 1):
        paths = [f"drivers/{driver}/{driver}.c", *filter(None, [common])]
        diff = "".join(threads.diff(path, new=call) for path in paths).encode()
        title = style.format(driver=driver, number=number)
        made.append(Known(f"{number}", title, f"{driver}{call}", diff, frozenset(paths)))
    return made


def drivers_of(old: str, new: str, found: dict[str, str]) -> dict[str, str]:
    """A match by the letters of the drivers instead of the numbers of the patches."""
    return {new[int(one) - 1]: old[int(other) - 1] for one, other in found.items()}


DRIVERS = st.lists(st.sampled_from("abcdefgh"), unique=True, min_size=2).map("".join)


@given(
    old=DRIVERS,
    new=DRIVERS,
    styles=st.tuples(st.sampled_from(STYLES), st.sampled_from(STYLES)),
    call=st.sampled_from(["new_call(x)", "newest_call(x)"]),
    common=st.sampled_from(["", "include/media.h"]),
)
def test_files_tell_the_patches_of_a_conversion(
    old: str, new: str, styles: tuple[str, str], call: str, common: str
) -> None:
    """Drivers are dropped, added, renamed, put in another order; each keeps its own id."""
    before = version(old, styles[0], common=common)
    after = version(new, styles[1], call, common)
    found = drivers_of(old, new, identity.match(before, after))
    assert found == {driver: driver for driver in old if driver in new}


LINES = b"-\treturn old_call(x);\n+\treturn new_call(x);\n"
OTHER = b"-\tkfree(buf);\n+\tkvfree(buf);\n"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        # A file that was moved in the tree: the title says that it is the same.
        (
            [("a: use new_call()", "a.c", LINES), ("b: use new_call()", "b.c", LINES)],
            [("a: use new_call()", "new/a.c", LINES), ("b: use new_call()", "b.c", LINES)],
            {0: 0, 1: 1},
        ),
        # Another driver instead, with the same words and lines.
        (
            [
                ("b: stop using old_call()", "b.c", LINES),
                ("a: stop using old_call()", "a.c", LINES),
            ],
            [
                ("b: stop using old_call()", "b.c", LINES),
                ("d: stop using old_call()", "d.c", LINES),
            ],
            {0: 0},
        ),
        # A patch that was divided: its larger part keeps the id.
        (
            [("all: stop using old_call()", "a.c b.c", LINES * 3)],
            [("b: stop it", "b.c", LINES), ("a: stop it", "a.c", LINES * 2)],
            {1: 0},
        ),
        # Two patches of one file, in another order and under other names.
        (
            [("a: use new_call()", "a.c", LINES), ("a: free what is large", "a.c", OTHER)],
            [("a: kvfree() for large ones", "a.c", OTHER), ("a: convert", "a.c", LINES)],
            {0: 1, 1: 0},
        ),
        # The same title, all of it done in another way.
        (
            [("a: use new_call()", "a.c", LINES), ("b: free it", "b.c", OTHER)],
            [("b: free it", "b.c c.c", b"-x = 1;\n"), ("a: use new_call()", "d.c", b"+y = 2;\n")],
            {0: 1, 1: 0},
        ),
        # Another change of the same file is another patch.
        (
            [("a: use new_call()", "a.c", LINES)],
            [("a: free what is large", "a.c", OTHER)],
            {},
        ),
    ],
)
def test_what_tells_a_patch(
    old: list[tuple[str, str, bytes]],
    new: list[tuple[str, str, bytes]],
    expected: dict[int, int],
) -> None:
    sides = [
        [
            Known(str(at), title, f"{mark}{at}", diff, frozenset(files.split()))
            for at, (title, files, diff) in enumerate(side)
        ]
        for mark, side in (("old", old), ("new", new))
    ]
    found = identity.match(*sides)
    assert found == {str(one): str(other) for one, other in expected.items()}
