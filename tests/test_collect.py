"""``reroll collect``: hand-made threads in, tags with their states out."""

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from series import mailbox_files, store, threads, trailer_file
from tests.conftest import Run, Small
from tests.repositories import git
from tests.threads import ANN, AUTHOR, BOB, CAT, PATCHES, START, Thread, diff, mail

# The ids that 'init --from-mbox' makes of the titles.
A, B, C = "drivers-a-use-new-call", "drivers-b-use-new-call", "s390-pci-use-new-call"


class Folder:
    """A series folder made from a posted version, and what 'collect' says of it."""

    def __init__(self, reroll: Run, place: Path, thread: Thread) -> None:
        self.reroll, self.place, self.path = reroll, place, place / "posted"
        # The patches only: what was answered is for the tests to collect.
        posted = thread.mails[: len(thread.ids)]
        first = place / "first.mbox"
        first.write_bytes(b"".join(map(mailbox_files.escaped, posted)))
        made = reroll("init", self.path, "--from-mbox", first)
        assert made.code == 0, made.err

    def collect(self, *threads: Thread, options: tuple[object, ...] = ()) -> dict[str, Any]:
        boxes = [one.write(self.place / f"{at}.mbox") for at, one in enumerate(threads)]
        made = self.reroll("-C", self.path, "--json", "collect", *boxes, *options)
        assert made.code == 0, made.err
        answer: dict[str, Any] = json.loads(made.out)
        return answer

    def states(self, *threads: Thread) -> dict[tuple[str, str], str]:
        """The state of each tag by (patch, trailer)."""
        answer = self.collect(*threads)
        return {(tag["patch"], tag["trailer"]): tag["state"] for tag in answer["tags"]}


MakeFolder = Callable[[Thread], Folder]


@pytest.fixture
def make(reroll: Run, tmp_path: Path) -> MakeFolder:
    return lambda thread: Folder(reroll, tmp_path, thread)


def acked(person: str = ANN) -> str:
    return f"Acked-by: {person}"


def test_a_tag_is_given_to_the_patch_that_is_answered(make: MakeFolder) -> None:
    thread = Thread(2)
    reply = thread.reply(2, f"> It is better.\n\nGood.\n\n{acked()}\n")
    folder = make(thread)
    answer = folder.collect(thread)
    assert answer["new"] == 1
    (tag,) = answer["tags"]
    assert (tag["patch"], tag["trailer"], tag["state"]) == (B, acked(), "given")
    assert (tag["version"], tag["messages"], tag["taken"]) == (2, [reply], True)
    assert trailer_file.read(folder.path) == (trailer_file.Tag(B, 2, acked(), "given", (reply,)),)


def test_a_tag_that_is_cancelled_is_withdrawn(make: MakeFolder) -> None:
    thread = Thread(2)
    gave = thread.reply(1, f"> {acked(CAT)}\n\n{acked()}\n\nThanks!\n")
    took = thread.reply(
        gave, f">> {acked(CAT)}\n>\n> {acked()}\n\nActually, cancel this Acked-by.\n\nWhat of b?\n"
    )
    asked = thread.reply(took, "> cancel\n\nCan I get you to un-cancel your ack?\n", sender=AUTHOR)
    thread.reply(asked, "> > cancel\n> un-cancel your ack?\n\nNo, a comment is missing.\n")
    (tag,) = make(thread).collect(thread)["tags"]
    assert (tag["state"], tag["taken"]) == ("withdrawn", False)
    assert tag["messages"] == [gave, took]
    assert "cancel this Acked-by" in tag["why"]


@pytest.mark.parametrize(
    "text", [f"Fine now.\n\n{acked()}\n", "I un-cancel my ack.\n", "You can keep my ack then.\n"]
)
def test_a_tag_can_be_given_again(make: MakeFolder, text: str) -> None:
    thread = Thread(2)
    gave = thread.reply(1, f"{acked()}\n")
    took = thread.reply(gave, "I retract my ack.\n")
    again = thread.reply(took, text)
    (tag,) = make(thread).collect(thread)["tags"]
    assert (tag["state"], tag["messages"]) == ("given again", [gave, took, again])


@pytest.mark.parametrize("words", ["NAK.", f"Nacked-by: {ANN}", "NACK, it breaks users."])
def test_a_refusal_withdraws_what_the_same_person_gave(make: MakeFolder, words: str) -> None:
    thread = Thread(2)
    thread.reply(1, f"{acked()}\n")
    thread.reply(1, f"{acked(BOB)}\n", sender=BOB)
    thread.reply(1, f"{words}\n")
    assert make(thread).states(thread) == {(A, acked()): "withdrawn", (A, acked(BOB)): "given"}


def test_a_refusal_of_who_gave_nothing_is_told(make: MakeFolder) -> None:
    thread = Thread(2)
    thread.reply(1, "NACK, it breaks users.\n")
    answer = make(thread).collect(thread)
    assert answer["tags"] == []
    assert [line["state"] for line in answer["lines"]] == ["NAK"]


@pytest.mark.parametrize(
    "words",
    [
        "Actually, cancel this Acked-by.",
        "Please drop the ack of Ann.",
        "Ann withdrew her ack.",
        "NAK.",
    ],
)
def test_nobody_takes_away_what_another_gave(make: MakeFolder, words: str) -> None:
    thread = Thread(2)
    gave = thread.reply(1, f"{acked()}\n")
    thread.reply(gave, f"> {acked()}\n\n{words}\n", sender=BOB)
    assert make(thread).states(thread) == {(A, acked()): "given"}


@pytest.mark.parametrize(
    ("text", "state"),
    [
        (f"With that fixed:\n\n{acked()}\n", "conditional"),
        (f"Other than that:\n\n{acked()}\n", "conditional"),
        (f"{acked()}\n\nif you rename it\n", "conditional"),
        ("Acked-by:Ann Reviewer <ann@example.org>\n", "unclear"),
        ("Acked-by: Ann Reviewer <ann@xxxxxxxxxxx>\n", "unclear"),
        ("A-b: Ann\n", "unclear"),
        ("Ackd-by: Ann Reviewer <ann@example.org>\n", "unclear"),
        ("Feel free to add my ack.\n", "unclear"),
    ],
)
def test_what_is_not_plainly_given_is_not_taken(make: MakeFolder, text: str, state: str) -> None:
    thread = Thread(2)
    thread.reply(1, text)
    (tag,) = make(thread).collect(thread)["tags"]
    # What can be mended is: the user has only to decide.
    assert (tag["trailer"], tag["state"], tag["taken"]) == (acked(), state, False)
    assert tag["why"]


@pytest.mark.parametrize(
    ("to", "words", "patches", "state"),
    [
        (0, "", [A, B, C], "whole series"),
        (0, "For the whole series:\n", [A, B, C], "whole series"),
        (0, "For patches 1 and 3:\n", [A, C], "partial"),
        (0, "For patches 1-2\n", [A, B], "partial"),
        (0, "For everything but patch 2:\n", [A, C], "partial"),
        (0, "For drivers/b:\n", [B], "partial"),
        (0, "For the s390 part\n", [C], "partial"),
        (2, "This patch and the previous one are both:\n", [A, B], "partial"),
        (1, "For the series:\n", [A, B, C], "whole series"),
        (1, "For the locking bits:\n", [A], "partial"),
        (0, "For patches 1 and 17:\n", [""], "unclear"),
        (0, "For drivers/nowhere:\n", [""], "unclear"),
        (1, "For drivers/b:\n", [A], "unclear"),
        (1, "This conflicts with patch 3.\n\n", [A], "given"),
        (1, "Thanks for the series,\n", [A], "given"),
        (0, "I had a comment on patch 3.\n\n", [C], "unclear"),
        (0, "Patches 1 and 2 look good.\n\n", [A, B], "partial"),
    ],
)
def test_scopes(make: MakeFolder, to: int, words: str, patches: list[str], state: str) -> None:
    thread = Thread(2)
    thread.reply(to, f"{words}{acked()}\n")
    assert make(thread).states(thread) == {(patch, acked()): state for patch in patches}


def test_a_tag_in_the_name_of_another_is_unclear(make: MakeFolder) -> None:
    thread = Thread(2)
    thread.reply(1, f"{acked(BOB)}\n")
    (tag,) = make(thread).collect(thread)["tags"]
    assert (tag["trailer"], tag["state"]) == (acked(BOB), "unclear")
    assert "another than who wrote the mail" in tag["why"]


@pytest.mark.parametrize(
    "sender",
    [
        "Ann Reviewer <ann.r@lab.example.org>",
        "ann+kernel@example.org",
        "Ann Reviewer (Firm) <ann.reviewer@example.org>",
        "Ann <ann@mail.example.org>",
    ],
)
def test_one_person_with_two_addresses(make: MakeFolder, sender: str) -> None:
    thread = Thread(2)
    gave = thread.reply(1, f"{acked()}\n", sender=sender)
    assert make(thread).states(thread) == {(A, acked()): "given"}
    thread.reply(gave, "Please drop my ack.\n", sender=sender)


def test_the_mailmap_of_the_tree_says_who_is_who(make: MakeFolder, small: Small) -> None:
    (small.tree / ".mailmap").write_text("Ann Reviewer <ann@example.org> <a.r@old.example>\n")
    git(small.tree, "add", "-f", ".mailmap")
    git(small.tree, "commit", "-qm", "mailmap")
    thread = Thread(2)
    thread.reply(1, "Acked-by: AR <a.r@old.example>\n")
    folder = make(thread)
    assert [tag["state"] for tag in folder.collect(thread)["tags"]] == ["unclear"]
    answer = folder.collect(thread, options=("--tree", small.tree))
    assert [tag["state"] for tag in answer["tags"]] == ["given"]


def test_a_mail_that_claims_to_be_from_the_maintainer(make: MakeFolder) -> None:
    thread = Thread(2)
    thread.reply(1, f"{acked(BOB)}\n", sender="Bob Maintainer <mallory@elsewhere.example>")
    (tag,) = make(thread).collect(thread)["tags"]
    assert tag["state"] == "unclear"
    assert "mallory@elsewhere.example" in tag["why"]


def test_behind_a_list(make: MakeFolder) -> None:
    thread = Thread(2)
    thread.reply(
        1,
        f"{acked()}\n",
        sender="Ann Reviewer via list <list@lists.example.org>",
        headers=f"Reply-To: {ANN}\n",
    )
    assert make(thread).states(thread) == {(A, acked()): "given"}


def test_older_and_renumbered_versions_are_taken_from_the_mails(make: MakeFolder) -> None:
    first = Thread(1, patches=PATCHES[::-1], new="newer_call(x)")
    first.reply(1, f"{acked()}\n")
    second = Thread(2, patches=PATCHES[:2], tags={1: f"{acked(BOB)}\n"})
    second.reply(2, f"Reviewed-by: {CAT}\n", sender=CAT)
    folder = make(second)
    answer = folder.collect(first, second)
    assert answer["versions"] == [1]
    assert store.numbers(folder.path) == [1, 2]
    found = {(tag["patch"], tag["trailer"]): tag["version"] for tag in answer["tags"]}
    assert found == {(C, acked()): 1, (A, acked(BOB)): 2, (B, f"Reviewed-by: {CAT}"): 2}


def test_a_tag_that_the_author_carried_counts_for_the_newer_version(make: MakeFolder) -> None:
    first = Thread(1)
    gave = first.reply(1, f"With that fixed:\n\n{acked()}\n")
    third = Thread(3, tags={1: f"{acked()}\n"})
    (tag,) = make(third).collect(third, first)["tags"]
    assert (tag["state"], tag["version"]) == ("given", 3)
    assert tag["messages"] == [gave, third.ids[1]]


def test_a_withdrawn_tag_stays_withdrawn_when_the_author_carries_it(make: MakeFolder) -> None:
    first = Thread(1)
    gave = first.reply(1, f"{acked()}\n")
    first.reply(gave, "Please drop my ack.\n")
    second = Thread(2, tags={1: f"{acked()}\n"})
    assert make(second).states(first, second) == {(A, acked()): "withdrawn"}


def _everything() -> list[Thread]:
    first = Thread(1)
    gave = first.reply(1, f"{acked()}\n")
    second = Thread(2, tags={1: f"{acked()}\n"})
    took = second.reply(1, "Withdrawing my ack, sorry.\n")
    second.reply(took, f"Why?\n\n> {acked()}\n", sender=AUTHOR)
    second.reply(0, f"For patch 2:\nReviewed-by: {BOB}\n", sender=BOB)
    first.reply(gave, "thanks", sender=AUTHOR)
    return [first, second]


def test_repeated_and_in_any_order_the_answer_is_the_same(make: MakeFolder, tmp_path: Path) -> None:
    folder = make(Thread(2, tags={1: f"{acked()}\n"}))
    first, second = _everything()
    whole = folder.collect(first, second, second)
    written = (folder.path / "trailers.toml").read_bytes()
    replies = sorted((folder.path / "replies").iterdir())
    contents = [path.read_bytes() for path in replies]
    for some in ([second], [second, first], [first], []):
        again = folder.collect(*some)
        assert again["tags"] == [{**tag, "new": False} for tag in whole["tags"]]
        assert (again["new"], again["replies"]) == (0, whole["replies"])
    assert (folder.path / "trailers.toml").read_bytes() == written
    assert [path.read_bytes() for path in replies] == contents
    # One after the other, backwards, gives the same.
    shutil.rmtree(folder.path)
    folder = Folder(folder.reroll, tmp_path, Thread(2, tags={1: f"{acked()}\n"}))
    folder.collect(second)
    answer = folder.collect(first)
    assert [(tag["patch"], tag["state"]) for tag in answer["tags"]] == [
        (tag["patch"], tag["state"]) for tag in whole["tags"]
    ]


def test_replies_are_kept_as_they_came(make: MakeFolder) -> None:
    thread = Thread(2)
    thread.reply(1, "From here on I only read.\n>From there too.\n")
    folder = make(thread)
    folder.collect(thread)
    kept = (folder.path / "replies/v2.mbox").read_bytes()
    assert kept.count(b"From mboxrd@z") == 1
    assert b"\n>From here on I only read.\n>>From there too.\n" in kept


def test_what_answers_something_else_is_left_alone(make: MakeFolder) -> None:
    thread = Thread(2)
    thread.mails.append(mail("Re: [PATCH] other: thing", f"{acked()}\n", "<x@example.org>"))
    folder = make(thread)
    answer = folder.collect(thread)
    assert (answer["replies"], answer["tags"]) == (0, [])
    assert not (folder.path / "replies").exists()


@pytest.mark.parametrize(
    ("headers", "subject", "text"),
    [
        # References only, and In-Reply-To only.
        ("References: <2.0.ada@example.org> <2.2.ada@example.org>\n", "Re: something", ""),
        ("In-Reply-To: <2.2.ada@example.org>\n", "Re: something", ""),
        # The answer to a mail that we do not have.
        ("In-Reply-To: <lost@x>\nReferences: <2.2.ada@example.org> <lost@x>\n", "Re: x", ""),
        # The cover letter only, but the subject says more.
        (
            "References: <2.0.ada@example.org>\n",
            "Re: [PATCH v2 2/3] drivers: b: use new_call()",
            "",
        ),
        # Nothing but the title, or a quoted patch.
        ("", "RE: [PATCH v2 2/3] Drivers: b: use  new_call()", ""),
        (
            "",
            "Re: b",
            "".join(f"> {line}\n" for line in diff("drivers/b/b.c", "old(1)").split("\n")),
        ),
    ],
)
def test_what_a_mail_answers(make: MakeFolder, headers: str, subject: str, text: str) -> None:
    thread = Thread(2, patches=(PATCHES[0], (PATCHES[1][0], "drivers/b/b.c"), PATCHES[2]))
    if text:  # a patch that no other looks like
        thread.mails[2] = thread.mails[2].replace(b"old_call(x)", b"old(1)")
        text = text.replace("new_call(x)", "new_call(x)")
    answer = mail(
        subject, f"{text}\n{acked()}\n", "<r@example.org>", headers=headers, date=START * 2
    )
    folder = make(thread)
    thread.mails.append(answer)
    assert folder.states(thread) == {(B, acked()): "given"}


def test_a_patch_that_was_sent_again(make: MakeFolder) -> None:
    thread = Thread(2)
    folder = make(thread)
    again = thread.add(
        "[PATCH v2 RESEND 2/3] drivers: b: use new_call()",
        f"It is better.\n\nSigned-off-by: {AUTHOR}\n---\n{diff('drivers/b/b.c')}-- \n2.40.0\n",
        sender=AUTHOR,
    )
    thread.reply(again, f"{acked()}\n")
    answer = folder.collect(thread)
    assert [(tag["patch"], tag["version"]) for tag in answer["tags"]] == [(B, 2)]
    assert answer["replies"] == 1


def test_half_a_version_is_named(make: MakeFolder, reroll: Run, tmp_path: Path) -> None:
    folder = make(Thread(2))
    first = Thread(1)
    first.reply(1, f"{acked()}\n")
    del first.mails[2]
    box = first.write(tmp_path / "half.mbox")
    made = reroll("-C", folder.path, "collect", box)
    assert made.code == 0
    assert "version 1 was not taken" in made.err
    assert "1 reply is about version 1, which is not known here" in made.err
    assert f"A: {acked()}" in made.out.replace("drivers-a-use-new-call", "A")
    assert store.numbers(folder.path) == [2]


@pytest.mark.parametrize("posted", [0, 2])
def test_tags_for_a_version_that_is_not_here_are_not_for_another(
    make: MakeFolder, posted: int
) -> None:
    first = Thread(1)
    folder = make(first)
    second = Thread(2, below=first.ids[0], new="quite_other(x)")
    given = [second.reply(0, f"{acked()}\n"), second.reply(1, f"Reviewed-by: {BOB}\n", sender=BOB)]
    second.reply(given[0], f"Tested-by: {CAT}\n", sender=CAT)
    whole = list(second.mails)
    second.mails = [*whole[:posted], *whole[4:]]
    answer = folder.collect(first, second)
    assert answer["tags"] == []
    why = [line["why"] for line in answer["lines"]]
    assert why == ["is about version 2, which is not known here"] * 3
    assert [line["version"] for line in answer["lines"]] == [2] * 3
    hint = "" if posted else ": name a mailbox that has all its patches"
    assert f"3 replies are about version 2, which is not known here{hint}" in answer["notes"]
    assert any("version 2 was not taken" in note for note in answer["notes"]) == bool(posted)
    # What is kept says the same; and when the rest comes, all of it counts.
    assert [line["why"] for line in folder.collect()["lines"]] == why
    second.mails = whole[posted:4]
    found = {
        (tag["patch"], tag["trailer"]): tag["version"] for tag in folder.collect(second)["tags"]
    }
    everywhere = {(patch, acked()): 2 for patch in (A, B, C)}
    tested = {(patch, f"Tested-by: {CAT}"): 2 for patch in (A, B, C)}
    assert found == {**everywhere, **tested, (A, f"Reviewed-by: {BOB}"): 2}


ANOTHER = [
    ("[PATCH] drivers: b: another way", ANN, 2),
    ("[PATCH] fixup! drivers: b: use new_call()", AUTHOR, 2),
    ("[PATCH] fixup", AUTHOR, 2),
    ("[PATCH 5.10 2/3] drivers: b: use new_call()", AUTHOR, 2),
    ("[PATCH 5.10.y] drivers: b: use new_call()", AUTHOR, 0),
    ("[PATCH AUTOSEL 5.9 07/99] drivers: b: use new_call()", BOB, None),
    ("[PATCH 1/9] drivers: b: use new_call()", BOB, None),
]


@pytest.mark.parametrize(("subject", "sender", "below"), ANOTHER)
@pytest.mark.parametrize("straight", [True, False])
def test_a_tag_for_another_patch_in_the_thread_is_not_for_ours(
    make: MakeFolder, subject: str, sender: str, below: int | None, straight: bool
) -> None:
    thread = Thread(1)
    folder = make(thread)
    thread.reply(2, f"{acked(CAT)}\n", sender=CAT)
    text = f"Rather.\n\nSigned-off-by: {sender}\n---\n{diff('drivers/b/b.c', new='other(x)')}"
    above = [] if below is None else [thread.ids[below]]
    other = thread.add(subject, text, sender=sender, parents=above)
    gave = thread.reply(other, f"{acked(BOB)}\n", sender=BOB)
    if not straight and above:  # a client that names the first mail as the parent
        thread.mails[-1] = thread.mails[-1].replace(
            f"In-Reply-To: {other}\nReferences: {above[0]} {other}".encode(),
            f"In-Reply-To: {above[0]}\nReferences: {above[0]}".encode(),
        )
    thread.reply(gave, f"{acked(CAT)}\n", sender=CAT)
    for boxes in ([thread], []):
        tags = {(tag["patch"], tag["trailer"]): tag for tag in folder.collect(*boxes)["tags"]}
        ours, theirs = tags.pop((B, acked(CAT))), tags.pop((B, acked(BOB)), None)
        assert (ours["state"], ours["why"]) == ("given", "")
        assert all(tag["state"] == "unclear" for tag in tags.values())
        if theirs:
            assert theirs["state"] == "unclear"
            assert f"answers another patch: {subject}" in theirs["why"]


def test_a_patch_that_was_sent_again_with_another_change(make: MakeFolder) -> None:
    thread = Thread(1)
    folder = make(thread)
    again = thread.add(
        "[RESEND PATCH 2/3] drivers: b: use new_call()",
        f"Better.\n\nSigned-off-by: {AUTHOR}\n---\n{diff('drivers/b/b.c', new='bad(x)')}-- \n",
        sender=AUTHOR,
        parents=thread.ids[2:3],
    )
    thread.reply(again, f"{acked()}\n")
    thread.reply(2, f"{acked(BOB)}\n", sender=BOB)
    answer = folder.collect(thread)
    assert {tag["trailer"]: tag["state"] for tag in answer["tags"]} == {
        acked(): "unclear",
        acked(BOB): "given",
    }
    (note,) = answer["notes"]
    assert note.startswith("version 1: patch 2 came again with another change")
    assert folder.collect()["tags"] == [{**tag, "new": False} for tag in answer["tags"]]


@pytest.mark.parametrize(
    ("subject", "version"),
    [
        ("Re: [PATCH v2 1/3] a: b", 2),
        ("Re: [PATCHv3 1/3] a: b", 3),
        ("Re: [RFC v4] a: b", 4),
        ("AW: [list] [v5 PATCH] a: b", 5),
        ("Re: a: new words (was: [PATCH v6] a: b)", 6),
        ("Re: [PATCH 1/3] a: [v7] hardware", None),
        ("Re: a: b", None),
        ("Re: [PATCH v0] a: b", 1),
    ],
)
def test_the_version_in_a_subject(subject: str, version: int | None) -> None:
    assert threads.named_version(subject) == version


def test_mails_about_tags_without_a_date_are_named(make: MakeFolder) -> None:
    thread = Thread(1)
    thread.reply(1, f"{acked()}\n")
    thread.reply(1, "I withdraw my ack.\n")
    thread.reply(1, "No tag.\n", sender=BOB)
    cut = [re.sub(rb"\nDate: [^\n]*", b"", one) for one in thread.mails[-2:]]
    thread.mails[-2:] = cut
    (note,) = make(thread).collect(thread)["notes"]
    assert note.startswith("1 mail with tags has no date: what was said first is a guess")
    assert note.endswith("Ann Reviewer, no date")


def test_what_a_person_reads_is_folded_and_has_no_message_ids(
    make: MakeFolder, reroll: Run, tmp_path: Path
) -> None:
    thread = Thread(1)
    words = "Only when all of the callers that are left in this directory " * 2
    thread.reply(1, f"{words} are gone:\n\n{acked()}\n")
    thread.reply(2, f"NAK, because {words.lower()} are not.\n", sender=BOB)
    made = reroll("-C", make(thread).path, "collect", thread.write(tmp_path / "x.mbox"))
    lines = made.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "@example.org>" not in made.out.replace("ann@example.org", "")
    assert "Ann Reviewer, 2020-09-25" in " ".join(made.out.split())
    assert "1 tag, 0 to take, 1 new or changed" in " ".join(made.out.split())
    (entry,) = [at for at, line in enumerate(lines) if line.startswith("    v1, NAK: NAK, because")]
    assert lines[entry + 1].startswith("      ")


def test_init_reads_tags_and_replies_in_the_same_mailbox(reroll: Run, tmp_path: Path) -> None:
    older = Thread(1)
    older.reply(1, f"Tested-by: {CAT}\n", sender=CAT)
    thread = Thread(2, tags={1: f"{acked()}\n"})
    thread.reply(2, f"Reviewed-by: {BOB}\n\nThis one may fail, by the way.\n", sender=BOB)
    thread.mails = older.mails + thread.mails
    box = thread.write(tmp_path / "x.mbox")
    made = reroll("init", tmp_path / "none", "--from-mbox", box, "-n")
    said = "replies: 1; 2 tags, 2 to take; 1 open comment"
    assert (made.code, said in made.out) == (0, True), made.err
    assert not (tmp_path / "none").exists()
    folder = tmp_path / "series"
    made = reroll("init", folder, "--from-mbox", box)
    assert said in made.out
    assert f"{box} is about version 1, too: " in made.out
    found = {(tag.patch, tag.trailer) for tag in trailer_file.read(folder)}
    assert found == {(A, acked()), (B, f"Reviewed-by: {BOB}")}
    assert store.numbers(folder) == [2]
    answer = json.loads(reroll("-C", folder, "--json", "collect", box).out)
    assert (answer["versions"], answer["new"], len(answer["tags"])) == ([1], 1, 3)
    made = reroll("--json", "init", tmp_path / "json", "--from-mbox", box)
    answer = json.loads(made.out)
    kept = ("replies", "tags", "comments", "other_versions")
    assert [answer[name] for name in kept] == [1, 2, 1, [1]]


def test_a_posting_of_somebody_else_is_no_version(make: MakeFolder) -> None:
    folder = make(Thread(2))
    (note,) = folder.collect(Thread(9, author=BOB))["notes"]
    assert note.startswith("version 9 was not taken: somebody else posted it: Bob Maintainer, 20")
    assert store.numbers(folder.path) == [2]


@pytest.mark.slow
def test_standard_input_and_gzip(make: MakeFolder, tmp_path: Path) -> None:
    thread = Thread(2)
    thread.reply(1, f"{acked()}\n")
    folder = make(thread)
    packed = gzip.compress(thread.write(tmp_path / "x.mbox").read_bytes())
    script = "import sys; from series import cli; sys.exit(cli.main(sys.argv[1:]))"
    made = subprocess.run(
        [sys.executable, "-c", script, "-C", str(folder.path), "collect", "-"],
        input=packed,
        capture_output=True,
        check=True,
    )
    assert f"+ {acked()}".encode() in made.stdout
    assert b"1 new of 1 replies" in made.stdout


def test_a_dry_run_writes_nothing(make: MakeFolder) -> None:
    folder = make(Thread(2))
    before = sorted(folder.path.rglob("*"))
    answer = folder.collect(*_everything(), options=("-n",))
    assert answer["versions"] == [1]
    assert len(answer["tags"]) == 2
    assert sorted(folder.path.rglob("*")) == before


@pytest.mark.parametrize("word", ["missing", "series.toml", "."])
def test_what_is_no_mailbox(make: MakeFolder, reroll: Run, word: str) -> None:
    folder = make(Thread(2))
    made = reroll("-C", folder.path, "collect", folder.path / word)
    assert made.code == 2
    assert str(folder.path / word) in made.err
    assert "Traceback" not in made.err
    assert not (folder.path / "trailers.toml").exists()


def test_a_folder_without_a_version(reroll: Run, small: Small) -> None:
    made = reroll("-C", small.folder, "collect")
    assert made.code == 2
    assert "there is no version that anybody could have answered" in made.err


def test_a_generated_version_can_be_answered(reroll: Run, generated: Small, tmp_path: Path) -> None:
    version = store.read(generated.folder)
    box = tmp_path / "x.eml"
    name = version.patches[0].message_id
    box.write_bytes(mail("Re: it", f"{acked()}\n", "<r@example.org>", parents=[name]))
    assert reroll("-C", generated.folder, "collect", box).code == 0
    (tag,) = trailer_file.read(generated.folder)
    assert (tag.patch, tag.state) == ("a", "given")


def test_decisions_and_comments_stay(make: MakeFolder) -> None:
    thread = Thread(2)
    gave = thread.reply(1, f"With that fixed:\n{acked()}\n")
    thread.reply(2, f"A-b: {ANN}\n")
    folder = make(thread)
    folder.collect(thread)
    path = folder.path / "trailers.toml"
    text = path.read_text().replace('decision = ""', 'decision = "take" # I fixed it', 1)
    mine = '\n# mine\n[[trailer]]\npatch = "x"\nversion = 1\nnote = "on the phone"\n'
    mine += 'trailer = "Acked-by: Me <me@example.org>"\nstate = "given"\n'
    path.write_text(text + mine)
    thread.reply(gave, "I withdraw my ack.\n")
    answer = folder.collect(thread)
    now = path.read_text()
    assert "# I fixed it" in now
    assert now.endswith(mine)
    found = {(tag["patch"], tag["state"]): tag["taken"] for tag in answer["tags"]}
    assert found == {(A, "withdrawn"): True, (B, "unclear"): False, ("x", "given"): True}


def test_an_entry_goes_when_its_mail_says_something_else_now(make: MakeFolder) -> None:
    thread = Thread(2)
    reply = thread.reply(1, f"{acked()}\n")
    folder = make(thread)
    folder.collect(thread)
    path = folder.path / "trailers.toml"
    # As an older reroll read the mail.
    path.write_text(path.read_text().replace("Acked-by", "Tested-by"))
    assert folder.states() == {(A, acked()): "given"}
    assert trailer_file.read(folder.path)[0].messages == (reply,)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[trailer]\n", "line 1"),
        ("trailer = 3\n", "must be tables"),
        ("[[trailer]]\npatch = 3\n", "'patch' must be a text"),
        ('[[trailer]]\nversion = 1\nstate = "perhaps"\n', "'state' must be one of"),
        ('[[trailer]]\nversion = 1\nstate = "given"\ndecision = "maybe"\n', "'decision'"),
        ('[[trailer]]\nversion = 1\nstate = "given"\ntrailer = "x"\n', "'trailer' must be a line"),
        (
            '[[trailer]]\nversion = 1\nstate = "given"\ntrailer = "Acked-by: A\\nTo: x"\n',
            "control characters",
        ),
    ],
)
def test_a_damaged_file_is_named(make: MakeFolder, reroll: Run, text: str, said: str) -> None:
    folder = make(Thread(2))
    (folder.path / "trailers.toml").write_text(text)
    made = reroll("-C", folder.path, "collect")
    assert made.code == 2
    assert said in made.err
    assert "trailers.toml" in made.err


def test_nothing_of_a_mail_reaches_the_terminal_or_the_file_as_it_is(
    make: MakeFolder, reroll: Run, tmp_path: Path
) -> None:
    thread = Thread(2)
    thread.reply(1, "Acked-by: Ann\x1b[2J\x07 <ann@example.org>\nAcked-by:\udcff\x7f <b@c>\n")
    thread.reply(2, 'Acked-by: "\\""" <ann@example.org>\n')
    folder = make(thread)
    made = reroll("-C", folder.path, "collect", thread.write(tmp_path / "x.mbox"))
    assert made.code == 0
    assert not set(made.out) & {"\x1b", "\x07", "\x7f"}
    assert tomllib.loads((folder.path / "trailers.toml").read_text())
    again = folder.collect()
    assert not any(tag["new"] for tag in again["tags"])


def test_the_same_id_with_another_text(make: MakeFolder, reroll: Run, tmp_path: Path) -> None:
    thread = Thread(2)
    folder = make(thread)
    name = thread.reply(1, f"{acked()}\n")
    folder.collect(thread)
    thread.mails[-1] = thread.mails[-1].replace(b"Acked-by", b"Tested-by")
    made = reroll("-C", folder.path, "collect", thread.write(tmp_path / "x.mbox"))
    assert "1 mail came again with another text; the first was kept: Ann Reviewer, 2020" in made.err
    assert [tag.messages for tag in trailer_file.read(folder.path)] == [(name,)]
    assert [tag.trailer for tag in trailer_file.read(folder.path)] == [acked()]


_LINES = st.sampled_from(
    [
        *(
            acked(),
            acked(BOB),
            f"Reviewed-by: {ANN}",
            "Acked-by:",
            "NAK.",
            "cancel my ack",
            "A-b: x",
        ),
        *(
            "for patches 1 and 3",
            "for 1-99",
            "with that fixed",
            "",
            "> " + acked(),
            "if you",
            "# s390",
        ),
    ]
)


@pytest.mark.slow
@given(st.lists(st.tuples(st.integers(0, 3), st.lists(_LINES, max_size=6)), max_size=6))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_thread_is_accounted_for(
    reroll: Run, tmp_path: Path, replies: list[tuple[int, list[str]]]
) -> None:
    shutil.rmtree(tmp_path)
    tmp_path.mkdir()
    thread = Thread(2)
    for to, lines in replies:
        thread.reply(to, "\n".join(lines) + "\n")
    answer = Folder(reroll, tmp_path, thread).collect(thread)
    wanted = sum(
        line.startswith(("Acked-by", "Reviewed-by")) for _, lines in replies for line in lines
    )
    assert (
        sum("-by" in line["text"] and "> " not in line["text"] for line in answer["lines"])
        >= wanted
    )


def _real() -> Path:
    place = os.environ.get("REROLL_THREADS", "")
    return Path(place) if place else Path(__file__).parents[2] / "shared" / "threads"


@pytest.mark.skipif(not list(_real().glob("follow-pfn-v*.mbox")), reason="needs the real threads")
def test_real_threads(reroll: Run, tmp_path: Path) -> None:
    """Six versions: every tag on its patch, the cancelled one withdrawn."""
    boxes = sorted(_real().glob("follow-pfn-v*.mbox"))
    assert reroll("init", tmp_path / "s", "--from-mbox", boxes[-1]).code == 0
    answer = json.loads(reroll("-C", tmp_path / "s", "--json", "collect", *boxes).out)
    assert answer["versions"] == [1, 2, 3, 4, 5]
    version = store.read(tmp_path / "s", 6)
    numbers = {patch.id: patch.number for patch in version.patches}
    found = sorted(
        (
            numbers.get(tag["patch"], 0),
            tag["trailer"].partition(":")[0],
            tag["state"],
            tag["version"],
        )
        for tag in answer["tags"]
    )
    ack, review = "Acked-by", "Reviewed-by"
    assert found == [
        (0, ack, "given", 2),
        (0, review, "given", 3),
        (1, review, "given", 6),
        (2, review, "given", 1),
        (3, review, "conditional", 6),
        (3, review, "given", 6),
        (4, review, "given", 1),
        (4, review, "partial", 6),
        (5, ack, "given", 5),
        (6, ack, "given", 6),
        (6, ack, "given", 6),
        (6, ack, "given", 6),
        (6, review, "given", 6),
        (9, ack, "given", 6),
        (9, ack, "withdrawn", 6),
        (11, ack, "given", 6),
        (12, review, "given", 6),
        (13, review, "conditional", 3),
        (13, review, "given", 6),
        (14, review, "given", 6),
        (15, ack, "given", 6),
        (15, review, "given", 6),
        (16, ack, "given", 6),
    ]
    (withdrawn,) = [tag for tag in answer["tags"] if tag["state"] == "withdrawn"]
    assert len(withdrawn["messages"]) == 2
    states = sorted(line["state"] for line in answer["lines"] if not line["patches"])
    assert states == ["NAK", "NAK", "NAK", "quoted commit"]


HOME = "Ann Reviewer <ann@home.example>"
REVIEWED = f"Reviewed-by: {ANN}"


@pytest.mark.parametrize(
    "text",
    [
        f"Un-reviewed-by: {ANN}",
        f"No-longer-reviewed-by: {ANN}",
        "Please consider my Reviewed-by withdrawn.",
        "Sorry, I take that back.",
        "Scratch that, it breaks the build.",
        "Sorry, NAK: this breaks the build.",
        "nack",
        "I'm NAKing this.",
        "Please don't add my r-b.",
        f"> {REVIEWED}\n\nSorry, I must cancel that.",
        f"> {REVIEWED}\n\nRevoked.",
    ],
)
def test_words_that_take_a_tag_back(make: MakeFolder, text: str) -> None:
    thread = Thread(2)
    thread.reply(1, f"{REVIEWED}\n")
    thread.reply(1, f"{text}\n")
    assert make(thread).states(thread) == {(A, REVIEWED): "withdrawn"}


@pytest.mark.parametrize(
    "text",
    [
        "You seem to have dropped my Acked-by here. Please carry it.",
        "Bob removed my ack by mistake.",
        "I considered retracting my ack but it is fine.",
        "This is not a NAK.",
        "Greg gave a NAK for this in v1.",
        "Please remove this ack, the irq core acks already.",
        "> +\tfoo();\n\nCancel that, please.",
    ],
)
def test_words_that_leave_a_tag_given(make: MakeFolder, text: str) -> None:
    thread = Thread(2)
    thread.reply(1, f"{acked()}\n")
    thread.reply(1, f"{text}\n")
    assert make(thread).states(thread) == {(A, acked()): "given"}


def test_a_tag_taken_back_in_the_same_mail(make: MakeFolder) -> None:
    thread = Thread(2)
    thread.reply(1, f"{REVIEWED}\n\nSorry, I take that back, this breaks the build.\n")
    assert make(thread).states(thread) == {(A, REVIEWED): "withdrawn"}


@pytest.mark.parametrize(
    "header",
    [
        "On Fri, Jan 1, 2021 at 1:00 PM Ada Developer <ada@example.org>\nwrote:\n\n",
        "Von: Ada Developer <ada@example.org>\nGesendet: Freitag\nAn: x\nBetreff: y\n\n",
        "De : Ada <ada@example.org>\nEnvoyé : lundi\nÀ : x\nObjet : y\n\n",
        "",
    ],
)
def test_the_patch_below_a_withdrawal_gives_nothing_again(make: MakeFolder, header: str) -> None:
    first = Thread(1)
    first.reply(1, f"{acked()}\n")
    second = Thread(2, tags={1: f"{acked()}\n"})
    patch = f"It is better.\n\n{acked()}\nSigned-off-by: {AUTHOR}\n"
    second.reply(1, f"Please drop my ack, this is wrong.\n\n{header}{patch}")
    assert make(second).states(second, first) == {(A, acked()): "withdrawn"}


@pytest.mark.parametrize(
    ("to", "text", "patches", "state"),
    [
        (0, f"Patch 2 needs work, the rest is\n{acked()}", [A, C], "partial"),
        (0, f"Patch 2 is wrong.  For the others:\n\n{acked()}", [A, C], "partial"),
        (0, f"For the last patch:\n{acked()}", [C], "partial"),
        (0, f"For the last two patches:\n{acked()}", [B, C], "partial"),
        (0, f"All patches except the last:\n{acked()}", [A, B], "partial"),
        (0, f"For the second patch:\n{acked()}", [B], "partial"),
        (0, f"The other two:\n{acked()}", [A, B, C], "unclear"),
        (0, f"For the last five patches:\n{acked()}", [""], "unclear"),
        (2, f"For this and the previous one:\n{acked()}", [A, B], "partial"),
        (2, f"For this patch and the next one:\n{acked()}", [B, C], "partial"),
        (0, f"Feel free to add my\n{acked()}\nto patches 1 and 2.", [A, B], "partial"),
        (
            0,
            f"For the whole series:\n{acked()}\nexcept that I could not test drivers/b.",
            [A, B, C],
            "unclear",
        ),
        (0, f"For patches 1 and 2:\n{acked()} # on arm", [A, B], "partial"),
        (0, f"Patch 2 is wrong.\n\n{acked()}", [B], "unclear"),
    ],
)
def test_scopes_that_leave_patches_out(
    make: MakeFolder, to: int, text: str, patches: list[str], state: str
) -> None:
    thread = Thread(2)
    thread.reply(to, f"{text}\n")
    assert make(thread).states(thread) == {(patch, acked()): state for patch in patches}


def test_two_people_of_one_name(make: MakeFolder) -> None:
    thread = Thread(2)
    thread.reply(1, f"{acked()}\n")
    thread.reply(2, f"{acked()}\n")
    thread.reply(2, f"{acked(HOME)}\n", sender=HOME)
    thread.reply(1, "NAK, it breaks my board.\n", sender=HOME)
    folder = make(thread)
    wanted = {(A, acked()): "given", (B, acked()): "given", (B, acked(HOME)): "given"}
    assert folder.states(thread) == wanted
    # Nobody takes back what they did not give: it may be the same person after all.
    thread.reply(1, "I withdraw my ack.\n", sender=HOME)
    assert folder.states(thread) == {**wanted, (A, acked()): "unclear"}


def test_an_address_that_the_author_wrote_to_is_no_forgery(make: MakeFolder) -> None:
    thread = Thread(2)
    thread.mails[1] = thread.mails[1].replace(b"\nTo: ", f"\nCc: {HOME}\nTo: ".encode(), 1)
    gave = thread.reply(1, f"{acked()}\n", sender=HOME)
    folder = make(thread)
    (tag,) = folder.collect(thread)["tags"]
    assert (tag["state"], tag["why"]) == ("given", f"the mail came from {HOME}")
    thread.reply(gave, "Please drop my ack.\n", sender=HOME)
    assert folder.states(thread) == {(A, acked()): "withdrawn"}


def test_an_address_that_its_owner_names_is_no_forgery(make: MakeFolder) -> None:
    thread = Thread(2)
    thread.reply(1, f"{acked()}\n", sender=HOME)
    folder = make(thread)
    assert folder.states(thread) == {(A, acked()): "unclear"}
    thread.reply(2, f"{acked(HOME)}\n")
    assert folder.states(thread) == {(A, acked()): "given", (B, acked(HOME)): "given"}


def test_addresses_below_one_domain(make: MakeFolder) -> None:
    thread = Thread(2)
    for number, host in enumerate(("a.example.org", "b.example.org", "example.org"), 1):
        thread.reply(number, f"{acked()}\n", sender=f"Ann Reviewer <ann.r@{host}>")
    assert set(make(thread).states(thread).values()) == {"given"}


def test_a_provider_of_addresses_makes_no_one_person(make: MakeFolder) -> None:
    thread = Thread(2)
    thread.reply(1, "Acked-by: Bo Lee <bo@gmail.com>\n", sender="Bo Lee <lee@gmail.com>")
    assert list(make(thread).states(thread).values()) == ["unclear"]


def test_a_refusal_by_the_name_of_a_giver_who_is_not_heard(make: MakeFolder) -> None:
    thread = Thread(2, tags={1: f"{acked()}\n"})
    thread.reply(1, "NAK, it breaks my board.\n", sender=HOME)
    assert make(thread).states(thread) == {(A, acked()): "unclear"}


def test_what_is_said_behind_a_tag_is_kept(make: MakeFolder) -> None:
    thread = Thread(2)
    thread.reply(1, f"{REVIEWED} # on arm\n")
    (tag,) = make(thread).collect(thread)["tags"]
    assert (tag["state"], tag["why"]) == ("given", "# on arm")


def test_bytes_that_are_no_text_in_a_tag(make: MakeFolder) -> None:
    thread = Thread(2)
    header = "Content-Type: text/plain; charset=us-ascii\n"
    thread.reply(1, "Acked-by: Ann R\udce9viewer <ann@example.org>\n", headers=header)
    (tag,) = make(thread).collect(thread)["tags"]
    assert tag["state"] == "unclear"
    assert tag["trailer"].isascii()


@pytest.mark.parametrize(
    "text", ["trailer = []\n", '# mine\ntrailer = [ { patch = "x", version = 1 } ]\n']
)
def test_a_file_to_which_nothing_can_be_added(
    make: MakeFolder, reroll: Run, tmp_path: Path, text: str
) -> None:
    thread = Thread(2)
    thread.reply(1, f"{acked()}\n")
    folder = make(thread)
    (folder.path / "trailers.toml").write_text(text)
    made = reroll("-C", folder.path, "collect", thread.write(tmp_path / "x.mbox"))
    assert made.code == 2
    assert "must be tables: [[trailer]]" in made.err
    assert (folder.path / "trailers.toml").read_text() == text
    assert not (folder.path / "replies").exists()
