"""Tags in the text of replies: hand-made shapes, and properties."""

import re
import time

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
    "words",
    [
        "One nit: please rename foo to bar. With that:",
        "With that,",
        "With the above,",
        "Fix that and you can have my",
        "Please fix the typo, then:",
        "Fix that and",
        "Please rename it to b(), and add:",
        "With a proper changelog:",
        "With Bob's suggestion applied:",
        "Minus the typo:",
        "Nit: a typo.\n\nOtherwise looks good.",
        "Please do not add",
        "Not yet",
        "I cannot give my",
        "Please do not add my Reviewed-by yet. The tag would be:",
    ],
)
@pytest.mark.parametrize("between", ["\n", "\n\n"], ids=["beside", "behind"])
def test_words_before_a_tag_that_are_a_condition(words: str, between: str) -> None:
    (found,) = [one for one in tags.mentions(f"{words}{between}Tested-by: {ANN}\n") if one.person]
    assert found.condition


@pytest.mark.parametrize("words", ["but only if Bob agrees", "yet.", "until the lock is fixed."])
def test_words_behind_a_tag_that_are_a_condition(words: str) -> None:
    assert only(f"Acked-by: {ANN}\n{words}\n").condition


@pytest.mark.parametrize(
    "words",
    [
        "With this change the driver boots.",
        "With these changes applied my board boots.",
        "Hi Ada,\n\nOtherwise looks good.",
        "Looks good with no further comments.",
        "With or without fixing the nit:",
        "With that said:",
        "Feel free to add if you respin:",
        "Please add my tag:",
        "I have not tested it yet, but it looks right.",
        "I do not use this driver, but it looks right.",
        "But when I tried it, it worked.",
        "Fix looks good, you can add:",
        "Not a full review, but",
        "Thanks for providing this series.",
        "OK with me",
        "Even if it is late:",
    ],
)
@pytest.mark.parametrize("between", ["\n", "\n\n"], ids=["beside", "behind"])
def test_words_before_a_tag_that_are_no_condition(words: str, between: str) -> None:
    found = only(f"{words}{between}Tested-by: {ANN}\n")
    assert (found.condition, found.unclear) == ("", "")


def test_a_robot_asks_for_the_tag_of_a_separate_fix() -> None:
    words = "If you fix the issue in a separate patch/commit (i.e. not just a new\nversion), add\n"
    assert not only(f"{words}| Reported-by: Robot <robot@example.org>\n").condition


@pytest.mark.parametrize("name", ["Not-acked-by", "Almost-acked-by", "Whatever-by", "Blamed-by"])
def test_a_name_that_is_not_known(name: str) -> None:
    found = only(f"{name}: {ANN}")
    assert (found.kind, found.name) == ("given", name)
    assert "no tag that is known" in found.unclear


@pytest.mark.parametrize("name", ["Un-acked-by", "Unacked-by", "UN-Acked-By", "No-longer-acked-by"])
def test_a_line_that_takes_a_tag_back(name: str) -> None:
    found = only(f"{name}: {ANN}")
    assert (found.kind, found.name, found.person) == ("withdrawn", "Acked-by", ANN)


@pytest.mark.parametrize("text", ["ack", "Ack", "r-b me", "acked", "Looks fine.\n\nack\n\nAnn"])
def test_a_tag_that_is_only_said_in_a_line(text: str) -> None:
    assert "only said" in only(text).unclear


def test_a_mail_of_which_not_all_is_read() -> None:
    *_, last = tags.mentions(f"Acked-by: {ANN}\n" * 6000)
    assert (last.kind, last.line) == ("unread", 5001)
    assert "more than 5000 lines" in last.words


@pytest.mark.slow
@pytest.mark.parametrize(
    "line",
    [
        "This is a sentence about my ack.",
        f"Acked-by: {ANN}",
        "acked-by " * 100,
        "NAK",
        "the rest is fine, patches 1, 2 and 3 too",
    ],
)
def test_a_mail_of_a_megabyte(line: str) -> None:
    start = time.process_time()
    tags.mentions(f"{line}\n" * (1_000_000 // len(line)))
    assert time.process_time() - start < 10


@pytest.mark.parametrize(
    ("words", "numbers", "without", "parts"),
    [
        ("for patches 1 and 3", (1, 3), (), ()),
        ("For the first two:", (1, 2), (), ()),
        ("for the third patch", (3,), (), ()),
        ("Patch 2 needs work, the rest is", (), (2,), ()),
        ("Patches 1 and 2 are fine, the rest needs work.", (), (), ()),
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
        ("Patch 2 is wrong.", False),
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
        ("Please consider my Reviewed-by withdrawn.", "Reviewed-by"),
        ("Sorry, I take that back.", ""),
        ("Cancel that, please.", ""),
        ("Scrap that, it breaks the build.", ""),
        ("Ack withdrawn.", "Acked-by"),
        ("Ack cancelled.", "Acked-by"),
        ("I no longer ack this.", "Acked-by"),
        ("Please don't add my ack.", "Acked-by"),
        ("On second thought, no ack from me.", "Acked-by"),
        ("Sorry, I must cancel that.", ""),
        ("Revoked.", ""),
        ("I've dropped my ack.", "Acked-by"),
        ("You can drop my ack.", "Acked-by"),
        ("I have changed my mind and withdraw my ack.", "Acked-by"),
        ("I'd like to withdraw my Reviewed-by.", "Reviewed-by"),
        ("Withdrawing my ack.", "Acked-by"),
        ("This withdraws my ack.", "Acked-by"),
    ],
)
def test_a_withdrawal(text: str, name: str) -> None:
    found = only(text)
    assert (found.kind, found.name, found.condition) == ("withdrawn", name, "")


@pytest.mark.parametrize(
    "text",
    [
        "Don't drop my ack.",
        "You seem to have dropped my Acked-by here. Please carry it.",
        "You dropped my ack in v2.",
        "It looks like b4 dropped my ack.",
        "Bob removed my ack by mistake.",
        "Why did you drop my ack?",
        "My ack was dropped in v3.",
        "I won't retract my ack.",
        "I considered retracting my ack but it is fine.",
        "This is not a NAK.",
        "I got a NAK from Bob on this.",
        "Bob gave a NAK for this in v1.",
        "Bob said: NAK.",
        "I lift my NAK.",
        "Please remove this ack, the irq core acks already.",
        "Please ignore my previous comment.",
        "I can't review this.",
        "No review from me, sorry.",
        "I'll take that back to the team.",
        "That's a NAK from the device.",
        "We should cancel that.",
    ],
)
def test_what_is_not_taken_back(text: str) -> None:
    assert tag_words.taken_back(text) is None
    assert {one.kind for one in tags.mentions(text)} <= {"given"}


@pytest.mark.parametrize(
    "text",
    [
        *("Please drop this ack.", "I might retract my ack.", "Ignore my last mail, please."),
        *("I can't ack this.", "Forget it.", "Should I take that back?"),
    ],
)
def test_words_that_may_take_a_tag_back(text: str) -> None:
    found = only(text)
    assert (found.kind, found.condition) == ("withdrawn", text)


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
    [
        *("NAK.", "NACK, this breaks users.", "So, I stand my NACK to this.", f"Nacked-by: {ANN}"),
        *("Nack.", "nack", "Nak.", "Sorry, NAK: this breaks it.", "this is wrong, so: NAK"),
        *("I'm NAKing this.", "That's a nak.", "No, NAK.", "I do not like this, so NAK"),
    ],
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
        f"Ja.\n\nVon: A\nGesendet: heute\nAn: B\nBetreff: x\n\nAcked-by: {ANN}\n",
    ],
)
def test_a_tag_that_is_part_of_something_else(text: str) -> None:
    assert only(text).kind == "elsewhere"


def test_a_patch_without_quote_marks_below_an_answer() -> None:
    patch = f"Text.\n\nAcked-by: {ANN}\nSigned-off-by: A <a@example.org>\n"
    found = tags.mentions(f"Thanks.\n\nOn 1 May 2021, A <a@example.org> wrote:\n\n{patch}")
    assert [one.kind for one in found] == ["elsewhere", "elsewhere"]
    # What is written into it may be the writer's own.
    found = tags.mentions(f"On 1 May 2021, A <a@example.org> wrote:\n\n{patch}\nAcked-by: {ANN}\n")
    assert found[-1].kind == "given"
    assert "not marked as quoted" in found[-1].unclear


def test_a_tag_below_an_attribution_without_a_quote_is_given() -> None:
    assert only(f"On 1 May 2021, A <a@example.org> wrote:\n\nAcked-by: {ANN}\n").unclear == ""


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
