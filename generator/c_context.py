"""What a word in C is used for, told from the text around it.

Pure.  Text comes in without comments, strings and directives; a bucket and a reason come
out.  What does not read like a declaration (C11 6.7) is a use.
"""

import re

from generator.buckets import Bucket


def address(before: str) -> str:
    """What is done with a word that is not called, from what stands before it."""
    if found := re.search(r"\.\s*(\w+)\s*=\s*&?\Z", before):
        return f"used as the function pointer .{found[1]}"
    if found := re.search(r"(\w+)\s*=\s*&?\Z", before):
        return f"assigned to {found[1]}, not called"
    return "used, but not called"


def brace_kind(head: str) -> str:
    """What a brace behind ``head`` opens: struct, union, enum, extern or code."""
    found = re.search(r"\b(struct|union|enum)\b[^=()]*\Z", head)
    if found:
        return found[1]
    return "extern" if head.rstrip().endswith("extern") else "code"


_AFTER_HEAD = re.compile(r"(?:__\w+(?:\s*\([^()]*(?:\([^()]*\))*[^()]*\))?\s*)*([{;,])")
# What may stand before a declared name: types, attributes with their arguments, stars.
_TYPES = re.compile(
    r"\s*(?:(?:__attribute__\s*\(\(.*?\)\)|__\w+\s*\([^()]*\)|[A-Za-z_]\w*)[\s*]+)+\Z", re.DOTALL
)
_STATEMENT = re.compile(
    r"\b(?:return|goto|case|else|do|if|while|for|switch|sizeof|typeof|default)\b"
)


def _declares(before: str) -> bool:
    """Whether what stands before a word makes it a declaration: types, and no statement."""
    head = re.split(r"[;{}]", before)[-1] + " "
    return bool(_TYPES.match(head)) and not _STATEMENT.search(head)


_TYPE_WORD = re.compile(
    r"\b(?:void|int|char|long|short|unsigned|signed|bool|float|double|struct|union|enum|static|"
    r"extern|inline|const|[us](?:8|16|32|64)|\w+_t)\b"
)
_PARAMETER = re.compile(r"(?:void|\.\.\.|[\s\S]*?[A-Za-z_]\w*(?:[\s*]+\w+|\s*\*+\s*)[\s\S]*)\Z")


def _parameters(arguments: str, head: str) -> bool:
    """Whether what is in parentheses are parameters, and not the arguments of a call."""
    inside = arguments[1:-1].strip()
    if not inside:
        return bool(_TYPE_WORD.search(head))
    if re.search(r"[+/|&!?<>=\"'-]|(?<![\w\[])\d", re.sub(r"\[[^\]]*\]", "", inside)):
        return False
    depth, parts, part = 0, [], ""
    for character in inside:
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            parts.append(part)
            part = ""
        else:
            part += character
    known = bool(_TYPE_WORD.search(inside))
    return all(_PARAMETER.match(one.strip()) or known for one in [*parts, part])


def outside(before: str, after: str, arguments: str) -> tuple[Bucket, str]:
    """A word outside of any function: what is declared there?

    Braces that do not match, as in the branches of an #ifdef, can make code
    look as if it were outside: only what reads like a declaration is one.
    ``arguments`` are the parentheses behind the word and what is in them.
    """
    if not arguments and re.search(r"\bEXPORT_\w+\s*\(\s*\Z", before):
        return Bucket.EXPORT, "an export"
    if re.search(r"\b(?:struct|union|enum)\Z", before):
        if after.startswith("{"):
            return Bucket.DEFINITION, "a definition"
        if after.startswith(";"):
            return Bucket.PROTOTYPE, "a declaration"
        return Bucket.UNEXPLAINED, "used as a type"
    if not _declares(before):
        return Bucket.UNEXPLAINED, "used outside of a function"
    if arguments and _parameters(arguments, before) and (next_ := _AFTER_HEAD.match(after)):
        if next_[1] == "{":
            return Bucket.DEFINITION, "a definition"
        return Bucket.PROTOTYPE, "a prototype"
    if not arguments and re.match(r"[=;,\[]", after):
        if re.search(r"\bextern\b[^;]*\Z", before):
            return Bucket.PROTOTYPE, "a declaration"
        return Bucket.DEFINITION, "a definition"
    return Bucket.UNEXPLAINED, "used outside of a function"


def member(before: str, after: str, brace: str, about: bool) -> tuple[Bucket, str]:
    """A word in the body of a structure or an enumeration."""
    if re.search(r"\b(?:struct|union|enum)\Z", before):
        if after.startswith("{"):
            return Bucket.DEFINITION, "a definition"
        return Bucket.UNEXPLAINED, "used as a type"
    if brace == "enum" and re.match(r"[,=}]", after) and re.search(r"[{,]\Z", before):
        return Bucket.DEFINITION, "an enumerator"
    # "int a, f;" and "int (*f)(void);" declare f as well.
    plain = re.sub(r"\(\s*\*\s*\Z", "", before)
    plain = re.sub(r"(?:\w+(?:\[[^\]]*\])?\s*,[\s*]*)+\Z", "", plain)
    if _declares(plain) and re.match(r"[;,\[:)]", after):
        if about:
            return Bucket.DEFINITION, "the definition of a member"
        return Bucket.OTHER_NAME, "a member of that name"
    return Bucket.UNEXPLAINED, "used in a structure"
