"""What is different between two versions: ``git range-diff`` without their commits.

git-range-diff(1) compares commits.  Versions that were read from mails have none, and old
commits may be gone.  So both sides are made of what their diffs say, in a temporary
repository: each file holds the lines of its hunks and, between them, a line of ours that
no diff shows.  range-diff drops line numbers, so it says of these commits what it says of
the real ones.  Different are: a copied file counts as renamed, two binary files as the
same (as in git), and of patches with less than three lines of context our lines can show.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from generator.errors import UsageError
from generator.tree import run_git
from series import addresses, git_diff, mail, posting, store
from series.git_diff import FileDiff, Hunk
from series.posting import PostedPatch
from series.version import Version

CREATION_FACTOR = 60  # percent: git's own default
_MANY = 1000  # patches a side: range-diff's time grows with their product
_CONTEXT = 3  # lines
_MARK = b"@@reroll"
_SETTINGS = (
    # The function a hunk is in, as its diff had it, whatever language it is.
    "diff.reroll.xfuncname=^@@reroll [0-9]+@@ (.*)$",
    "core.attributesFile=/dev/null",
    "notes.displayRef=",
    "core.abbrev=40",
)
_PAIR = re.compile(
    r" *(?P<old>\d+|-): +(?P<old_id>[0-9a-f]+|-+) (?P<status>[=!<>]) "
    r"*(?P<new>\d+|-): +(?P<new_id>[0-9a-f]+|-+)(?: (?P<title>.*))?\Z"
)
Status = Literal["=", "!", "<", ">"]


@dataclass(frozen=True)
class Patch:
    """One patch of a version; ``commit`` is empty where it is not known."""

    title: str
    message: str
    author: str
    diff: bytes
    commit: str = ""


@dataclass(frozen=True)
class Pair:
    """A patch before and after: "=" the same, "!" changed, "<" gone, ">" new.

    ``old`` and ``new`` are their numbers, 0 for none; ``text`` is the difference as
    range-diff shows it, without its indentation.
    """

    status: Status
    old: int
    new: int
    title: str
    text: str = ""
    old_commit: str = ""
    new_commit: str = ""


def patch_of(posted: PostedPatch, commit: str = "") -> Patch:
    """A posted patch as this module wants it."""
    return Patch(posted.title, posted.message, posted.author, posted.diff, commit)


def of_mail(content: bytes, title: str, commit: str) -> Patch:
    """A mail that reroll made; ``title`` is its subject should it hold no patch."""
    posted = posting.patch_of(mail.parse(content))
    return patch_of(posted, commit) if posted else Patch(title, "", "", b"", commit)


def side_of(folder: Path, version: Version) -> list[Patch]:
    """The patches of a version in a series folder, read from its mails.

    Raises ``UsageError`` when a mail has gone or holds no patch.
    """
    made = []
    for patch in version.patches:
        path = store.mail_path(folder, version, patch.mail)
        posted = posting.patch_of(mail.parse(path.read_bytes()))
        if posted is None:
            raise UsageError(f"{path}: holds no patch", hint="restore the mail")
        made.append(patch_of(posted, patch.commit))
    return made


def compare(
    old: Sequence[Patch], new: Sequence[Patch], *, factor: int = CREATION_FACTOR
) -> tuple[Pair, ...]:
    """The patches of two versions in pairs, in range-diff's order.

    ``factor`` is its --creation-factor, in percent.  Raises ``UsageError`` for a diff
    that names a path outside of the tree, or more patches than can be compared.
    """
    for side in (old, new):
        if len(side) > _MANY:
            raise UsageError(f"{len(side)} patches are too many to compare (at most {_MANY})")
    with _repository({"old": old, "new": new}) as folder:
        words = ["range-diff", "--no-color", f"--creation-factor={factor}"]
        # Bytes that are no UTF-8 must not end the match of a function's name.
        said = run_git(
            [*words, "base..old", "base..new"],
            cwd=folder,
            env={"LC_ALL": "C"},
            settings=_SETTINGS,
        )
    return _pairs(said.stdout.decode("utf-8", "surrogateescape"), old, new)


def alike(diffs: Sequence[bytes]) -> list[bytes]:
    """``diffs`` as one git makes them all: with the same algorithm and context.

    What they leave out of their files stays left out.  Raises as ``compare`` does.
    """
    patches = [Patch(str(number), "", "", diff) for number, diff in enumerate(diffs)]
    with _repository({"all": patches}) as folder:
        words = ["log", "--reverse", "--no-merges", "--binary", "--full-index", "--format=%x00"]
        said = run_git([*words, "base..all"], cwd=folder, settings=_SETTINGS).stdout
    made = re.sub(rb"^ @@reroll .*$", b" ", said, flags=re.MULTILINE)
    return made.split(b"\0")[1:]


@contextmanager
def _repository(sides: Mapping[str, Sequence[Patch]]) -> Iterator[Path]:
    """A temporary repository with a branch for each of ``sides``, all from "base"."""
    with TemporaryDirectory(prefix="reroll-range-diff-") as place:
        folder = Path(place)
        run_git(["init", "--quiet", "--bare", "--template=", "."], cwd=folder)
        (folder / "info").mkdir(exist_ok=True)
        (folder / "info" / "attributes").write_text("* diff=reroll\n")
        run_git(["fast-import", "--quiet"], cwd=folder, stdin=b"".join(_stream(sides)))
        yield folder


def shown(pairs: Sequence[Pair]) -> str:
    """The pairs as git range-diff prints them; unknown commits are shown as dots."""
    known = [name for pair in pairs for name in (pair.old_commit, pair.new_commit) if name]
    width = len(str(max((max(pair.old, pair.new) for pair in pairs), default=1)))
    blocks = []
    for pair in pairs:
        ids = [
            _shown_id(number, commit, 12 if known else 7)
            for number, commit in ((pair.old, pair.old_commit), (pair.new, pair.new_commit))
        ]
        first, second = (f"{number or '-':>{width}}" for number in (pair.old, pair.new))
        title = f" {pair.title}" if pair.title else ""
        blocks.append(f"{first}:  {ids[0]} {pair.status} {second}:  {ids[1]}{title}")
        blocks += [f"    {line}" if line else "" for line in _lines(pair)]
    return "\n".join(blocks)


def _lines(pair: Pair) -> list[str]:
    return pair.text.split("\n") if pair.text else []


def _shown_id(number: int, commit: str, width: int) -> str:
    return (commit[:width] or "." * width) if number else "-" * width


def _pairs(said: str, old: Sequence[Patch], new: Sequence[Patch]) -> tuple[Pair, ...]:
    found: list[Pair] = []
    texts: list[list[str]] = []
    for line in said.split("\n"):
        head = _PAIR.match(line)
        if head:
            before, after = (int(head[side]) if head[side] != "-" else 0 for side in ("old", "new"))
            found.append(
                Pair(
                    status=head["status"],  # type: ignore[arg-type]
                    old=before,
                    new=after,
                    title=head["title"] or "",
                    old_commit=old[before - 1].commit if before else "",
                    new_commit=new[after - 1].commit if after else "",
                )
            )
            texts.append([])
        elif texts:
            texts[-1].append(line.removeprefix("    "))
    return tuple(
        replace(pair, text="\n".join(text).rstrip("\n"))
        for pair, text in zip(found, texts, strict=True)
    )


def _stream(sides: Mapping[str, Sequence[Patch]]) -> Iterator[bytes]:
    """Both versions for git-fast-import(1).

    Before each patch comes a commit with the files as they were: a merge with the root,
    because range-diff leaves merges out.
    """
    yield _commit(b"refs/heads/root", b"root", mark=1)
    yield _commit(b"refs/heads/base", b"base", mark=2, start=1)
    for name, patches in sides.items():
        ref = f"refs/heads/{name}".encode()
        yield b"reset %s\nfrom :2\n\n" % ref
        for number, patch in enumerate(patches, 1):
            files = git_diff.files(patch.diff)
            _refuse_outside(files, number, patch.title)
            yield _commit(ref, b"before", merge=1)
            yield b"deleteall\n" + b"".join(_file(file, b"-") for file in files if file.old)
            message = f"{patch.title}\n\n{patch.message}".rstrip() + "\n"
            text = message.encode("utf-8", "surrogateescape")
            yield _commit(ref, text, author=patch.author)
            yield b"deleteall\n" + b"".join(_file(file, b"+") for file in files if file.new)


def _refuse_outside(files: Sequence[FileDiff], number: int, title: str) -> None:
    for name in (name for file in files for name in (file.old, file.new) if name):
        parts = name.split(b"/")
        if any(part in (b"", b".", b"..") for part in parts) or b".git" in parts or b"\0" in name:
            shown_name = name.decode("utf-8", "backslashreplace")
            raise UsageError(
                f"patch {number} ({title}): its diff names '{shown_name}', outside of the tree"
            )


def _commit(
    ref: bytes, message: bytes, *, mark: int = 0, start: int = 0, merge: int = 0, author: str = ""
) -> bytes:
    """The head of a commit on top of ``ref``; its files follow.

    ``mark`` names it, ``start`` and ``merge`` are the marks of other parents.
    """
    name, address = addresses.split(author)
    who = re.sub(r"[<>\x00-\x1f\x7f]", "", name).strip() or "unknown"
    box = re.sub(r"[<>\s\x00-\x1f\x7f]", "", address)
    lines = [
        b"commit " + ref,
        *([b"mark :%d" % mark] if mark else []),
        f"author {who} <{box}> 1 +0000".encode("utf-8", "surrogateescape"),
        b"committer reroll <> 1 +0000",
        b"data %d\n%s" % (len(message), message),
        *([b"from :%d" % start] if start else []),
        *([b"merge :%d" % merge] if merge else []),
    ]
    return b"\n".join(lines) + b"\n"


def _file(file: FileDiff, sign: bytes) -> bytes:
    """One file before ("-") or after ("+") its patch."""
    name, mode = (file.old, file.old_mode) if sign == b"-" else (file.new, file.new_mode)
    if mode == "160000":  # a submodule's commit
        content = b"".join(text for hunk in file.hunks for text in hunk.side(sign))
        digest = hashlib.sha1(content, usedforsecurity=False).hexdigest()
        return b"M 160000 %s %s\n" % (digest.encode(), _quoted(name))
    content = _content(file, sign)
    start = b"M %s inline %s\n" % (mode.encode(), _quoted(name))
    return start + b"data %d\n%s\n" % (len(content), content)


def _quoted(name: bytes) -> bytes:
    return b'"' + re.sub(rb'[\\"]', rb"\\\g<0>", name).replace(b"\n", rb"\n") + b'"'


def _content(file: FileDiff, sign: bytes) -> bytes:
    if file.binary:
        return b"\0" + sign + file.binary
    made: list[bytes] = []
    for number, hunk in enumerate(file.hunks):
        # Less context than git gives: there the file begins, or ends.
        if hunk.leading >= _CONTEXT or number:
            made.append(b"%s %d@@ %s\n" % (_MARK, number, hunk.section))
        made += hunk.side(sign)
    if file.hunks and file.hunks[-1].trailing < _CONTEXT:
        return _padding(file, _top(file.hunks[0])) + b"".join(made)
    return b"".join(made) + b"%s end@@\n" % _MARK + _padding(file, True)


def _top(hunk: Hunk) -> bool:
    return hunk.leading >= _CONTEXT


def _padding(file: FileDiff, allowed: bool) -> bytes:
    """Lines that make a moved file as like itself as it was, for git to see the move."""
    if file.old == file.new or not (file.old and file.new and allowed):
        return b""
    size = sum(len(text) for hunk in file.hunks for _, text in hunk.lines)
    digest = hashlib.sha256(file.old).hexdigest().encode()
    return b"".join(b"%s %s %d\n" % (_MARK, digest, at) for at in range(size // 16 + 1))
