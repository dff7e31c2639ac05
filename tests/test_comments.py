"""``comments.toml``: what reviewers want, and what became of it."""

import json
import os
import pty
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.errors import UsageError
from series import comment_file, comments, mail, output, store
from series.comment_file import Comment
from series.comments import Updated
from series.mail import Mail
from series.threads import Target
from tests.conftest import Run, Small
from tests.repositories import git
from tests.smtp import Inbox, send_to, smtp_server
from tests.threads import ANN, AUTHOR, BOB, Thread

AGAIN = "Ada Developer <ada@home.example.org>"
# Real mails, which are nobody's to publish; read before the seal takes the variable away.
THREADS = Path(
    os.environ.get("REROLL_THREADS", Path(__file__).parents[1].parent / "shared" / "threads")
)


def quoted(text: str) -> str:
    """``text`` below an attribution line, as a mailer quotes it."""
    lines = "".join(f"> {line}".rstrip() + "\n" for line in text.rstrip("\n").split("\n"))
    return f"On Mon, 14 Sep 2020, Ada Developer wrote:\n{lines}"


def patch_text(folder: Path, number: int) -> str:
    """The text of a patch mail of version 1."""
    version = store.read(folder, 1)
    return mail.parse(
        store.mail_path(folder, version, version.patches[number - 1].mail).read_bytes()
    ).text


class Talk:
    """Answers to version 1 of the small series, collected as ``reroll collect`` does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.thread = Thread(patches=(("a", "drivers/a/a.c"), ("b", "drivers/b/b.c")))
        self.first = len(self.thread.mails)

    def reply(self, to: int | str, text: str, sender: str = ANN) -> str:
        """Answer a patch by number, or a mail by id."""
        return self.thread.reply(to, text, sender=sender)

    def collect(self, version: int = 1) -> Updated:
        """Read all answers."""
        mails = [mail.parse(content) for content in self.thread.mails[self.first :]]
        ids = {own: ("", "a", "b")[number] for number, own in enumerate(self.thread.ids)}
        targets = {}
        for one in mails:
            patch = next(ids[parent] for parent in one.parents if parent in ids)
            targets[one.message_id] = Target(version, patch, 0)
        return comments.update(self.folder, mails, targets, AUTHOR)


@pytest.fixture
def talk(generated: Small) -> Talk:
    """A series at version 1, and two comments on it."""
    made = Talk(generated.folder)
    text = patch_text(generated.folder, 1)
    made.reply(1, f"{quoted(text[: text.index('new_call(x)') + 12])}\nThis can fail. Look at it.\n")
    made.reply(0, "Hi Ada,\n\nWhy at all?\n\nBob\n", sender=BOB)
    return made


def ids(updated: Updated) -> list[str]:
    """The ids of all comments."""
    return [one.id for one in updated.all]


def test_what_is_written(talk: Talk) -> None:
    made = talk.collect()
    assert [one.excerpt for one in made.new] == ["This can fail. Look at it.", "Why at all?"]
    text = (talk.folder / "comments.toml").read_text()
    first, second = tomllib.loads(text)["comment"]
    assert first == {
        "id": ids(made)[0],
        "patch": "a",
        "version": 1,
        "file": "drivers/a/a.c",
        "line": 3,
        "author": ANN,
        "date": "2020-09-25T06:13:20+00:00",
        "message": "<1.r3@example.org>",
        "excerpt": "This can fail. Look at it.",
        "state": "open",
        "note": "",
        "suggested": "",
        "quote": "+ return new_call(x);",
    }
    assert (second["patch"], second["file"], second["author"]) == ("", "", BOB)
    assert text.startswith("# What reviewers want.")


def test_collecting_again_changes_nothing(talk: Talk) -> None:
    before = talk.collect()
    file = talk.folder / "comments.toml"
    stamp, text = file.stat().st_mtime_ns, file.read_bytes()
    again = talk.collect()
    assert (again.new, again.all) == ((), before.all)
    assert (file.stat().st_mtime_ns, file.read_bytes()) == (stamp, text)


def test_what_a_person_wrote_stays(talk: Talk) -> None:
    made = talk.collect()
    file = talk.folder / "comments.toml"
    text = file.read_text().replace('state = "open"', 'state = "declined" # not ours', 1)
    text = text.replace('note = ""', "note = '''\nBecause\nso.'''\nmine = 7", 1)
    file.write_text(f"# my file\n{text}\n[other]\nkept = true")
    talk.reply(2, "And the Kconfig?\n")
    talk.reply(1, "By the way, I will look at it.\n", sender=AGAIN)
    talk.reply("<1.r4@example.org>", "Because it is better.\n", sender=AUTHOR)
    after = talk.collect()
    assert [one.state for one in after.all] == ["declined", "open", "open"]
    assert [one.suggested for one in after.all] == ["", "answered", ""]
    assert ids(after)[:2] == ids(made)
    now = file.read_text()
    for kept in ("# my file", "# not ours", "'''\nBecause\nso.'''", "mine = 7", "kept = true"):
        assert kept in now
    talk.collect()
    assert file.read_text() == now


def test_a_comment_whose_mail_has_gone_stays(talk: Talk) -> None:
    made = talk.collect()
    del talk.thread.mails[talk.first]
    assert ids(talk.collect()) == ids(made)


def test_the_author_answers_and_is_answered(talk: Talk) -> None:
    talk.collect()
    answer = talk.reply("<1.r3@example.org>", "It cannot.\n", sender=AGAIN)
    made = talk.collect()
    assert [one.suggested for one in made.all] == ["answered", ""]
    assert made.new == ()
    talk.reply(answer, "> It cannot.\n\nIt can.\n")
    made = talk.collect()
    assert [(one.excerpt, one.suggested) for one in made.new] == [("It can.", "")]


def test_whoever_posted_a_version_answers(talk: Talk) -> None:
    poster = "Old Poster <old@example.org>"
    talk.reply("<1.r3@example.org>", "It cannot.\n", sender=poster)
    mails = [mail.parse(content) for content in talk.thread.mails[talk.first :]]
    targets = {one.message_id: Target(1, "a", 0) for one in mails}
    made = comments.update(talk.folder, mails, targets, (AUTHOR, poster), dry_run=True)
    assert [(one.excerpt, one.suggested) for one in made.all] == [
        ("This can fail. Look at it.", "answered"),
        ("Why at all?", ""),
    ]
    assert len(comments.update(talk.folder, mails, targets, AUTHOR, dry_run=True).all) == 3


def test_a_refusal_is_a_comment(talk: Talk) -> None:
    talk.reply(2, f"Nacked-by: {BOB}\n", sender=BOB)
    assert talk.collect().all[-1].excerpt == f"Nacked-by: {BOB}"


@pytest.mark.slow
def test_a_mail_that_is_too_long(talk: Talk) -> None:
    own = talk.reply(1, "no.\n\n> x\n\n" * 3000)
    made = talk.collect()
    assert made.cut == (own,)
    assert len({one.id for one in made.all}) == len(made.all) == 1669
    assert talk.collect().new == ()


def test_the_same_words_twice(talk: Talk) -> None:
    text = patch_text(talk.folder, 1)
    talk.reply(1, f"{quoted(text)}\nWhy?\n\n> x\n\nWhy?\n")
    made = talk.collect()
    assert len({one.id for one in made.all}) == 4
    talk.collect()
    assert ids(talk.collect()) == ids(made)


def test_a_withdrawal_is_a_comment(talk: Talk) -> None:
    talk.reply(1, f"> Acked-by: {ANN}\n\nActually, cancel this Acked-by.\n\nIt breaks b.\n")
    assert talk.collect().all[-1].excerpt == "Actually, cancel this Acked-by. It breaks b."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[comment]]\nid = = 1", "comments.toml: Invalid value (at line 2, column 6)"),
        (
            '# a\n[[comment]]\nid = "x"\nversion = 1\nstate = "done"\n',
            ":2: state 'done' is none of",
        ),
        ('[[comment]]\nid = "x"\n', ":1: 'version' must be a number"),
        ("[[comment]]\nversion = 1\n", ":1: a comment has no 'id'"),
        ('[[comment]]\nid = "x"\nversion = true\n', ":1: 'version' must be a number"),
        ('[[comment]]\nid = "x"\nversion = 1\nforced = [1]\n', ":1: 'forced' must be a list"),
        ('[[comment]]\nid = "x"\nversion = 1\n' * 2, ":4: id 'x' is there twice"),
        ("comment = 1\n", "'comment' must be tables"),
        ("comment = [1]\n", "a comment must be a table"),
        ("[[comment]]\nid = 'x\udcff'\n", ":2: is not UTF-8"),
        ("a = " + "[" * 5000, "nested too deep"),
    ],
)
def test_a_bad_file(reroll: Run, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "comments.toml").write_bytes(text.encode("utf-8", "surrogateescape"))
    done = reroll("-C", tmp_path, "comments")
    assert (done.code, done.out) == (2, "")
    assert said in done.err.splitlines()[0]
    assert len(done.err.splitlines()) <= 2
    with pytest.raises(UsageError):
        comments.update(tmp_path, [], {}, AUTHOR)


def test_a_comment_written_by_hand(reroll: Run, tmp_path: Path) -> None:
    (tmp_path / "comments.toml").write_text(
        '[[comment]]\nid = "irc"\nversion = 2\npatch = "a"\nexcerpt = "said on IRC"\n'
    )
    done = reroll("-C", tmp_path, "comments")
    assert (done.code, done.out) == (0, "a\n  irc  v2\n      said on IRC\n\n1 open\n")
    assert reroll("-C", tmp_path, "comments", "irc", "--declined").code == 0
    assert comment_file.open_ones(tmp_path) == ()


def test_no_file(reroll: Run, tmp_path: Path) -> None:
    assert reroll("-C", tmp_path, "comments").out == "0 open\n"
    assert reroll("-C", tmp_path, "comments", "--check").code == 0
    assert comments.update(tmp_path, [], {}, AUTHOR) == Updated((), ())
    assert not (tmp_path / "comments.toml").exists()
    os.mkfifo(tmp_path / "comments.toml")
    done = reroll("-C", tmp_path, "comments")
    assert (done.code, "is not a regular file" in done.err) == (2, True)


def test_listing(reroll: Run, generated: Small, talk: Talk) -> None:
    talk.reply("<1.r4@example.org>", "It is better.\n", sender=AUTHOR)
    one, two = ids(talk.collect())
    done = reroll(*generated.words("comments"))
    assert done.err == ""
    assert done.out.splitlines() == [
        "cover letter",
        f"  {two}  v1  Bob Maintainer  (answered?)",
        "      Why at all?",
        "",
        "a: drivers: a: use new_call()",
        f"  {one}  v1  drivers/a/a.c:3  Ann Reviewer",
        "      > + return new_call(x);",
        "      This can fail. Look at it.",
        "",
        "2 open, 1 of them answered by mail, it seems (--suggested)",
    ]
    assert reroll(*generated.words("comments", "--check")).code == 1
    assert two not in reroll(*generated.words("comments", "--patch", "a")).out
    assert "in <1.r4@example.org>" in reroll(*generated.words("comments", two)).out
    assert one not in reroll(*generated.words("comments", "--suggested")).out
    assert reroll(*generated.words("comments", "-v", 2)).out == "0 open\n"
    assert two in reroll(*generated.words("comments", "-v", 2, "-v", 1)).out
    both = reroll(*generated.words("comments", "--patch", "", "--patch", "a")).out
    assert (one in both, two in both) == (True, True)
    rows = json.loads(reroll(*generated.words("comments", "--json")).out)
    assert [(row["id"], row["state"], row["line"]) for row in rows] == [
        (one, "open", 3),
        (two, "open", 0),
    ]
    done = reroll(*generated.words("comments", "--patch", "c"))
    assert (done.code, "there are comments on: a, ''" in done.err) == (2, True)


def test_marking(reroll: Run, generated: Small, talk: Talk) -> None:
    one, two = ids(talk.collect())
    done = reroll(*generated.words("comments", "-n", one, "--declined"))
    assert (done.code, "would mark 1 comment declined" in done.out) == (0, True)
    assert len(comment_file.open_ones(talk.folder)) == 2
    done = reroll(*generated.words("comments", one[:6], two, "--declined", "--note", "No \x1b[1m."))
    assert (done.code, done.out) == (0, f"marked 2 comments declined: {one}, {two}\n")
    assert reroll(*generated.words("comments")).out == "0 open, 2 closed (--all shows them)\n"
    assert reroll(*generated.words("comments", "--patch", "a")).out == (
        "0 open, 1 closed (--all shows them)\n"
    )
    assert reroll(*generated.words("comments", one[:6], "--all")).out.endswith("0 open, 1 closed\n")
    assert reroll(*generated.words("comments", "--all")).out.endswith("0 open, 2 closed\n")
    shown = reroll(*generated.words("comments", "--all")).out
    assert f"  {two}  v1  Bob Maintainer  (declined)" in shown
    assert r"note: No \x1b[1m." in shown
    talk.collect()
    assert comment_file.open_ones(talk.folder) == ()
    assert reroll(*generated.words("comments", one, "--open")).code == 0
    assert [left.id for left in comment_file.open_ones(talk.folder)] == [one]
    assert reroll(*generated.words("comments", "--patch", "a", "--answered", "--check")).code == 0
    states = [known.state for known in comment_file.read(talk.folder)]
    assert states == ["answered", "declined"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--fixed"], "no comment is named"),
        (["zzz", "--fixed"], "there is no comment 'zzz'"),
        (["ID", "--declined", "--changelog"], "--changelog is for comments that are marked"),
        (["ID", "--declined", "--fixed"], "not allowed with"),
    ],
)
def test_marking_what_there_is_not(
    reroll: Run, generated: Small, talk: Talk, words: list[str], said: str
) -> None:
    known = ids(talk.collect())[0]
    before = (talk.folder / "comments.toml").read_bytes()
    done = reroll(*generated.words("comments", *(word.replace("ID", known) for word in words)))
    assert (done.code, said in done.err) == (2, True)
    assert (talk.folder / "comments.toml").read_bytes() == before


def test_a_word_that_means_several_mails() -> None:
    known = [
        Comment(f"abc{n}-1", "", 1, "", 0, ANN, "", f"<{n}@example.org>", "x") for n in range(2)
    ]
    with pytest.raises(UsageError, match="names comments of several mails: abc0-1, abc1-1"):
        comment_file.select(known, ["abc"])
    assert comment_file.select(known, ["abc0"]) == (known[0],)
    more = [replace(known[0], id=f"abc{n}-1", message=f"<{n}@example.org>") for n in range(9)]
    with pytest.raises(UsageError, match="abc0-1, abc1-1, abc2-1, abc3-1 and 5 more"):
        comment_file.select(more, ["abc"])


def test_fixed_comments_go_into_the_changelog(reroll: Run, generated: Small, talk: Talk) -> None:
    one, two = ids(talk.collect())
    before = (generated.folder / "series.toml").read_text()
    done = reroll(*generated.words("comments", one, "--fixed"))
    assert done.out.splitlines() == [
        "changelog of v2, a: Review from Ann: This can fail.",
        "(--changelog puts such lines into series.toml)",
        "marked 1 comment fixed",
    ]
    assert (generated.folder / "series.toml").read_text() == before
    words = ("comments", one, two, "--fixed", "--changelog", "--note", "say more")
    assert reroll(*generated.words(*words)).code == 0
    assert reroll(*generated.words(*words)).code == 0  # not twice
    made = tomllib.loads((generated.folder / "series.toml").read_text())
    assert made["patch"][0]["changelog"]["2"] == ["said why", "Review from Ann: say more"]
    assert made["series"]["changelog"]["2"] == ["done better", "Review from Bob: say more"]
    assert comment_file.open_ones(talk.folder) == ()
    # A patch that series.toml has no more is told of on the cover.
    generated.rewrite('id = "a"', 'id = "renamed"')
    assert reroll(*generated.words("comments", one, "--fixed", "--changelog")).code == 0
    made = tomllib.loads((generated.folder / "series.toml").read_text())
    assert "Review from Ann: say more" in made["series"]["changelog"]["2"]


def test_a_changelog_line_that_is_no_longer_so(reroll: Run, generated: Small, talk: Talk) -> None:
    one, two = ids(talk.collect())
    assert reroll(*generated.words("comments", one, two, "--fixed", "--changelog")).code == 0
    done = reroll(*generated.words("comments", one, two, "--open"))
    assert done.out.splitlines() == [
        "changelog of v2, a still says: Review from Ann: This can fail.",
        "changelog of v2, cover letter still says: Review from Bob: Why at all?",
        "(take such lines out of series.toml where they are no longer so)",
        "marked 2 comments open",
    ]
    # What was not told, or is not so told, is not named.
    assert reroll(*generated.words("comments", one, "--fixed")).code == 0
    generated.rewrite("Review from Ann: This can fail.", "Ann saw that it can fail.")
    assert reroll(*generated.words("comments", one, "--declined")).out == (
        "marked 1 comment declined\n"
    )


def test_the_changelog_of_a_shard(reroll: Run, small: Small) -> None:
    small.rewrite('title = "drivers: a: use new_call()"', 'title = "use it"\nsplit = "directory"')
    small.rewrite('paths = ["drivers/a"]', 'paths = ["drivers/a", "drivers/b"]')
    small.rewrite('[[patch.step]]\nrule = "rename.cocci"\npaths = ["drivers/b"]\n\n', "")
    assert reroll(*small.words("generate")).code == 0
    first, second, _ = store.read(small.folder, 1).patches
    assert (first.of, second.of) == ("a", "a")
    (small.folder / "comments.toml").write_text(
        f'[[comment]]\nid = "x"\nversion = 1\npatch = "{second.id}"\nexcerpt = "Take it."\n'
        'author = "Bob <bob@example.org>"\n'
    )
    done = reroll(*small.words("comments", "x", "--fixed", "--changelog"))
    line = f'"{second.title}": Review from Bob: Take it.'
    assert (done.code, done.out.splitlines()[0]) == (0, f"changelog of v2, cover letter: {line}")
    made = tomllib.loads((small.folder / "series.toml").read_text())
    assert made["series"]["changelog"]["2"] == ["done better", line]
    assert made["patch"][0]["changelog"]["2"] == ["said why"]
    assert line in reroll(*small.words("comments", "x", "--open")).out


def test_a_bad_campaign_marks_nothing(reroll: Run, generated: Small, talk: Talk) -> None:
    one = ids(talk.collect())[0]
    generated.rewrite("[series]", "[seriess]")
    assert reroll(*generated.words("comments", one, "--fixed", "--changelog")).code == 2
    assert len(comment_file.open_ones(talk.folder)) == 2


@pytest.mark.parametrize(("answer", "there"), [("y", True), ("n", False)])
def test_somebody_is_asked(
    reroll: Run,
    generated: Small,
    talk: Talk,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    there: bool,
) -> None:
    one = ids(talk.collect())[0]
    ours, theirs = pty.openpty()
    os.write(ours, f"{answer}\n".encode())
    with os.fdopen(theirs) as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        assert reroll(*generated.words("comments", one, "--fixed")).code == 0
    os.close(ours)
    assert ("Review from Ann" in (generated.folder / "series.toml").read_text()) is there
    assert comment_file.read(talk.folder)[0].state == "fixed"


@pytest.mark.parametrize(
    ("author", "name"),
    [
        ("Ann Reviewer <ann@example.org>", "Ann"),
        ("Reviewer, Ann <ann@example.org>", "Ann"),
        ("ann@example.org", "ann"),
        ("", "a reviewer"),
        ("\x1b[1mA B <ann@example.org>", r"\x1b[1mA"),
    ],
)
def test_names(author: str, name: str) -> None:
    assert comments.given_name(author) == name


@pytest.fixture
def inbox(reroll: Run, generated: Small) -> Iterator[Inbox]:
    """A server for version 2 of a series with open comments on version 1."""
    assert reroll(*generated.words("generate", "-v", 2)).code == 0
    with smtp_server() as server:
        send_to(server, generated.tree)
        git(generated.tree, "config", "sendemail.confirm", "never")
        yield server


@pytest.mark.slow
def test_open_comments_keep_a_version_back(
    reroll: Run, generated: Small, talk: Talk, inbox: Inbox
) -> None:
    one, two = ids(talk.collect())
    done = reroll(*generated.words("send", "-v", 2, "--yes"))
    assert done.code == 1
    assert "nothing was sent: 2 comments are open on earlier versions" in done.err
    assert "'reroll comments' lists them" in done.err
    assert not (generated.folder / "journal.jsonl").exists()
    done = reroll(*generated.words("send", "-v", 2, "--dry-run"))
    assert (done.code, "2 comments are open" in done.err) == (1, True)
    assert reroll(*generated.words("comments", two, "--answered")).code == 0
    done = reroll(*generated.words("send", "-v", 2, "--yes", "--force-open", " "))
    assert (done.code, "must say why" in done.err, inbox.envelopes) == (2, True, [])

    inbox.fail_at = 1
    words = ("send", "-v", 2, "--yes", "--force-open", "Ann is away; \x1b[1mlater")
    assert reroll(*generated.words(*words)).code == 4  # nothing went, and the reason is known
    inbox.fail_at = 3
    assert reroll(*generated.words("send", "-v", 2, "--yes")).code == 5
    inbox.fail_at = 0
    assert reroll(*generated.words("send", "-v", 2, "--yes", "--resume")).code == 0
    assert len(inbox.envelopes) == 3
    known = comment_file.read(talk.folder)
    assert [len(left.forced) for left in known] == [1, 0]
    assert known[0].forced[0].startswith("v2 (20")
    assert known[0].forced[0].endswith(r"): Ann is away; \x1b[1mlater")
    assert known[0].state == "open"
    talk.collect()  # what was said stays
    assert comment_file.read(talk.folder)[0].forced == known[0].forced
    assert "sent all the same: v2 (20" in reroll(*generated.words("comments", one)).out


@pytest.mark.slow
def test_closed_comments_and_those_on_this_version_keep_nothing_back(
    reroll: Run, generated: Small, talk: Talk, inbox: Inbox
) -> None:
    talk.collect(version=2)
    done = reroll(*generated.words("send", "-v", 2, "--dry-run"))
    assert (done.code, done.err) == (0, "")
    done = reroll(*generated.words("send", "-v", 2, "--yes"))
    assert (done.code, len(inbox.envelopes)) == (0, 3)


@pytest.mark.skipif(not THREADS.is_dir(), reason="needs real mails: REROLL_THREADS names them")
def test_a_real_review(reroll: Run, tmp_path: Path) -> None:
    folder = tmp_path / "series"
    newest = THREADS / "follow-pfn-v6.mbox"
    assert reroll("init", folder, "--from-mbox", newest).code == 0
    assert reroll("-C", folder, "collect", newest).code == 0
    ninth = store.read(folder, 6).patches[8].id
    words = ("comments", "--patch", ninth, "-v", 6, "--json")
    rows = json.loads(reroll("-C", folder, *words).out)
    assert {row["state"] for row in rows} == {"open"}
    about = [row for row in rows if row["file"].endswith("/frame_vector.c")]
    assert any("comment" in row["excerpt"] and "dma-buf" in row["excerpt"] for row in about)
    assert any("subject" in row["excerpt"] and "nit" in row["excerpt"] for row in rows)
    assert any("cancel" in row["excerpt"] for row in rows)
    written = (folder / "comments.toml").read_bytes()
    assert reroll("-C", folder, "collect").code == 0
    assert (folder / "comments.toml").read_bytes() == written


TEXTS = ("id", "patch", "file", "author", "date", "message", "excerpt", "note", "quote")
ANYTHING = st.text(max_size=40)
NUMBERS = st.integers(1, 99999)


MADE = st.builds(
    Comment,
    **dict.fromkeys(TEXTS, ANYTHING),
    version=NUMBERS,
    line=NUMBERS,
    approximate=st.booleans(),
)


@settings(max_examples=40)
@given(st.lists(MADE, max_size=5))
@pytest.mark.slow
def test_whatever_is_in_a_comment_is_read_back(made: list[Comment]) -> None:
    known = [
        replace(one, id=f"{number}", note=output.shown(one.note, 99), patch=f"p{number}")
        for number, one in enumerate(made)
    ]
    shown = [
        replace(one, **{name: output.shown(getattr(one, name), 99) for name in TEXTS})
        for one in known
    ]
    with TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "comments.toml").write_text("# mine\n" + comment_file.as_text(shown))
        assert list(comment_file.read(folder)) == shown
        comment_file.mark(folder, [one.id for one in shown], "fixed", 'a "note" \\ here')
        assert {one.note for one in comment_file.read(folder)} <= {'a "note" \\ here'}
        assert (folder / "comments.toml").read_text().startswith("# mine\n")


@settings(max_examples=40)
@given(st.lists(st.tuples(st.text(), st.text()), max_size=4))
def test_whatever_is_answered(texts: list[tuple[str, str]]) -> None:
    mails = [
        Mail(
            f"<{number}{words[:9]}@example.org>", ANN, number, "", ("<p>",), f"{text}\n{words}", b""
        )
        for number, (words, text) in enumerate(texts)
    ]
    targets = {one.message_id: Target(1, "a", 1) for one in mails}
    with TemporaryDirectory() as place:
        made = comments.update(Path(place), mails, targets, AUTHOR)
        assert comments.update(Path(place), mails, targets, AUTHOR) == Updated((), made.all)
        assert comment_file.read(Path(place)) == made.all
