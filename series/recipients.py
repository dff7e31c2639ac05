"""Who gets which mail, and why.

Maintainers go in To, everybody else in Cc; the cover letter goes to the union.
The answer comes from the tree's ``scripts/get_maintainer.pl`` where it has one,
else from our own reading of MAINTAINERS; the series, the patch and the trailers
of the message add to it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from generator import process
from generator.errors import CampaignError, ProgramError
from generator.tree import Worktree
from series import addresses
from series.version import Recipient

_SCRIPT = "scripts/get_maintainer.pl"
# What get_maintainer.pl takes for the top of a kernel tree.
_TOP_DIRECTORIES = (
    *("Documentation", "arch", "include", "drivers", "fs", "init", "ipc", "kernel", "lib"),
    "scripts",
)
# A section's title is cut at 50 characters, so its parentheses need not match.
_ROLE = re.compile(r"(?P<address>.*?<[^<>]*>|\S+) \((?P<role>.*)\)\Z")


@dataclass(frozen=True)
class Wish:
    """Somebody who should get a mail: in which field, and the one reason for it."""

    address: str
    field: Literal["to", "cc"]
    reason: str


def source_of(worktree: Worktree, wanted: str) -> Literal["script", "python"]:
    """How maintainers are found in ``worktree``: as ``wanted``, or by what it has."""
    if wanted == "python":
        return "python"
    if worktree.exists(_SCRIPT):
        return "script"
    if wanted == "script":
        raise ProgramError(
            f"the tree has no {_SCRIPT}", hint="git config reroll.maintainers python"
        )
    return "python"


def from_script(worktree: Worktree, mails: Sequence[Path]) -> list[list[Wish]]:
    """What the tree's own script says for each mail; ``ProgramError`` when it fails."""
    perl = process.find("perl", hint="apt install perl")
    root = worktree.path
    worktree.materialize([*worktree.top_files(), _SCRIPT])
    # It wants the top of a kernel tree, and asks which patterns are directories.
    listed = root / "MAINTAINERS"
    if not listed.is_file() or listed.is_symlink():
        raise ProgramError(
            f"the tree has {_SCRIPT} but no MAINTAINERS",
            hint="git config reroll.maintainers python",
        )
    maintainers = listed.read_text(encoding="latin-1")
    patterns = re.findall(r"^[FX]:\s*(\S+?)/?$", maintainers, re.MULTILINE)
    worktree.make_directories([*_TOP_DIRECTORIES, *patterns])
    options = ("--nogit", "--nogit-fallback", "--norolestats", "--roles", "--nofixes")
    answers = []
    for mail in mails:
        argv = [perl, _SCRIPT, *options, str(mail)]
        result = process.run(argv, cwd=root, timeout=120)
        if result.returncode != 0 and b"nofixes" in result.stderr:
            argv.remove("--nofixes")
            result = process.run(argv, cwd=root, timeout=120)
        if result.returncode != 0:
            raise ProgramError(f"{_SCRIPT}: {result.complaint}")
        lines = result.stdout.decode("utf-8", "replace").splitlines()
        answers.append([wish for line in lines if (wish := _script_line(line))])
    return answers


def _script_line(line: str) -> Wish | None:
    found = _ROLE.match(line.strip())
    if not found:
        return None
    role = found["role"]
    in_cc = "list" in role.split(":")[0] or role.startswith("reviewer")
    return Wish(found["address"], "cc" if in_cc else "to", role)


def from_maintainers(
    worktree: Worktree, mails: Sequence[bytes], files: Sequence[Sequence[str]]
) -> list[list[Wish]]:
    """What MAINTAINERS in ``worktree`` says for each mail; nothing where there is none."""
    from series import maintainers, ownership

    read = ownership.read(worktree)
    # Device tree bindings name their maintainers themselves.
    bindings = [path for paths in files for path in paths if path.endswith(".yaml")]
    worktree.materialize(bindings)
    contents = {path: ownership.content(worktree, path) for path in bindings}
    answers = []
    for mail, paths in zip(mails, files, strict=True):
        contacts = maintainers.contacts(read, list(paths), mail, contents=contents)
        answers.append(
            [
                Wish(
                    f"{contact.name} <{contact.address}>" if contact.name else contact.address,
                    "to" if contact.kind == "maintainer" else "cc",
                    contact.reason,
                )
                for contact in contacts
            ]
        )
    return answers


def from_trailers(message: str) -> list[Wish]:
    """The people whom the trailers of a commit message name."""
    wishes = []
    for _, line in addresses.trailer_block(message):
        if trailer := addresses.of_trailer(line):
            name, value = trailer
            wishes.append(Wish(value, "cc", f"{name} trailer"))
    return wishes


def from_campaign(to: Iterable[str], cc: Iterable[str], where: str) -> list[Wish]:
    """The people whom a campaign names for a patch or for the series."""
    return [
        *(Wish(address, "to", where) for address in to),
        *(Wish(address, "cc", where) for address in cc),
    ]


def plan(wishes: Iterable[Wish], *, sender: str, what: str) -> tuple[Recipient, ...]:
    """One entry an address, with all its reasons; To first, otherwise in the order of wishes.

    The sender is left out.  Where nobody is left for To, lists and then
    everybody in Cc move there.  Raises ``CampaignError`` naming ``what`` and
    every address that cannot be real.
    """
    problems = []
    fields: dict[str, Literal["to", "cc"]] = {}
    reasons: dict[str, dict[str, None]] = {}
    texts: dict[str, str] = {}
    for wish in wishes:
        if reason := addresses.problem(wish.address):
            problems.append(
                f"{what}: the address '{_printable(wish.address)}' ({wish.reason}) {reason}"
            )
            continue
        name = addresses.key(wish.address)
        if name == addresses.key(sender):
            continue
        reasons.setdefault(name, {})[wish.reason] = None
        texts.setdefault(name, addresses.plain(wish.address))
        if wish.field == "to" or name not in fields:
            fields[name] = wish.field
    if problems:
        raise CampaignError(problems)
    if "to" not in fields.values():
        fields = dict.fromkeys(fields, "to")
    found = [Recipient(texts[name], fields[name], tuple(reasons[name])) for name in fields]
    return tuple(sorted(found, key=lambda recipient: recipient.field != "to"))


def union(plans: Sequence[tuple[Recipient, ...]]) -> list[Wish]:
    """What the cover letter's recipients follow from: those of all patches."""
    wishes = []
    for number, recipients in enumerate(plans, 1):
        for recipient in recipients:
            wishes.append(Wish(recipient.address, recipient.field, f"gets patch {number}"))
    return wishes


def _printable(text: str) -> str:
    return text.encode("unicode_escape").decode() if not text.isprintable() else text
