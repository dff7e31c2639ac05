"""``reroll send``: a version, through ``git send-email``."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from generator.errors import ExpectedFailureError, UsageError
from series import journal, options, sending, store
from series.output import say
from series.sending import Outgoing
from series.version import Version

EXAMPLE = "reroll -C my-series send -v 7 --dry-run"


def add_parser(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the verb."""
    parser = verbs.add_parser(
        "send", help="send a version with git send-email", epilog=f"example: {EXAMPLE}"
    )
    options.add_version(parser)
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")
    parser.add_argument("--resume", action="store_true", help="send what a stopped send left")
    parser.add_argument(
        "--assume",
        choices=("sent", "unsent"),
        help="what became of a mail that reroll was stopped in the middle of",
    )
    options.add_dry_run(parser, "send")


def run(args: argparse.Namespace) -> int:
    """Show what goes to whom, ask once, send."""
    folder = options.folder_of(args)
    version = store.read(folder, args.version)
    cwd = _cwd(args, folder)
    mails = sending.outgoing(folder, version)
    done = journal.accepted(folder, version.version)
    _refuse(args, version, mails, done)
    sending.require_send_email()
    if not args.json:
        _show(mails, done, sending.configured("bcc", cwd=cwd))
    if args.dry_run:
        said = sending.dry_run(mails, cwd=cwd)
        say(_json(mails) if args.json else f"{said}nothing was sent")
        return 0
    _ask(args, len(mails) - len(done))
    count = sending.send(
        folder, version, mails, cwd=cwd, assume=args.assume, report=_reporter(args.json)
    )
    say(_json(mails) if args.json else f"sent {count} mails of {version.name} v{version.version}")
    return 0


def _refuse(
    args: argparse.Namespace, version: Version, mails: list[Outgoing], done: set[str]
) -> None:
    events = journal.last_events(options.folder_of(args), version.version)
    if all(
        mail.message_id in events and events[mail.message_id].event == "accepted" for mail in mails
    ):
        raise UsageError(
            f"version {version.version} has been sent",
            hint=f"generate the next one with -v {version.version + 1}",
        )
    if done and not args.resume and not args.dry_run:
        raise UsageError(
            f"{len(done)} of {len(mails)} mails of version {version.version} are out already",
            hint="give --resume to send the others",
        )


def _cwd(args: argparse.Namespace, folder: Path) -> Path:
    """Where git send-email runs: in the tree, whose configuration counts, where one is named."""
    settings = options.settings_of(args)
    if not settings.tree:
        return folder
    tree = options.tree_of(args, settings)
    tree.close()
    return tree.path


def _show(mails: list[Outgoing], done: set[str], blind: tuple[str, ...]) -> None:
    for mail in mails:
        say(mail.subject + (" (sent already)" if mail.message_id in done else ""))
        for field, values in (("To", mail.to), ("Cc", mail.cc), ("Bcc", blind)):
            for value in values:
                say(f"    {field}: {value}")


def _ask(args: argparse.Namespace, count: int) -> None:
    if args.yes:
        return
    if args.json or not sys.stdin.isatty():
        raise UsageError("nobody is there to ask", hint="give --yes to send without a question")
    answer = input(f"Send these {count} mails? [y/N] ")
    if answer.strip().lower() not in ("y", "yes"):
        raise ExpectedFailureError("nothing was sent")


def _reporter(quiet: bool) -> Callable[[Outgoing], None]:
    def report(mail: Outgoing) -> None:
        if not quiet:
            say(f"sent: {mail.subject}")

    return report


def _json(mails: list[Outgoing]) -> str:
    rows = [
        {
            "subject": mail.subject,
            "message_id": mail.message_id,
            "to": mail.to,
            "cc": mail.cc,
            "file": mail.path.name,
        }
        for mail in mails
    ]
    return json.dumps(rows, ensure_ascii=False)
