"""Kernel-doc comments that follow a change of parameters or members.

Pure: no process, no file.  spatch does not see comments, so after a rule has
dropped, added or renamed a parameter or a member its ``@name:`` line is stale.
The format is that of Documentation/doc-guide/kernel-doc.rst of the kernel, read
as scripts/kernel-doc reads it.  Texts are latin-1, in which every byte is a
character, so white space and words are those of ASCII and lines end at ``\\n``.
"""

import re
import textwrap
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

_WIDTH = 80

_COMMENT_OR_STRING = re.compile(
    r"""/\*[^*]*(?:\*(?!/)[^*]*)*(?:\*/|\Z)
    | //[^\n]*
    | "[^"\\\n]*(?:\\.[^"\\\n]*)*"
    | '[^'\\\n]*(?:\\.[^'\\\n]*)*'""",
    re.DOTALL | re.VERBOSE,
)
_NOT_NEWLINE = re.compile(r"[^\n]+")
_OPENING = re.compile(r"/\*\*[ \t]*\r?\n")
_CLOSING = re.compile(r"[ \t]*\*+/\Z")

_DIRECTIVE = re.compile(r"^[ \t]*#[^\n\\]*(?:\\.[^\n\\]*)*", re.DOTALL | re.MULTILINE)
_BEFORE_DECLARATION = re.compile(
    r"(?:\s+|#(?![ \t]*define\b)[^\n\\]*(?:\\.[^\n\\]*)*)*", re.ASCII | re.DOTALL
)
_MACRO = re.compile(r"#[ \t]*define[ \t]+(\w+)\(([^)]*)\)", re.ASCII)
_HEAD_END = re.compile(r"[{;(=]")
_AGGREGATE = re.compile(r"\b(struct|union|enum)\b(.*)\Z", re.ASCII | re.DOTALL)
_BRACKET = re.compile(r"[{}();]")
_NOT_BRACKET = re.compile(r"[^{}();]")
_SPLITTING = re.compile(r"[,()\[\]{}]")
_WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_DECLARATOR_END = re.compile(r"[\[:]|(?<=\w)\s*\((?=\s*void\s*\))", re.ASCII)
_LAST_WORD = re.compile(r"(\w+)\s*\Z", re.ASCII)
_POINTER = re.compile(
    r"\(\s*(?:\w+\s+)*[*^]+\s*(?:(?:const|volatile|__\w+)\s+)*(\w+)\s*(?:\[[^\]]*\]\s*)*\)\s*[(\[]",
    re.ASCII,
)
_POINTED = re.compile(r"\s*\*+\s*(?:const\s+)?(\w+)\s*", re.ASCII)
_MACRO_CALL = re.compile(r"\s*(\w+)\s*\((.*)\)\s*", re.ASCII | re.DOTALL)
_GROUP = re.compile(r"\b((?:__)?struct_group(?:_attr|_tagged)?)\s*\Z", re.ASCII)
_GROUP_ARGUMENTS = {
    "struct_group": 1,
    "struct_group_attr": 2,
    "struct_group_tagged": 2,
    "__struct_group": 3,
}
_ATTRIBUTE_CALL = re.compile(
    r"\b_\w+\s*\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)", re.ASCII | re.DOTALL
)
_ATTRIBUTE = re.compile(
    r"__(?:printf|scanf|strftime|attribute|attribute__|alloc_size|acquires?|releases?"
    r"|cond_acquires|must_hold|section|aligned|nonnull|malloc|assume_aligned|cold|no_sanitize"
    r"|packed|maybe_unused|always_unused|unused|user|iomem|rcu|percpu|bitwise|force|must_check"
    r"|read_mostly|ro_after_init|randomize_layout|no_randomize_layout|nonstring|private"
    r"|counted_by|guarded_by|deprecated|malloc_like|diagnose_as|error|warning)"
    r"|_{2,4}cacheline_\w*|CRYPTO_MINALIGN_ATTR|EXPORT_SYMBOL\w*|BPF_CALL_\d",
    re.ASCII,
)
_SYSCALL = re.compile(r"(?:COMPAT_)?SYSCALL_DEFINE\d", re.ASCII)
_TYPE = re.compile(
    r"int|char|long|short|(?:un)?signed|void|float|double|bool|const|volatile|restrict"
    r"|struct|union|enum|[us](?:8|16|32|64)|size_t",
    re.ASCII,
)
_PRIVATE = re.compile(
    r"/\*\s*private:.*?(?:/\*\s*public:.*?\*/|\Z)", re.ASCII | re.DOTALL | re.IGNORECASE
)
_INLINE = re.compile(r"/\*\*[\s*]*@([\w.]+)[ \t]*:", re.ASCII)

# doc_sect of scripts/kernel-doc; "@name - text" is no kernel-doc, but what people meant by it.
_ENTRY = re.compile(
    r"([ \t]*\*[ \t]*@)([\w.]+)([ \t]*:)(?!:)([ \t]*)(.*)"
    r"|([ \t]*\* @)([\w.]+)([ \t]+-(?=[ \t]))([ \t]*)(.*)",
    re.ASCII | re.DOTALL,
)
_SECTION = re.compile(
    r"[ \t]*\*[ \t]*(?:description|context|returns?|notes?|examples?)[ \t]*:(?!:)"
    r"|[ \t]*\*[ \t]?returns?\b",
    re.ASCII | re.IGNORECASE,
)
_HEADING = re.compile(r"[ \t]*\*[ \t]?[A-Z][\w /-]*:(?:[ \t\r]|\Z)", re.ASCII)
_BLANK = re.compile(r"[ \t]*\*?[ \t\r]*\Z")
_INDENTED = re.compile(r"[ \t]*\*[ \t]{2,}[^ \t\r]")
_LEAD = re.compile(r"[ \t]*\*?[ \t]*")


@dataclass(frozen=True)
class Undescribed:
    """A parameter or member that is new and that no text describes: where and its name."""

    line: int
    name: str
    of: str


@dataclass(frozen=True)
class Updated:
    """A text with its kernel-doc brought in line, and the numbers of the lines written for that.

    ``lines`` count from 1 in ``text``: comment lines that were added or altered.
    """

    text: str
    lines: tuple[int, ...]
    undescribed: tuple[Undescribed, ...]


@dataclass(frozen=True)
class _Doc:
    """A kernel-doc comment at the left margin; its declaration ends before ``limit``."""

    text: str
    start: int
    end: int
    limit: int


@dataclass(frozen=True)
class _Source:
    """A C file, the same with comments and strings blank, and its kernel-doc comments.

    ``inline`` are the spans of the comments that describe one member inside a body.
    """

    text: str
    code: str
    docs: tuple[_Doc, ...]
    inline: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class _Declaration:
    """A function, macro, struct, union or enum: its parameters or members in order, each once.

    ``private`` members need no description; ``body`` is the span inside the braces.
    """

    kind: str
    name: str
    names: tuple[str, ...]
    private: frozenset[str] = frozenset()
    body: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class _Changes:
    """What happened to a list of names; ``references`` are renames that only the prose follows."""

    dropped: frozenset[str]
    added: tuple[str, ...]
    renamed: dict[str, str]
    references: dict[str, str]


@dataclass(frozen=True)
class _Line:
    """A line of a comment, without its newline, and whether it is not as it was."""

    text: str
    changed: bool = False


@dataclass(frozen=True)
class _Entry:
    """A description ``@name: text`` on the lines from ``first`` up to ``last``."""

    first: int
    last: int
    name: str
    prefix: str
    gap: str
    text: str

    @property
    def key(self) -> str:
        """The name; a variable argument documented as ``args...`` is ``args``."""
        return self.name.removesuffix("...") or self.name

    @property
    def width(self) -> int:
        """The column after the colon."""
        return _columns(self.prefix)

    @property
    def column(self) -> int:
        """The column of the text, or 0 when the text begins on the next line."""
        return _columns(self.prefix + self.gap) if self.text.strip(" \t\r") else 0


@dataclass(frozen=True)
class _Edit:
    """A piece of the text to replace, which of the new lines count, and who lacks a text."""

    start: int
    end: int
    text: str
    changed: tuple[int, ...] = ()
    undescribed: tuple[str, ...] = ()
    of: str = ""


@dataclass
class _Frame:
    """An open bracket while members are read; ``inner`` are those of the last one closed."""

    start: int
    members: bool
    names: list[str] = field(default_factory=list)
    inner: list[str] | None = None


def update(before: str, after: str, texts: Mapping[str, str]) -> Updated:
    """``after`` with its kernel-doc comments brought in line with its declarations.

    ``before`` is the text before a semantic patch, ``texts`` the descriptions of new
    parameters and members by name (decoded like the texts).  Only comments whose
    declaration has other names than in ``before`` are touched.  A rename keeps its
    description unless ``texts`` has one for the new name.
    """
    if before == after or "/**" not in after:
        return Updated(after, (), ())
    old, new = _read(before), _read(after)
    edits: list[_Edit] = []
    for mine, theirs in _pairs(old, new):
        # Most functions of a file are as they were: no need to parse those.
        if old.text[mine.end : mine.limit] != new.text[theirs.end : theirs.limit]:
            edits += _follow(old, new, mine, theirs, texts)
    return _apply(after, edits)


# Reading C


def _blank(match: re.Match[str]) -> str:
    """White space of the length and the lines of what matched."""
    return _NOT_NEWLINE.sub(lambda line: " " * len(line[0]), match[0])


def _read(text: str) -> _Source:
    """``text`` taken apart: see ``_Source``."""
    parts: list[str] = []
    last = 0
    tops: list[tuple[int, int]] = []
    inline: list[tuple[int, int]] = []
    for match in _COMMENT_OR_STRING.finditer(text):
        start, end = match.span()
        parts += (text[last:start], _blank(match))
        last = end
        if text.startswith("/**", start) and text.endswith("*/", start + 4, end):
            margin = start == 0 or text[start - 1] == "\n"
            if margin and _OPENING.match(text, start) and not _INLINE.match(text, start):
                tops.append((start, end))
            else:
                inline.append((start, end))
    parts.append(text[last:])
    limits = [start for start, _ in tops[1:]] + [len(text)]
    docs = (
        _Doc(text[start:end], start, end, limit)
        for (start, end), limit in zip(tops, limits, strict=False)
    )
    return _Source(text, "".join(parts), tuple(docs), tuple(inline))


def _declaration(source: _Source, doc: _Doc) -> _Declaration | None:
    """What ``doc`` documents, or None when no list of names follows it."""
    if not _headline_words(doc.text):
        return None
    lead = _BEFORE_DECLARATION.match(source.code, doc.end, doc.limit)
    start = lead.end() if lead else doc.end
    macro = _MACRO.match(source.code, start, doc.limit)
    if macro:
        return _Declaration("function", macro[1], _unique(_macro_names(macro[2])))
    code = _DIRECTIVE.sub(_blank, source.code[start : doc.limit])
    end = _HEAD_END.search(code)
    if not end:
        return None
    head = _AGGREGATE.search(code, 0, end.start())
    if end[0] == "{" and head:
        return _aggregate(source, code, start, end.end(), head)
    return _function(code, _headline_words(doc.text))


def _headline_words(comment: str) -> frozenset[str]:
    """The words before the dash or colon of the first line; none for a ``DOC:`` block."""
    lines = comment.split("\n", 2)
    head = re.split(r"[-:]", lines[1], maxsplit=1)[0] if len(lines) > 1 else ""
    words = frozenset(_WORD.findall(head))
    return frozenset() if words == {"DOC"} else words


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    """``names`` in order, each once: the branches of an ``#ifdef`` may repeat one."""
    return tuple(dict.fromkeys(names))


def _macro_names(arguments: str) -> list[str]:
    """The parameters in the head of a macro; ``args...`` is ``args``, as kernel-doc says."""
    return re.findall(r"[A-Za-z_]\w*|\.\.\.(?<!\w\.\.\.)", arguments, re.ASCII)


def _function(code: str, words: frozenset[str]) -> _Declaration | None:
    """The function at the start of ``code``; ``words`` of the headline tell which it is."""
    found = list(_candidates(code))
    named = [item for item in found if item[0] in words]
    for name, arguments in named or found:
        if not _ATTRIBUTE.fullmatch(name):
            names = [_parameter(item) for item in arguments]
            return _Declaration("function", name, _unique([item for item in names if item]))
    return None


def _candidates(code: str) -> Iterator[tuple[str, list[str]]]:
    """Every ``name(arguments)`` of a head, the name of a ``(*name)(arguments)`` for its own."""
    pointed = ""
    for before, inside in _groups(code):
        word = _LAST_WORD.search(before)
        pointer = _POINTED.fullmatch(inside)
        if pointed:
            yield pointed, _split(inside)
            pointed = ""
        elif pointer:
            pointed = pointer[1]
        elif word and _SYSCALL.fullmatch(word[1]):
            # SYSCALL_DEFINE2(name, type, a, type, b) is documented as sys_name.
            arguments = _split(inside)
            yield f"sys_{arguments[0].strip()}", [f"int {item}" for item in arguments[2::2]]
        elif word:
            yield word[1], _split(inside)


def _groups(code: str) -> Iterator[tuple[str, str]]:
    """The outermost parentheses of a head: what stands before each, and what is in it."""
    depth, start, opened = 0, 0, 0
    for match in _BRACKET.finditer(code):
        if match[0] == "(":
            if not depth:
                opened = match.start()
            depth += 1
        elif match[0] == ")":
            depth -= 1
            if depth < 0:
                return
            if not depth:
                yield code[start:opened], code[opened + 1 : match.start()]
                start = match.end()
        elif not depth:
            return


def _split(text: str) -> list[str]:
    """``text`` split at the commas that are in no brackets."""
    parts, depth, start = [], 0, 0
    for match in _SPLITTING.finditer(text):
        if match[0] in "([{":
            depth += 1
        elif match[0] != ",":
            depth -= 1
        elif not depth:
            parts.append(text[start : match.start()])
            start = match.end()
    return [*parts, text[start:]]


def _parameter(text: str) -> str:
    """The name of a parameter, "" for one without a name."""
    if "..." in text:
        return "..."
    words = _WORD.findall(text)
    return _declared(text) if len(words) > 1 else ""


def _declared(text: str) -> str:
    """The name that a declarator such as ``int (*fn)(void)``, ``*x[4]`` or ``a:1`` declares.

    "" when it has none.
    """
    pointer = _POINTER.search(text)
    if pointer:
        return pointer[1]
    plain = _DECLARATOR_END.split(_ATTRIBUTE_CALL.sub(" ", text), maxsplit=1)[0]
    words = _WORD.findall(plain)
    while words and _ATTRIBUTE.fullmatch(words[-1]):
        words.pop()
    untyped = len(words) > 1 and words[-2] in ("struct", "union", "enum")
    if not words or untyped or _TYPE.fullmatch(words[-1]) or plain.rstrip().endswith("*"):
        return ""
    return str(words[-1])


def _aggregate(
    source: _Source, code: str, offset: int, start: int, head: re.Match[str]
) -> _Declaration | None:
    """The struct, union or enum whose body begins at ``start`` of ``code``.

    ``code`` stands at ``offset`` of the source.
    """
    names, end = _members(code, start)
    if end < 0:
        return None
    tags = [word for word in _WORD.findall(head[2]) if not _ATTRIBUTE.fullmatch(word)]
    name = tags[-1] if tags else _declared(code[end + 1 : code.find(";", end) + 1])
    if head[1] == "enum":
        # "A = 1" and "A": the first word.
        words = [_WORD.search(item) for item in _split(code[start:end])]
        names = [word[0] for word in words if word]
    body = (offset + start, offset + end)
    private = _private(source.text[body[0] : body[1]], code[start : end + 1], names)
    return _Declaration("aggregate", name, _unique(names), private, body)


def _private(raw: str, code: str, names: Sequence[str]) -> frozenset[str]:
    """Those of ``names`` that stand between ``/* private:`` and ``/* public:`` in a body.

    ``raw`` is the body and ``code`` the same without comments, its brace included.
    """
    if "private:" not in raw.lower():
        return frozenset()
    open_code, last = [], 0
    for match in _PRIVATE.finditer(raw):
        inside = _NOT_BRACKET.sub(" ", code[match.start() : match.end()])
        open_code += [code[last : match.start()], inside]
        last = match.end()
    public, end = _members("".join([*open_code, code[last:]]), 0)
    return frozenset(names) - frozenset(public) if end >= 0 else frozenset()


def _members(code: str, start: int) -> tuple[list[str], int]:
    """The members of the body that begins at ``start``, and where its closing brace is.

    A member of a named inner struct is ``outer.inner``.  The place is -1 when the
    brackets do not match.
    """
    stack = [_Frame(start, True)]
    for match in _BRACKET.finditer(code, start):
        frame = stack[-1]
        if match[0] == ";":
            if frame.members:
                frame.names += _statement(code[frame.start : match.start()], frame.inner)
            frame.start, frame.inner = match.end(), None
        elif match[0] in "({":
            stack.append(_opened(code, frame.start, match))
        else:
            closed = stack.pop()
            if not stack:
                return closed.names, match.start() if match[0] == "}" else -1
            if match[0] == "}" or closed.members:
                stack[-1].start, stack[-1].inner = match.end(), closed.names
    return [], -1


def _opened(code: str, start: int, bracket: re.Match[str]) -> _Frame:
    """The frame of ``bracket`` in the statement that began at ``start``.

    Its members count in a struct or union, and in a ``struct_group()``, which is
    transparent, after its first arguments.
    """
    head = code[start : bracket.start()]
    if bracket[0] == "{":
        aggregate = _AGGREGATE.search(head)
        return _Frame(bracket.end(), bool(aggregate) and "enum" not in _WORD.findall(head))
    group = _GROUP.search(head)
    if not group:
        return _Frame(bracket.end(), False)
    at = bracket.end()
    for _ in range(_GROUP_ARGUMENTS.get(group[1], 1)):
        at = code.find(",", at) + 1 or bracket.end()
    return _Frame(at, True)


def _statement(text: str, inner: Sequence[str] | None) -> list[str]:
    """The members that a declaration in a body declares, ``inner`` those of its own body."""
    if inner is None:
        call = _MACRO_CALL.fullmatch(text)
        if call and not _POINTER.search(text):
            # DECLARE_BITMAP(name, bits), but DECLARE_FLEX_ARRAY(type, name).
            arguments = _split(call[2])
            name = arguments[-1 if "FLEX_ARRAY" in call[1] else 0].strip()
            return [name] if _WORD.fullmatch(name) else []
    names = [name for name in map(_declared, _split(text)) if name]
    if not inner or not names:
        return [*names, *(inner or ())]
    return [item for name in names for item in (name, *(f"{name}.{part}" for part in inner))]


# Pairing


def _pairs(old: _Source, new: _Source) -> Iterator[tuple[_Doc, _Doc]]:
    """The comments of two texts that belong together.

    By what they say and their order, as a rule leaves comments alone; where one of
    several equal ones is gone or new, by what they document.
    """
    mine: dict[str, list[_Doc]] = defaultdict(list)
    theirs: dict[str, list[_Doc]] = defaultdict(list)
    for group, source in ((mine, old), (theirs, new)):
        for doc in source.docs:
            group[doc.text].append(doc)
    left: list[_Doc] = []
    for text, docs in theirs.items():
        if len(docs) == len(mine[text]):
            yield from zip(mine.pop(text), docs, strict=True)
        else:
            left += docs
    waiting: dict[tuple[str, str], list[_Doc]] = defaultdict(list)
    for doc in sorted((doc for docs in mine.values() for doc in docs), key=lambda doc: -doc.start):
        waiting[_key(old, doc)].append(doc)
    for doc in sorted(left, key=lambda doc: doc.start):
        found = waiting[_key(new, doc)]
        if found:
            yield found.pop(), doc


def _key(source: _Source, doc: _Doc) -> tuple[str, str]:
    """Kind and name of what ``doc`` documents."""
    what = _declaration(source, doc)
    return (what.kind, what.name) if what else ("", "")


def _renamed(old: _Source, new: _Source, mine: _Declaration, theirs: _Declaration) -> bool:
    """Whether the function or struct itself has a new name.

    Not when its comment was left behind above another one.
    """
    return mine.kind == theirs.kind and not (
        _declares(old.code, theirs.name) or _declares(new.code, mine.name)
    )


def _declares(code: str, name: str) -> bool:
    """Whether ``code`` declares ``name`` at its left margin, or as a struct, union or enum."""
    word = re.escape(name)
    return bool(
        re.search(
            rf"^(?=[A-Za-z_#])[^\n;=({{]*?\b{word}[ \t]*\("
            rf"|\b(?:struct|union|enum)\s+{word}\s*\{{|\}}\s*{word}\s*;",
            code,
            re.ASCII | re.MULTILINE,
        )
    )


def _follow(
    old: _Source, new: _Source, doc: _Doc, target: _Doc, texts: Mapping[str, str]
) -> list[_Edit]:
    """The edits of ``new`` that bring ``target``, once ``doc``, in line."""
    mine, theirs = _declaration(old, doc), _declaration(new, target)
    if not mine or not theirs:
        return []
    if mine.name != theirs.name and not _renamed(old, new, mine, theirs):
        return []
    if mine.names == theirs.names and mine.name == theirs.name:
        return []
    inline = [span for span in new.inline if theirs.body[0] <= span[0] < theirs.body[1]]
    described = {name for span in inline if (name := _described(new.text, span))}
    lines = _lines(target.text)
    entries = _entries(lines)
    documented = described | {entry.key for entry in entries}
    changes = _changes(mine.names, theirs.names, documented, texts)
    edit = _comment_edit(target, mine, theirs, changes, documented, texts)
    return [edit, *_inline_edits(new.text, inline, changes, theirs)]


def _changes(
    before: Sequence[str],
    after: Sequence[str],
    documented: set[str],
    texts: Mapping[str, str],
) -> _Changes:
    """How the names ``after`` came from those ``before``.

    As many names as before, with new ones only in the places of old ones, are renames.
    """
    moved = [(mine, theirs) for mine, theirs in zip(before, after, strict=False) if mine != theirs]
    rename = len(before) == len(after) and not any(
        mine in after or theirs in before for mine, theirs in moved
    )
    references = dict(moved) if rename else {}
    # A text for the new name wins over what was said of the old one, and so does one that is
    # there already: both replace the old description.
    renamed = {
        mine: theirs
        for mine, theirs in references.items()
        if theirs not in documented and not _text_of(theirs, texts)
    }
    dropped = frozenset(before) - frozenset(after) - frozenset(renamed)
    known = {*before, *renamed.values(), *documented}
    added = tuple(name for name in after if name not in known)
    return _Changes(dropped, added, renamed, references)


def _text_of(name: str, texts: Mapping[str, str]) -> str:
    """The description for ``name`` on one line, "" for none; ``a.b`` may be given as ``b``."""
    text = texts.get(name) or texts.get(_last(name), "")
    return " ".join(re.findall(r"[^ \t\r\n]+", text)).replace("*/", "* /")


def _last(name: str) -> str:
    """The last part of ``outer.inner``."""
    return name if name == "..." else name.rpartition(".")[2]


# Writing comments


def _comment_edit(
    doc: _Doc,
    mine: _Declaration,
    theirs: _Declaration,
    changes: _Changes,
    documented: set[str],
    texts: Mapping[str, str],
) -> _Edit:
    """The edit that brings the comment ``doc`` itself in line."""
    original = _lines(doc.text)
    lines = _rename_headline(original, mine.name, theirs.name)
    lines = _rename(lines, changes)
    # A comment that speaks of something else gets nothing added.
    ours = mine.name in _headline_words(doc.text) or bool(documented & set(mine.names))
    undescribed = []
    for name in changes.added if ours else ():
        text = _text_of(name, texts)
        if name in theirs.private:
            continue
        if text:
            lines = _add(lines, name, text, theirs.names)
        else:
            undescribed.append(name)
    # Last, as what replaces a description takes over its style.
    lines = _drop(lines, changes.dropped)
    text, changed = _join(doc.text, original, lines)
    return _Edit(doc.start, doc.end, text, changed, tuple(undescribed), theirs.name)


def _lines(comment: str) -> list[_Line]:
    """The lines of a comment up to, and without, its closing mark and the line of that."""
    body = _CLOSING.sub("", comment)
    return [_Line(text) for text in body.removesuffix("\n").split("\n")]


def _join(
    comment: str, original: Sequence[_Line], lines: Sequence[_Line]
) -> tuple[str, tuple[int, ...]]:
    """The comment with ``lines`` for its ``original`` ones, and which of them are changed.

    A closing mark at the end of a text goes to a line of its own when that text went.
    """
    closing = _CLOSING.search(comment)
    mark = closing[0] if closing else ""
    body = "\n".join(line.text for line in lines)
    changed = tuple(number for number, line in enumerate(lines) if line.changed)
    if comment[: len(comment) - len(mark)].endswith("\n"):
        return f"{body}\n{mark}", changed
    if lines[-1] is original[-1] or len(lines) == len(original):
        return body + mark, changed
    eol = _eol(original)
    ended = [line.text.removesuffix(eol) + eol for line in lines]
    loser = [number for number, line in enumerate(lines) if line is original[-1]]
    return "\n".join([*ended, " */"]), tuple(sorted({*changed, *loser, len(lines)}))


def _eol(lines: Sequence[_Line]) -> str:
    """What stands before the newline of each line."""
    return "\r" if lines[0].text.endswith("\r") else ""


def _entries(lines: Sequence[_Line]) -> list[_Entry]:
    """The descriptions in a comment, in its order."""
    found = []
    for number, line in enumerate(lines):
        match = _ENTRY.match(line.text) if number else None
        if match:
            mark, name, colon, gap, text = (item for item in match.groups() if item is not None)
            end = _extent(lines, number)
            found.append(_Entry(number, end, name, mark + name + colon, gap, text))
    return found


def _extent(lines: Sequence[_Line], first: int) -> int:
    """Where the description that begins on line ``first`` ends.

    At the next description, a blank line or a section.  Indented paragraphs after a
    blank line belong to it too (kernel-doc's STATE_BODY_WITH_BLANK_LINE), but only
    between two descriptions: at the end of the list they are rather prose.
    """
    end = first + 1
    while end < len(lines) and not _ends(lines[end].text):
        end += 1
    at = end
    while at < len(lines) and _belongs(lines[at].text):
        at += 1
    if at == len(lines) or not _ENTRY.match(lines[at].text):
        return end
    while at > end and _BLANK.match(lines[at - 1].text):
        at -= 1
    return at


def _ends(text: str) -> bool:
    """Whether the line ``text`` is no continuation of a description."""
    return any(pattern.match(text) for pattern in (_BLANK, _ENTRY, _SECTION, _HEADING))


def _belongs(text: str) -> bool:
    """Whether the line ``text`` after a blank one is part of the description before it."""
    other = _ENTRY.match(text) or _SECTION.match(text)
    return bool(_BLANK.match(text) or (_INDENTED.match(text) and not other))


def _rename_headline(lines: list[_Line], old: str, new: str) -> list[_Line]:
    """``lines`` with ``new`` for ``old`` in the headline, and for ``old()`` elsewhere."""
    if old == new or len(lines) < 2:
        return lines
    word = re.compile(rf"\b{re.escape(old)}\b", re.ASCII)
    call = re.compile(rf"\b{re.escape(old)}\(\)", re.ASCII)
    head, mark, rest = re.split(r"([-:]|\Z)", lines[1].text, maxsplit=1)
    head = word.sub(new, head, count=1)
    texts = [line.text for line in lines]
    texts[1] = head + mark + rest
    return [
        _altered(line, call.sub(f"{new}()", text)) for line, text in zip(lines, texts, strict=True)
    ]


def _altered(line: _Line, text: str) -> _Line:
    """``line`` with ``text``."""
    return line if text == line.text else _Line(text, True)


def _rename(lines: list[_Line], changes: _Changes) -> list[_Line]:
    """``lines`` with the new names in their descriptions and in references to them."""
    if not changes.references:
        return lines
    entries = _entries(lines)
    column = _shared_column(entries)
    result = list(lines)
    for entry in entries:
        new = changes.renamed.get(entry.name)
        if new:
            start = entry.prefix.index("@") + 1
            prefix = entry.prefix[:start] + new + entry.prefix[start + len(entry.name) :]
            aligned = entry.column and entry.column in (column, _continuation(lines, entry)[1])
            gap = _pad(prefix, entry.column, entry.gap) if aligned else entry.gap
            result[entry.first] = _Line(prefix + gap + entry.text, True)
    # A dropped description must still be found by its old name.
    dropped = {entry.first for entry in entries if entry.key in changes.dropped}
    return [
        line if number in dropped else _altered(line, _references(line.text, changes.references))
        for number, line in enumerate(result)
    ]


def _references(text: str, renames: Mapping[str, str]) -> str:
    """``text`` with ``@new`` for each ``@old``, as whole words."""
    if "@" not in text or not renames:
        return text
    names = "|".join(re.escape(name) for name in sorted(renames, key=len, reverse=True))
    pattern = re.compile(rf"(?<!\w)@({names})(?!\w)", re.ASCII)
    return pattern.sub(lambda match: "@" + renames[match[1]], text)


def _drop(lines: list[_Line], names: frozenset[str]) -> list[_Line]:
    """``lines`` without the descriptions of ``names``, and without a second blank line."""
    result: list[_Line] = []
    at = 0
    for entry in _entries(lines):
        if entry.key not in names:
            continue
        result += lines[at : entry.first]
        at = entry.last
        before = bool(_BLANK.match(result[-1].text))
        if before and at == len(lines):
            result.pop()
        elif before and _BLANK.match(lines[at].text):
            at += 1
    return result + lines[at:]


def _add(lines: list[_Line], name: str, text: str, names: Sequence[str]) -> list[_Line]:
    """``lines`` with ``@name: text`` after the description of the name before it in ``names``."""
    entries = _entries(lines)
    by_name = {entry.key: entry for entry in entries}
    earlier = [by_name[item] for item in names[: names.index(name)] if item in by_name]
    ours = [entry for entry in entries if entry.key in names]
    new = [_Line(item, True) for item in _description(lines, entries, earlier, name, text)]
    spaced = _spaced(lines, earlier[-1:] or ours[:1])
    blank = [_Line(_lead(lines).rstrip(" \t") + _eol(lines), True)] if spaced else []
    if earlier:
        at = earlier[-1].last
        new = blank + new
    elif ours:
        at = ours[0].first
        new = new + blank
    else:
        at = _after_headline(lines)
    return [*lines[:at], *new, *lines[at:]]


def _spaced(lines: Sequence[_Line], entries: Sequence[_Entry]) -> bool:
    """Whether a blank line stands between the first of ``entries`` and another description."""
    at = entries[0].last if entries else len(lines)
    return (
        at + 1 < len(lines)
        and bool(_BLANK.match(lines[at].text))
        and bool(_ENTRY.match(lines[at + 1].text))
    )


def _after_headline(lines: Sequence[_Line]) -> int:
    """The line after the brief description, which may have several lines."""
    at = min(2, len(lines))
    while at < len(lines) and not _ends(lines[at].text):
        at += 1
    return at


def _lead(lines: Sequence[_Line]) -> str:
    """What stands left of the text of the headline: `` * ``."""
    match = _LEAD.match(lines[1].text) if len(lines) > 1 else None
    return match[0] if match and "*" in match[0] else " * "


def _description(
    lines: Sequence[_Line],
    entries: Sequence[_Entry],
    earlier: Sequence[_Entry],
    name: str,
    text: str,
) -> list[str]:
    """The lines of a new description, in the style of its neighbours."""
    near = [*reversed(earlier), *entries]
    with_text = [entry for entry in near if entry.column]
    mark = near[0].prefix[: near[0].prefix.index("@")] if near else _lead(lines)
    prefix = f"{mark}@{name}:"
    column = _shared_column(entries)
    gap = with_text[0].gap if with_text else " "
    gap = _pad(prefix, column, gap) if column else gap
    start = _columns(prefix + gap)
    lead = _continued(lines, near, mark.rstrip(" \t"), start, bool(column))
    if near and not with_text:
        # Neighbours whose text begins on the next line.
        wrapped = [prefix, *_wrap(text, _columns(lead), _columns(lead))]
    else:
        wrapped = _wrap(text, start, _columns(lead))
        wrapped[0] = prefix + gap + wrapped[0]
    eol = _eol(lines)
    return [wrapped[0] + eol, *(lead + item + eol for item in wrapped[1:])]


def _continued(
    lines: Sequence[_Line], near: Sequence[_Entry], star: str, start: int, aligned: bool
) -> str:
    """What stands left of a second line, as the nearest of ``near`` that has one does it.

    Under the text, which begins at ``start``, where that one or all of them are
    aligned; a tab where nothing tells.
    """
    for entry in near:
        continued, at = _continuation(lines, entry)
        if at and at != entry.column:
            return continued
        if at:
            return star + _indent(star, start, continued)
    return star + (_indent(star, start, near[0].gap) if aligned else "\t")


def _indent(star: str, column: int, like: str) -> str:
    """White space from ``star`` to exactly ``column``, with tabs if ``like`` has one."""
    tabs = ""
    while "\t" in like and _columns(star + tabs + "\t") <= column:
        tabs += "\t"
    return tabs + " " * (column - _columns(star + tabs))


def _wrap(text: str, first: int, others: int) -> list[str]:
    """``text`` in lines that end before column 80 when the first begins at column ``first``."""
    wrapped = textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=" " * first,
        subsequent_indent=" " * others,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [item.lstrip(" ") for item in wrapped]


def _columns(text: str) -> int:
    """The width of ``text`` with tab stops every 8 columns."""
    return len(text.expandtabs(8))


def _pad(prefix: str, column: int, gap: str) -> str:
    """White space, of tabs if ``gap`` has one, from the end of ``prefix`` to ``column``."""
    if "\t" not in gap:
        return " " * max(1, column - _columns(prefix))
    tabs = "\t"
    while _columns(prefix + tabs) < column:
        tabs += "\t"
    return tabs


def _shared_column(entries: Sequence[_Entry]) -> int:
    """The column that texts after names of different lengths are aligned to, or 0."""
    columns = Counter(entry.column for entry in entries if entry.column)
    for column, count in columns.most_common(1):
        widths = {entry.width for entry in entries if entry.column == column}
        if count > 1 and len(widths) > 1:
            return column
    return 0


def _continuation(lines: Sequence[_Line], entry: _Entry) -> tuple[str, int]:
    """What stands left of the second line of a description, and its column; ("", 0) for none."""
    if entry.last == entry.first + 1:
        return "", 0
    match = _LEAD.match(lines[entry.first + 1].text)
    lead = match[0] if match else ""
    return lead, _columns(lead)


# Comments inside a body


def _described(text: str, span: tuple[int, int]) -> str:
    """The member that the comment at ``span`` describes, or ""."""
    match = _INLINE.match(text, *span)
    return match[1] if match else ""


def _inline_edits(
    text: str, spans: Sequence[tuple[int, int]], changes: _Changes, what: _Declaration
) -> Iterator[_Edit]:
    """The edits of the comments inside a body: they go with their member or follow its name."""
    parts = {_last(name) for name in what.names}
    gone = {*changes.dropped, *map(_last, changes.dropped)} - parts
    # Inside an inner struct, people write only the last part of the name.
    short = {_last(old): _last(new) for old, new in changes.references.items()}
    renames = {old: new for old, new in short.items() if old not in parts} | changes.references
    for start, end in spans:
        if _described(text, (start, end)) in gone:
            yield _Edit(*_whole_lines(text, start, end), "")
            continue
        comment = _references(text[start:end], renames)
        if comment != text[start:end]:
            pairs = zip(comment.split("\n"), text[start:end].split("\n"), strict=True)
            changed = tuple(at for at, (new, old) in enumerate(pairs) if new != old)
            yield _Edit(start, end, comment, changed)


def _whole_lines(text: str, start: int, end: int) -> tuple[int, int]:
    """The span of a comment to delete: with its lines when nothing else is on them."""
    line = text.rfind("\n", 0, start) + 1
    after = text.find("\n", end) + 1 or len(text)
    if text[end:after].strip(" \t\r\n"):
        return start, end + len(text[end:after]) - len(text[end:after].lstrip(" \t"))
    if text[line:start].strip(" \t"):
        return start - (len(text[line:start]) - len(text[line:start].rstrip(" \t"))), end
    before = text.rfind("\n", 0, max(line - 1, 0)) + 1
    below = text.find("\n", after) + 1 or len(text)
    above, next_line = (text[a:b].strip(" \t\r\n") for a, b in ((before, line), (after, below)))
    # No blank line at the beginning or end of a body, and no two in a row.
    if not next_line and (not above or above.endswith("{")):
        return line, below
    if not above and next_line.startswith("}"):
        return before, after
    return line, after


# Putting the edits in


def _apply(after: str, edits: Sequence[_Edit]) -> Updated:
    """``after`` with ``edits``, and where they left what."""
    parts: list[str] = []
    lines: list[int] = []
    undescribed: list[Undescribed] = []
    last, line = 0, 1
    for edit in sorted(edits, key=lambda edit: edit.start):
        kept = after[last : edit.start]
        line += kept.count("\n")
        lines += (line + number for number in edit.changed)
        undescribed += (Undescribed(line, name, edit.of) for name in edit.undescribed)
        parts += (kept, edit.text)
        line += edit.text.count("\n")
        last = edit.end
    return Updated("".join([*parts, after[last:]]), tuple(lines), tuple(undescribed))
