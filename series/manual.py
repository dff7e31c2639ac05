"""The manual: a page for reroll and one for each verb, from the parser and hand-written texts.

Pure: a parser and texts in, pages for man(1) out.  Options come from the parser, so that none
is forgotten.  A text is written like git's own documentation, in a little of AsciiDoc: sections
with underlined names, paragraphs, ``label::`` with an indented text, indented examples,
```literal``` and ``_placeholder_``.
"""

import argparse
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

_COMMON = (
    "The options `-C`, `--tree` and `--json` may be given behind the verb, too; see reroll(1)."
)
_STATUS = "What the other statuses mean is in reroll(1)."
# Where sections go; those that are not named here go between, as the text has them.
_FIRST, _LAST = ("DESCRIPTION", "OPTIONS"), ("EXAMPLES", "EXIT STATUS", "SEE ALSO")
_WIDTH = 78
_REMARK = '.\\" Made by scripts/manual from the parser and docs/man/*.txt.'
# Names that help texts begin with, and that have no capital letter.
_NAMES = frozenset(("applies", "build", "checkpatch", "coccicheck", "git", "spatch"))
_LIST = 3  # so many items of a help text, or more, are shown as a list
_SECTION = re.compile(r"^([A-Z][A-Z ]*)\n-{3,}$", re.MULTILINE)
_LABEL = re.compile(r"(.+)::\n((?:[ \t]+.*(?:\n|\Z))+)")
_DATE = re.compile(r"\A:revdate: (\d{4}-\d\d-\d\d)$", re.MULTILINE)
_INLINE = re.compile(
    r"`(?P<literal>[^`]+)`"
    r"|(?<!\w)_(?P<placeholder>[^_\s][^_]*)_(?!\w)"
    r"|(?P<page>\b[a-z][\w.-]*)(?=\([1-8]\))"
    r"|(?<![\w-])(?P<option>--[a-z][a-z-]*[a-z]|-[A-Za-z](?!\w))"
)
# What groff would set as a typographic character, or obey (groff_char(7)).
_ESCAPES = {"\\": r"\e", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti"}


@dataclass(frozen=True)
class _Verb:
    """A verb: its name, what it is for, its parser, its sections as written by hand."""

    name: str
    says: str
    parser: argparse.ArgumentParser
    text: Mapping[str, str]


def pages(
    parser: argparse.ArgumentParser, texts: Mapping[str, str], version: str
) -> dict[str, str]:
    """The pages of ``parser`` (all verbs in full) by file name.

    ``texts`` are the hand-written parts by verb, and ``reroll`` for the page of all; that one
    begins with ``:revdate: YYYY-MM-DD``.  Raises ``ValueError`` for a text without a verb, a
    text about an option that there is not, and a missing date.
    """
    date = _DATE.search(texts["reroll"])
    if not date:
        raise ValueError("the text of reroll(1) does not begin with ':revdate: YYYY-MM-DD'")
    told = [
        _Verb(name, says, one, _sections(texts.get(name, ""))) for name, says, one in verbs(parser)
    ]
    if alien := set(texts) - {"reroll"} - {one.name for one in told}:
        raise ValueError(f"texts without a verb: {', '.join(sorted(alien))}")
    head = f'1 {date[1]} "reroll {version}" "reroll manual"'
    main = _main_page(parser, told, _sections(texts["reroll"]))
    made = {
        "reroll.1": _page(f"REROLL {head}", main),
        "git-reroll.1": _page(f"GIT\\-REROLL {head}", _git_page(main)),
    }
    for one in told:
        title = f"REROLL\\-{one.name.upper().replace('-', chr(92) + '-')} {head}"
        made[f"reroll-{one.name}.1"] = _page(title, _verb_page(one))
    return made


def verbs(
    parser: argparse.ArgumentParser,
) -> Iterator[tuple[str, str, argparse.ArgumentParser]]:
    """The verbs of ``parser``: name, what it is for, its parser."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            says = {one.dest: one.help or "" for one in action._choices_actions}
            for name, verb in action.choices.items():
                yield name, says.get(name, ""), verb


def _sections(text: str) -> dict[str, str]:
    """The sections of a hand-written text, in their order."""
    parts = _SECTION.split(text)[1:]
    return dict(zip(parts[::2], (part.strip("\n") for part in parts[1::2]), strict=True))


def _main_page(
    parser: argparse.ArgumentParser, told: Sequence[_Verb], text: Mapping[str, str]
) -> dict[str, str]:
    listed = "\n".join(
        f".TP\n.BR reroll\\-{_literal(one.name)} (1)\n{_filled(_sentence(one.says))}"
        for one in told
    )
    synopsis = _synopsis("reroll", parser)
    return {
        "NAME": _name("reroll", parser.description or ""),
        "SYNOPSIS": synopsis,
        "DESCRIPTION": _body(text.get("DESCRIPTION", "")),
        "OPTIONS": _options(parser, text.get("OPTIONS", "")),
        "VERBS": listed,
        **_others(text, {}),
    }


def _git_page(main: Mapping[str, str]) -> dict[str, str]:
    """The page that ``git reroll --help`` shows."""
    return {
        "NAME": "git\\-reroll \\- reroll, as a command of git",
        "SYNOPSIS": main["SYNOPSIS"].replace(".SY reroll", '.SY "git reroll"'),
        "DESCRIPTION": _filled("`git reroll` is `reroll`, which reroll(1) tells about."),
        "EXAMPLES": _example("git reroll -C my-series status"),
        "EXIT STATUS": main["EXIT STATUS"],
        "SEE ALSO": _filled("reroll(1), git(1)"),
    }


def _verb_page(verb: _Verb) -> dict[str, str]:
    name, parser = f"reroll {verb.name}", verb.parser
    subs = list(verbs(parser))
    synopses = [_synopsis(f"{name} {sub}", one) for sub, _, one in subs]
    hand = verb.text.get("OPTIONS", "")
    listed = _options(parser, "" if subs else hand)
    for sub, says, one in subs:
        listed += f"\n.SS {sub}\n{_filled(_sentence(says))}\n{_options(one, hand, strict=False)}"
    about = verb.text.get("DESCRIPTION") or _sentence(parser.description or verb.says)
    example = (parser.epilog or "").removeprefix("example: ")
    return {
        "NAME": _name(f"reroll-{verb.name}", verb.says),
        "SYNOPSIS": "\n".join(synopses or [_synopsis(name, parser)]),
        "DESCRIPTION": _body(about),
        "OPTIONS": f"{listed}\n.PP\n{_filled(_COMMON)}",
        **_others(
            verb.text,
            {
                "EXAMPLES": f"    {example}" if example else "",
                "EXIT STATUS": verb.text.get("EXIT STATUS", "0::\n    Done.") + f"\n\n{_STATUS}",
                "SEE ALSO": verb.text.get("SEE ALSO", "reroll(1)"),
            },
        ),
    }


def _others(text: Mapping[str, str], made: Mapping[str, str]) -> dict[str, str]:
    """The sections behind the options: ``made`` ones with what ``text`` has more of them."""
    middle = [name for name in text if name not in (*_FIRST, *_LAST)]
    found = {name: _body(text[name]) for name in middle}
    for name in _LAST:
        written = text.get(name, "") if name == "EXAMPLES" or name not in made else ""
        found[name] = _body("\n\n".join(part for part in (made.get(name), written) if part))
    return {name: body for name, body in found.items() if body}


def _page(title: str, sections: Mapping[str, str]) -> str:
    bodies = "".join(f".SH {name}\n{body}\n" for name, body in sections.items())
    # No hyphens where there are none, and no stretched spaces: names are copied from here.
    return f"{_REMARK}\n.TH {title}\n.nr HY 0\n.nh\n.ad l\n{bodies}"


def _name(name: str, says: str) -> str:
    """The section that whatis(1) shows."""
    text = " ".join(says.split()).rstrip(".")
    return _wrapped(f"{_literal(name)} \\- {_escaped(text[:1].lower() + text[1:])}")


def _synopsis(command: str, parser: argparse.ArgumentParser) -> str:
    """The command line as SY and YS of man(7) have it, one argument a line."""
    words = [_argument(one) for one in _grouped(parser)]
    return "\n".join([f".SY {_quoted(_literal(command))}", *words, ".YS"])


def _grouped(parser: argparse.ArgumentParser) -> Iterator[Sequence[argparse.Action]]:
    """Arguments, options first; those of which only one may be given are together."""
    groups = {
        id(action): group._group_actions
        for group in parser._mutually_exclusive_groups
        for action in group._group_actions
    }
    shown = [one for one in parser._actions if _shown(one)]
    for action in sorted(shown, key=lambda one: not one.option_strings):
        group = groups.get(id(action), [action])
        if action is group[0]:
            yield group


def _shown(action: argparse.Action) -> bool:
    return action.help is not argparse.SUPPRESS and not isinstance(action, argparse._HelpAction)


def _argument(actions: Sequence[argparse.Action]) -> str:
    """One argument of a synopsis, or several that exclude each other; never broken in two."""
    forms = [_form(one, one.option_strings[:1]) for one in actions]
    # A line may end between two of them.
    text = "|\\:\\c\n".join(forms)
    if actions[0].option_strings:
        text = f"[{text}]"
    return text.replace(" ", "\\ ")


def _form(action: argparse.Action, names: Sequence[str]) -> str:
    """An action as it is typed: its names, each with its value."""
    value = _value(action)
    if not names:
        return value
    return ", ".join(f"\\fB{_literal(name)}\\fR{' ' if value else ''}{value}" for name in names)


def _value(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    if isinstance(action, argparse._SubParsersAction):
        return f"\\fI{_literal(str(action.metavar or 'COMMAND'))}\\fR \\fR[\\fIoptions\\fR]"
    if action.choices is not None and action.metavar is None:
        value = "|".join(f"\\fB{_literal(str(one))}\\fR" for one in action.choices)
    else:
        value = f"\\fI{_literal(str(action.metavar or action.dest.upper()))}\\fR"
    return {"+": f"{value}...", "*": f"[{value}...]", "?": f"[{value}]"}.get(
        str(action.nargs), value
    )


def _options(parser: argparse.ArgumentParser, text: str, *, strict: bool = True) -> str:
    """All options and arguments, with what was written by hand about some of them."""
    more: dict[str, str] = dict(_LABEL.findall(text + "\n"))
    parts = []
    for action in parser._actions:
        if action.help is argparse.SUPPRESS or isinstance(action, argparse._SubParsersAction):
            continue
        names = action.option_strings
        hand = [more.pop(name) for name in (*names, str(action.metavar)) if name in more]
        said = _sentence(parser._get_formatter()._expand_help(action)) if action.help else ""
        form = _form(action, names) if names else _value(action).strip("[]")
        parts.append(f".TP\n{form}\n{_told(said, hand)}")
    if more and strict:
        raise ValueError(f"{parser.prog} has no option {', '.join(more)}")
    return "\n".join(parts)


def _told(said: str, hand: Sequence[str]) -> str:
    """A help text and what was written by hand; "one: text; two: text; ..." becomes a list."""
    first, _, rest = said.rpartition(". ")
    items = [one.partition(": ") for one in rest.rstrip(".").split("; ")]
    if len(items) < _LIST or not all(re.fullmatch(r"[a-z-]+", one[0]) for one in items):
        return _filled(" ".join([said, *hand]))
    listed = [f".TP\n\\fB{_literal(name)}\\fR\n{_filled(_sentence(is_))}" for name, _, is_ in items]
    return "\n".join([_filled(" ".join([f"{first}.", *hand])), ".RS", *listed, ".RE"])


def _body(text: str) -> str:
    """A section's text as roff."""
    parts: list[str] = []
    for block in re.split(r"\n\s*\n", text.strip("\n")):
        if not block.strip():
            continue
        if re.match(r"[ \t]", block):
            parts.append((".PP\n" if parts else "") + _example(block))
        elif labels := _LABEL.findall(block + "\n"):
            parts += [f".TP\n{_inline(label)}\n{_filled(words)}" for label, words in labels]
        else:
            parts.append((".PP\n" if parts else "") + _filled(block))
    return "\n".join(parts)


def _example(block: str) -> str:
    lines = [_guarded(_literal(line)) for line in textwrap.dedent(block).split("\n")]
    return "\n".join([".RS 4", ".nf", *lines, ".fi", ".RE"])


def _filled(text: str) -> str:
    """A paragraph, in lines of moderate length."""
    return _wrapped(_inline(" ".join(text.split())))


def _wrapped(text: str) -> str:
    lines = textwrap.wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False)
    return "\n".join(map(_guarded, lines))


def _guarded(line: str) -> str:
    """A line that is no request to groff, whatever it begins with."""
    return f"\\&{line}" if line.startswith((".", "'")) else line


def _inline(text: str) -> str:
    """Words with literals and names in bold, placeholders in italics."""
    made, end = [], 0
    for found in _INLINE.finditer(text):
        font = "I" if found["placeholder"] else "B"
        words = found["literal"] or found["placeholder"] or found["page"] or found["option"]
        made += [_escaped(text[end : found.start()]), f"\\f{font}{_literal(words)}\\fR"]
        end = found.end()
    return "".join([*made, _escaped(text[end:])])


def _literal(text: str) -> str:
    """``text`` as it is typed: a hyphen is a minus sign."""
    return _escaped(text).replace("-", "\\-")


def _escaped(text: str) -> str:
    return "".join(
        _ESCAPES.get(one, one if one.isascii() else f"\\[u{ord(one):04X}]") for one in text
    )


def _quoted(text: str) -> str:
    return f'"{text}"' if " " in text else text


def _sentence(text: str) -> str:
    """A help text as a sentence: a capital letter, a full stop."""
    text = " ".join(text.split())
    capital = text[:1].upper() + text[1:] if _plain_word(text) else text
    return capital if not capital or capital.endswith((".", "...")) else f"{capital}."


def _plain_word(text: str) -> bool:
    """Whether the first word is one of English: no program's, check's or option's name."""
    found = re.match(r"([a-z]+)[,:]?(?: |\Z)", text)
    return found is not None and found[1] not in _NAMES
