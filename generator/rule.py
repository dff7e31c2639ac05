"""A semantic patch as a value: its text, its header and what it may be run with.

The header conventions are those of the kernel's coccicheck
(Documentation/dev-tools/coccinelle.rst): ``///`` describes the rule,
``// Options:`` names what spatch needs besides, ``// Keywords:`` names words to
search for and ``// Requires:`` the least spatch version.  Rules are untrusted
input: only options that change how C is read or printed are taken from a
header.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from generator import script_parts
from generator.errors import CampaignError
from generator.suggestion import ending
from generator.templates import names, render

# Options a header may ask for; a tuple says how many words follow it.  None of
# them names a file, starts a program or writes anything.
_HEADER_OPTIONS: dict[str, int] = {
    "--all-includes": 0,
    "--c++": 0,
    "--disable-iso": 1,
    "--disable-worth-trying-opt": 0,
    "--force-diff": 0,
    "--ifdef-to-if": 0,
    "--include-headers": 0,
    "--include-headers-for-types": 0,
    "--indent": 1,
    "--keep-comments": 0,
    "--linux-spacing": 0,
    "--local-includes": 0,
    "--max-width": 1,
    "--no-gotos": 0,
    "--no-include-cache": 0,
    "--no-includes": 0,
    "--no-loops": 0,
    "--no-show-diff": 0,
    "--recursive-includes": 0,
    "--smpl-spacing": 0,
    "--very-quiet": 0,
}
# Options that say nothing to us: quietness is ours to choose, because what
# spatch could not parse is only said when it may speak.
_DROPPED_OPTIONS = frozenset({"--very-quiet", "--no-show-diff", "--include-headers"})

_SCRIPT_RULE = re.compile(r"\b(?:script|initialize|finalize)\s*:\s*(python|ocaml)\b")
_WORD = re.compile(r"[A-Za-z_]\w*")
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
# What would let a rule choose spatch's options (-o writes any file) or read other files.
_FORBIDDEN = (
    (re.compile(r"#\s*spatch\b"), "a '#spatch' line"),
    (re.compile(r"^\s*#\s*include\s*[\"<][^\">]*\.cocci\b", re.MULTILINE), "another .cocci file"),
    (re.compile(r"\A[^@]*^\s*#\s*include\b", re.MULTILINE), "an #include before its first rule"),
    (re.compile(r"\busing\s*[\"<]"), "an isomorphism file ('using')"),
)
_FILE_IN = re.compile(r"\bfile\s+in\b")
_FRESH = re.compile(r"\bfresh\s+identifier\b([^;]*)")
_VIRTUAL = re.compile(r"^virtual\s+([\w\s,]+?)\s*;?\s*$", re.MULTILINE)
_VIRTUAL_IDENTIFIER = re.compile(r"\bvirtual\s*\.\s*([A-Za-z_]\w*)")
_HEADER_LINE = re.compile(r"//\s*(Options|Keywords|Requires|Confidence|Comments|Remaining):\s*(.*)")
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*\Z")


@dataclass(frozen=True)
class Rule:
    """One semantic patch, ready to be run.

    ``text`` is SmPL (a template is already rendered), ``defines`` are the
    values of its virtual identifiers, ``options`` are the words its header asks
    spatch for, ``patch_text`` is what spatch gets: the text less the scripts that
    patch mode does not run, ``scripts`` the languages of those that are left,
    ``remaining`` which sites it may leave.
    """

    name: str
    text: str
    description: str = ""
    options: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    virtuals: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()
    remaining: str = "explained"
    defines: Mapping[str, str] = field(default_factory=dict)
    patch_text: str = ""

    @property
    def arguments(self) -> list[str]:
        """The ``-D`` words: ``patch`` where the rule declares it, and the definitions."""
        words = ["-D", "patch"] if "patch" in self.virtuals else []
        for name, value in sorted(self.defines.items()):
            words += ["-D", f"{name}={value}"]
        return words

    @property
    def body(self) -> str:
        """The text as commit messages quote it: the rules, less what only coccicheck needs.

        Comments at the top go, and the virtual rule ``patch`` with what depends on it.
        """
        text = re.sub(r"\A(?:\s*(?://[^\n]*)?\n)+", "", self.text)
        text = re.sub(r"^virtual[ \t]+patch[ \t]*;?[ \t]*\n+", "", text, flags=re.MULTILINE)
        text = re.sub(r"\bdepends on patch\s*&&\s*", "depends on ", text)
        return re.sub(r"\s*\bdepends on patch(?=\s*@)", "", text).strip()

    @property
    def changed_words(self) -> frozenset[str]:
        """The words that the rule removes, or whose arguments it changes.

        A word that only has to stand near a change is none of them.
        """
        return frozenset(self._named(word) for word in _changed_words(_bodies(self.text)))

    def _named(self, word: str) -> str:
        """A virtual identifier as it is defined; any other word as it is."""
        return self.defines.get(word, word) if word in self.identifiers else word

    @property
    def identifiers(self) -> frozenset[str]:
        """The virtual identifiers that the rule uses (``virtual.name``)."""
        return frozenset(_VIRTUAL_IDENTIFIER.findall(_COMMENT.sub(" ", self.text)))

    @property
    def only_members(self) -> frozenset[str]:
        """The words that the rule uses as members of structures and as nothing else."""
        plain = {self._named(word) for word in _plain_words(_bodies(self.text))}
        return self.member_words - plain

    @property
    def member_words(self) -> frozenset[str]:
        """The words that the rule uses behind ``.`` or ``->``, or that stand in a structure."""
        body = "\n".join(line[1:] for line in _bodies(self.text))
        found = re.findall(r"(?:->|(?<!\.)\.)\s*([A-Za-z_]\w*)", body)
        for inside in re.findall(r"\b(?:struct|union)\b[^;{}()]*\{([^{}]*)\}", body):
            found += re.findall(r"([A-Za-z_]\w*)\s*(?:\[[^\]]*\])?\s*[;,:]", inside)
        return frozenset(self._named(word) for word in found)

    @property
    def declared_words(self) -> frozenset[str]:
        """Words in metavariables' declarations, otherwise than as what one may be.

        They name types, mostly: code that the rule matches need not hold them.
        """
        listed = re.sub(r"=\s*\{[^{}]*\}", " ", "\n".join(_declarations(self.text)))
        return frozenset(_WORD.findall(listed))

    @property
    def reads_all_headers(self) -> bool:
        """Whether spatch is to read other headers than those beside a file."""
        return not {"--all-includes", "--recursive-includes"}.isdisjoint(self.options)

    @property
    def knows_places(self) -> bool:
        """Whether it matters to spatch where in the tree a file is."""
        return self.reads_all_headers or bool(_FILE_IN.search(_COMMENT.sub(" ", self.text)))

    @property
    def counts(self) -> bool:
        """Whether spatch numbers what it makes, from one file to the next."""
        return bool(_FRESH.search(_COMMENT.sub(" ", self.text)))


def _plain_words(lines: list[str]) -> frozenset[str]:
    """The words that stand in a rule otherwise than as members of structures."""
    body = "\n".join(line[1:] for line in lines)
    body = re.sub(r"\b(?:struct|union)\b[^;{}()]*\{[^{}]*\}", " ", body)
    return frozenset(re.findall(r"[A-Za-z_]\w*", re.sub(r"(?:->|\.)\s*[A-Za-z_]\w*", " ", body)))


def _declarations(text: str) -> list[str]:
    """The lines that are in no rule's body."""
    return _parts(text)[0]


def _bodies(text: str) -> list[str]:
    """The lines of all rules' bodies, each with its mark (``-``, ``+`` or a space) in front."""
    return _parts(text)[1]


def _parts(text: str) -> tuple[list[str], list[str]]:
    """What ``_declarations`` and ``_bodies`` give."""
    plain = re.sub(r"/\*.*?\*/", lambda found: re.sub(r"[^\n]", " ", found[0]), text, flags=re.S)
    others: list[str] = []
    lines: list[str] = []
    body = declaring = False
    for line in plain.split("\n"):
        line = re.sub(r"//.*", "", line)
        word = line.strip()
        # "@@" alone begins declarations and ends them; "@name@" begins them.
        if word.startswith("@") or (declaring and word.endswith("@@")):
            declaring = not declaring if word == "@@" else not word.endswith("@@")
            body = not declaring
            others.append(line)
        elif not body:
            others.append(line)
        elif word:
            lines.append(line if line[0] in "+-" else f" {line}")
    return others, lines


def _changed_words(lines: list[str]) -> frozenset[str]:
    found: set[str] = set()
    text = ""
    marks = ""
    for line in lines:
        if line[0] == "-":
            found |= set(re.findall(r"[A-Za-z_]\w*", line[1:]))
        text += line[1:] + "\n"
        marks += line[0] * len(line)
    for call in re.finditer(r"([A-Za-z_]\w*)(?:@\w+)?\s*\(", text):
        end = _closing(text, call.end() - 1)
        if marks[call.start()] != "+" and set(marks[call.end() : end]) - {" "}:
            found.add(call[1])
    return frozenset(found)


def _closing(text: str, at: int) -> int:
    """Where the parenthesis that opens at ``at`` is closed, or the end."""
    depth = 0
    for found in re.compile(r"[()]").finditer(text, at):
        depth += 1 if found[0] == "(" else -1
        if depth == 0:
            return found.start()
    return len(text)


def read_rule(
    path: Path,
    *,
    name: str,
    defines: Mapping[str, str] | None = None,
    parameters: Mapping[str, object] | None = None,
) -> Rule:
    """Read the rule in ``path``; ``name`` is what messages call it.

    A ``.cocci.j2`` file is rendered with ``parameters`` first.  Raises
    ``CampaignError`` when the file cannot be read, is no UTF-8 text, or asks
    for something a rule may not have.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise CampaignError([f"{name}: cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise CampaignError([f"{name}: is not UTF-8 text (byte {error.start})"]) from error
    if path.name.endswith(".j2"):
        known = names(text)
        if unknown := sorted(set(parameters or {}) - known):
            raise CampaignError(
                [f"{name}: has no parameter '{item}'{ending(item, known)}" for item in unknown],
                hint=f"it knows: {', '.join(_described(text, known)) or 'none'}",
            )
        try:
            text = render(text, parameters or {}, name=name)
        except CampaignError as error:
            hint = f"its parameters: {', '.join(_described(text, known))}"
            raise CampaignError(error.problems, hint=hint) from error
    elif parameters:
        raise CampaignError(
            [f"{name}: takes no parameters, only a .cocci.j2 template does"],
            hint="use define = { ... } for the virtual identifiers of a .cocci file",
        )
    return parse_rule(text, name=name, defines=defines or {})


def _described(text: str, known: set[str]) -> list[str]:
    """Those of the names of a template that its comments speak of."""
    comments = " ".join(line for line in text.split("\n") if line.startswith("//"))
    return sorted(known & set(re.findall(r"\w+", comments)))


def parse_rule(text: str, *, name: str, defines: Mapping[str, str] | None = None) -> Rule:
    """The rule that ``text`` is; raises ``CampaignError`` naming every problem of its header."""
    header = _header(text)
    problems: list[str] = []
    virtuals = tuple(
        word for found in _VIRTUAL.findall(text) for word in re.split(r"[\s,]+", found)
    )
    given = set(defines or {})
    runs = script_parts.without_reports(text, {"patch"}, set(virtuals) - given)
    rule = Rule(
        name=name,
        text=text,
        description=_VIRTUAL_IDENTIFIER.sub(
            lambda found: (defines or {}).get(found[1], found[0]), " ".join(header.get("///", []))
        ),
        options=_options(" ".join(header.get("Options", [])).split(), name, problems),
        keywords=tuple(" ".join(header.get("Keywords", [])).replace(",", " ").split()),
        virtuals=virtuals,
        scripts=_scripts(runs),
        remaining=_remaining(header),
        defines=dict(defines or {}),
        patch_text=runs,
    )
    for pattern, what in _FORBIDDEN:
        if found := pattern.search(text):
            line = text.count("\n", 0, found.end()) + 1
            problems.append(f"{name}:{line}: a rule may not have {what}")
    for found in _FRESH.finditer(_COMMENT.sub(" ", text)):
        # spatch would ask for each name.
        problems += [
            f'{name}: fresh identifier {one.strip()}: needs a seed (= "text")'
            for one in found[1].split(",")
            if "=" not in one and "##" not in one
        ]
    for key, value in rule.defines.items():
        if not _IDENTIFIER.match(key) or not _IDENTIFIER.match(value):
            problems.append(f"{name}: define {key} = '{value}': both must be C identifiers")
    for key in sorted(rule.identifiers - set(rule.defines)):
        problems.append(f"{name}: needs a definition of '{key}' (-D {key}=NAME)")
    for key in sorted(set(rule.defines) - rule.identifiers - set(rule.virtuals)):
        near = ending(key, rule.identifiers)
        problems.append(f"{name}: has no virtual identifier '{key}'{near}")
    if problems:
        raise CampaignError(problems)
    return rule


def _remaining(header: Mapping[str, list[str]]) -> str:
    """What a rule says of the sites it leaves (``// Remaining: any``: most are not its own)."""
    said = " ".join(header.get("Remaining", [])).split()
    return said[0] if said and said[0] in ("none", "explained", "any") else "explained"


def _scripts(text: str) -> tuple[str, ...]:
    """The languages of the script rules in ``text``, with and without its comments."""
    found = _SCRIPT_RULE.findall(text) + _SCRIPT_RULE.findall(_COMMENT.sub(" ", text))
    return tuple(sorted(set(found)))


def _header(text: str) -> dict[str, list[str]]:
    """The comment lines at the top, by key; description lines under ``///``."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("///"):
            found.setdefault("///", []).append(stripped[3:].strip().rstrip("/").strip())
        elif match := re.match(
            r"//\s*(Options|Keywords|Requires|Confidence|Comments|Remaining):\s*(.*)", line
        ):
            found.setdefault(match[1], []).append(match[2].strip())
        elif stripped and not stripped.startswith("//"):
            break
    return found


def _options(words: list[str], name: str, problems: list[str]) -> tuple[str, ...]:
    kept: list[str] = []
    while words:
        word = words.pop(0)
        count = _HEADER_OPTIONS.get(word)
        if count is None:
            problems.append(
                f"{name}: '// Options: {word}' is not allowed in a rule's header; allowed are "
                + ", ".join(sorted(_HEADER_OPTIONS))
            )
            continue
        values = [words.pop(0) for _ in range(min(count, len(words)))]
        if any(not re.fullmatch(r"\w+", value) for value in values) or len(values) < count:
            problems.append(f"{name}: '// Options: {word}' needs a plain word after it")
        elif word not in _DROPPED_OPTIONS:
            kept += [word, *values]
    return tuple(kept)
