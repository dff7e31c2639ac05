"""Where wishes for recipients come from: MAINTAINERS, trailers, Fixes:, replies, the campaign."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from generator import process
from generator.errors import ProgramError
from generator.tree import Tree, Worktree
from series import addresses
from series.maintainers import Kind, Mention
from series.recipients import Wish, patches
from series.replies import Reply

_SCRIPT = "scripts/get_maintainer.pl"
# What get_maintainer.pl takes for the top of a kernel tree.
_TOP_DIRECTORIES = (
    *("Documentation", "arch", "include", "drivers", "fs", "init", "ipc", "kernel", "lib"),
    "scripts",
)
# A section's title is cut at 50 characters, so its parentheses need not match.
_ROLE = re.compile(r"(?P<address>.*?<[^<>]*>|\S+) \((?P<role>.*)\)\Z")
_FIXES = re.compile(r"^Fixes:[ \t]*([0-9a-f]{7,40})\b", re.MULTILINE)


def from_maintainers(
    worktree: Worktree,
    mails: Sequence[bytes],
    files: Sequence[Sequence[str]],
) -> list[list[Wish]]:
    """What MAINTAINERS in ``worktree`` says for each mail; nothing where there is none.

    ``files`` are those of each mail, of a rename both.
    """
    from series import maintainers, ownership

    read = ownership.read(worktree)
    # Device tree bindings name their maintainers themselves.
    bindings = [path for paths in files for path in paths if path.endswith(".yaml")]
    contents = dict.fromkeys(bindings, b"") | worktree.staged_contents(bindings)
    answers = []
    for mail, paths in zip(mails, files, strict=True):
        contacts = maintainers.contacts(read, list(paths), mail, contents=contents)
        mentions = [mention for contact in contacts for mention in contact.mentions]
        answers.append(_of_mentions(mentions))
    return answers


def _of_mentions(mentions: Sequence[Mention]) -> list[Wish]:
    """One wish for an address and a section, with all patterns that led there."""
    found: dict[tuple[str, Kind, str], list[str]] = {}
    for mention in mentions:
        key = (mention.address, mention.kind, mention.section)
        found.setdefault(key, []).append(mention.through)
    return [
        Wish(
            address,
            kind,
            f"{kind} of {section} through {', '.join(dict.fromkeys(through))}"
            if section
            else f"named in {', '.join(through)}",
            section=section,
        )
        for (address, kind, section), through in found.items()
    ]


def from_script(worktree: Worktree, mails: Sequence[bytes]) -> list[list[Wish]]:
    """What the tree's own script says for each mail; ``ProgramError`` when it fails."""
    perl = process.find("perl", hint="apt install perl")
    _lay_out(worktree)
    answers = []
    with TemporaryDirectory(prefix="reroll-mails-") as place:
        for number, mail in enumerate(mails, 1):
            path = Path(place) / f"{number:04}.patch"
            path.write_bytes(mail)
            lines = _ask(perl, worktree.path, path)
            answers.append([wish for line in lines if (wish := _script_line(line))])
    return answers


def _lay_out(worktree: Worktree) -> None:
    """Give the script what it looks for: the top of a kernel tree, and its directories."""
    hint = "git config reroll.maintainers python"
    if not worktree.exists(_SCRIPT):
        raise ProgramError(f"the tree has no {_SCRIPT}", hint=hint)
    worktree.materialize([*worktree.top_files(), _SCRIPT])
    listed = worktree.path / "MAINTAINERS"
    if not listed.is_file() or listed.is_symlink():
        raise ProgramError(f"the tree has {_SCRIPT} but no MAINTAINERS", hint=hint)
    maintainers = listed.read_text(encoding="latin-1")
    # It asks which patterns are directories.
    patterns = re.findall(r"^[FX]:\s*(\S+?)/?$", maintainers, re.MULTILINE)
    worktree.make_directories([*_TOP_DIRECTORIES, *patterns])


def _ask(perl: str, top: Path, mail: Path) -> list[str]:
    options = ("--nogit", "--nogit-fallback", "--norolestats", "--roles", "--nofixes")
    argv = [perl, _SCRIPT, *options, str(mail)]
    result = process.run(argv, cwd=top, timeout=120)
    if result.returncode != 0 and b"nofixes" in result.stderr:
        argv.remove("--nofixes")
        result = process.run(argv, cwd=top, timeout=120)
    if result.returncode != 0:
        raise ProgramError(f"{_SCRIPT}: {result.complaint}")
    return result.stdout.decode("utf-8", "replace").splitlines()


def _script_line(line: str) -> Wish | None:
    found = _ROLE.match(line.strip())
    if not found:
        return None
    role = found["role"]
    section = role.partition(":")[2]
    if "list" in role.split(":")[0]:
        return Wish(found["address"], "list", role, section=section)
    kind: Kind = "reviewer" if role.startswith("reviewer") else "maintainer"
    return Wish(found["address"], kind, role, section=section)


def from_trailers(message: str) -> list[Wish]:
    """The people whom the trailers of a commit message name."""
    wishes = []
    for _, line in addresses.trailer_block(message):
        if trailer := addresses.of_trailer(line):
            name, value = trailer
            wishes.append(Wish(value, "trailer", f"{name} trailer"))
    return wishes


def from_fixes(tree: Tree, messages: Sequence[str]) -> list[list[Wish]]:
    """The author of each commit that a ``Fixes:`` line of a message names.

    Commits that ``tree`` does not have say nothing.
    """
    named = [dict.fromkeys(_FIXES.findall(message)) for message in messages]
    authors = tree.authors(list(dict.fromkeys(name for names in named for name in names)))
    return [
        [
            Wish(str(authors[name]), "fixes", f"author of {name[:12]}, which Fixes: names")
            for name in names
            if name in authors
        ]
        for names in named
    ]


def from_replies(found: Sequence[Reply], patch_ids: Sequence[str]) -> list[list[Wish]]:
    """Who answered an earlier version, for each patch.

    An answer to the cover letter concerns all; one to a patch that is no more does not,
    unless there is only one patch and so no cover letter that they could get.
    """
    gone = {reply.patch for reply in found} - set(patch_ids) if len(patch_ids) == 1 else {""}
    return [
        answers([reply for reply in found if reply.patch in {patch_id, *gone}])
        for patch_id in patch_ids
    ]


def answers(found: Sequence[Reply]) -> list[Wish]:
    """One wish for everybody who wrote replies, with what they answered."""
    by_sender: dict[str, dict[int, set[int]]] = {}
    for reply in found:
        by_sender.setdefault(reply.sender, {}).setdefault(reply.version, set()).add(reply.number)
    return [
        Wish(sender, "reply", f"answered {', '.join(map(_answered, said, said.values()))}")
        for sender, said in by_sender.items()
    ]


def _answered(version: int, numbers: set[int]) -> str:
    """The mails of a version by their numbers, 0 for the cover letter, in words."""
    mails = sorted(numbers - {0})
    words = [*(["the cover letter"] if 0 in numbers else []), *([patches(mails)] if mails else [])]
    return f"{' and '.join(words)} of v{version}"


def from_campaign(to: Iterable[str], cc: Iterable[str], where: str) -> list[Wish]:
    """The people whom a campaign, or a user's configuration, names."""
    return [
        *(Wish(address, "named", where, "to") for address in to),
        *(Wish(address, "named", where, "cc") for address in cc),
    ]


def from_configuration(found: Mapping[str, Sequence[str]]) -> list[Wish]:
    """Who gets every mail by git configuration: ``found`` has ``to`` and ``cc``."""
    wishes = []
    for key in ("to", "cc"):
        where = f"git config sendemail.{key}"
        values = found.get(key, ())
        wishes += from_campaign(values if key == "to" else (), values if key == "cc" else (), where)
    return wishes
