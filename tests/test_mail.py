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
from series import mail, mailbox_files
from tests import threads

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
