"""The names that a C declaration declares: the parameters of a function, the members of a struct.

Pure and lenient: it reads one declaration of a kernel source, macros and attributes
included, without a preprocessor, and takes as a name what scripts/kernel-doc of the
kernel would.  Comments and strings must be blank (``blank``) in what it reads as code.
Texts are latin-1, so words and white space are those of ASCII.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

_DIRECTIVE = re.compile(r"^[ \t]*#[^\n\\]*(?:\\.[^\n\\]*)*", re.DOTALL | re.MULTILINE)
_BEFORE_DECLARATION = re.compile(
    r"(?:\s+|#(?![ \t]*define\b)[^\n\\]*(?:\\.[^\n\\]*)*)*", re.ASCII | re.DOTALL
)
_NOT_NEWLINE = re.compile(r"[^\n]+")
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


@dataclass(frozen=True)
class Declaration:
    """A function, macro, struct, union or enum: its parameters or members in order, each once.

    ``kind`` is "function" (macros too) or "aggregate".  A member of a named inner struct
    is ``outer.inner``.  ``private`` members need no description; ``body`` is the span
    inside the braces, in the text of the file.
    """

    kind: str
    name: str
    names: tuple[str, ...]
    private: frozenset[str] = frozenset()
    body: tuple[int, int] = (0, 0)


@dataclass
class _Frame:
    """An open bracket while members are read; ``inner`` are those of the last one closed."""

    start: int
    members: bool
    names: list[str] = field(default_factory=list)
    inner: list[str] | None = None


def blank(match: re.Match[str]) -> str:
    """White space of the length and the lines of what matched: a replacement for ``re.sub``."""
    return _NOT_NEWLINE.sub(lambda line: " " * len(line[0]), match[0])


def declares(code: str, name: str) -> bool:
    """Whether ``code`` declares ``name`` at its left margin, or as a struct, union or enum.

    ``code`` is a whole file with comments and strings blank.  A call is indented in
    kernel style, so what is at the margin declares or defines.
    """
    word = re.escape(name)
    return bool(
        re.search(
            rf"^(?=[A-Za-z_#])[^\n;=({{]*?\b{word}[ \t]*\("
            rf"|\b(?:struct|union|enum)\s+{word}\s*\{{|\}}\s*{word}\s*;",
            code,
            re.ASCII | re.MULTILINE,
        )
    )


def declaration_at(
    text: str, code: str, start: int, limit: int, words: frozenset[str]
) -> Declaration | None:
    """The declaration that begins at ``start`` of a file, after white space and directives.

    ``text`` is the file, ``code`` the same with comments and strings blank; only what is
    before ``limit`` is read.  ``words`` may hold the name to look for, where a head has
    several candidates (attributes, macros that make functions).  None when there is no
    list of names.  What counts as a name is the rule of scripts/kernel-doc
    (dump_function, dump_struct, dump_enum), ``private:`` sections included.
    """
    lead = _BEFORE_DECLARATION.match(code, start, limit)
    start = lead.end() if lead else start
    macro = _MACRO.match(code, start, limit)
    if macro:
        return Declaration("function", macro[1], _unique(_macro_names(macro[2])))
    part = _DIRECTIVE.sub(blank, code[start:limit])
    end = _HEAD_END.search(part)
    if not end:
        return None
    head = _AGGREGATE.search(part, 0, end.start())
    if end[0] == "{" and head:
        return _aggregate(text, part, start, end.end(), head)
    return _function(part, words)


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    """``names`` in order, each once: the branches of an ``#ifdef`` may repeat one."""
    return tuple(dict.fromkeys(names))


def _macro_names(arguments: str) -> list[str]:
    """The parameters in the head of a macro; ``args...`` is ``args``, as kernel-doc says."""
    return re.findall(r"[A-Za-z_]\w*|\.\.\.(?<!\w\.\.\.)", arguments, re.ASCII)


def _function(code: str, words: frozenset[str]) -> Declaration | None:
    """The function at the start of ``code``; ``words`` of the headline tell which it is."""
    found = list(_candidates(code))
    named = [item for item in found if item[0] in words]
    for name, arguments in named or found:
        if not _ATTRIBUTE.fullmatch(name):
            names = [_parameter(item) for item in arguments]
            return Declaration("function", name, _unique([item for item in names if item]))
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
    text: str, code: str, offset: int, start: int, head: re.Match[str]
) -> Declaration | None:
    """The struct, union or enum whose body begins at ``start`` of ``code``.

    ``code`` stands at ``offset`` of ``text``.
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
    private = _private(text[body[0] : body[1]], code[start : end + 1], names)
    return Declaration("aggregate", name, _unique(names), private, body)


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
