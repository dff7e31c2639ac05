"""Which tags survive, and where they stand in a message."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.messages import Tagging, same_trailer, with_tags
from generator.tree import Identity
from series import carrying
from series.carrying import Made

ADA = Identity("Ada Developer", "ada@example.org")
SIGNED = f"Signed-off-by: {ADA}"
ACK = "Acked-by: Ann <ann@example.org>"
REVIEW = "Reviewed-by: Rob <rob@example.org>"


@dataclass(frozen=True)
class Tag:
    """A tag as trailers.toml has it."""

    trailer: str = ACK
    state: str = "given"
    decision: str = ""
    why: str = ""
    patch: str = "p"
    version: int = 6
    messages: tuple[str, ...] = ("<m@example.org>",)


def diff(lines: str, *, at: int = 10, context: str = "around", name: str = "a.c") -> bytes:
    old = lines.count("\n-") + (lines[:1] == "-")
    new = lines.count("\n+") + (lines[:1] == "+")
    head = f"diff --git a/{name} b/{name}\n--- a/{name}\n+++ b/{name}\n"
    return f"{head}@@ -{at},{old + 1} +{at},{new + 1} @@ f()\n {context}\n{lines}\n".encode()


SAME = diff("-old(x);\n+new(x);")
RULES = (("rename.cocci", "aa" * 32),)


@pytest.mark.parametrize(
    ("new", "why"),
    [
        (Made("1", b""), "the patch is the same"),
        (Made("2", diff("-old(x);\n+new(x);", at=99, context="else")), "only context"),
        (Made("2", diff("-old(x);\n+new(y);")), ""),
        (Made("2", diff("-old(x);\n+new(x);", name="b.c")), ""),
        (Made("2", diff("+new(x);\n-old(x);")), "only context"),
        (Made("2", diff("-old(x);\n+new(y);"), RULES), "made again by the same rule"),
        (Made("2", diff("-old(x);\n+new(y);"), (("rename.cocci", "bb"),)), ""),
        (Made("2", diff("-old(x);\n+new(y);"), (*RULES, ("more.cocci", "cc"))), ""),
        (Made("", b""), ""),
    ],
)
def test_what_is_still_the_same_change(new: Made, why: str) -> None:
    assert carrying.survives(Made("1", SAME, RULES), new).startswith(why)
    assert bool(carrying.survives(Made("1", SAME, RULES), new)) == bool(why)


def test_mode_and_binary_changes_count() -> None:
    mode = b"diff --git a/x b/x\nold mode 100644\nnew mode %s\n"
    assert not carrying.survives(Made("", mode % b"100755"), Made("", mode % b"120000"))
    binary = b"diff --git a/x b/x\nindex 1..2 100644\nGIT binary patch\nliteral 1\n%s\n\n"
    assert not carrying.survives(Made("", binary % b"IcmZ"), Made("", binary % b"IcmY"))
    assert carrying.survives(Made("", binary % b"IcmZ"), Made("", binary % b"IcmZ"))


@pytest.mark.parametrize(
    ("tag", "same", "kept", "why"),
    [
        (Tag(), True, True, "the patch is the same"),
        (Tag(), False, False, "needs a decision: the patch has changed since v6"),
        (Tag(state="given again"), True, True, "the patch is the same"),
        (Tag(state="partial"), True, True, "the patch is the same"),
        (Tag(state="whole series", patch=""), True, True, "the patch is the same"),
        (Tag(state="withdrawn", why="cancel this"), True, False, "withdrawn: cancel this"),
        (Tag(state="conditional"), True, False, "conditional"),
        (Tag(state="unclear"), True, False, "unclear"),
        (Tag(state="withdrawn", decision="take"), False, True, "decided in trailers.toml"),
        (Tag(decision="drop"), True, False, "decided in trailers.toml"),
        (Tag("Reported-by: Ann <ann@example.org>"), False, True, "says where the change comes"),
        (Tag("Tested-by: Ann <ann@example.org>"), False, False, "needs a decision"),
    ],
)
def test_what_is_decided(tag: Tag, same: bool, kept: bool, why: str) -> None:
    new = Made("1" if same else "2", diff("-other;"))
    decided = carrying.decide([tag], new, lambda _tag: [Made("1", SAME)])
    (record,) = decided.carried if kept else decided.dropped
    assert (record.trailer, record.why[: len(why)]) == (tag.trailer, why)
    assert decided.tagging == Tagging(*(((tag.trailer,), ()) if kept else ((), (tag.trailer,))))


def test_a_version_that_is_not_here_decides_nothing() -> None:
    decided = carrying.decide([Tag()], Made("1", SAME), lambda _tag: [])
    assert decided.dropped[0].why.startswith("needs a decision: given to v6, which")


def test_a_sign_off_is_never_ours_to_give_or_take() -> None:
    tags = [Tag(SIGNED), Tag(SIGNED, state="withdrawn")]
    assert carrying.decide(tags, Made("1", SAME), lambda _tag: []) == carrying.Decided()


def test_a_tag_that_is_there_twice_is_kept_when_one_is() -> None:
    tags = [Tag(state="withdrawn"), Tag(version=7)]
    decided = carrying.decide(tags, Made("1", SAME), lambda _tag: [Made("1", SAME)])
    assert decided.tagging == Tagging(add=(ACK,))
    assert not decided.dropped


@pytest.mark.parametrize(
    ("message", "tagging", "expected"),
    [
        (f"t\n\nb\n\n{SIGNED}\n", Tagging(add=(ACK,)), f"t\n\nb\n\n{ACK}\n{SIGNED}\n"),
        (f"t\n\n{ACK}\n{SIGNED}\n", Tagging(add=(ACK,)), f"t\n\n{ACK}\n{SIGNED}\n"),
        (
            f"t\n\n{SIGNED}\nCc: x@example.org\n",
            Tagging(add=(ACK, REVIEW)),
            f"t\n\n{SIGNED}\nCc: x@example.org\n{ACK}\n{REVIEW}\n",
        ),
        (
            f't\n\nFixes: 1 ("x")\n{ACK}\n [but only\n here]\nLink: l\n{SIGNED}\n',
            Tagging(remove=(ACK,)),
            f't\n\nFixes: 1 ("x")\nLink: l\n{SIGNED}\n',
        ),
        (
            f"t\n\nacked-by: ANN <Ann@example.org>\n{SIGNED}\n",
            Tagging(remove=(ACK,)),
            f"t\n\n{SIGNED}\n",
        ),
        (
            f"t\n\nAcked-by: Ann <ann@elsewhere.example.org>\n{SIGNED}\n",
            Tagging(add=(ACK,)),
            f"t\n\nAcked-by: Ann <ann@elsewhere.example.org>\n{SIGNED}\n",
        ),
        (f"t\n\n{SIGNED}\n", Tagging(add=("no trailer", "A: x\nB: y")), f"t\n\n{SIGNED}\n"),
        (f"t\n\n{SIGNED}\n", Tagging(add=("Acked-by: \x1b[1m <a@b.c>",)), f"t\n\n{SIGNED}\n"),
    ],
)
def test_where_tags_stand(message: str, tagging: Tagging, expected: str) -> None:
    assert with_tags(message, tagging, ADA) == expected


LINES = st.lists(
    st.sampled_from([ACK, REVIEW, "Cc: x@example.org", "Link: l", 'Fixes: 1 ("x")', SIGNED]),
    unique=True,
)


@given(LINES, LINES, LINES)
def test_all_others_stay_in_their_order(have: list[str], add: list[str], gone: list[str]) -> None:
    add = [line for line in add if line not in gone]
    message = "\n".join(["title", "", "body", "", *have, "Tested-by: T <t@example.org>"]) + "\n"
    made = with_tags(message, Tagging(tuple(add), tuple(gone)), ADA).split("\n")
    kept = [line for line in have if line not in gone]
    assert [line for line in made if line in kept and line in have] == kept
    assert all(made.count(line) == 1 for line in add)
    assert not any(line in made for line in gone)
    assert with_tags("\n".join(made), Tagging(tuple(add), tuple(gone)), ADA) == "\n".join(made)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (ACK, "Acked-by:Ann  <ANN@example.org>", True),
        (ACK, "Acked-by: Bob <ann@example.org>", True),
        (ACK, "Reviewed-by: Ann <ann@example.org>", False),
        (ACK, "Acked-by: Bob <bob@example.org>", False),
        ("Cc: ann@example.org", "Cc: ann@example.org", True),
        ("Acked-by: <>", "Acked-by: <>", False),
        ("nothing", "nothing", False),
    ],
)
def test_trailers_of_one_person(one: str, other: str, same: bool) -> None:
    assert same_trailer(one, other) is same
