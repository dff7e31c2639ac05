"""Mailboxes and mails: every container, every encoding, and what is broken."""

import base64
import gzip
import mailbox
import os
import quopri
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.errors import UsageError
from series import mail, mailbox_files, replies, store
from tests import threads
from tests.conftest import Run, Small

ONE = threads.mail("one", "Text.\n", "<1@example.org>")
TWO = threads.mail(
    "Re: one", "From here on.\n>From there.\n", "<2@example.org>", parents=["<1@example.org>"]
)


def ids(*paths: Path) -> list[str]:
    return [head.message_id for head in mail.read_heads(paths)]


def texts(*paths: Path) -> list[str]:
    return [one.text for one in mail.load(mail.read_heads(paths))]


def boxes(place: Path) -> dict[str, Path]:
    """The same two mails in every container."""
    mbox = place / "x.mbox"
    mbox.write_bytes(mailbox_files.escaped(ONE) + mailbox_files.escaped(TWO))
    packed = place / "x.mbox.gz"
    packed.write_bytes(gzip.compress(mbox.read_bytes()))
    maildir = mailbox.Maildir(place / "maildir")
    maildir.add(ONE)
    maildir.add(TWO)
    crlf = place / "crlf.mbox"
    crlf.write_bytes(mbox.read_bytes().replace(b"\n", b"\r\n"))
    return {"mbox": mbox, "gzip": packed, "maildir": place / "maildir", "crlf": crlf}


@pytest.mark.parametrize("kind", ["mbox", "gzip", "maildir", "crlf"])
def test_every_container_gives_the_same_mails(tmp_path: Path, kind: str) -> None:
    path = boxes(tmp_path)[kind]
    assert sorted(ids(path)) == ["<1@example.org>", "<2@example.org>"]
    assert sorted(texts(path)) == ["From here on.\n>From there.\n", "Text.\n"]


def test_content_survives_an_mbox_byte_by_byte(tmp_path: Path) -> None:
    path = boxes(tmp_path)["mbox"]
    assert [one.content for one in mail.load(mail.read_heads([path]))] == [ONE, TWO]


@pytest.mark.parametrize("packed", [False, True])
def test_a_single_mail(tmp_path: Path, packed: bool) -> None:
    path = tmp_path / "one.eml"
    path.write_bytes(gzip.compress(ONE) if packed else ONE)
    assert texts(path) == ["Text.\n"]


def test_a_patch_of_git_format_patch(tmp_path: Path) -> None:
    path = tmp_path / "0001-x.patch"
    path.write_bytes(b"From " + b"1" * 40 + b" Mon Sep 17 00:00:00 2001\n" + ONE)
    assert texts(path) == ["Text.\n"]


def test_a_sentence_that_begins_with_from_ends_no_mail(tmp_path: Path) -> None:
    path = tmp_path / "x.mbox"
    path.write_bytes(b"From x@example.org Thu Jan  1 00:00:00 1970\n" + ONE + b"\nFrom now on.\n")
    assert texts(path) == ["Text.\n\nFrom now on.\n"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no mail\n", "neither an mbox"),
        (b"\x1f\x8bbroken", "cannot be read"),
        (None, "no such file"),
    ],
)
def test_what_is_no_mailbox(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "x"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=said):
        ids(path)


def test_a_pipe_and_a_plain_directory(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="not a regular file"):
        ids(tmp_path / "pipe")
    with pytest.raises(UsageError, match="no maildir"):
        ids(tmp_path)


def test_an_empty_file_has_no_mail(tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    assert ids(tmp_path / "x") == []


def test_half_an_mbox_gives_what_is_there(tmp_path: Path) -> None:
    whole = mailbox_files.escaped(ONE) + mailbox_files.escaped(TWO)
    path = tmp_path / "x.mbox"
    for length in range(6, len(whole), 7):
        path.write_bytes(whole[:length])
        assert len(texts(path)) in (1, 2)


LONG = b"x" * (mailbox_files.LONGEST_MAIL + 9)


@pytest.mark.parametrize("kind", ["mbox", "gzip", "mail", "packed mail", "maildir"])
def test_a_mail_without_an_end_is_named(tmp_path: Path, kind: str) -> None:
    path = file = tmp_path / "x"
    if kind == "maildir":
        file = path / "new/one"
        file.parent.mkdir(parents=True)
    one = mailbox_files.escaped(ONE) if kind in ("mbox", "gzip") else b""
    content = one * 2 + LONG if one else b"Subject: x\n\n" + LONG
    file.write_bytes(gzip.compress(content, 1) if kind in ("gzip", "packed mail") else content)
    offset = len(one) + one.index(b"\n") + 1 if one else 0
    with pytest.raises(UsageError, match=f"{file}: the mail at byte {offset} is longer than 32 MB"):
        ids(path)


def test_a_long_line_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "x.mbox"
    for length in range(65530, 65540):
        inside = b"x" * length + b"From x Thu Jan  1 00:00:00 1970\n"
        path.write_bytes(mailbox_files.escaped(ONE + inside) + mailbox_files.escaped(TWO))
        assert texts(path)[0].endswith(inside.decode())
        assert ids(path) == ["<1@example.org>", "<2@example.org>"]


def test_half_a_packed_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(mailbox_files.escaped(ONE) * 99)[:-20])
    with pytest.raises(UsageError, match=r"x\.gz: cannot be read"):
        ids(path)


def body(encoding: str, raw: bytes, charset: str = "utf-8") -> mail.Mail:
    return mail.parse(
        f"Message-ID: <1@x>\nContent-Type: text/plain; charset={charset}\n"
        f"Content-Transfer-Encoding: {encoding}\n\n".encode()
        + raw
    )


@pytest.mark.parametrize(
    ("encoding", "raw"),
    [
        ("8bit", "Grüße =3D\n".encode()),
        ("quoted-printable", quopri.encodestring("Grüße =3D\n".encode())),
        ("base64", base64.encodebytes("Grüße =3D\r\n".encode())),
    ],
)
def test_transfer_encodings(encoding: str, raw: bytes) -> None:
    assert body(encoding, raw).text == "Grüße =3D\n"


def test_charsets() -> None:
    assert body("8bit", b"Gr\xfc\xdfe\n", "iso-8859-1").text == "Grüße\n"
    assert body("8bit", "Grüße\n".encode(), "us-ascii").text == "Grüße\n"
    assert (
        body("8bit", b"Gr\xfc\xdfe\n").text.encode("utf-8", "surrogateescape") == b"Gr\xfc\xdfe\n"
    )
    odd = body("8bit", "Grüße\n".encode(), "unknown-8bit")
    assert odd.text == "Grüße\n"
    assert "charset" in odd.problems[0]


def test_the_plain_part_of_several_counts() -> None:
    made = EmailMessage()
    made["Message-ID"] = "<1@x>"
    made.set_content("Acked-by: Ann <ann@example.org>\n")
    made.add_alternative("<p>Acked-by: other</p>", subtype="html")
    made.add_attachment("attached", filename="x.txt")
    assert mail.parse(bytes(made)).text == "Acked-by: Ann <ann@example.org>\n"


def test_html_alone_is_read_as_words() -> None:
    found = mail.parse(
        b"Message-ID: <1@x>\nContent-Type: text/html\n\n<html><style>p {}</style><p>Fine</p>"
        b"<blockquote>Acked-by: old</blockquote>Acked-by: Ann &lt;ann@example.org&gt;<br>Bye"
    )
    assert found.text.split("\n")[:4] == [
        *("Fine", "> Acked-by: old", "Acked-by: Ann <ann@example.org>", "Bye")
    ]
    assert found.problems == ("is HTML",)


@pytest.mark.parametrize(
    ("headers", "sender"),
    [
        ("From: Ann <ann@example.org>", "Ann <ann@example.org>"),
        ("From: =?utf-8?q?J=C3=BCrgen?= <j@example.org>", "Jürgen <j@example.org>"),
        (
            "From: Ann via list <list@example.org>\nReply-To: Ann <ann@example.org>",
            "Ann <ann@example.org>",
        ),
        (
            "From: 'Ann' via list <list@example.org>\nX-Original-From: Ann <ann@example.org>",
            "Ann <ann@example.org>",
        ),
        (
            "From: Ann via list <list@example.org>\nReply-To: Bob <bob@example.org>",
            "Ann via list <list@example.org>",
        ),
        ("From: ann", ""),
        ("From: Ann <ann@xxxxxx>", ""),
        ("From: Ann\x1b <ann@example.org>", ""),
        ("", ""),
    ],
)
def test_senders(headers: str, sender: str) -> None:
    assert mail.parse(f"{headers}\nMessage-ID: <1@x>\n\n".encode()).sender == sender


def test_who_answers_behind_a_list(generated: Small) -> None:
    version = store.read(generated.folder, 1)
    assert version.cover
    via = "Ann Reviewer via list <list@lists.example.org>"
    made = threads.mail(
        "Re: x",
        "No.\n",
        "<1@x>",
        sender=via,
        parents=[version.cover.message_id],
        headers=f"X-Original-From: {threads.ANN}\nReply-To: list@lists.example.org\n",
    )
    (generated.folder / "replies").mkdir()
    (generated.folder / "replies/v1.mbox").write_bytes(mailbox_files.escaped(made))
    (found,) = replies.read(generated.folder, [version])
    assert (found.sender, found.version, found.number) == (threads.ANN, 1, 0)


NESTED = [
    "(" * 1500,
    "a:" * 1500,
    ":" * 1000,
    "a@" * 20000,
    "=?utf-8?q?" + "(" * 1500 + "?= <a@b.c>",
]


@pytest.mark.parametrize("field", ["From", "To", "Cc", "Reply-To", "X-Original-From"])
@pytest.mark.parametrize("value", NESTED, ids=["comments", "groups", "colons", "ats", "encoded"])
def test_headers_that_go_too_deep(field: str, value: str) -> None:
    others = "" if field == "From" else "From: Ann via list <list@example.org>\n"
    found = mail.parse(f"{others}{field}: {value}\nMessage-ID: <1@x>\n\nText.\n".encode())
    assert (found.to, found.cc, found.text) == ((), (), "Text.\n")
    assert found.sender == ("Ann via list <list@example.org>" if others else "")


@pytest.mark.parametrize("value", NESTED, ids=["comments", "groups", "colons", "ats", "encoded"])
@pytest.mark.slow
def test_a_mailbox_with_headers_that_go_too_deep(reroll: Run, tmp_path: Path, value: str) -> None:
    text = (
        f"From: {value}\n\nBetter.\n\nSigned-off-by: {threads.AUTHOR}\n---\n{threads.diff('a.c')}"
    )
    made = threads.mail("[PATCH] a: b", text, "<1@x>", sender=threads.AUTHOR)
    spam = threads.mail("Buy this", "Now.\n", "<2@x>", sender=value, headers=f"Cc: {value}\n")
    reply = threads.mail("Re: [PATCH] a: b", "No.\n", "<3@x>", sender=value, parents=["<1@x>"])
    box, folder = tmp_path / "x.mbox", tmp_path / "series"
    box.write_bytes(b"".join(map(mailbox_files.escaped, [made, spam, reply])))
    done = reroll("init", folder, "--from-mbox", box)
    assert (done.code, "Traceback" in done.err) == (0, False)
    done = reroll("-C", folder, "collect", box)
    assert done.code == 0
    assert ids(folder / "replies/v1.mbox") == ["<3@x>"]


@pytest.mark.parametrize(
    "content",
    [
        b"Subject: " + b"=?a?q?" * 160_000 + b"\n\n",
        b"\n".join([b"a:"] * 300_000) + b"\n\n",
        b"Cc: x" + b"\n x" * 300_000 + b"\n\n",
        b"Content-Type: text/plain" + b"; a=b" * 160_000 + b"\n\n",
        b"Content-Type: multipart/mixed" + b"; a=b" * 160_000 + b"\n\n",
        b"Content-Type: multipart/mixed; boundary=x\n\n"
        + b"--x\nContent-Type: text/plain\n\nhi\n" * 100_000,
        b"To: " + b"a <a@b.example>, " * 60_000 + b"\n\n",
    ],
    ids=["words", "headers", "folds", "parameters", "parameters of parts", "parts", "people"],
)
@pytest.mark.slow
def test_odd_mails_take_no_long_time(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(b"Message-ID: <1@x>\n" + content + b"Text.\n")
    (found,) = mail.load(mail.read_heads([tmp_path / "x"]))
    assert found.text.endswith("Text.\n")


PAGES = {
    "comments": ("<!--" * 40_000, ""),
    "tags": ("<a " * 40_000, None),
    "ends": ("</" * 40_000, None),
    "attributes": ("<a b='" * 20_000, None),
    "declarations": ("<![" * 40_000, None),
    "scripts": ("<script>" * 40_000, ""),
    "half a script": ("<script>" + "</" * 40_000, ""),
    "entities": ("&a" * 40_000, None),
    "bold": ("<b>x</b>" * 100_000, "x" * 100_000),
    "quotes": ("<blockquote>" * 20_000 + "x", "> " * 20 + "x"),
    "a text": (
        "<!DOCTYPE html><HEAD><STYLE>p > a {}</STYLE></HEAD><!-- <p>no</p> --><p title='a > b'>"
        "One\ntwo<br/>3 &lt; 4</p><script>if (a < b) x('<p>');</script><blockquote>Q<blockquote>"
        "R</blockquote></blockquote>end",
        "One\ntwo\n3 < 4\n> Q\n> > R\nend",
    ),
}


@pytest.mark.parametrize("name", PAGES)
def test_odd_pages(name: str) -> None:
    page, words = PAGES[name]
    found = mail.parse(b"Message-ID: <1@x>\nContent-Type: text/html\n\n" + page.encode())
    assert found.problems == ("is HTML",)
    assert words is None or found.text.rstrip("\n") == words


def test_parents_are_the_nearest_first() -> None:
    found = mail.parse(b"References: <a@x> <b@x>\n\t<c@x>\nIn-Reply-To: <c@x> (said Ann)\n\n")
    assert found.parents == ("<c@x>", "<b@x>", "<a@x>")
    assert found.message_id.endswith("@no-message-id.invalid>")
    assert "no Message-ID" in found.problems[0]


@pytest.mark.parametrize("date", ["", "tomorrow", "Thu, 99 Foo 2020", "1 Jan 1900 00:00 +0000"])
def test_dates_that_cannot_be(date: str) -> None:
    assert mail.parse(f"Date: {date}\n\n".encode()).date == 0


@pytest.mark.parametrize(
    ("subject", "title", "replied"),
    [
        ("Re: [PATCH v2 1/3] a: b", "a: b", True),
        ("[RFC][PATCH] a: b", "a: b", False),
        ("AW: Re: [PATCH] a: b", "a: b", True),
        ("mm: fix", "mm: fix", False),
        ("Vá: [PATCH] a: b", "a: b", True),
    ],
)
def test_titles(subject: str, title: str, replied: bool) -> None:
    assert mail.title(subject) == (title, replied)


@given(st.binary(max_size=400))
def test_any_bytes_are_a_mail(content: bytes) -> None:
    found = mail.parse(content)
    assert found.message_id
    assert "\n" not in found.subject


_HEADERS = st.sampled_from(
    [
        *(
            b"Content-Type: multipart/mixed; boundary=x\n",
            b"Content-Type: text/plain; charset=\xff\n",
        ),
        *(b"Content-Transfer-Encoding: base64\n", b"Content-Transfer-Encoding: x-uuencode\n"),
        *(
            b"Subject: =?utf-8?b?=\n",
            b"From: =?x?q?=41?= <a@b.c>\n",
            b"Date: Mon\n",
            b"--x\n",
            b"\n",
        ),
        *(b"Content-Type: message/rfc822\n", b"Content-Type: text/html\n", b"To: a:;,<\n"),
    ]
)


@given(st.lists(_HEADERS | st.binary(max_size=10), max_size=12).map(b"".join))
def test_any_mime_is_a_mail(content: bytes) -> None:
    assert mail.parse(content).message_id


@given(
    st.lists(st.binary(max_size=60).filter(lambda one: b"\r" not in one), min_size=1, max_size=5)
)
def test_an_mbox_gives_back_what_went_in(bodies: list[bytes]) -> None:
    import tempfile

    mails = [b"Message-ID: <%d@x>\n\n" % at + one + b"\n" for at, one in enumerate(bodies)]
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "x.mbox"
        path.write_bytes(b"".join(map(mailbox_files.escaped, mails)))
        assert [one.content for one in mail.load(mail.read_heads([path]))] == mails
