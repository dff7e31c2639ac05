# SPDX-License-Identifier: GPL-2.0-or-later
"""MAINTAINERS of real trees: our answers against those of their scripts/get_maintainer.pl.

REROLL_LINUX and REROLL_LINUX_6_1 name the trees; REROLL_ORACLE_FILES how many files of
each are compared (500, or 1000 with REROLL_SOAK=1), and REROLL_ORACLE_SEED which.  The script
runs from a copy with four changes, each in one known line, and the tests fail when one of them
finds no place:

- one process reads MAINTAINERS, and forks for each file or patch of a list;
- that process compiles the file patterns, for all of its children;
- sections that rank equally come in the order of the file, where the script takes them in
  the order of a perl hash, which differs from run to run;
- .mailmap applies to addresses found in .yaml files (newer scripts have that already).

The last two are for bugs of the script.  How many answers of the script as it is they change,
in a part of the list, is printed (pytest -rP).
"""

from __future__ import annotations

import difflib
import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from series.maintainers import Contact, Maintainers, contacts, parse
from tests.linux.conftest import Generated

pytestmark = pytest.mark.linux

Answer = list[tuple[str, str]]
"""What was said about one file: (address, role), in order."""

SEED = int(os.environ.get("REROLL_ORACLE_SEED", "5010"))
_SOAK = os.environ.get("REROLL_SOAK") == "1"
FILES = int(os.environ.get("REROLL_ORACLE_FILES", "1000" if _SOAK else "500"))
# Made-up patches; the script takes up to a second for one.
PATCHES = FILES // 25
# How many answers of the script as it is are looked at.
AS_IS = FILES // 20

_OPTIONS = ["--nogit", "--nogit-fallback", "--nofixes", "--rolestats"]

_FORK_BEFORE = 'if (!@ARGV) {\n    push(@ARGV, "&STDIN");\n}\n'
_FORK = r"""
our %oracle_compiled;
use POSIX ();
END { POSIX::_exit($?); } # to take a large heap apart is slow
{
    $| = 1;
    open(my $list, '<', $ENV{ORACLE_LIST}) or die "no list: $!\n";
    chomp(my @jobs = <$list>);
    close($list);
    my $child = 0;
    foreach my $line (@typevalue) {
        $oracle_compiled{$1} = qr@^$1@ if ($line =~ m/^[FX]:\s*(.*)/);
    }
    while (@jobs && !$child) {
        my $job = shift(@jobs);
        print("=== $job\n");
        my $pid = fork();
        if ($pid) {
            waitpid($pid, 0);
            print("!!! status $?\n") if ($?);
        } else {
            $child = 1;
            @ARGV = ($job);
        }
    }
    exit(0) unless ($child);
}
"""
_MATCH = "sub file_match_pattern {\n    my ($file, $pattern) = @_;\n"
_COMPILED = (
    "our %oracle_compiled;\n"
    + _MATCH
    + "    return 0 unless ($file =~ ($oracle_compiled{$pattern} //= qr@^$pattern@));\n"
)
_HASH_ORDER = "foreach my $line (sort {$hash{$b} <=> $hash{$a}} keys %hash) {\n\t    add_categories"
_FILE_ORDER = _HASH_ORDER.replace("<=> $hash{$a}}", "<=> $hash{$a} || $a <=> $b}")
_UNMAPPED = "foreach my $email (@file_emails) {\n\t    my ($name"
_MAPPED = _UNMAPPED.replace("{\n", "{\n\t    $email = mailmap_email($email);\n")


@dataclass(frozen=True)
class Script:
    """The tree's script, able to answer about many files or patches in one run."""

    tree: Path
    path: Path

    def answers(self, jobs: Sequence[str], *options: str) -> list[Answer]:
        """The script's answer about each job, two processes at a time."""
        half = (len(jobs) + 1) // 2
        parts = [part for part in (jobs[:half], jobs[half:]) if part]
        running = [self._start(number, part, options) for number, part in enumerate(parts)]
        found = []
        for process, part in zip(running, parts, strict=True):
            said, _ = process.communicate(timeout=1200)
            assert process.returncode == 0
            found += _read_answers(said.decode("utf-8", "replace"), part)
        return found

    def _start(
        self, number: int, jobs: Sequence[str], options: Sequence[str]
    ) -> subprocess.Popen[bytes]:
        listing = self.path.with_suffix(f".{number}")
        listing.write_text("".join(f"{job}\n" for job in jobs))
        # The argument is there because the script wants one before it gets to the list.
        command = ["perl", str(self.path), *_OPTIONS, *options, "Makefile"]
        return subprocess.Popen(
            command,
            cwd=self.tree,
            env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "ORACLE_LIST": str(listing)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )


_ANSWER_LINE = re.compile(r"(?:.*<(?P<named>[^<>]*)>|(?P<bare>[^ ]*)) \((?P<role>.*)\)$")


def _read_answers(said: str, jobs: Sequence[str]) -> list[Answer]:
    blocks = re.split(r"^=== (.*)\n", said, flags=re.MULTILINE)
    assert blocks[1::2] == list(jobs), "the script left out a file"
    answers = []
    for block in blocks[2::2]:
        assert "!!! " not in block, block
        found = [_ANSWER_LINE.match(line) for line in block.splitlines()]
        assert None not in found, block
        lines = [(line["named"] or line["bare"], line["role"]) for line in found if line]
        # An L: line without an address makes the script print a role alone.
        answers.append([line for line in lines if line[0]])
    return answers


def _script(tree: Path, folder: Path, name: str, *changes: tuple[str, str]) -> Script:
    text = (tree / "scripts" / "get_maintainer.pl").read_bytes().decode("latin-1")
    always = ((_FORK_BEFORE, _FORK + _FORK_BEFORE), (_MATCH, _COMPILED))
    for old, new in (*always, *changes):
        assert text.count(old) == 1, f"the script has no, or several, {old!r}"
        text = text.replace(old, new)
    path = folder / name
    path.write_bytes(text.encode("latin-1"))
    return Script(tree, path)


def _settled(tree: Path, folder: Path) -> Script:
    changes = [(_HASH_ORDER, _FILE_ORDER)]
    text = (tree / "scripts" / "get_maintainer.pl").read_bytes()
    if _UNMAPPED.encode() in text:
        changes.append((_UNMAPPED, _MAPPED))
    return _script(tree, folder, "settled.pl", *changes)


def _git(tree: Path, *arguments: str) -> list[str]:
    done = subprocess.run(["git", "-C", str(tree), *arguments], check=True, stdout=subprocess.PIPE)
    return done.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1]


@pytest.fixture(scope="module", params=["linux", "linux_6_1"])
def tree(request: pytest.FixtureRequest) -> Path:
    """Each of the trees that are named."""
    return Path(request.getfixturevalue(request.param))


@pytest.fixture(scope="module")
def maintainers(tree: Path) -> Maintainers:
    def optional(name: str) -> bytes:
        path = tree / name
        return path.read_bytes() if path.exists() else b""

    return parse(
        (tree / "MAINTAINERS").read_bytes(),
        mailmap=optional(".mailmap"),
        ignore=optional(".get_maintainer.ignore"),
        directories=frozenset(_git(tree, "ls-tree", "-z", "-r", "-d", "--name-only", "HEAD")),
    )


@pytest.fixture(scope="module")
def files(tree: Path) -> list[str]:
    tracked = _git(tree, "ls-files", "-z")
    # The script hands names to a shell; it wants a file, not a link to a directory.
    plain = [name for name in tracked if re.fullmatch(r"[\w./,+=@-]+", name)]
    real = [name for name in plain if (tree / name).is_file()]
    return _choice(SEED).sample(real, min(FILES, len(real)))


def _choice(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - the same files every time, no secret


def _said(found: Sequence[Contact]) -> Answer:
    return [(contact.address, contact.role) for contact in found]


def _differences(
    jobs: Sequence[str], ours: Sequence[Answer], theirs: Sequence[Answer]
) -> list[str]:
    """One text for each job whose answers differ, order included."""
    found = []
    for job, our, their in zip(jobs, ours, theirs, strict=True):
        if our != their:
            lines = [f"{job}:" + (" (order only)" if set(our) == set(their) else "")]
            lines += [f"  script only: {line}" for line in their if line not in our]
            lines += [f"  ours only:   {line}" for line in our if line not in their]
            found.append("\n".join(lines))
    return found


def _check_same(
    tree: Path, folder: Path, jobs: Sequence[str], ours: Sequence[Answer], *options: str
) -> None:
    settled = _settled(tree, folder).answers(jobs, *options)
    differences = _differences(jobs, ours, settled)
    assert not differences, f"{len(differences)} of {len(jobs)} answers differ:\n" + "\n".join(
        differences
    )
    part = jobs[:AS_IS]
    as_is = _script(tree, folder, "as-is.pl").answers(part, *options)
    pairs = list(zip(settled[: len(part)], as_is, strict=True))
    changed = sum(set(a) != set(b) for a, b in pairs)
    addresses = sum(
        {address for address, _ in a} != {address for address, _ in b} for a, b in pairs
    )
    sys.stdout.write(
        f"{len(jobs)} answers, all equal; the script's own bugs change {changed} of {len(part)},\n"
        f"in {addresses} an address, else only the section that an address is named for\n"
    )


def test_files(tree: Path, maintainers: Maintainers, files: list[str], tmp_path: Path) -> None:
    ours = [
        _said(contacts(maintainers, [name], contents={name: (tree / name).read_bytes()}))
        for name in files
    ]
    _check_same(tree, tmp_path, files, ours, "-f")


def test_files_without_keywords(
    tree: Path, maintainers: Maintainers, files: list[str], tmp_path: Path
) -> None:
    """Paths alone: what a caller who has no file at hand gets."""
    named = [name for name in files if not name.endswith(".yaml")][: FILES // 20]
    ours = [_said(contacts(maintainers, [name])) for name in named]
    _check_same(tree, tmp_path, named, ours, "-f", "--nokeywords")


def test_frame_vector(
    tree: Path, maintainers: Maintainers, frame_vector: Generated, tmp_path: Path
) -> None:
    """Every patch of the campaign."""
    version = frame_vector.folder / "versions/v7"
    manifest = json.loads((version / "manifest.json").read_text())
    jobs, ours = [], []
    for patch in manifest["patches"]:
        path = version / patch["mail"]
        jobs.append(str(path))
        ours.append(_said(contacts(maintainers, patch["files"], path.read_bytes())))
    assert len(jobs) == 8
    _check_same(tree, tmp_path, jobs, ours)


def test_patches(tree: Path, maintainers: Maintainers, files: list[str], tmp_path: Path) -> None:
    """Diffs of two or three files, with words that K: patterns look for all over them."""
    words = _keyword_texts(maintainers)
    choice = _choice(SEED + 1)
    texts = [name for name in files if _is_text(tree / name)]
    through_keyword, jobs, ours = 0, [], []
    for number in range(min(PATCHES, len(texts) // 3)):
        touched = texts[number * 3 : number * 3 + choice.randint(1, 3)]
        patch = _patch(tree, touched, lambda: choice.choice(words))
        path = tmp_path / f"{number:04}.patch"
        path.write_bytes(patch)
        jobs.append(str(path))
        contents = {name: (tree / name).read_bytes() for name in touched}
        found = contacts(maintainers, touched, patch, contents=contents)
        through_keyword += any(" K: " in contact.reason for contact in found)
        ours.append(_said(found))
    assert through_keyword > len(jobs) // 4
    _check_same(tree, tmp_path, jobs, ours)


def test_sections_hold_every_line(tree: Path, maintainers: Maintainers) -> None:
    """T: and B: as much as the others, one entry a line, with the line's number."""
    lines = (tree / "MAINTAINERS").read_text("utf-8").split("\n")
    typed = [(line[0], number) for number, line in enumerate(lines, 1) if line[1:2] == ":"]
    entries = [entry for section in maintainers.sections for entry in section.entries]
    assert [(entry.letter, entry.line) for entry in entries] == typed
    assert {"B", "T", "X", "N", "K", "L", "M", "R", "S", "F"} <= {letter for letter, _ in typed}
    for letter in "BT":
        values = [v for section in maintainers.sections for v in section.values(letter)]
        assert values == [line[2:].strip() for line in lines if line.startswith(f"{letter}:")]


def _is_text(path: Path) -> bool:
    text = path.read_bytes()
    return text.isascii() and b"\0" not in text and 0 < len(text) < 100_000


def _keyword_texts(maintainers: Maintainers) -> list[str]:
    """Texts that match one K: pattern or another, and some that match none."""
    patterns = [value for section in maintainers.sections for value in section.values("K")]
    words = {word for value in patterns for word in re.findall(r"\w{3,}", value)}
    # Not those of an escape: \bdma_ must not become bdma_.
    words |= {word[1:] for word in words if word[0] in "bs"}
    ends = ("", "_ops", "(x)", ".h", "get_optional", " phylink", "config")
    return sorted({word + end for word in words for end in ends}) + ["plain text"] * 50


def _patch(tree: Path, touched: Sequence[str], word: Callable[[], str]) -> bytes:
    """A mail as git format-patch writes it: words in message, context and changed lines."""
    mail = ["From: A <a@example.org>", f"Subject: [PATCH] {word()}", "", word(), "---", ""]
    for name in touched:
        old = (tree / name).read_text(encoding="latin-1").split("\n")
        at = len(old) // 2
        context = f" * {word()}"
        new = [*old[:at], context, f"added {word()}", *old[at + 1 :]]
        diff = difflib.unified_diff(
            [*old[:at], context, *old[at:]], new, f"a/{name}", f"b/{name}", lineterm=""
        )
        mail += [f"diff --git a/{name} b/{name}", *diff]
    return "\n".join([*mail, "-- ", "2.39.2", ""]).encode("latin-1")
