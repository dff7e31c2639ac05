"""``reroll collect``: hand-made threads in, tags with their states out."""

import gzip
import json
import os
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

from series import store, trailers
from tests.conftest import Run, Small
from tests.repositories import git
from tests.threads import ANN, AUTHOR, BOB, CAT, PATCHES, START, Thread, diff, mail

# The ids that 'init --from-mbox' makes of the titles.
A, B, C = "drivers-a-use-new-call", "drivers-b-use-new-call", "s390-pci-use-new-call"


class Folder:
    """A series folder made from a posted version, and what 'collect' says of it."""

    def __init__(self, reroll: Run, place: Path, thread: Thread) -> None:
        self.reroll, self.place, self.path = reroll, place, place / "posted"
        first = thread.write(place / "first.mbox")
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
    assert trailers.read(folder.path) == (trailers.Tag(B, 2, acked(), "given", (reply,)),)


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
        "Ann Reviewer <ann@home.example>",
        "ann+kernel@example.org",
        "Ann Reviewer (Firm) <ann@firm.example>",
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
    assert tag["state"] == "given"
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
    for threads in ([second], [second, first], [first], []):
        again = folder.collect(*threads)
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
    assert "answer nothing that is known here" in made.err
    assert store.numbers(folder.path) == [2]


def test_a_posting_of_somebody_else_is_no_version(make: MakeFolder) -> None:
    folder = make(Thread(2))
    folder.collect(Thread(9, author=BOB))
    assert store.numbers(folder.path) == [2]


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
    (tag,) = trailers.read(generated.folder)
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
    assert trailers.read(folder.path)[0].messages == (reply,)


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
    assert f"the first was kept: {name}" in made.err
    assert [tag.trailer for tag in trailers.read(folder.path)] == [acked()]


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
