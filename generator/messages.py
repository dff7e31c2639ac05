"""The commit message of a patch: rendered templates, and trailers with ours at the end."""

import re
from collections.abc import Sequence
from pathlib import Path

from generator import edits
from generator.campaign import Campaign, Patch
from generator.errors import CampaignError
from generator.ledger import Ledger
from generator.split import Shard
from generator.steps import StepReport
from generator.templates import render_line, render_text
from generator.tree import Identity, run_git

# Lines at which "git am" believes that the message has ended and the patch begun.
_LIKE_HEADER = re.compile(r"(?:>?From|From|Date|Subject|Author): ?", re.IGNORECASE)
_ENDS_MESSAGE = re.compile(r"^(---(?:\s|$)|-- $|diff -|Index: )", re.MULTILINE)


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
    facts = {
        "files": [file.path for file in files],
        "insertions": sum(file.added for file in files),
        "deletions": sum(file.removed for file in files),
        "smpl": "\n".join(report.rule.text.strip() for report in reports if report.rule),
        "smpl_body": "\n".join(report.rule.body for report in reports if report.rule),
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
    return sign_off(f"{title}\n\n{body}".strip() + "\n", signer)


def ledger_facts(ledger: Ledger) -> dict[str, object]:
    """A ledger as templates see it: ``words``, ``total``, ``counts`` by bucket, ``left`` sites."""
    return {
        "words": list(ledger.words),
        "total": len(ledger.sites),
        "counts": {str(bucket): count for bucket, count in ledger.counts.items()},
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

    ``git interpret-trailers`` decides what a trailer is.
    """
    words = ("interpret-trailers", "--no-divider", "--where=end", "--if-exists=addIfDifferent")
    result = run_git(
        [*words, "--trailer", f"Signed-off-by: {signer}"], cwd=Path("/"), stdin=message.encode()
    )
    return result.stdout.decode()
