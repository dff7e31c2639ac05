"""Posted series found among mails: versions, resends, what is odd; changelogs; identity."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from series import changelogs, identity, imported, mail, posted_diff, posting
from series.identity import Known
from series.mail import Mail
from series.posting import Posting
from tests import threads
from tests.threads import Thread


def postings(*mails: Sequence[bytes]) -> tuple[Posting, ...]:
    """The postings among mails of several threads."""
    return posting.postings([mail.parse(one) for each in mails for one in each])


def one_mail(subject: str, text: str, headers: str = "") -> Mail:
    """A mail of its own."""
    return mail.parse(threads.mail(subject, text, "<one@example.org>", headers=headers))


DIFF = threads.diff("drivers/a/a.c")


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("[PATCH] a: b", (1, "PATCH", 1, 1, "a: b")),
        ("[PATCH 00/13] a", (1, "PATCH", 0, 13, "a")),
        ("[PATCH v6 09/17] a", (6, "PATCH", 9, 17, "a")),
        ("[RFC PATCH net-next v2 1/3] a", (2, "RFC PATCH net-next", 1, 3, "a")),
        ("[PATCHv3 1/2] a", (3, "PATCH", 1, 2, "a")),
        ("[RFC v2 1/2] a", (2, "RFC", 1, 2, "a")),
        ("[PATCH RESEND v2 1/2] a", (2, "PATCH", 1, 2, "a")),
        ("[PATCH v2.1 1/2] a", (2, "PATCH", 1, 2, "a")),
        ("[PATCH v2 1/2] [media] a", (2, "PATCH media", 1, 2, "a")),
        ("[PATCH, v2, 1/2] a", (2, "PATCH", 1, 2, "a")),
    ],
)
def test_subjects(subject: str, expected: tuple[object, ...]) -> None:
    found = posting.subject(subject)
    assert found
    assert (found.version, found.prefix, found.number, found.count, found.title) == expected


@pytest.mark.parametrize(
    "subject", ["Re: [PATCH 1/2] a", "AW: [PATCH] a", "a: b", "[list] a", "[PATCH 3/2] a", ""]
)
def test_what_is_no_subject_of_a_patch(subject: str) -> None:
    assert posting.subject(subject) is None


def test_a_patch_in_its_parts() -> None:
    stat = " a.c | 2 +-\n 1 file changed, 1 insertion(+), 1 deletion(-)\n"
    text = "From: Bob <bob@example.org>\n\nWords.\n\nAcked-by: X <x@example.org>\n"
    text += f"---\nv2: more\n\n{stat}\n{DIFF}-- \n2.40\n"
    found = posting.patch_of(one_mail("[PATCH v2 3/4] a: b", text))
    assert found
    assert (found.number, found.title, found.author) == (3, "a: b", "Bob <bob@example.org>")
    assert found.message == "Words.\n\nAcked-by: X <x@example.org>"
    assert found.notes == "v2: more"
    assert found.diff == DIFF.encode()


@pytest.mark.parametrize(
    ("text", "message", "notes"),
    [
        (
            "W.\n\nSigned-off-by: A <a@e.org>\n--\nv2: x",
            "W.\n\nSigned-off-by: A <a@e.org>",
            "v2: x",
        ),
        ("W.\n--\nChanges in v2:\n- x", "W.", "Changes in v2:\n- x"),
        ("W.\n--\nnot a changelog", "W.\n--\nnot a changelog", ""),
        ("W.\n--\nv2: x\nSigned-off-by: A <a@e.org>", None, ""),
        ("W.\n -- x\n", None, ""),
    ],
)
def test_a_line_meant_as_a_cut(text: str, message: str | None, notes: str) -> None:
    assert posting.split_message(text) == (text if message is None else message, notes)


@pytest.mark.parametrize(
    ("text", "entries", "rest"),
    [
        ("v2: a (B)\nv6: c, after\nd.", {2: ("a (B)",), 6: ("c, after d.",)}, ""),
        (
            "v5: Review from T:\n- a\n- b\n  c\n\nv6: d",
            {5: ("Review from T:", "a", "b c"), 6: ("d",)},
            "",
        ),
        ("Changes in v2:\n- a\n  b\n\nThanks", {2: ("a b",)}, "Thanks"),
        ("Changes since v1:\n\n- a\n\n- b", {2: ("a", "b")}, ""),
        ("v1 -> v2:\n * a", {2: ("a",)}, ""),
        ("Changes from v1 to v2:\n1. a\n2. b", {2: ("a", "b")}, ""),
        ("v4\n- a", {4: ("a",)}, ""),
        # A list inside a list: an entry is one line.
        (
            "v2:\n- Review from T:\n  - a\n    longer\n  - b.\n- c\n  * d\n  * e,\n  * f\n- g",
            {2: ("Review from T: a longer; b.", "c: d; e, f", "g")},
            "",
        ),
        ("v2:\n  - a\n  - b\n- c\n", {2: ("a", "b", "c")}, ""),
        ("Changelog:\nv3 - a\nv2 - b", {3: ("a",), 2: ("b",)}, ""),
        ("v1: https://archive.example/x\nv2: https://archive.example/y", {}, None),
        ("v4l2: a\nIn v2 I did", {}, None),
        ("Changelog of old:\n- none", {}, None),
    ],
)
def test_changelogs(text: str, entries: dict[int, tuple[str, ...]], rest: str | None) -> None:
    found = changelogs.parse(text)
    assert dict(found.entries) == entries
    assert found.rest == (text if rest is None else rest)


def test_versions_and_what_answers_them() -> None:
    old, new = Thread(1), Thread(2)
    old.reply(1, "> quoted\n\nNo.\n")
    found = postings(new.mails, old.mails)
    assert [(one.version, one.count, len(one.patches)) for one in found] == [(1, 3, 3), (2, 3, 3)]
    assert [one.problems for one in found] == [(), ()]
    assert found[0].cover_title == threads.COVER
    assert posting.related(*found)
    # The same mailbox twice is as good as once.
    assert postings(new.mails, old.mails, new.mails) == found


def test_a_single_patch_that_was_sent_again() -> None:
    thread = Thread(2)
    again = thread.mails[2].replace(b"<2.2.ada@", b"<2.2.again@")
    again = again.replace(b"It is better.", b"It is far better.")
    again = again.replace(b"Date: ", b"X-Date: ").replace(
        b"X-Date:", b"Date: Sat, 21 Nov 2026 10:00:00 +0000\nX-Date:"
    )
    (found,) = postings([*thread.mails, again])
    assert found.patches[1].mail.message_id == "<2.2.again@example.org>"
    assert [one.mail.message_id for one in found.resent] == ["<2.2.ada@example.org>"]
    assert "patch 2/3" in found.problems[0] and "posted 2 times" in found.problems[0]


def test_a_version_that_was_posted_twice_under_other_numbers() -> None:
    first, second = Thread(2), Thread(2, patches=threads.PATCHES[::-1], clock=threads.START * 2)
    mails = [one.replace(b".ada@", b".second@") for one in second.mails]
    (found,) = postings(first.mails, mails)
    assert [one.title for one in found.patches] == [title for title, _ in threads.PATCHES[::-1]]
    assert len(found.resent) == 3
    assert "posted more than once" in found.problems[0]


def test_without_a_cover_letter_and_without_threads() -> None:
    thread = Thread(3)
    (found,) = postings(thread.mails[1:])
    assert (found.cover, found.missing, found.cover_title) == (None, (), threads.PATCHES[0][0])
    bare = [
        one.replace(b"In-Reply-To:", b"X-A:").replace(b"References:", b"X-B:")
        for one in thread.mails
    ]
    bare[2] = bare[2].replace(threads.AUTHOR.encode(), b"Bob <bob@example.org>", 1)
    (found,) = postings(bare)
    assert (len(found.patches), found.problems) == (3, ())


def test_what_is_missing_or_cut_off() -> None:
    thread = Thread(1)
    (found,) = postings([*thread.mails[:2], thread.mails[3][:-60]])
    assert found.missing == (2, 3)
    assert found.problems[0] == "patch 2/3 is missing"
    assert "patch 3/3 (s390: pci: use new_call()): has no whole diff" in found.problems[1]


def test_two_series_are_apart() -> None:
    other = Thread(1, patches=(("x: y", "x.c"), ("x: z", "z.c")), author=threads.BOB)
    mails = [
        one.replace(b".ada@", b".bob@").replace(b"Use new_call()", b"Else") for one in other.mails
    ]
    found = postings(Thread(1).mails, mails)
    assert len(found) == 2
    assert not posting.related(*found)


def test_base_and_change_id() -> None:
    thread = Thread(1)
    tail = b"base-commit: " + b"1" * 40 + b"\nchange-id: 20200101-a-b\n-- \n2.40.0\n"
    thread.mails[0] = thread.mails[0].replace(b"-- \n2.40.0\n", tail)
    (found,) = postings(thread.mails)
    assert (found.base, found.change_id) == ("1" * 40, "20200101-a-b")
    assert found.cover
    assert posting.cover_text(found.cover) == "All users move over."


@pytest.mark.parametrize(
    ("diff", "paths", "outside", "damage"),
    [
        (DIFF, ("drivers/a/a.c",), (), ""),
        ("diff --git a/x y.c b/x y.c\nold mode 100644\nnew mode 100755\n", ("x y.c",), (), ""),
        (
            'diff --git "a/\\303\\244.c" "b/\\303\\244.c"\nold mode 1\nnew mode 2\n',
            ("ä.c",),
            (),
            "",
        ),
        ("--- a/x.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n", ("x.c",), (), ""),
        ("--- a/x\n+++ b/../y\n@@ -1 +1 @@\n-a\n+b\n", ("../y",), ("../y",), ""),
        ("diff --git a/x b/y\nrename from x\nrename to /etc/y\n", ("y", "/etc/y"), ("/etc/y",), ""),
        ("--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n-a\n", ("x",), (), "a hunk of x is not whole"),
        ("--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n-a\nfoo\n", ("x",), (), "a hunk of x is not whole"),
        ("--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n--- a/../z\n+++ b/../z\n c\n", ("x",), (), ""),
    ],
)
def test_diffs(diff: str, paths: tuple[str, ...], outside: tuple[str, ...], damage: str) -> None:
    found = posted_diff.scan(diff.encode() + b"-- \n2.40\n")
    assert (found.paths, found.outside, found.damage) == (paths, outside, damage)
    assert damage or found.end == len(diff.encode())


def test_who_is_who() -> None:
    old = [
        Known("a", "x: first", "11", b"-one of it\n+two of it\n"),
        Known("b", "x: second", "22", b"-three of it\n+four of it\n"),
        Known("c", "mm: third thing to do", "33", b"-five of it\n+six of it\n"),
        Known("d", "gone", "44", b"-seven\n"),
    ]
    new = [
        Known("1", "RFC: mm/foo: Third thing to do", "55"),  # by title, without its prefix
        Known("2", "renamed", "11"),  # by patch id
        Known("3", "new", "66", b"-nothing alike\n"),
        Known("4", "y: reworded", "77", b"-three of it\n+four  of it\n+more\n"),  # by its lines
    ]
    assert identity.match(old, new) == {"1": "c", "2": "a", "4": "b"}


def test_file_names_are_as_git_makes_them() -> None:
    title = "drm/exynos: [x] Use ../a..b, 'really'. ünd so on, and on and on and on..."
    assert imported.file_name(6, 9, title) == (
        "v6-0009-drm-exynos-x-Use-.-a.b-really-.-nd-so-on-and-on-a.patch"
    )


_LINES = st.lists(
    st.sampled_from(
        [
            *("---", "--", "-- ", "diff --git a/x b/x", "--- a/x", "+++ b/x", "@@ -1,2 +1,2 @@"),
            *("-a", "+b", " c", "", "From: A <a@e.org>", "Subject: x", "v2: y", "Changes in v3:"),
            *("- item", "  more", "Signed-off-by: A <a@e.org>", "GIT binary patch", "literal 4"),
            *("base-commit: " + "0" * 40, "\x00\x1b", "é\udc80", "Binary files a/x and b/x differ"),
        ]
    ),
    max_size=25,
)


@given(lines=_LINES, subject=st.sampled_from(["[PATCH] x", "[PATCH v2 0/2] x", "[RFC 1/2] {{"]))
def test_no_mail_makes_it_fail(lines: list[str], subject: str) -> None:
    raw = threads.mail(subject, "\n".join(lines), "<x@example.org>")
    read = mail.parse(raw)
    posting.patch_of(read)
    for found in posting.postings([read, read]):
        assert found.patches or found.cover
        if found.patches:
            names = dict.fromkeys(range(1, 3), "x")
            imported.version_of(found, names, name="x")


@given(text=st.text(max_size=300))
def test_no_text_makes_a_changelog_fail(text: str) -> None:
    found = changelogs.parse(text)
    assert all(isinstance(line, str) for lines in found.entries.values() for line in lines)


def test_many_missing_patches_are_one_line() -> None:
    raw = threads.mail("[PATCH 2/9999] a: b", f"Words.\n---\n{DIFF}", "<x@example.org>")
    (found,) = postings([raw])
    assert found.problems == ("patches 1, 3-9999 of 9999 are missing",)
