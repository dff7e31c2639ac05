"""``reroll init --from-mbox``: a posted series becomes a series folder, as git am would read it."""

import gzip
import json
import re
import shutil
import threading
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from subprocess import run

import pytest

from generator.campaign import load
from series import store
from tests.conftest import Run
from tests.repositories import git, make_repository

ANN = "Ann Author <ann@example.org>"
FILES = {
    "a.c": "".join(f"int a{n}(void);\n" for n in range(30)),
    "b.c": "int b(void)\n{\n\treturn old(1);\n}\n",
    "latin.c": b"/* caf\xe9 */\nint l(void);\n",
    "crlf.c": b"int c(void);\r\nint d(void);\r\n",
    "data": b"\0\1\2 data\n" * 20,
    "tool": "#!/bin/sh\n",
    "MAINTAINERS": "A\nM:\tMia Maintainer <mia@example.org>\nS:\tMaintained\nF:\ta.c\n",
}
COVER = """\
Hello,

all of it moves, {{ see }} {% this %}.

Changes in v3:
- took up what Ann said about the
  second patch
- new patch

Changes since v1:
 * renamed

Cheers
"""


@dataclass(frozen=True)
class Posted:
    """A tree with a series on top of its base, and the series as mails."""

    tree: Path
    base: str
    mails: list[bytes]

    def write(self, place: Path, mails: Sequence[bytes] | None = None) -> Path:
        """The mails as an mbox."""
        mark = b"From mboxrd@z Thu Jan  1 00:00:00 1970\n"
        every = self.mails if mails is None else mails
        place.write_bytes(
            b"".join(mark + re.sub(rb"(?m)^(>*From )", rb">\1", one) + b"\n" for one in every)
        )
        return place

    def am(self, mbox: Path) -> list[str]:
        """What ``git am`` makes of an mbox: tree, author and message of each commit."""
        git(self.tree, "checkout", "-q", "--detach", self.base)
        git(self.tree, "am", "-q", "--keep-cr", "--patch-format=mboxrd", str(mbox))
        return self.commits("HEAD")

    def commits(self, tip: str) -> list[str]:
        """Tree, author and message of each commit from the base to ``tip``."""
        words = ("log", "--reverse", "--format=%T%n%an <%ae>%n%B%x00", f"{self.base}..{tip}")
        return git(self.tree, *words).split("\0")


def commit(tree: Path, files: dict[str, str | bytes], message: str, author: str = ANN) -> None:
    """A commit of ``author`` on what is checked out."""
    for name, content in files.items():
        (tree / name).write_bytes(content.encode() if isinstance(content, str) else content)
    git(tree, "add", "--all")
    words = ["git", "commit", "-q", "--cleanup=verbatim", f"--author={author}", "-F", "-"]
    run(words, cwd=tree, input=message.encode(), check=True)


def post(tree: Path, base: str, *words: str, cover: str = COVER, version: int = 3) -> Posted:
    """What is on top of ``base``, as ``git format-patch`` mails it."""
    out = tree.parent / "out"
    shutil.rmtree(out, ignore_errors=True)
    mark = (f"-v{version}",) if version > 1 else ()
    git(
        *(tree, "format-patch", "-q", "-o", str(out), "--thread=shallow", "--cover-letter", *mark),
        *(f"--base={base}", "--to=All <all@example.org>", "--cc=Bob B <bob@example.org>", *words),
        base,
    )
    mails = [path.read_bytes() for path in sorted(out.iterdir())]
    mails[0] = (
        mails[0]
        .replace(b"*** SUBJECT HERE ***", b"Move all of it")
        .replace(b"*** BLURB HERE ***", cover.encode())
    )
    # Not the same ids for two versions that are made in one second.
    mails = [one.replace(b".git.ada@", f".v{version}.ada@".encode()) for one in mails]
    return Posted(tree, base, [one.partition(b"\n")[2] for one in mails])


def series(tmp_path: Path, commits: Sequence[tuple[dict[str, str | bytes], str]]) -> Posted:
    """A small tree with ``commits`` on it, posted as version 3."""
    tree = make_repository(tmp_path / "tree", FILES)
    base = git(tree, "rev-parse", "HEAD")
    for files, message in commits:
        commit(tree, files, message)
    return post(tree, base)


def first(text: str) -> dict[str, str | bytes]:
    """Content of a.c with another first line."""
    return {"a.c": str(FILES["a.c"]).replace("int a0(void);", text)}


SIGNED = "Signed-off-by: Ann Author <ann@example.org>\n"
SIMPLE = [
    (first("long a0(void);"), f"a: make it long\n\nIt is too short.\n\n{SIGNED}"),
    ({"b.c": "int b(void)\n{\n\treturn new(1);\n}\n"}, f"b: use new()\n\nBetter.\n\n{SIGNED}"),
]
MESSAGES = [
    f"a: templates {{{{ x }}}} {{% y %}}\n\n{{{{ a }}}} {{% b %}} {{# c #}} }}}} {{{{{{ '\n\n"
    f"{SIGNED}",
    f"a: quotes\n\n'''three''' \"\"\"double\"\"\" back\\slash \\n\n\n\tindented\n  more\n\n"
    f"{SIGNED}",
    f"a: trailers twice\n\nText.\n\nCc: Bob B <bob@example.org>\nCc: Bob B <bob@example.org>\n"
    f"{SIGNED}",
    f"a: names\n\nJérôme wrote: “this” 漢字\n\nReported-by: Jérôme <j@example.org>\n{SIGNED}",
    f"a: lists\n\nThere are:\n - one\n - two\n\n   continued\n\n>From here\n> quoted\n\n"
    f'Fixes: 0123456789ab ("x")\n{SIGNED}',
    f"a: a {'very ' * 30}long title\n\nText.\n\n{SIGNED}",
    f"a: not the author's\n\nText.\n\n{SIGNED}Signed-off-by: Ada Developer <ada@example.org>\n",
    f"a: #hash\n\n# no comment\n#include <x>\n\n{SIGNED}"
    "[ada: mended]\nSigned-off-by: Bob <bob@example.org>\n",
    f"a: [brackets] inside\n\n[1] https://example.org/\n\nLink: https://example.org/\n{SIGNED}",
    "a: no message at all\n",
    f"a: From inside\n\nText first.\n\nFrom: is no header here\nSubject: nor here\n\n{SIGNED}",
]


@pytest.mark.slow
def test_messages_come_out_as_git_am_reads_them(reroll: Run, tmp_path: Path) -> None:
    commits = [(first(f"long a{n}(int);"), text) for n, text in enumerate(MESSAGES)]
    posted = series(tmp_path, commits)
    _same_as_git_am(reroll, tmp_path, posted)


def test_changes_come_out_as_git_am_makes_them(reroll: Run, tmp_path: Path) -> None:
    commits = [
        ({"latin.c": b"/* caf\xe9 */\nint m(void); /* \xe0 */\n"}, f"latin: change\n\n{SIGNED}"),
        ({"crlf.c": b"int c(void);\r\nint e(void);\r\n"}, f"crlf: change\n\n{SIGNED}"),
        ({"data": b"\0\3\2 other\n" * 20}, f"data: change\n\n{SIGNED}"),
        ({"new.c": "int n;"}, f"new: add, without a line end\n\n{SIGNED}"),
    ]
    posted = series(tmp_path, commits)
    git(posted.tree, "mv", "a.c", "moved.c")
    git(posted.tree, "update-index", "--chmod=+x", "tool")
    (posted.tree / "tool").chmod(0o700)
    commit(posted.tree, {}, f"a: move, and a mode\n\n{SIGNED}")
    git(posted.tree, "rm", "-q", "b.c")
    commit(posted.tree, {}, f"b: remove\n\n{SIGNED}")
    _same_as_git_am(reroll, tmp_path, post(posted.tree, posted.base, "--binary"))


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable", "latin", "crlf", "attached"])
def test_however_the_mails_are_encoded(reroll: Run, tmp_path: Path, encoding: str) -> None:
    line = "Jérôme says so, and this line is rather long for a line in a mail, isn't it?"
    text = f"a: naïve\n\n{line}\n\n{SIGNED}"
    posted = series(tmp_path, [(first("long a0(void);"), text), SIMPLE[1]])
    mails = [posted.mails[0], *(_encoded(one, encoding) for one in posted.mails[1:])]
    _same_as_git_am(reroll, tmp_path, Posted(posted.tree, posted.base, mails))


def _encoded(mail: bytes, encoding: str) -> bytes:
    """A mail as another program would have sent it."""
    head, _, body = mail.partition(b"\n\n")
    kept = re.sub(rb"(?im)^(?:content-|mime-).*\n?", b"", head + b"\n")
    version = b"MIME-Version: 1.0\n"
    if encoding == "crlf":
        return mail.replace(b"\n", b"\r\n")
    if encoding == "latin":
        made = body.decode().encode("latin-1")
        return kept + version + b"Content-Type: text/plain; charset=iso-8859-1\n\n" + made
    if encoding == "attached":
        import base64

        parts = b"--x\nContent-Type: text/plain; charset=utf-8\n"
        parts += b"Content-Transfer-Encoding: base64\n\n" + base64.encodebytes(body) + b"--x--\n"
        return kept + version + b'Content-Type: multipart/mixed; boundary="x"\n\n' + parts
    import base64
    import quopri

    made = base64.encodebytes(body) if encoding == "base64" else quopri.encodestring(body)
    types = f"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: {encoding}\n"
    return kept + version + types.encode() + b"\n" + made


def _same_as_git_am(reroll: Run, tmp_path: Path, posted: Posted) -> None:
    """``init`` and ``generate`` of the next version make what ``git am`` makes."""
    mbox = posted.write(tmp_path / "box")
    plain = posted.write(
        tmp_path / "plain",
        [_lf(one) for one in posted.mails[1:]],
    )
    wanted = posted.am(plain)
    made = reroll("init", tmp_path / "s", "--from-mbox", mbox)
    assert (made.code, made.err) == (0, ""), made.err
    git(posted.tree, "config", "user.name", "Ann Author")
    git(posted.tree, "config", "user.email", "ann@example.org")
    words = ("-C", tmp_path / "s", "--tree", posted.tree)
    done = reroll(*words, "generate", "-v", 4, "--base", posted.base)
    assert done.code == 0, done.err
    tip = git(posted.tree, "rev-parse", "reroll/move-all-of-it")
    # Whoever has not signed off does so now.
    got = [_signed(one) for one in posted.commits(tip)]
    assert got == [_signed(one) for one in wanted]
    assert git(posted.tree, "rev-parse", f"{tip}^{{tree}}") == git(
        posted.tree, "rev-parse", "HEAD^{tree}"
    )
    # And the version as it was posted still applies.
    done = reroll(*words, "apply", "-v", 3, "--onto", posted.base, "--branch", "as-posted")
    assert done.code == 0, done.err
    assert posted.commits("as-posted") == wanted


def _lf(mail: bytes) -> bytes:
    """A mail as it is off the wire."""
    whole = mail.count(b"\r\n") == mail.count(b"\n")
    return mail.replace(b"\r\n", b"\n") if whole else mail


def _signed(text: str) -> str:
    text = text.rstrip("\n")
    return text if not text or SIGNED.strip() in text else f"{text}\n\n{SIGNED.strip()}"


def test_what_is_taken(reroll: Run, tmp_path: Path) -> None:
    posted = series(tmp_path, SIMPLE)
    notes = b"---\nv2: said why\nv3:\n- renamed, as\n  Ann wished\n\nA free note.\n"
    posted.mails[2] = posted.mails[2].replace(b"---\n", notes, 1)
    posted.mails[2] = posted.mails[2].replace(
        b"\nCc: Bob B <bob@example.org>", b"\nCc: Bob B <bob@example.org>, Cat <cat@example.org>"
    )
    done = reroll("init", tmp_path / "s", "--from-mbox", posted.write(tmp_path / "box"))
    assert done.code == 0, done.err
    assert "version 3 as posted: Move all of it" in done.out
    assert "  2/2 b: use new() [b-use-new]" in done.out
    assert 'odd: patch 2/2 (b: use new()): a note below "---" is not in series.toml: A free' in (
        done.out
    )
    campaign = load(tmp_path / "s")
    one = campaign.series
    assert (one.name, one.title, one.version) == ("move-all-of-it", "Move all of it", 3)
    assert one.base == posted.base
    assert (one.to, one.cc) == (["All <all@example.org>"], ["Bob B <bob@example.org>"])
    assert one.changelog == {
        3: ["took up what Ann said about the second patch", "new patch"],
        2: ["renamed"],
    }
    cover = (tmp_path / "s/cover.txt").read_text()
    assert cover == "Hello,\n\nall of it moves, {{ '{' }}{ see }} {{ '{' }}% this %}.\n\nCheers\n"
    patch = campaign.patches[1]
    assert (patch.id, patch.title, patch.author) == ("b-use-new", "b: use new()", ANN)
    assert patch.message == f"Better.\n\n{SIGNED}".rstrip()
    assert patch.changelog == {2: ["said why"], 3: ["renamed, as Ann wished"]}
    assert patch.cc == ["Cat <cat@example.org>"]
    assert [step.model_dump(exclude_defaults=True) for step in patch.step] == [
        {"apply": "patches/b-use-new.patch"}
    ]


def test_the_version_is_there_as_it_was_posted(reroll: Run, tmp_path: Path) -> None:
    posted = series(tmp_path, SIMPLE)
    assert reroll("init", tmp_path / "s", "--from-mbox", posted.write(tmp_path / "box")).code == 0
    version = store.read(tmp_path / "s", 3)
    assert (version.source, version.base, version.tip) == ("mails", posted.base, "")
    assert [mail.mail for mail in version.mails] == [
        "v3-0000-cover-letter.patch",
        "v3-0001-a-make-it-long.patch",
        "v3-0002-b-use-new.patch",
    ]
    kept = [store.mail_path(tmp_path / "s", version, mail.mail) for mail in version.mails]
    assert [path.read_bytes().strip() for path in kept] == [one.strip() for one in posted.mails]
    ids = git(posted.tree, "log", "-p", "--reverse", f"{posted.base}..")
    ids = git(posted.tree, "patch-id", "--stable", stdin=f"{ids}\n".encode())
    assert [patch.patch_id for patch in version.patches] == [
        line.split()[0] for line in ids.splitlines()
    ]
    assert version.patches[0].files == ("a.c",)
    assert [one.address for one in version.patches[0].recipients] == [
        "All <all@example.org>",
        "Bob B <bob@example.org>",
    ]


@pytest.mark.parametrize(
    "words",
    [
        ("generate", "-v", 3),
        ("generate",),
        ("send", "-n"),
        ("check",),
        ("recipients",),
        ("recipients", "--update"),
    ],
)
def test_a_posted_version_stays_as_it_is(
    reroll: Run, tmp_path: Path, words: tuple[object, ...]
) -> None:
    posted = series(tmp_path, SIMPLE)
    assert reroll("init", tmp_path / "s", "--from-mbox", posted.write(tmp_path / "box")).code == 0
    before = {path: path.read_bytes() for path in (tmp_path / "s").rglob("*") if path.is_file()}
    done = reroll("-C", tmp_path / "s", "--tree", posted.tree, *words)
    assert (done.code, "version 3 was posted already" in done.err) == (2, True), done.err
    assert "'reroll next' makes the next one" in done.err
    assert before == {
        path: path.read_bytes() for path in (tmp_path / "s").rglob("*") if path.is_file()
    }


def test_the_next_version_knows_the_one_that_was_posted(reroll: Run, tmp_path: Path) -> None:
    posted = series(tmp_path, SIMPLE)
    mbox = posted.write(tmp_path / "box")
    assert reroll("init", tmp_path / "s", "--from-mbox", mbox).code == 0
    file = tmp_path / "s/series.toml"
    file.write_text(file.read_text().replace("[series]\n", '[series]\nin_reply_to = "previous"\n'))
    words = ("-C", tmp_path / "s", "--tree", posted.tree, "generate", "-v", 4)
    assert reroll(*words).code == 0
    version = store.read(tmp_path / "s", 4)
    cover = store.mail_path(tmp_path / "s", version, version.mails[0].mail).read_text()
    first_id = store.read(tmp_path / "s", 3).mails[0].message_id
    assert f"In-Reply-To: {first_id}" in cover
    assert "Changes in v3:\n- took up what Ann said" in cover
    assert "Move all of it" in cover and "{{ see }} {% this %}" in cover
    # A user who is not the author signs off once; the author stays.
    shown = git(posted.tree, "log", "-1", "--format=%an%n%B", "reroll/move-all-of-it")
    assert shown.startswith("Ann Author\n")
    assert shown.count("Signed-off-by: Ada Developer") == 1


def test_tags_of_posted_messages_are_judged_without_collect(reroll: Run, tmp_path: Path) -> None:
    """Bob's stays on what is the same; Cat's goes from what was written anew."""
    tags = ("Acked-by: Bob B <bob@example.org>", "Reviewed-by: Cat C <cat@example.org>")
    commits = [
        (files, message.replace(SIGNED, f"{tag}\n{SIGNED}"))
        for (files, message), tag in zip(SIMPLE, tags, strict=True)
    ]
    posted = series(tmp_path, commits)
    folder = tmp_path / "s"
    done = reroll("init", folder, "--from-mbox", posted.write(tmp_path / "box"))
    assert "replies: 0; 2 tags, 2 to take; 0 open comments" in done.out
    (changed,) = (folder / "patches").glob("b-*.patch")
    changed.write_bytes(changed.read_bytes().replace(b"new(1)", b"quite_other(2)"))
    done = reroll("-C", folder, "--tree", posted.tree, "next")
    assert done.code == 0, done.err
    assert f"kept: {tags[0]}" in done.out
    made = git(posted.tree, "log", "-2", "--format=%B", "reroll/move-all-of-it")
    assert [tag in made for tag in tags] == [True, False]


def test_a_line_meant_as_a_cut(reroll: Run, tmp_path: Path) -> None:
    posted = series(tmp_path, SIMPLE)
    posted.mails[1] = posted.mails[1].replace(
        b"\n---\n", b"\n--\nv2: said why (Bob)\nv3: said it\nbetter\n---\n", 1
    )
    done = reroll("init", tmp_path / "s", "--from-mbox", posted.write(tmp_path / "box"))
    assert done.code == 0
    assert "what stands behind a '--' line is no part of the message" in done.out
    patch = load(tmp_path / "s").patches[0]
    assert patch.message.endswith("<ann@example.org>")
    assert patch.changelog == {2: ["said why (Bob)"], 3: ["said it better"]}


def test_a_missing_patch_is_refused_by_number(reroll: Run, tmp_path: Path) -> None:
    posted = series(tmp_path, SIMPLE)
    mbox = posted.write(tmp_path / "box", [posted.mails[0], posted.mails[2]])
    done = reroll("init", tmp_path / "s", "--from-mbox", mbox)
    assert (done.code, "version 3 is not whole: patch 1/2 is missing" in done.err) == (1, True)
    assert not (tmp_path / "s").exists()
    done = reroll("init", tmp_path / "s", "--from-mbox", mbox, "--partial")
    assert done.code == 0, done.err
    assert "odd: patch 1/2 is missing" in done.out
    assert [patch.number for patch in store.read(tmp_path / "s").patches] == [2]
    words = ("-C", tmp_path / "s", "--tree", posted.tree)
    assert reroll(*words, "generate", "-v", 4, "--base", posted.base).code == 0


def test_half_an_mbox(reroll: Run, tmp_path: Path) -> None:
    posted = series(tmp_path, SIMPLE)
    mbox = posted.write(tmp_path / "box")
    text = mbox.read_bytes()
    mbox.write_bytes(text[: text.rindex(b"+\treturn new")])
    done = reroll("init", tmp_path / "s", "--from-mbox", mbox)
    assert done.code == 1
    assert "patch 2/2 (b: use new()): has no whole diff" in done.err
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("name", ["../../evil.c", "/etc/evil.c", ".git/hooks/evil", "x/.GIT/y"])
def test_a_diff_that_leaves_the_tree_is_refused_by_name(
    reroll: Run, tmp_path: Path, name: str
) -> None:
    posted = series(tmp_path, SIMPLE)
    posted.mails[2] = re.sub(rb"[ab]/b\.c", b"b/" + name.encode(), posted.mails[2])
    done = reroll("init", tmp_path / "s", "--from-mbox", posted.write(tmp_path / "box"))
    assert done.code == 2
    assert f"names {name}, outside the tree" in done.err
    assert not (tmp_path / "s").exists()


def test_versions_in_one_mailbox(reroll: Run, tmp_path: Path) -> None:
    posted = series(tmp_path, SIMPLE)
    older = post(posted.tree, posted.base, version=2)
    mbox = posted.write(tmp_path / "box", [*posted.mails, *older.mails])
    assert "version 3 as posted" in reroll("init", tmp_path / "s", "--from-mbox", mbox).out
    done = reroll("--json", "init", tmp_path / "s2", "--from-mbox", mbox, "-v", 2)
    answer = json.loads(done.out)
    assert (answer["version"], len(answer["patches"])) == (2, 2)
    assert store.numbers(tmp_path / "s2") == [2]
    done = reroll("init", tmp_path / "s3", "--from-mbox", mbox, "-v", 7)
    assert (done.code, "has no version 7" in done.err, "it has 2, 3" in done.err) == (2, True, True)


def test_a_single_patch_sent_anew_for_the_next_version(reroll: Run, tmp_path: Path) -> None:
    posted = series(tmp_path, SIMPLE)
    late = posted.mails[1].replace(b"[PATCH v3 1/2]", b"[PATCH v4 1/2]")
    late = re.sub(rb"(?m)^Message-Id: <", b"Message-Id: <late.", late, flags=re.IGNORECASE)
    mbox = posted.write(tmp_path / "box", [*posted.mails, late])
    done = reroll("init", tmp_path / "s", "--from-mbox", mbox)
    assert (done.code, "patch 2/2 is missing" in done.err) == (1, True)
    assert "-v 3 takes the newest whole version" in done.err
    assert reroll("init", tmp_path / "s", "--from-mbox", mbox, "-v", 3).code == 0


def test_two_series_in_one_mailbox(reroll: Run, tmp_path: Path) -> None:
    posted = series(tmp_path, SIMPLE)
    other = "From: Bob <bob@example.org>\nSubject: [PATCH] x: other\nMessage-ID: <o@example.org>\n"
    other += "\nText.\n---\n" + posted.mails[2].decode().partition("\n---\n")[2]
    mbox = posted.write(tmp_path / "box", [*posted.mails, other.encode()])
    done = reroll("init", tmp_path / "s", "--from-mbox", mbox)
    assert (done.code, "has 2 series: 'x: other' (v1); 'Move all of it' (v3)" in done.err) == (
        2,
        True,
    )
    done = reroll("init", tmp_path / "s", "--from-mbox", mbox, "--title", "x: OTHER")
    assert done.code == 0, done.err
    campaign = load(tmp_path / "s")
    assert (campaign.series.name, campaign.series.cover_file) == ("x-other", None)


def test_a_maildir_and_a_single_mail(reroll: Run, tmp_path: Path) -> None:
    posted = series(tmp_path, SIMPLE)
    for name in ("cur", "new", "tmp"):
        (tmp_path / "box" / name).mkdir(parents=True)
    for number, mail in enumerate(posted.mails):
        (tmp_path / f"box/{'cur' if number else 'new'}/{number}:2,S").write_bytes(mail)
    assert reroll("init", tmp_path / "s", "--from-mbox", tmp_path / "box").code == 0
    assert len(load(tmp_path / "s").patches) == 2
    single = tmp_path / "one.patch"
    single.write_bytes(posted.mails[1].replace(b" 1/2]", b"]"))
    assert reroll("init", tmp_path / "one", "--from-mbox", single).code == 0
    assert load(tmp_path / "one").series.title == "a: make it long"


def test_maintainers_are_not_written_down(reroll: Run, tmp_path: Path) -> None:
    posted = series(tmp_path, SIMPLE)
    posted.mails[1] = posted.mails[1].replace(
        b"\nCc: Bob B <bob@example.org>",
        b"\nCc: Bob B <bob@example.org>, mia@example.org, Cat <cat@example.org>",
    )
    mbox = posted.write(tmp_path / "box")
    assert reroll("init", tmp_path / "s", "--from-mbox", mbox).code == 0
    assert load(tmp_path / "s").patches[0].cc == ["mia@example.org", "Cat <cat@example.org>"]
    assert reroll("--tree", posted.tree, "init", tmp_path / "t", "--from-mbox", mbox).code == 0
    assert load(tmp_path / "t").patches[0].cc == ["Cat <cat@example.org>"]


@pytest.mark.parametrize("name", ["<id@example.org>", "https://archive.example/all/id@example.org"])
def test_the_network_is_not_asked_without_leave(reroll: Run, tmp_path: Path, name: str) -> None:
    done = reroll("init", tmp_path / "s", "--from-mbox", name)
    assert (done.code, "--network" in done.err) == (2, True)


def test_a_charset_that_does_not_exist(reroll: Run, tmp_path: Path) -> None:
    message = f"a: naïve\n\nJérôme says so.\n\n{SIGNED}"
    posted = series(tmp_path, [(first("long a0(void);"), message), SIMPLE[1]])
    posted.mails[1] = posted.mails[1].replace(b"charset=UTF-8", b"charset=x-nope")
    done = reroll("init", tmp_path / "s", "--from-mbox", posted.write(tmp_path / "box"))
    assert done.code == 0, done.err
    assert "patch 1/2 (a: naïve): git am cannot read this mail" in done.out
    words = ("-C", tmp_path / "s", "--tree", posted.tree)
    assert reroll(*words, "generate", "-v", 4, "--base", posted.base).code == 0
    assert "Jérôme says so." in git(posted.tree, "log", "--format=%B", "reroll/move-all-of-it")


def test_what_holds_no_patch(reroll: Run, tmp_path: Path) -> None:
    empty, text = tmp_path / "empty", tmp_path / "text"
    empty.write_bytes(b"")
    text.write_text("just text\n")
    for place in (empty, text, tmp_path / "nothing", tmp_path):
        done = reroll("init", tmp_path / "s", "--from-mbox", place)
        assert done.code in (1, 2), place
        assert "Traceback" not in done.err and done.err.startswith("reroll: ")
        assert not (tmp_path / "s").exists()


def test_dry_run_writes_nothing(reroll: Run, tmp_path: Path) -> None:
    posted = series(tmp_path, SIMPLE)
    mbox = posted.write(tmp_path / "box")
    done = reroll("init", tmp_path / "s", "--from-mbox", mbox, "-n")
    assert (done.code, "nothing was written" in done.out) == (0, True)
    assert not (tmp_path / "s").exists()


def test_hostile_mails_do_no_harm(reroll: Run, tmp_path: Path) -> None:
    posted = series(tmp_path, SIMPLE)
    posted.mails[1] = posted.mails[1].replace(
        b"It is too short.", b"\x1b[2Jred\x07 \x00 \xe2\x80\xaereversed"
    )
    posted.mails[2] = posted.mails[2].replace(b"b: use new()", b"=?utf-8?q?b:_=1b[31m_{{_7*7_}}?=")
    done = reroll("init", tmp_path / "s", "--from-mbox", posted.write(tmp_path / "box"))
    assert done.code == 0, done.err
    assert "\x1b" not in done.out
    assert "control characters were left out" in done.out
    text = (tmp_path / "s/series.toml").read_text()
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]", text)
    assert tomllib.loads(text)["patch"][0]["message"].startswith("[2Jred  reversed")
    words = ("-C", tmp_path / "s", "--tree", posted.tree)
    assert reroll(*words, "generate", "-v", 4, "--base", posted.base).code == 0
    assert "{{ 7*7 }}" in git(posted.tree, "log", "--format=%s", "reroll/move-all-of-it")


def test_a_binary_file_without_its_data_is_named(reroll: Run, tmp_path: Path) -> None:
    commits = [({"data": b"\0\3\2 other\n" * 20}, f"data: change\n\n{SIGNED}")]
    posted = post(series(tmp_path, commits).tree, "HEAD~", "--no-binary")
    done = reroll("init", tmp_path / "s", "--from-mbox", posted.write(tmp_path / "box"))
    assert done.code == 0, done.err
    assert "changes data, a binary file, without its data: it cannot be applied" in done.out


class _Handler(BaseHTTPRequestHandler):
    """A public-inbox that has one thread."""

    def do_GET(self) -> None:
        """Answer with the thread, packed."""
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        there = self.path.endswith("/t.mbox.gz") and "nobody" not in self.path
        content = gzip.compress(self.server.mbox) if there else b""  # type: ignore[attr-defined]
        self.send_response(200 if there else 404)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_b4_fetches_a_thread_when_it_may(
    reroll: Run, tmp_path: Path, hermetic_seal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    posted = series(tmp_path, SIMPLE)
    found = re.search(rb"(?im)^Message-Id: <(.*)>", posted.mails[0])
    assert found
    server = HTTPServer(("127.0.0.1", 0), _Handler)
    server.mbox = posted.write(tmp_path / "box").read_bytes()  # type: ignore[attr-defined]
    server.asked = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    # b4 keeps its node and its configuration for the life of the process.
    monkeypatch.setattr("b4.LORENODE", None, raising=False)
    monkeypatch.setattr("b4.MAIN_CONFIG", {})
    url = f"http://127.0.0.1:{server.server_port}/list/"
    with (hermetic_seal / ".gitconfig").open("a") as config:
        config.write(f"[b4]\n\tmidmask = {url}%s\n\tattestation-policy = off\n")
    try:
        name = f"<{found[1].decode()}>"
        done = reroll("init", tmp_path / "s", "--from-mbox", name, "--network")
        assert done.code == 0, done.err
        assert len(load(tmp_path / "s").patches) == 2
        name = "<nobody@example.org>"
        done = reroll("init", tmp_path / "t", "--from-mbox", name, "--network")
        assert (done.code, "has no such thread" in done.err) == (4, True), done.err
    finally:
        server.shutdown()
        server.server_close()
