"""Tags in the text of replies: hand-made shapes, and properties."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from series import tag_words, tags

ANN = "Ann Reviewer <ann@example.org>"


def only(text: str) -> tags.Mention:
    found = tags.mentions(text)
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize(
    ("text", "name", "person"),
    [
        (f"Acked-by: {ANN}", "Acked-by", ANN),
        (f"ACKED-BY: {ANN}", "Acked-by", ANN),
        (f"Acked-By:\t{ANN}", "Acked-by", ANN),
        (f"  Reviewed-by: {ANN}", "Reviewed-by", ANN),
        (f"Reviewed-and-tested-by: {ANN}", "Reviewed-and-tested-by", ANN),
        ("Tested-by: Ann Reviewer\n<ann@example.org>", "Tested-by", ANN),
        (f"Acked-by: {ANN} # good", "Acked-by", ANN),
        ("Acked-by: ann@example.org", "Acked-by", "ann@example.org"),
        (f"Debugged-by: {ANN}", "Debugged-by", ANN),
        (
            "Acked-by: Ann <ann@example.org<mailto:ann@example.org>>",
            "Acked-by",
            "Ann <ann@example.org>",
        ),
    ],
)
def test_a_tag_that_is_well_written(text: str, name: str, person: str) -> None:
    found = only(text)
    assert (found.kind, found.name, found.person) == ("given", name, person)
    assert not found.unclear
    assert not found.condition


@pytest.mark.parametrize(
    ("text", "name", "why"),
    [
        ("Acked-by Foo:", "Acked-by", "misspelt"),
        ("Acked-By:foo@", "Acked-by", "no space behind the colon"),
        ("Acked-by:Foo <f@x.example>", "Acked-by", "no space behind the colon"),
        ("Reviewd-by: Foo <f@example.org>", "Reviewed-by", "misspelt"),
        ("Reveiwed-by: Foo <f@example.org>", "Reviewed-by", "misspelt"),
        ("Acked by: Foo <f@example.org>", "Acked-by", "misspelt"),
        ("Acked_by: Foo <f@example.org>", "Acked-by", "misspelt"),
        ("Acked-by Foo <f@example.org>", "Acked-by", "no colon"),
        ("Acked-by: A <a@example.org>, B <b@example.org>", "Acked-by", "more than one"),
        ("A-b: Foo", "Acked-by", "is no tag"),
        ("R-b: Foo <f@example.org>", "Reviewed-by", "is no tag"),
        ("Acked-by : Foo <f@example.org>", "Acked-by", "space before the colon"),
        ("Acked-by: Foo <f@xxxxxxxxxxx>", "Acked-by", "obfuscated"),
        ("Acked-by: Foo <f@xxx.xxx>", "Acked-by", "obfuscated"),
        ("Acked-by: Foo", "Acked-by", "no address"),
        ("Acked-by:", "Acked-by", "names nobody"),
        ("Acked-by: Foo\x1b[2J <f@example.org>", "Acked-by", "control characters"),
        ("Fine, Acked-by: Foo <f@example.org>", "Acked-by", "inside a sentence"),
        ("Feel free to add my r-b.", "Reviewed-by", "only said"),
        ("Acked-by me", "Acked-by", "only said"),
        ("-- \nAcked-by: Foo <f@example.org>", "Acked-by", "signature"),
        ('Fixes: 0123456789ab ("x")', "Fixes", "suggested"),
        ("Cc: stable@example.org # 5.10", "Cc", "suggested"),
    ],
)
def test_a_tag_that_is_unclear(text: str, name: str, why: str) -> None:
    found = only(text)
    assert (found.kind, found.name) == ("given", name)
    assert why in found.unclear


@pytest.mark.parametrize(
    "text",
    [
        f"> Acked-by: {ANN}",
        f"> > Acked-by: {ANN}",
        f">>> Acked-by: {ANN}",
        "Caused by: a missing lock",
        "Note: this was followed by: nothing",
        "The device answers NAK to every read.",
        "Cc: the others, please",
        "the reviewed-by's are all there",
        "So ... can I get you to un-cancel your ack?",
        "Please drop your ack then.",
    ],
)
def test_what_is_no_tag(text: str) -> None:
    assert tags.mentions(text) == ()


@pytest.mark.parametrize(
    "text",
    [
        f"With that fixed:\n\nAcked-by: {ANN}",
        f"With the typo in the comment fixed,\nAcked-by: {ANN}",
        f"Other than that:\n\nAcked-by: {ANN}",
        f"If you rename the function you can have\n\nAcked-by: {ANN}",
        f"Acked-by: {ANN}\n\nAssuming that the build still works.",
        f"Acked-by: {ANN}\nafter fixing the above",
        f"Acked-by: {ANN} (with the nits addressed)",
        f"Acked-by: {ANN} # if you keep the check",
        f"One nit above. Otherwise\nAcked-by: {ANN}",
    ],
)
def test_a_condition(text: str) -> None:
    assert only(text).condition


@pytest.mark.parametrize(
    "text",
    [
        f"If it were slow I would care. It is fast.\n\nLooks good.\n\nAcked-by: {ANN}",
        f"> with that fixed\n\nAcked-by: {ANN}",
        f"Works with the new board.\n\nTested-by: {ANN}",
        f"Looks good:\n\nAcked-by: {ANN}\n\nThanks!",
    ],
)
def test_no_condition(text: str) -> None:
    assert not only(text).condition


@pytest.mark.parametrize(
    ("words", "numbers", "without", "parts"),
    [
        ("for patches 1 and 3", (1, 3), (), ()),
        ("For patches 1, 3 and 5-7:", (1, 3, 5, 6, 7), (), ()),
        ("for 1-4", (1, 2, 3, 4), (), ()),
        ("patches 2,3", (2, 3), (), ()),
        ("patch #4", (4,), (), ()),
        ("patches 1 through 3", (1, 2, 3), (), ()),
        ("For 02/17 and 03/17:", (2, 3), (), ()),
        ("for the first two patches", (1, 2), (), ()),
        ("for all patches except 2", (), (), ()),
        ("for everything but patch 2", (), (2,), ()),
        ("for drivers/misc/thing", (), (), ("drivers/misc/thing",)),
        ("for the s390 part", (), (), ("s390",)),
        ("for the mm bits", (), (), ("mm",)),
        ("same comment as for patch 3", (), (), ()),
        ("on 5.10", (), (), ()),
        ("for 5.10", (), (), ()),
        ("for 2 days", (), (), ()),
        ("and/or the other", (), (), ()),
    ],
)
def test_scopes(
    words: str, numbers: tuple[int, ...], without: tuple[int, ...], parts: tuple[str, ...]
) -> None:
    found = tag_words.scope(words)
    assert (found.numbers, found.without, found.parts) == (numbers, without, parts)


@pytest.mark.parametrize(
    ("words", "linked"),
    [
        ("For patches 1 and 3:", True),
        ("LGTM, for patch 2.", True),
        ("Patches 1 and 3 look good.", True),
        ("This conflicts with patch 3.", False),
        ("I had a comment on patch 3.", False),
    ],
)
def test_words_that_are_about_the_tag(words: str, linked: bool) -> None:
    assert tag_words.scope(words).linked == linked


def test_a_robot_asks_for_a_tag() -> None:
    found = only("If you fix it, add\n| Reported-by: Robot <robot@example.org>\n")
    assert (found.name, bool(found.condition)) == ("Reported-by", True)


def test_a_scope_behind_the_tag() -> None:
    assert only(f"Acked-by: {ANN} # s390").scope.parts == ("s390",)
    assert only(f"Acked-by: {ANN}\n[for the mm bits]").scope.parts == ("mm",)
    assert only(f"Acked-by: {ANN}\n\nfor patches 1 and 3").scope.numbers == (1, 3)


def test_this_patch_and_the_previous_one() -> None:
    scope = only(
        f"This patch and the previous one (03/17 a: b\nc) are both:\nAcked-by: {ANN}"
    ).scope
    assert (scope.this, scope.back, scope.numbers) == (True, (1,), (3,))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Actually, cancel this Acked-by.", "Acked-by"),
        ("Please drop my ack.", "Acked-by"),
        ("I have to withdraw my Reviewed-by, sorry.", "Reviewed-by"),
        ("I retract my r-b.", "Reviewed-by"),
        ("Un-acked.", "Acked-by"),
        ("Scratch that ack, I looked at the wrong tree.", "Acked-by"),
        ("Taking back my tested-by.", "Tested-by"),
        ("Ignore my previous tags.", ""),
    ],
)
def test_a_withdrawal(text: str, name: str) -> None:
    found = only(text)
    assert (found.kind, found.name, found.condition) == ("withdrawn", name, "")


def test_what_is_not_taken_back() -> None:
    assert only("Don't drop my ack.").kind == "given"


def test_a_withdrawal_knows_what_it_points_at() -> None:
    found = only(f"> > Acked-by: Cat <cat@example.org>\n> Acked-by: {ANN}\n\nCancel this Acked-by.")
    assert found.pointing
    assert found.quoted == ("Acked-by: Cat <cat@example.org>", f"Acked-by: {ANN}")


@pytest.mark.parametrize(
    "text", ["Should I withdraw my ack?", "If that goes in I drop my ack.", "Shall I drop my r-b?"]
)
def test_a_withdrawal_in_doubt(text: str) -> None:
    assert only(text).condition


@pytest.mark.parametrize(
    "text",
    ["NAK.", "NACK, this breaks users.", "So, I stand my NACK to this.", f"Nacked-by: {ANN}"],
)
def test_a_refusal(text: str) -> None:
    assert only(text).kind == "nak"


@pytest.mark.parametrize("text", ["I un-cancel my ack.", "You can keep my r-b."])
def test_given_again(text: str) -> None:
    assert only(text).kind == "again"


@pytest.mark.parametrize(
    "text",
    [
        # A commit that the reviewer shows.
        f"commit 0123456789ab\nAuthor: A <a@example.org>\n\n    title\n\n    Acked-by: {ANN}\n",
        # A patch that the reviewer proposes.
        f"How about this?\n\nReviewed-by: {ANN}\n---\n a.c | 2 +-\n\ndiff --git a/a.c b/a.c\n",
        f"diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@\n Acked-by: {ANN}\n",
        # The whole mail below an answer.
        f"Thanks!\n\n-----Original Message-----\nFrom: A\nSent: today\nTo: B\n\nAcked-by: {ANN}\n",
        f"From: A\nSent: today\nTo: B\nSubject: [PATCH] x\n\nAcked-by: {ANN}\n",
    ],
)
def test_a_tag_that_is_part_of_something_else(text: str) -> None:
    assert only(text).kind == "elsewhere"


def test_a_tag_behind_an_inline_diff_is_given() -> None:
    diff = "diff --git a/a.c b/a.c\n--- a/a.c\n+++ b/a.c\n@@ -1 +1 @@\n-a\n+b\n"
    assert only(f"Like this:\n\n{diff}\nWhatever,\nAcked-by: {ANN}\n").kind == "given"


def test_the_tags_of_a_commit_message() -> None:
    message = f"Text.\n\nReported-by: {ANN}\nAcked-by: {ANN}\nSigned-off-by: A <a@example.org>\n"
    assert tags.in_message(message) == (("Acked-by", ANN),)


_WORDS = st.sampled_from(
    [
        *("Acked-by: Ann <ann@example.org>", "Acked-by:", "acked-by", "NAK", "cancel my ack"),
        *("> ", ">>", "\t", "    ", "\n", "\n\n", "---\n", "-- \n", "diff --git a/x b/x\n"),
        *("commit 0123456789ab\nAuthor: x\n", "for patches 1-99999", "1/2, 3/4 and", "if you"),
        *(
            "From: a\nTo: b\nSubject: c\n",
            "drivers/a/",
            "# ",
            "[",
            "]",
            "\x00",
            "\udcff",
            "é",
            ". ",
        ),
    ]
)
_PLAIN_TAG = re.compile(
    r"\s*(acked|reviewed|tested)-by:\s*ann <ann@example\.org>\s*\Z", re.IGNORECASE
)


@given(st.lists(_WORDS | st.text(max_size=8), max_size=40).map("".join))
def test_every_line_that_looks_like_a_tag_is_accounted_for(text: str) -> None:
    lines = text.split("\n")
    accounted = {mention.line for mention in tags.mentions(text)}
    assert all(1 <= number <= len(lines) for number in accounted)
    for number, line in enumerate(lines, 1):
        if _PLAIN_TAG.match(line):
            assert number in accounted, line


@given(st.text(max_size=300))
def test_words_are_read_without_an_error(text: str) -> None:
    tag_words.condition(text)
    tag_words.scope(text, mark=True)
    tag_words.taken_back(text)
    for mention in tags.mentions(text):
        assert mention.text in text.split("\n")
