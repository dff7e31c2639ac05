"""The commit message of a patch: rendered templates, and trailers with ours at the end."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from generator import edits
from generator.campaign import Campaign, Patch
from generator.errors import CampaignError
from generator.ledger import Ledger
from generator.rule import Rule
from generator.split import Shard
from generator.steps import StepReport
from generator.templates import render_line, render_text
from generator.tree import Identity, run_git

# Lines at which "git am" believes that the message has ended and the patch begun.
_LIKE_HEADER = re.compile(r"(?:>?From|From|Date|Subject|Author): ?", re.IGNORECASE)
_ENDS_MESSAGE = re.compile(r"^(---(?:\s|$)|-- $|diff -|Index: )", re.MULTILINE)
# A trailer as git-interpret-trailers(1) has it; further lines of it are indented.
_TRAILER = re.compile(r"([A-Za-z][A-Za-z0-9-]*)[ \t]*:[ \t]*(\S.*)\Z", re.DOTALL)


@dataclass(frozen=True)
class Tagging:
    """The trailers ("Acked-by: Name <address>") that a message is to have, or not to have."""

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


@dataclass(frozen=True)
class Change:
    """What a commit is about to hold: the ids of the patch (its own, the campaign's) and its diff.

    ``steps`` are what made it; ``complete`` is false when a step was left out.
    """

    id: str
    of: str
    diff: bytes
    steps: tuple[StepReport, ...]
    complete: bool


Tagger = Callable[[Change], Tagging]


def no_tags(_change: Change) -> Tagging:
    """The messages keep the trailers that the campaign gives them."""
    return Tagging()


def compose_message(
    campaign: Campaign,
    patch: Patch,
    reports: Sequence[StepReport],
    files: Sequence[edits.FileEdit],
    *,
    signer: Identity,
    ledger: Ledger,
    shard: Shard,
) -> str:
    """The commit message of a patch: title, rendered body, trailers with ours at the end.

    Raises ``CampaignError`` for a template that fails and for lines at which
    ``git am`` would cut the message.
    """
    name = f"patch {patch.id}"
    rules = _rules_at_work(reports, files, shard)
    facts = {
        "files": [file.path for file in files],
        "insertions": sum(file.added for file in files),
        "deletions": sum(file.removed for file in files),
        "smpl": "\n".join(rule.text.strip() for rule in rules),
        "smpl_body": "\n".join(rule.body for rule in rules),
        "ledger": ledger_facts(ledger),
        "prefix": shard.prefix,
        "subsystem": shard.label,
    }
    template = patch.title
    if shard.label and "prefix" not in template:
        template = "{{ prefix }}: " + template
    title = render_line(template, facts, name=f"{name}: title")
    body = render_text(campaign.message_text(patch), facts, name=f"{name}: message")
    if header := _LIKE_HEADER.match(body):
        raise CampaignError([f"{name}: message: git am would take '{header[0]}' for a header"])
    if cut := _ENDS_MESSAGE.search(body):
        raise CampaignError(
            [f"{name}: message: the line '{cut[0].strip()}...' would end the message in git am"]
        )
    return sign_off(f"{title}\n\n{body}".rstrip() + "\n", signer)


def _rules_at_work(
    reports: Sequence[StepReport], files: Sequence[edits.FileEdit], shard: Shard
) -> list[Rule]:
    """The rules that changed something; of a split patch, something in this shard."""
    names = {name for file in files for name in (file.path, file.source)}
    return [
        report.rule
        for report in reports
        if report.rule and report.changed and not (shard.label and names.isdisjoint(report.changed))
    ]


def ledger_facts(ledger: Ledger) -> dict[str, object]:
    """A ledger as templates see it: ``words``, ``total``, ``counts`` by bucket, ``left`` sites.

    ``summary`` is the counts as a text: "61 converted, 3 comment".
    """
    return {
        "words": list(ledger.words),
        "total": len(ledger.sites),
        "counts": {str(bucket): count for bucket, count in ledger.counts.items()},
        "summary": ", ".join(f"{count} {bucket}" for bucket, count in ledger.counts.items()),
        "left": [
            {
                "path": site.path,
                "line": site.line,
                "word": site.word,
                "bucket": str(site.bucket),
                "why": site.why,
            }
            for site in ledger.left
        ],
    }


def sign_off(message: str, signer: Identity) -> str:
    """``message`` with ``Signed-off-by: signer`` last, unless it has that trailer already.

    ``git interpret-trailers`` decides what a trailer is; what it does not add stays as it is.
    """
    words = ("interpret-trailers", "--no-divider", "--where=end", "--if-exists=addIfDifferent")
    own = f"Signed-off-by: {signer}"
    made = run_git([*words, "--trailer", own], cwd=Path("/"), stdin=message.encode())
    text, plain = made.stdout.decode().rstrip("\n"), message.rstrip("\n")
    if text.count("\n") == plain.count("\n"):
        return f"{plain}\n"
    # In a paragraph of its own, where the last one is no block of trailers.
    gap = "\n\n" if text.endswith(f"\n\n{own}") else "\n"
    return f"{plain}{gap}{own}\n"


def with_tags(message: str, tagging: Tagging, signer: Identity) -> str:
    """A signed-off message with trailers added and removed; the order of the others stays.

    New ones go before the last line where that is the signer's own sign-off, else to
    the end.  A line that is no trailer, or has control characters, is not added.
    """
    head, gap, block = message.rstrip("\n").rpartition("\n\n")
    lines = [one for one in _trailers(block) if not _listed(one, tagging.remove)]
    new: list[str] = []
    for line in tagging.add:
        if _addable(line) and not _listed(line, [*lines, *new]):
            new.append(line)
    own = bool(lines) and same_trailer(lines[-1], f"Signed-off-by: {signer}")
    at = len(lines) - own
    return head + gap + "\n".join([*lines[:at], *new, *lines[at:]]) + "\n"


def same_trailer(one: str, other: str) -> bool:
    """Whether two trailers are of one kind and of one person (by address, or by full name)."""
    left, right = _TRAILER.match(one), _TRAILER.match(other)
    if not (left and right) or left[1].casefold() != right[1].casefold():
        return False
    first, second = _person(left[2]), _person(right[2])
    return any(a == b != "" for a, b in zip(first, second, strict=True))


def _person(value: str) -> tuple[str, str]:
    """Address and name of a trailer's value, folded; one without an address is all name."""
    found = re.match(r"\s*(.*?)\s*<([^<>]*)>", value, re.DOTALL)
    name, address = (found[1], found[2]) if found else (value, "")
    return address.strip().casefold(), " ".join(name.strip(' "').casefold().split())


def _trailers(block: str) -> list[str]:
    """The lines of a message's last paragraph, each with the indented ones that go on with it."""
    return re.findall(r"^.*(?:\n[ \t].*)*", block, re.MULTILINE)


def _listed(line: str, trailers: Sequence[str]) -> bool:
    return any(same_trailer(line, one) for one in trailers)


def _addable(line: str) -> bool:
    return bool(_TRAILER.match(line)) and line.isprintable()
