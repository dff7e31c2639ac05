"""``reroll range-diff``: what is different between two versions."""

import argparse
import re
from dataclasses import asdict
from pathlib import Path

from generator.errors import UsageError
from series import mail, options, posting, range_diff, store
from series.output import as_json, say

EXAMPLE = "reroll -C my-series range-diff 6 7"


def add_parser(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the verb."""
    parser = verbs.add_parser(
        "range-diff",
        help="what is different between two versions",
        description="Compares two versions as git range-diff does, without needing their commits. "
        "A version is a number in the series folder, or a mailbox that has one posted version or "
        "more (the newest counts).",
        epilog=f"example: {EXAMPLE}",
    )
    parser.add_argument("words", nargs="*", metavar="VERSION", help="old and new (the newest two)")
    parser.add_argument(
        "--creation-factor",
        type=_percent,
        default=range_diff.CREATION_FACTOR,
        metavar="PERCENT",
        help="how much of a patch may differ before it counts as another one (60)",
    )


def _percent(text: str) -> int:
    if not text.isdecimal() or int(text) > 999:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of percent")
    return int(text)


def run(args: argparse.Namespace) -> int:
    """Compare, and show the pairs."""
    folder = options.folder_of(args)
    old, new = (_side(folder, word) for word in _wanted(folder, args.words))
    pairs = range_diff.compare(old, new, factor=args.creation_factor)
    if args.json:
        say(as_json([asdict(pair) for pair in pairs], indent=2))
    elif pairs:
        say(range_diff.shown(pairs))
    return 0


def _wanted(folder: Path, words: list[str]) -> list[str]:
    """The names of both sides; what is not named is the newest there is."""
    if len(words) > 2:
        raise UsageError("range-diff compares two versions", hint=EXAMPLE)
    if len(words) == 2:
        return words
    known = [str(number) for number in store.numbers(folder)]
    if words:
        others = [number for number in known if number != words[0].removeprefix("v")]
        if others:
            return [words[0], others[-1]]
    elif len(known) > 1:
        return known[-2:]
    raise UsageError(
        f"{folder}: there are no two versions to compare",
        hint="name them: numbers of versions, or mailboxes",
    )


def _side(folder: Path, word: str) -> list[range_diff.Patch]:
    """The patches of a version, or of the newest posting in a mailbox."""
    if number := re.fullmatch(r"v?([1-9]\d{0,4})", word):
        return range_diff.side_of(folder, store.read(folder, int(number[1])))
    found = posting.postings(list(mail.load(mail.read_heads([Path(word)]))))
    if not found:
        raise UsageError(f"{word}: holds no patch series")
    return [range_diff.patch_of(patch) for patch in found[-1].patches]
