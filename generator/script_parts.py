"""The script rules of a semantic patch that only report, or print for Org mode.

Pure.  coccicheck's rules have several modes, chosen by ``-D`` (the kernel's
Documentation/dev-tools/coccinelle.rst); patch mode runs none of the scripts that depend on
another one.  Their text is taken away, so that nothing of it can run and a spatch without
scripting will do.  What may run, or is needed by a rule that stays, is left alone.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

# The first "@" of a line begins a rule, unless a position's name follows it.
_HEADER = re.compile(r"^@(?!@)([^@]*)@|^[ \t]+@(?!@)([^@\n]*)@|^[ \t]*@@", re.MULTILINE)
_SCRIPT = re.compile(r"\s*(script|initialize|finalize)\s*:\s*(?:python|ocaml)\b")
_DEPENDS = re.compile(
    r"\bdepends\s+on\b(?P<on>.*?)(?=\b(?:using|disable|exists|forall|expression|identifier|type)\b|\Z)",
    re.DOTALL,
)
_NAME = re.compile(r"\s*(?!(?:depends|using|disable|exists|forall|extends)\b)([A-Za-z_]\w*)")
# With a value behind "=" a script runs without the rule, too.
_INHERITED = re.compile(r"<<\s*([A-Za-z_]\w*)\s*\.\s*\w+\s*;")
_TOKEN = re.compile(r"\s*(&&|\|\||[!()&|]|[A-Za-z_]\w*)")
_CONSTRAINT = re.compile(r"\bscript\s*:\s*(?:python|ocaml)\b")
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)


@dataclass(frozen=True)
class _Block:
    """A rule: its text from ``start`` to ``end``, name, and what it depends on.

    ``sources`` are the rules that a script takes values from; ``script`` is "script",
    "initialize", "finalize" or empty.
    """

    start: int
    end: int
    name: str
    script: str
    depends: str
    sources: tuple[str, ...]


def without_reports(text: str, defined: Iterable[str], declared: Iterable[str]) -> str:
    """``text`` with the scripts blanked that cannot run; lines keep their numbers.

    ``declared`` are the virtual rules, ``defined`` those that are set with ``-D``.  When a
    script is left, all are.
    """
    on = set(defined)
    values: dict[str, bool | None] = {name: name in on for name in declared}
    dead: list[_Block] = []
    blocks = _blocks(_COMMENT.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text))
    for block in blocks:
        runs = _evaluate(block.depends, values)
        if any(values.get(name) is False for name in block.sources):
            runs = False
        if block.name:
            values[block.name] = None if runs is not False else False
        if block.script == "script" and runs is False:
            dead.append(block)
    scripts = [block for block in blocks if block.script == "script"]
    wanted = any(
        block.script in ("initialize", "finalize") and _evaluate(block.depends, values)
        for block in blocks
    )
    if not dead or len(dead) < len(scripts) or wanted:
        return text
    # Where no script runs, nothing needs what comes before and after them.
    gone = [block for block in blocks if block.script]
    kept = _blanked(text, gone)
    # The constraint of a position is a script, too, and may call what "initialize" defines.
    if _CONSTRAINT.search(_COMMENT.sub(" ", kept)):
        return text
    names = [block.name for block in gone if block.name]
    if any(re.search(rf"\b{re.escape(name)}\b", _COMMENT.sub(" ", kept)) for name in names):
        return text
    return kept


def _blocks(text: str) -> list[_Block]:
    """The rules of a semantic patch without comments, in order."""
    heads = []
    at = 0
    while head := _HEADER.search(text, at):
        # "@@" or "@name@" begins declarations; the next "@@" ends them.
        ends = re.compile(r"@@").search(text, head.end())
        if ends is None:
            break
        heads.append((head, ends))
        at = ends.end()
    stops = [*(head.start() for head, _ in heads[1:]), len(text)]
    return [
        _block(head, text[head.end() : ends.start()], stop)
        for (head, ends), stop in zip(heads, stops, strict=False)
    ]


def _block(head: "re.Match[str]", declarations: str, end: int) -> _Block:
    said = head[1] or head[2] or ""
    script = _SCRIPT.match(said)
    rest = said[script.end() :] if script else said
    name = _NAME.match(rest)
    depends = _DEPENDS.search(rest)
    return _Block(
        start=head.start(),
        end=end,
        name=name[1] if name else "",
        script=script[1] if script else "",
        depends=depends["on"] if depends else "",
        sources=tuple(_INHERITED.findall(declarations)) if script else (),
    )


def _blanked(text: str, gone: Iterable[_Block]) -> str:
    for block in gone:
        blank = re.sub(r"[^\n]", "", text[block.start : block.end])
        filler = " " * (block.end - block.start - len(blank))
        text = text[: block.start] + filler + blank + text[block.end :]
    return text


def _evaluate(expression: str, values: Mapping[str, bool | None]) -> bool | None:
    """Whether a dependency holds; ``None`` where that is only known when the rules run."""
    if not expression.strip():
        return None
    tokens = []
    at = 0
    while found := _TOKEN.match(expression, at):
        tokens.append(found[1])
        at = found.end()
    if expression[at:].strip():
        return None
    value, left = _either(tokens, values)
    return None if left else value


def _either(tokens: list[str], values: Mapping[str, bool | None]) -> tuple[bool | None, list[str]]:
    value, tokens = _both(tokens, values)
    while tokens[:1] in (["||"], ["|"]):
        other, tokens = _both(tokens[1:], values)
        value = True if True in (value, other) else None if None in (value, other) else False
    return value, tokens


def _both(tokens: list[str], values: Mapping[str, bool | None]) -> tuple[bool | None, list[str]]:
    value, tokens = _single(tokens, values)
    while tokens[:1] in (["&&"], ["&"]):
        other, tokens = _single(tokens[1:], values)
        value = False if False in (value, other) else None if None in (value, other) else True
    return value, tokens


def _single(tokens: list[str], values: Mapping[str, bool | None]) -> tuple[bool | None, list[str]]:
    if tokens[:1] == ["!"]:
        value, tokens = _single(tokens[1:], values)
        return (None if value is None else not value), tokens
    if tokens[:1] == ["("]:
        value, tokens = _either(tokens[1:], values)
        return (value, tokens[1:]) if tokens[:1] == [")"] else (None, ["?"])
    if tokens and re.match(r"[A-Za-z_]", tokens[0]):
        return values.get(tokens[0]), tokens[1:]  # "ever x" leaves x: not understood
    return None, ["?"]
