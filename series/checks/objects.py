"""Which sources a series reaches: what has to be compiled to know that each patch stands alone.

The set is that of the whole series, so that a caller that patch 3 converts is compiled at
patch 2, too:

* the sources that a patch touches, and those whose objects a patch adds to a Makefile;
* users, in any file, of the words that the series is about (the ledgers' words), as far as
  a patch changes what declares or defines them;
* users of what a patch changes in a header: files that include it and use a name which the
  change declares, and objects built before whose ``.cmd`` file lists the header, if they use it;
* users of such a name in any file, where it is one that nothing else will have.

Where that is more than ``MOST``, the files in the order above are taken as far as that goes.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from series.checks.kbuild import FILES, is_source
from series.checks.kinds import Patch

MOST = 150
# Words on git's command line; a header that declares more is used through the first of them.
_WORDS = 500
_CALLED = re.compile(r"\b([A-Za-z_]\w+)\s*\(")
_MACRO = re.compile(r"#\s*define\s+(\w+)")
_TAG = re.compile(r"(?:typedef )?(?:struct|union|enum)\s+(\w+)\s*[{;]")
_MEMBER = re.compile(
    r"\A\s+(?!return\b|goto\b|break\b|continue\b)(?:\w+\s+)+\**(\w+)(?:\[[^]]*\])*(?:\s*:\s*\w+)?;"
)
_NO_NAME = frozenset(
    ("if", "while", "for", "switch", "return", "sizeof", "typeof", "defined", "__attribute__")
)
# A name that nobody else gives to something of theirs, as far as a name can tell.
_OWN = re.compile(r"(?=.*\w_\w)\w{10,}")
# The end of a string, or of a name in angle brackets, that names a source.
_QUOTED = r'[\w.+-]+\.[cS][">]'
_OBJECT = re.compile(r"(?<![\w$(/.-])([A-Za-z0-9_][\w./-]*)\.o\b")

# What is found in each source of the base: which of some whole words, or (with the second) what
# one of some extended regular expressions matches.
Search = Callable[[Sequence[str], bool], Mapping[str, Collection[str]]]


@dataclass(frozen=True)
class Selection:
    """The sources to compile, the most important first, and how many more would have been.

    ``alone`` are those that nothing but their own object is made of, as far as can be seen: a
    Makefile of the base names it, and no file names the source.
    """

    sources: tuple[str, ...]
    left_out: int = 0
    alone: tuple[str, ...] = ()


def select(
    patches: Sequence[Patch],
    diffs: Mapping[str, str],
    search: Search,
    includers: Callable[[str], Collection[str]],
    named: Callable[[Sequence[str]], Collection[str]],
    read: Callable[[str], str],
    *,
    everything: bool = False,
) -> Selection:
    """The sources that ``patches`` reach.

    ``diffs`` are those of the whole series, by the path of the file; ``includers`` gives the
    sources whose objects are known to depend on a header, ``named`` those of some words that are
    anywhere in the base, ``read`` the text of a file of it, empty where there is none.  With
    ``everything`` all users are taken, however many.
    """
    headers = {path: declared(diffs[path]) for path in sorted(diffs) if path.endswith(".h")}
    defined = declared("\n".join(diffs[path] for path in diffs if is_source(path)))
    words = {word for patch in patches for word in patch.ledger.words}
    words &= defined.union(*headers.values())
    touched = sorted({path for patch in patches for path in patch.files if is_source(path)})
    found = [*touched, *added_objects(diffs)]
    found += _users(
        words, {path: names for path, names in headers.items() if names}, search, includers
    )
    wanted = [path for path in dict.fromkeys(found) if is_source(path)]
    kept = wanted if everything else wanted[: max(MOST, len(touched))]
    # As one includes a file, or passes its name on to what does.
    forms = sorted({PurePosixPath(path).name + end for path in touched for end in '">'})
    names = {form[:-1] for form in named(forms)} if forms else set()
    names |= {name[:-1] for diff in diffs.values() for name in re.findall(_QUOTED, diff)}
    alone = [
        path for path in touched if PurePosixPath(path).name not in names and _is_listed(path, read)
    ]
    return Selection(tuple(kept), len(wanted) - len(kept), tuple(alone))


def _is_listed(source: str, read: Callable[[str], str]) -> bool:
    """Whether a Makefile of its directory, or of one above, names the object of ``source``.

    One that the Makefile of a directory above includes may name it as seen from there.  What
    none names is a part of other sources, or makes a header.
    """
    path = PurePosixPath(source)
    folders = list(path.parents)[:-1]
    for depth, folder in enumerate(folders):
        texts = [read(f"{folder}/{file}") for file in FILES]
        listed = {name for text in texts for name in re.findall(r"[\w./+-]+\.o\b", text)}
        for above in folders[depth:]:
            name = path.relative_to(above)
            other = above != folder and read(f"{folder}/{name}")
            if str(name.with_suffix(".o")) in listed and not other:
                return True
    return False


def _users(
    words: Collection[str],
    headers: Mapping[str, Collection[str]],
    search: Search,
    includers: Callable[[str], Collection[str]],
) -> list[str]:
    """The users of the series' ``words``, then those of each header's names, nearest first.

    All is asked in one search for words and one for inclusions: each reads all sources.
    """
    names = {header: frozenset(sorted(found)[:_WORDS]) for header, found in headers.items()}
    every = frozenset(words).union(*names.values())
    used = search(sorted(every), False) if every else {}
    forms = {header: _inclusion(header) for header in headers}
    included = search(list(forms.values()), True) if forms else {}
    found = sorted(path for path, there in used.items() if {*words} & {*there})
    for header, form in forms.items():
        here = re.compile(form.replace("[[:space:]]", r"\s"))
        include = {path for path, there in included.items() if any(map(here.match, there))}
        include.update(includers(header))
        found += sorted(path for path in include & {*used} if names[header] & {*used[path]})
    # A header may come through another one.  Of a name that others may have, too, that is no sign.
    own = {name for some in names.values() for name in some if _OWN.fullmatch(name)}
    return found + sorted(path for path, there in used.items() if own & {*there})


def _inclusion(header: str) -> str:
    """A regular expression for the lines that include ``header``, for git and for Python."""
    inside = re.search(r"(?:^|/)include/(?:uapi/)?(.+)", header)
    name = inside[1] if inside else PurePosixPath(header).name
    return rf'#[[:space:]]*include[[:space:]]*[<"]([^">]*/)?{re.escape(name)}[">]'


def declared(diff: str) -> set[str]:
    """The names that the changed lines of a diff declare: functions, macros, tags, members.

    A line that continues a prototype stands for the function, whose name is above it.  What
    is inside a body, or a structure that is new or gone as a whole, declares nothing more.
    """
    found: set[str] = set()
    above, inside = "", False
    for line in diff.splitlines():
        text = line[1:]
        if line.startswith(("@@", "diff ", "--- ", "+++ ")) or text.startswith("}"):
            above, inside = "", False
            continue
        own = _CALLED.search(text) if text[:1] not in (" ", "\t") else None
        if line[:1] in "+-" and text.strip():
            names = {above} if above and not own else _names(text, own)
            found |= set() if inside else names
            inside = inside or (bool(_TAG.match(text)) and text.rstrip().endswith("{"))
        # Behind the end of a prototype nothing is continued.
        above = own[1] if own else above
        above = "" if re.search(r"[;{}]\s*(?:/\*.*)?$", text) else above
    return found - _NO_NAME - {""}


def _names(text: str, called: "re.Match[str] | None") -> set[str]:
    if called:
        return {called[1], *_MACRO.findall(text)}
    return {name for form in (_MACRO, _TAG, _MEMBER) for name in form.findall(text)}


def added_objects(diffs: Mapping[str, str]) -> list[str]:
    """The sources of objects that diffs add to Makefiles."""
    return [
        f"{PurePosixPath(path).parent / name}.c"
        for path, diff in diffs.items()
        if PurePosixPath(path).name in FILES
        for line in diff.splitlines()
        if line.startswith("+") and not line.startswith("+++ ")
        for name in _OBJECT.findall(line)
    ]


def is_build_file(path: str) -> bool:
    """Whether a file decides what is built and how: then everything is asked anew."""
    name = PurePosixPath(path).name
    return (
        name in FILES
        or name.startswith(("Kconfig", "Makefile.", "Kbuild."))
        or name.endswith((".mk", ".include", ".tbl"))
        or path.startswith("scripts/")
    )


def is_config_file(path: str) -> bool:
    """Whether a file decides what can be configured: then the configuration is made anew."""
    name = PurePosixPath(path).name
    return name.startswith("Kconfig") or path == "Makefile" or path.startswith("scripts/")


def is_prose(path: str) -> bool:
    """Whether nothing that is built can depend on a file."""
    return (
        path.startswith("Documentation/")
        or path in ("MAINTAINERS", "CREDITS")
        or path.endswith((".rst", ".txt", ".md"))
    )


def builds(files: Iterable[str]) -> bool:
    """Whether any of ``files`` can change what is compiled."""
    return any(
        is_build_file(path)
        or is_source(path)
        or (path.endswith((".h", ".S", ".lds", ".inc")) and not path.startswith("Documentation/"))
        for path in files
    )
