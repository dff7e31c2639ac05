"""``reroll``: collects the verbs; the only place that turns errors into text and exit codes.

Exit codes: 0 done; 1 the answer is no (nothing matched, a check found something);
2 usage, or a bad campaign; 3 conflict; 4 a needed program is missing or failed;
5 sending stopped midway; 70 a bug of reroll; 130 interrupted; 143 terminated.
"""

import argparse
import contextlib
import os
import re
import signal
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import FrameType, ModuleType
from typing import NoReturn

from generator.errors import RerollError, TerminatedError

# The verbs, in the order of a series' life, with what --help says of each.  Their
# modules are imported only when asked for: --help must not pay for pydantic.
VERBS = {
    "init": "make a series folder from a campaign, a rule, or a posted series",
    "scan": "try semantic patches: the diff, and every site they are about",
    "generate": "run the campaign: commits, patches, cover letter",
    "status": "where a series stands, and what to do next",
    "check": "check a version before it is sent",
    "recipients": "who gets each mail of a version, and why",
    "apply": "apply a version to another tree with git am -3",
    "send": "send a version with git send-email",
    "collect": "read replies: tags, withdrawals, comments",
    "comments": "what reviewers want: list it, mark what became of it",
    "adopt": "let semantic patches make what a hand-written patch does",
    "absorb": "take work done by hand on the branch back into the campaign",
    "next": "the next version: rules again, tags carried, what changed",
    "range-diff": "what is different between two versions",
    "b4": "hand a series over to b4, or take one from it",
    "report": "the whole series as one page of HTML",
    "cache": "results kept for later runs: show, check, remove",
    "doctor": "what this machine lacks for reroll, and how to get it",
    "completion": "completion for bash, zsh and fish",
}
INTERNAL_ERROR = 70
INTERRUPTED = 130
TERMINATED = 143


class _Parser(argparse.ArgumentParser):
    """One that says which verb, option or choice may be meant."""

    def error(self, message: str) -> NoReturn:
        from generator.suggestion import ending

        near = ""
        if choice := re.search(r"invalid choice: '(.*)' \(choose from (.*)\)", message, re.DOTALL):
            near = ending(choice[1], re.findall(r"'([^']*)'", choice[2]))
        elif option := re.fullmatch(r"unrecognized arguments: (--?[^\s=]+).*", message, re.DOTALL):
            near = ending(option[1], self._option_string_actions)
        super().error(f"{message}{near}")


def build_parser(verb: str | None = None) -> argparse.ArgumentParser:
    """The parser: of all verbs in full for ``None``, else with only ``verb`` in full."""
    parser = _Parser(
        prog="reroll",
        description="Semantic patches on a Linux tree become a patch series, applied and sent.",
        epilog="Exit status: 0 done, 1 the answer is no, 2 usage or campaign, 3 conflict, "
        "4 program missing or failed, 5 sending stopped midway, 70 bug, 130 interrupted.",
    )
    parser.add_argument(
        "-C", dest="directory", metavar="DIR", default=".", help="the series folder"
    )
    parser.add_argument("--tree", metavar="DIR", help="the Linux tree (git config reroll.tree)")
    parser.add_argument("--json", action="store_true", help="answer in JSON")
    parser.add_argument("--version", dest="show_version", action="store_true", help="our version")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB")
    for name, text in VERBS.items():
        if verb in (None, name):
            _module(name).add_parser(verbs)
        else:
            verbs.add_parser(name, help=text, add_help=False)
    for made in verbs.choices.values():
        _add_common(made)
    return parser


def _module(verb: str) -> ModuleType:
    return import_module(f"series.commands.{verb.replace('-', '_')}")


def _add_common(parser: argparse.ArgumentParser) -> None:
    """The common options are understood behind the verb, too."""
    again = {"default": argparse.SUPPRESS, "help": argparse.SUPPRESS}
    parser.add_argument("-C", dest="directory", **again)  # type: ignore[arg-type]
    parser.add_argument("--tree", **again)  # type: ignore[arg-type]
    parser.add_argument("--json", action="store_true", **again)  # type: ignore[arg-type]


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``reroll ARGV`` (default: the command line); returns the exit code."""
    try:
        if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:  # series.entry
            signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, _terminated)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup(1) has it
            signal.signal(signal.SIGHUP, _terminated)
        return _main(list(sys.argv[1:] if argv is None else argv))
    except KeyboardInterrupt:
        return INTERRUPTED
    except TerminatedError:
        return TERMINATED


def _main(words: list[str]) -> int:
    for name in ("stdout", "stderr"):  # closed by whoever started us
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115
    # Only the parser knows which word is the verb: "-C send generate" has two.
    verb = build_parser("").parse_known_args(words)[0].verb
    parser = build_parser(verb or "")
    args, more = parser.parse_known_args(words)
    # argparse takes the words of a verb in one go; those behind an option come here.
    if more and (not hasattr(args, "words") or any(word.startswith("-") for word in more)):
        _of(parser, args.verb).error(f"unrecognized arguments: {' '.join(more)}")
    if more:
        args.words = [*args.words, *more]
    if args.show_version:
        from importlib.metadata import version

        sys.stdout.write(f"reroll {version('reroll')}\n")
        return 0
    if args.verb is None:
        parser.print_usage(sys.stderr)
        return 2
    args.whole_parser = build_parser
    return _guarded(args)


def _of(parser: argparse.ArgumentParser, verb: str | None) -> argparse.ArgumentParser:
    """The parser of ``verb``; of all, where none is named."""
    from series import manual

    return next((one for name, _, one in manual.verbs(parser) if name == verb), parser)


def _terminated(_number: int, _frame: FrameType | None) -> NoReturn:
    raise TerminatedError


def _guarded(args: argparse.Namespace) -> int:
    from generator import process
    from generator.tree import one_reading

    try:
        with one_reading():
            code = int(_module(args.verb).run(args))
        sys.stdout.flush()
    except RerollError as error:
        for line in error.lines():
            _complain(line)
        _flush_output()
        return error.exit_code
    except KeyboardInterrupt:
        process.kill_all()
        _complain("interrupted; nothing was left half done")
        return INTERRUPTED
    except TerminatedError:
        process.kill_all()
        return TERMINATED
    except BrokenPipeError:
        # The reader of our output has gone; keep Python from complaining at exit.
        _drop_output()
        return 0
    except OSError as error:
        _complain(_of_the_system(error))
        _drop_output()
        return 4
    except Exception:
        traceback.print_exc()
        _complain("this is a bug of reroll, not of yours; please report the lines above")
        return INTERNAL_ERROR
    return code


def _of_the_system(error: OSError) -> str:
    if error.filename:
        return f"{error.filename}: {error.strerror or error}"
    if isinstance(error, FileNotFoundError):  # as ``tempfile`` has it, of no file in particular
        return f"{error.strerror or error}: set TMPDIR to a directory with room for files"
    return f"standard output: {error.strerror or error}"


def _flush_output() -> None:
    try:
        sys.stdout.flush()
    except OSError:  # the error that was said counts more
        _drop_output()


def _drop_output() -> None:
    """Keep Python from failing once more when it flushes standard output at exit."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _complain(text: str) -> None:
    from series.output import printable

    line = printable(text).replace("\n", "\\n")
    sys.stderr.write(f"reroll: {line}\n")


if __name__ == "__main__":
    sys.exit(main())
