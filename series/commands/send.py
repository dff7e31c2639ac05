"""``reroll send``: a version, through ``git send-email``."""

import argparse
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from generator.errors import ExpectedFailureError, RerollError, UsageError
from generator.progress import State
from series import (
    archive,
    comment_file,
    journal,
    mailbox_files,
    options,
    planning,
    rehearsal,
    send_email,
    sending,
    signing,
    store,
)
from series.checks import requirement
from series.checks.configured import configured
from series.checks.kinds import Ground
from series.checks.requirement import Verdict
from series.comment_file import Comment
from series.journal import Journal
from series.lint.version import check_version
from series.outgoing import Outgoing
from series.output import as_json, one_line, printable, say
from series.progress import progress
from series.rehearsal import Rehearsed
from series.sending import Fate, Plan
from series.settings import Settings, store_of
from series.version import MANY, Version

if TYPE_CHECKING:
    from generator.campaign import Campaign

EXAMPLE = "reroll -C my-series send -v 7 --dry-run"
_ANSWERS: dict[str, Fate] = {"s": "sent", "sent": "sent", "u": "unsent", "unsent": "unsent"}


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
    parser.add_argument(
        "--only",
        type=_numbers,
        action="extend",
        default=[],
        metavar="N[,N...]",
        help="send only these mails, numbered as in their subjects (0: the cover letter)",
    )
    parser.add_argument(
        "--resend",
        action="store_true",
        help="send a version that was sent once more, as [PATCH vN RESEND 1/3]",
    )
    parser.add_argument(
        "--reflect", action="store_true", help="send everything to yourself and to nobody else"
    )
    parser.add_argument(
        "-o",
        "--output-dir",
        metavar="DIR",
        help="send nothing; write each mail to DIR as it would go out, and all to DIR/vN.mbox "
        "(also with --dry-run: nothing is written to the series folder or the tree)",
    )
    parser.add_argument(
        "--override",
        type=_override,
        action="append",
        default=[],
        metavar="NAME=REASON",
        help="send although this check does not pass; the manifest keeps the reason",
    )
    parser.add_argument(
        "--force-open",
        type=_reason,
        metavar="REASON",
        help="send although comments on earlier versions are open; comments.toml keeps the reason",
    )
    options.add_dry_run(parser, "send")


def _numbers(text: str) -> list[int]:
    if not re.fullmatch(r"\d{1,5}(,\d{1,5})*", text):
        raise argparse.ArgumentTypeError(f"'{text}' is not numbers of mails, as in 0,2,5")
    return [int(word) for word in text.split(",")]


def _reason(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("must say why")
    return text.strip()


def _override(text: str) -> tuple[str, str]:
    name, _, reason = text.partition("=")
    if not reason.strip() or not reason.isprintable():
        shown = printable(one_line(text))
        raise argparse.ArgumentTypeError(f"'{shown}' is not NAME=REASON, in one line")
    return name, reason.strip()


def run(args: argparse.Namespace) -> int:
    """Show what goes to whom, ask once, send."""
    folder = options.folder_of(args)
    version = store.read(folder, args.version)
    store.refuse_posted(version)
    requirement.known((name for name, _ in args.override), "--override")
    settings = options.settings_of(args)
    cwd = _cwd(args, settings, folder)
    send_email.require()
    if args.dry_run or args.output_dir or args.reflect:
        return _rehearse_only(args, version, settings, cwd)
    with journal.journal(folder) as book, store.lock(folder):
        return _send(args, book, version, settings, cwd)


def _rehearse_only(
    args: argparse.Namespace, version: Version, settings: Settings, cwd: Path
) -> int:
    plan = _plan(args, version)
    refusal = _refusal(args, version, _verdict(args, version)) if plan.anew else None
    plan, rehearsed = _rehearse(args, plan, settings, cwd)
    end = "nothing was sent"
    if args.reflect and not args.dry_run and not args.output_dir:
        end = _reflect(args, plan, rehearsed, settings, cwd)
    else:
        _show(args, plan, rehearsed)
        _note_rules(args, version, plan)
    if args.output_dir:
        name = _write(Path(args.output_dir), version, rehearsed)
        if not args.json:
            say(f"{_counted(len(rehearsed))} written to {args.output_dir}, and all to {name}")
    if args.json:
        say(_json(plan, rehearsed))
    if refusal and not args.reflect:
        raise refusal
    if not args.json:
        say(end)
    return 0


def _reflect(
    args: argparse.Namespace,
    plan: Plan,
    rehearsed: Sequence[Rehearsed],
    settings: Settings,
    cwd: Path,
) -> str:
    """Send everything to its sender; returns what was done."""
    from series import reflection

    own = reflection.own_address(rehearsed)
    if not args.json:
        say(f"all to {own} only:")
    _show(args, plan, rehearsed)
    _ask(args, f"Send {_these(len(rehearsed))} to {own} only?")
    reflection.reflect(rehearsed, cwd=cwd, timeout=settings.sendtimeout)
    return f"reflected {_counted(len(rehearsed))} to {own}; nobody else got any"


def _send(
    args: argparse.Namespace, book: Journal, version: Version, settings: Settings, cwd: Path
) -> int:
    folder = options.folder_of(args)
    plan = _plan(args, version)
    verdict = Verdict()
    if plan.uncertain():
        url = archive.followed(settings.archive, cwd=cwd)
        for line in sending.settle(book, plan, url=url, assume=args.assume, ask=_asker(args)):
            say(line, sys.stderr if args.json else None)
        plan = sending.refreshed(folder, plan)
    if plan.anew:
        verdict = _verdict(args, version, write=True)
        if refusal := _refusal(args, version, verdict):
            raise refusal
    elif signing.unsigned(plan.waiting(args.only)) and signing.configured(cwd):
        say("these mails go unsigned: they were frozen without a signature", sys.stderr)
    plan, rehearsed = _rehearse(args, plan, settings, cwd)
    _show_or_go_on(args, plan, rehearsed)
    _note_rules(args, version, plan)
    waiting = plan.waiting(args.only)
    if waiting:
        _ask(args, f"Send {_these(len(waiting))}?")
    if waiting and plan.anew:
        _note_open(args, folder, version)
        if verdict.overridden:
            kept = (*version.overrides, *verdict.overridden)
            store.rewrite(folder, replace(version, overrides=kept))
        _freeze(folder, book, plan)
    report = _reporter(args.json)
    count = sending.send(
        book, folder, plan, waiting, cwd=cwd, timeout=settings.sendtimeout, report=report
    )
    done = sending.refreshed(folder, plan)
    say(_json(done, rehearsed) if args.json else _end(version, done, count))
    return 0


def _end(version: Version, plan: Plan, count: int) -> str:
    left = len(plan.waiting())
    again = f"; {left} {'is' if left == 1 else 'are'} left for --resume" if left else ""
    resent = f" (resend {plan.round.resend})" if plan.round.resend else ""
    return f"sent {_counted(count)} of {version.name} v{version.version}{resent}{again}"


def _counted(count: int) -> str:
    return f"{count} mail{'' if count == 1 else 's'}"


def _these(count: int) -> str:
    return "this mail" if count == 1 else f"these {count} mails"


def _plan(args: argparse.Namespace, version: Version) -> Plan:
    folder = options.folder_of(args)
    if args.reflect and not (args.resume or args.resend):
        plan = sending.preview(folder, version)
    else:
        plan = sending.plan(folder, version, resume=args.resume, resend=args.resend)
    known = {mail.number for mail in plan.mails}
    if unknown := sorted(set(args.only) - known):
        raise UsageError(
            f"--only {unknown[0]}: {plan.round} has no such mail",
            hint=f"it has {min(known)} to {max(known)}",
        )
    out = len(plan.mails) - len(plan.waiting())
    if args.only and out and not any(mail.number in args.only for mail in plan.waiting()):
        raise UsageError(f"the mails of --only are out already, or may be, in {plan.round}")
    if out and not (args.resume or args.dry_run or args.output_dir or args.reflect):
        raise UsageError(
            f"{out} of {len(plan.mails)} mails of {plan.round} are out already, or may be",
            hint="give --resume to send the others",
        )
    return plan


def _campaign(folder: Path) -> "Campaign | None":
    """What series.toml says; ``None`` where there is none."""
    from generator import campaign

    return campaign.load(folder) if (folder / campaign.FILE_NAME).is_file() else None


def _verdict(args: argparse.Namespace, version: Version, *, write: bool = False) -> Verdict:
    """What the checks that are required have against ``version``; quick ones are made now.

    What is found in mails is said; with ``write`` the record of checks is, too.
    """
    folder = options.folder_of(args)
    settings = options.settings_of(args, _campaign(folder))
    wanted = requirement.required(settings)
    found: dict[str, str] = {}
    if (wrong := _errors(args, version, settings)) and "mail" in wanted.names:
        found["mail"] = f"finds {wrong} error{'' if wrong == 1 else 's'}"
    with _ground(args, version, settings) as ground:
        more, notes = requirement.objections(folder, version, wanted, ground, write=write)
    for note in notes:
        say(f"reroll: note: {one_line(note)}", sys.stderr)
    found |= more
    for name in dict(args.override):
        if name not in found:
            say(f"reroll: note: --override {name}: nothing of it stands in the way", sys.stderr)
    return requirement.judge(version, found, dict(args.override), now=int(time.time()))


@contextmanager
def _ground(
    args: argparse.Namespace, version: Version, settings: Settings
) -> Iterator[Ground | None]:
    """What checks stand on; ``None`` where no tree is named."""
    if not settings.tree:
        yield None
        return
    with (
        closing(options.tree_of(args, settings)) as tree,
        store_of(settings) as results,
        progress(quiet=args.json) as display,
    ):
        yield Ground(
            folder=options.folder_of(args),
            version=version,
            tree=tree,
            settings=settings,
            store=results,
            options=configured(tree),
            progress=lambda what: display(State(what, 0, 0)),
        )


def _refusal(args: argparse.Namespace, version: Version, verdict: Verdict) -> RerollError | None:
    """Why this version does not go out."""
    if planning.too_many(version):
        return UsageError(
            f"{len(version.patches)} patches are more than the {MANY} that lists ask for",
            hint='say why with allow_many = "..." in [series], then reroll recipients --update',
        )
    if verdict.blocked:
        text, hint = requirement.said(verdict.blocked)
        hint = options.typed(args)(hint)
        return ExpectedFailureError(f"nothing was sent: {text}", hint=hint)
    waiting = () if args.force_open else _open_comments(args, version)
    if waiting:
        return ExpectedFailureError(
            f"nothing was sent: {len(waiting)} comment{' is' if len(waiting) == 1 else 's are'} "
            "open on earlier versions",
            hint="'reroll comments' lists them and marks what became of them "
            "(or --force-open REASON)",
        )
    return None


def _open_comments(args: argparse.Namespace, version: Version) -> tuple[Comment, ...]:
    """The open comments on versions before ``version`` that nobody said to send in spite of."""
    number = version.version
    waiting = comment_file.open_ones(options.folder_of(args), before=number)
    return tuple(one for one in waiting if not comment_file.was_forced(one, number))


def _note_open(args: argparse.Namespace, folder: Path, version: Version) -> None:
    """Keep why the version goes out although comments are open, before any mail does."""
    if args.force_open:
        ids = [one.id for one in _open_comments(args, version)]
        comment_file.force(folder, ids, version.version, args.force_open)


def _note_rules(args: argparse.Namespace, version: Version, plan: Plan) -> None:
    if plan.anew and (why := options.outdated_recipients(args, version)):
        say(f"reroll: note: {why}", sys.stderr)


def _errors(args: argparse.Namespace, version: Version, settings: Settings) -> int:
    """Say what lint finds in the mails; how many errors there are."""
    folder = options.folder_of(args)
    findings = check_version(folder, version, lambda: options.tree_of(args, settings))
    for one in findings:
        if one.severity != "not run":
            say(one_line(str(one)), sys.stderr)
    unseen = [one for one in findings if one.severity == "not run"]
    if len(unseen) == 1:
        say(one_line(str(unseen[0])), sys.stderr)
    elif unseen:
        say("some checks were not run, see 'reroll check mail'", sys.stderr)
    return sum(one.severity == "error" for one in findings)


def _rehearse(
    args: argparse.Namespace, plan: Plan, settings: Settings, cwd: Path
) -> tuple[Plan, list[Rehearsed]]:
    """What would go out of ``plan``, signed where it is made anew; its mails are those."""
    mails = signing.sign(plan.mails, cwd=cwd) if plan.anew else plan.waiting(args.only)
    made = rehearsal.rehearse(
        mails,
        cwd=cwd,
        blind=sending.configured("bcc", cwd=cwd),
        validate=plan.anew,
        timeout=settings.sendtimeout,
    )
    if plan.anew:
        plan = replace(plan, mails=tuple(one.mail for one in made))
    wanted = {mail.number for mail in plan.waiting(args.only)}
    return plan, [one for one in made if one.mail.number in wanted]


def _freeze(folder: Path, book: Journal, plan: Plan) -> None:
    try:
        sending.freeze(folder, book, plan, plan.mails)
    except RerollError as error:
        if plan.accepted():
            raise
        raise type(error)(f"nothing was sent: {error}", hint=error.hint) from error


def _cwd(args: argparse.Namespace, settings: Settings, folder: Path) -> Path:
    """Where git send-email runs: in the tree, whose configuration counts, where one is named."""
    if not settings.tree:
        return folder
    with closing(options.tree_of(args, settings)) as tree:
        return tree.path


def _show(args: argparse.Namespace, plan: Plan, rehearsed: Sequence[Rehearsed]) -> None:
    """Each mail and who gets it, as the rehearsal found it."""
    if args.json:
        return
    marks = {"accepted": " (sent already)", "handed over": " (not known whether sent)"}
    found = {one.mail.number: one for one in rehearsed}
    for mail in plan.mails:
        if args.only and mail.number not in args.only:
            continue
        one = found.get(mail.number)
        say(mail.subject + marks.get(plan.state(mail), ""))
        changed = one is not None and one.sender != mail.sender
        rows = (
            ("From", (one.sender,) if one and changed else ()),
            ("Reply-To", one.reply_to if one else ()),
            ("To", mail.to),
            ("Cc", mail.cc),
            ("Bcc", one.blind if one else ()),
        )
        for field, values in rows:
            for value in values:
                say(f"    {field}: {value}")


def _show_or_go_on(args: argparse.Namespace, plan: Plan, rehearsed: Sequence[Rehearsed]) -> None:
    """``_show``; that nobody reads it stops only who would be asked."""
    try:
        _show(args, plan, rehearsed)
        sys.stdout.flush()
    except BrokenPipeError as error:
        if not args.yes:
            raise ExpectedFailureError("nothing was sent: nobody reads what would go") from error


def _write(place: Path, version: Version, rehearsed: Sequence[Rehearsed]) -> Path:
    """Each mail in a file of its own, and all in an mbox, which mail programs open; that one."""
    mbox = place / f"v{version.version}.mbox"
    try:
        place.mkdir(parents=True, exist_ok=True)
        for one in rehearsed:
            (place / one.mail.name).with_suffix(".eml").write_bytes(one.content)
        mailbox = b"".join(mailbox_files.escaped(one.content) for one in rehearsed)
        mbox.write_bytes(mailbox)
    except OSError as error:
        raise RerollError(f"{place}: cannot be written: {error.strerror}") from error
    return mbox


def _ask(args: argparse.Namespace, question: str) -> None:
    if args.yes:
        return
    if args.json or not sys.stdin.isatty():
        raise UsageError("nobody is there to ask", hint="give --yes to send without a question")
    if input(f"{question} [y/N] ").strip().lower() not in ("y", "yes"):
        raise ExpectedFailureError("nothing was sent")


def _asker(args: argparse.Namespace) -> Callable[[Outgoing], Fate | None] | None:
    """How to ask what became of a mail, where somebody is there."""
    if args.yes or args.json or not sys.stdin.isatty():
        return None

    def ask(mail: Outgoing) -> Fate | None:
        while True:
            question = f"{mail.name}: was it sent? [s]ent/[u]nsent/[q]uit "
            answer = input(question).strip().lower()
            if answer in ("q", "quit"):
                return None
            if answer in _ANSWERS:
                return _ANSWERS[answer]

    return ask


def _reporter(quiet: bool) -> Callable[[Outgoing], None]:
    def report(mail: Outgoing) -> None:
        if not quiet:
            say(f"sent: {mail.subject}")

    return report


def _json(plan: Plan, rehearsed: Sequence[Rehearsed]) -> str:
    found = {one.mail.number: one for one in rehearsed}
    rows = []
    for mail in plan.mails:
        one = found.get(mail.number)
        rows.append(
            {
                "number": mail.number,
                "file": mail.name,
                "subject": mail.subject,
                "message_id": mail.message_id,
                "from": one.sender if one else mail.sender,
                "reply_to": one.reply_to if one else (),
                "to": mail.to,
                "cc": mail.cc,
                "bcc": one.blind if one else (),
                "envelope": one.envelope if one else (),
                "state": plan.state(mail) or "not sent",
            }
        )
    return as_json(rows)
