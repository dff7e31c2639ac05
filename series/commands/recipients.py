"""``reroll recipients``: who gets each mail of a version, and why."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import asdict
from email.errors import MessageError
from pathlib import Path

from generator import campaign as campaign_module
from series import options, outgoing, readdressing, recipients, store
from series.addresses import in_header
from series.output import as_json, say
from series.recipients import Change
from series.version import CoverRecord, PatchRecord, Version

EXAMPLE = "reroll -C my-series recipients -v 7"


def add_parser(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the verb."""
    parser = verbs.add_parser(
        "recipients",
        help="who gets each mail of a version, and why",
        epilog=f"example: {EXAMPLE}",
    )
    options.add_version(parser)
    parser.add_argument(
        "--update",
        action="store_true",
        help="address the mails anew, as series.toml and git config are now",
    )
    options.add_dry_run(parser, "write")


def run(args: argparse.Namespace) -> int:
    """Show who gets what; with ``--update``, after planning it anew."""
    folder = options.folder_of(args)
    # Neither 'send' nor 'generate' may come in between.
    writes = args.update and not args.dry_run
    with store.lock(folder) if writes else nullcontext():
        before, version = _update(args, folder) if args.update else _read(args, folder)
    since = "the mails as they were"
    if before is None:
        before, since = _before(folder, version)
    changes = recipients.changes(before, version) if before else []
    subjects = _subjects(folder, version, planned=not (args.update and args.dry_run))
    if args.json:
        say(_json(version, changes, before, subjects))
        return 0
    _show(version, subjects)
    _show_changes(changes, since)
    if args.update:
        end = "nothing was written" if args.dry_run else "addressed anew"
        say(f"{end}: the {len(version.mails)} mails of version {version.version}")
    return 0


def _read(args: argparse.Namespace, folder: Path) -> tuple[Version | None, Version]:
    """The version as it is; says so where its recipients follow from other rules."""
    version = store.read(folder, args.version)
    store.refuse_posted(version)
    if why := options.outdated_recipients(args, version):
        say(f"reroll: note: {why}", sys.stderr)
    return None, version


def _before(folder: Path, version: Version) -> tuple[Version | None, str]:
    older = [number for number in store.numbers(folder) if number < version.version]
    return (store.read(folder, older[-1]), f"v{older[-1]}") if older else (None, "")


def _update(args: argparse.Namespace, folder: Path) -> tuple[Version | None, Version]:
    """The version as it was, and addressed anew."""
    version = store.read(folder, args.version)
    store.refuse_posted(version)
    campaign = campaign_module.load(folder)
    settings = options.settings_of(args, campaign)
    with closing(options.tree_of(args, settings)) as tree:
        made = readdressing.readdress(campaign, tree, settings, version)
    for note in made.notes:
        say(f"reroll: note: {note}", sys.stderr)
    if not args.dry_run:
        readdressing.install(campaign, made)
    return version, made.version


def _subjects(folder: Path, version: Version, *, planned: bool) -> dict[str, str]:
    """The subject of each mail by file name; says so where addresses are not as ``planned``."""
    found = {}
    for record in version.mails:
        headers = outgoing.headers(store.mail_path(folder, version, record.mail).read_bytes())
        try:
            found[record.mail] = outgoing.decoded(" ".join(headers.get("subject", [])))
            has = {
                field: [one for value in headers.get(field, []) for one in in_header(value)]
                for field in ("to", "cc")
            }
        except (LookupError, ValueError, MessageError):
            has = {}
        for field in ("to", "cc") if planned else ():
            if has.get(field) != [one.address for one in record.recipients if one.field == field]:
                say(
                    f"reroll: note: {record.mail}: {field.capitalize()} is not as planned below; "
                    "rules in series.toml and --update are the way to change it",
                    sys.stderr,
                )
    return found


def _show(version: Version, subjects: Mapping[str, str]) -> None:
    shown = [len(one.address) for mail in version.mails for one in mail.recipients]
    width = min(max(shown, default=0), 50)
    for mail in version.mails:
        say(subjects.get(mail.mail, mail.mail))
        for one in mail.recipients:
            reasons = "; ".join(one.reasons)
            say(f"  {one.field.capitalize()}  {one.address:<{width}}  {reasons}")
        if not mail.recipients:
            say("  nobody")
        for out in mail.left_out:
            reasons = "; ".join(out.reasons)
            say(f"  --  {out.address:<{width}}  {out.why}: {reasons}")


def _show_changes(changes: Sequence[Change], since: str) -> None:
    if not since:
        return
    say(f"against {since} (+ gets it now, - no longer):" if changes else f"the same as in {since}")
    by_address: dict[tuple[str, bool], list[int]] = {}
    for change in changes:
        by_address.setdefault((change.address, change.joined), []).append(change.number)
    for (address, joined), numbers in by_address.items():
        named = ["cover letter"] if 0 in numbers else []
        if mails := [number for number in numbers if number]:
            named.append(recipients.patches(mails))
        say(f"  {'+' if joined else '-'} {address}: {', '.join(named)}")


def _json(
    version: Version,
    changes: Sequence[Change],
    before: Version | None,
    subjects: Mapping[str, str],
) -> str:
    answer = {
        "version": version.version,
        "mails": [_mail(mail, subjects) for mail in version.mails],
        "against": before.version if before else None,
        "changes": [asdict(change) for change in changes],
    }
    return as_json(answer)


def _mail(mail: CoverRecord | PatchRecord, subjects: Mapping[str, str]) -> dict[str, object]:
    return {
        "number": mail.number if isinstance(mail, PatchRecord) else 0,
        "id": mail.id if isinstance(mail, PatchRecord) else "",
        "file": mail.mail,
        "subject": subjects.get(mail.mail, ""),
        "message_id": mail.message_id,
        "to": [one.address for one in mail.recipients if one.field == "to"],
        "cc": [one.address for one in mail.recipients if one.field == "cc"],
        "recipients": [asdict(one) for one in mail.recipients],
        "left_out": [asdict(one) for one in mail.left_out],
    }
