"""``reroll completion``: a file with which a shell completes reroll's command line."""

import argparse
from collections.abc import Iterator, Mapping, Sequence

from series import manual
from series.output import say

SHELLS = ("bash", "zsh", "fish")
EXAMPLE = "reroll completion bash >~/.local/share/bash-completion/completions/reroll"
_PLACES = (
    "bash: ~/.local/share/bash-completion/completions/reroll",
    "zsh: _reroll in a directory of $fpath",
    "fish: ~/.config/fish/completions/reroll.fish",
)
# What --help calls an argument that names files, or directories only.
_FILES = ("FILE", "F", "PATH", "MBOX", "RULE", "RULE|PATH", "ID RULE", "BRANCH|MBOX", "REV|DIR")
_DIRECTORIES = ("DIR",)


def add_parser(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the verb."""
    parser = verbs.add_parser(
        "completion",
        help="completion for bash, zsh and fish",
        description="Prints a file that lets a shell complete verbs, options, file names and the "
        f"names of checks. Where shells look for it: {'; '.join(_PLACES)}.",
        epilog=f"example: {EXAMPLE}",
    )
    parser.add_argument("shell", choices=SHELLS, help="the shell that it is for")


def run(args: argparse.Namespace) -> int:
    """Print the file; ``args.whole_parser`` makes the parser of the whole command line."""
    import shtab

    parser: argparse.ArgumentParser = args.whole_parser()
    prepare(parser, {"check": _checks()})
    say(shtab.complete(parser, args.shell).rstrip("\n"))
    return 0


def _checks() -> list[str]:
    from series.checks import runner

    return [*runner.known(), "all"]


def prepare(parser: argparse.ArgumentParser, words: Mapping[str, Sequence[str]]) -> None:
    """Say in ``parser`` what can be completed that a parser does not say; it parses no more.

    ``words`` are those that a verb's arguments may be, by the verb.  The options that every
    verb takes are offered behind it, too.
    """
    common = {one.dest: one.help for one in parser._actions}
    for name, verb, says in _verbs(parser):
        verb.description = says
        for action in verb._actions:
            if action.help is argparse.SUPPRESS:
                action.help = common.get(action.dest)
                action.metavar = "DIR" if action.nargs is None else None
            if action.dest == "words" and name in words:
                action.choices = list(words[name])
                action.help = f"to {says[0].lower()}{says[1:]}"  # told with each of the words
    for one in (parser, *(verb for _, verb, _ in _verbs(parser))):
        for action in one._actions:
            _complete(action)


def _verbs(
    parser: argparse.ArgumentParser,
) -> Iterator[tuple[str, argparse.ArgumentParser, str]]:
    """The verbs below ``parser``, those of verbs among them: name, parser, what it is for."""
    for name, says, verb in manual.verbs(parser):
        yield name, verb, says
        yield from _verbs(verb)


def _complete(action: argparse.Action) -> None:
    import shtab

    if action.choices:
        return
    if action.metavar in _DIRECTORIES:
        action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
    elif action.metavar in _FILES:
        action.complete = shtab.FILE  # type: ignore[attr-defined]
    elif action.metavar and "|" in str(action.metavar) and str(action.metavar).islower():
        action.choices = str(action.metavar).split("|")
