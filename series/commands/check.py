"""``reroll check``: what should be seen to before a version is sent."""

import argparse
import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from generator.errors import RerollError, UsageError
from generator.progress import State
from generator.suggestion import ending
from generator.tree import Tree, read_settings
from series import options, store
from series.checks import requirement, runner
from series.checks.advice import AFTERWARDS
from series.checks.configured import configured
from series.checks.kinds import Ground, Patch, Result
from series.checks.runner import Report
from series.lint.finding import Finding
from series.output import as_json, one_line, say
from series.progress import progress
from series.settings import Settings, store_of
from series.version import Version

EXAMPLE = "reroll -C my-series --tree ~/linux check -v 7 applies order kernel-doc"
_BUILDING = (
    ("arch", "ARCH", "build, sparse: an architecture, as the kernel names it (default: this one)"),
    ("config", "FILE", "build, sparse: a .config to build (default: allmodconfig)"),
    ("cross", "ARCH=PREFIX", "build, sparse: CROSS_COMPILE for an architecture"),
    ("objects", "DIR", "build, sparse: where to build (default: in the user's cache directory)"),
    ("limit", "SECONDS", "build, sparse: the limit a commit"),
)
# Exit status when a check that was asked for by name did not run.
NOT_RUN = 4


def add_parser(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the verb."""
    known = "; ".join(f"{name}: {text}" for name, text in runner.texts().items())
    parser = verbs.add_parser(
        "check",
        help="check a version before it is sent",
        epilog=f"example: {EXAMPLE}",
    )
    parser.add_argument(
        "words",
        nargs="*",
        metavar="NAME",
        help="the checks to make, or 'all' (default: git config reroll.check, else all but "
        f"{', '.join(runner.SLOW)}). {known}",
    )
    options.add_version(parser)
    parser.add_argument("--strict", action="store_true", help="checkpatch with --strict")
    parser.add_argument(
        "--applies-to",
        metavar="REV|DIR",
        action="append",
        help="applies: another commit, or tree, that the mails shall apply to",
    )
    for name, metavar, text in _BUILDING:
        parser.add_argument(f"--{name}", metavar=metavar, action="append", help=text)
    parser.add_argument(
        "--build-all-users",
        action="store_true",
        help="build: everything that includes a changed header",
    )
    parser.add_argument("--sarif", metavar="FILE", help="write what was found as SARIF 2.1.0")
    options.add_spatch(parser)


def run(args: argparse.Namespace) -> int:
    """Check; status 1 when a patch fails, 4 when a check named here did not run, else 0."""
    folder = options.folder_of(args)
    requirement.known(one for one in args.words if one != "all")
    version = store.read(folder, args.version)
    store.refuse_posted(version)
    if args.words == ["mail"] and not args.sarif:
        return _mail_only(args, folder, version)
    settings = options.settings_of(args)
    tree = options.tree_of(args, settings)
    try:
        _tell(tree.notes)
        report = _report(args, folder, version, tree, settings)
    finally:
        tree.close()
    if args.sarif:
        _write_sarif(report, Path(args.sarif))
    _show(report, args)
    return _status(report, args.words)


def _report(
    args: argparse.Namespace, folder: Path, version: Version, tree: Tree, settings: Settings
) -> Report:
    from series.checks import applies

    names = _names(args.words, tree)
    chosen = configured(tree, vars(args))
    for word in chosen.get("applies-to", ()):
        applies.target(tree, word)  # says what is wrong
    with store_of(settings) as results, progress(quiet=args.json) as display:
        total = len(names) * len(version.patches)
        done = 0

        def told(_name: str, _patch: Patch, _result: Result) -> None:
            nonlocal done
            done += 1

        ground = Ground(
            folder=folder,
            version=version,
            tree=tree,
            settings=settings,
            store=results,
            options=chosen,
            progress=lambda what: display(State(what, done, total)),
        )
        report = runner.run(ground, names, told)
        try:
            runner.record(ground, report)
        except RerollError as error:
            _tell([f"what was found is not recorded: {error}"])
    if results.problem:
        _tell([f"the store of results: {results.problem}"])
    return report


def _tell(notes: Sequence[str]) -> None:
    for note in notes:
        say(f"reroll: note: {one_line(note)}", sys.stderr)


def _names(words: Sequence[str], tree: Tree) -> list[str]:
    """The checks to make, in the order of the table."""
    known = runner.known()
    wanted = list(words)
    if not wanted:
        where = read_settings("reroll", cwd=tree.path).get("check", ())
        wanted = " ".join(where).replace(",", " ").split()
        if unknown := [word for word in wanted if word not in (*known, "all")]:
            raise UsageError(
                f"git config reroll.check: there is no check '{one_line(unknown[0])}'",
                hint=f"the checks are: {', '.join(known)}{ending(unknown[0], known)}",
            )
    if "all" in wanted:
        return list(known)
    return [name for name in known if (name in wanted if wanted else name not in runner.SLOW)]


def _show(report: Report, args: argparse.Namespace) -> None:
    if args.json:
        from series.checks.json_report import as_report

        say(as_json(as_report(report), indent=2))
        return
    from series.checks import listing, table

    typed = options.typed(args)
    width = shutil.get_terminal_size((100, 24)).columns
    for lines in (
        table.table(report, width),
        table.reasons(report, typed),
        listing.findings(report, typed),
    ):
        for line in lines:
            say(line)
    if report.states() & {"failed", "warnings"}:
        say(f"reroll: hint: {one_line(typed(AFTERWARDS))}", sys.stderr)
    left = [name for name in runner.known() if name not in report.results]
    if left and not args.words:
        command = typed("'reroll check all' runs them, too")
        _tell([f"not asked for: {', '.join(left)}; {command}"])


def _status(report: Report, words: Sequence[str]) -> int:
    if "failed" in report.states():
        return 1
    named = [name for name in report.results if name in words or "all" in words]
    lacking = any(one.state == "not run" for name in named for one in report.results[name].values())
    return NOT_RUN if lacking else 0


def _write_sarif(report: Report, path: Path) -> None:
    from importlib.metadata import version

    from series.checks.sarif import as_sarif
    from series.whole_file import write_whole

    text = as_json(as_sarif(report, version("reroll")), indent=2)
    try:
        if not path.is_file() and (path.exists() or not path.parent.is_dir()):
            # /dev/stdout, a pipe; or it says what is wrong
            path.write_text(text + "\n", encoding="utf-8")
        else:
            write_whole(path, text.encode() + b"\n")
    except OSError as error:
        raise RerollError(f"--sarif {path}: cannot be written: {error.strerror}") from error


def _mail_only(args: argparse.Namespace, folder: Path, version: Version) -> int:
    """The mails alone: needs no tree, and names mails and lines only."""
    from series.lint.version import check_version

    findings = check_version(
        folder, version, lambda: options.tree_of(args, options.settings_of(args))
    )
    _show_mails(findings, len(version.mails), in_json=args.json)
    if not any(one.severity == "error" for one in findings):
        return 0
    hint = options.typed(args)("correct series.toml or the messages, then 'reroll generate'")
    say(f"reroll: hint: {one_line(hint)}", sys.stderr)
    return 1


def _show_mails(findings: list[Finding], mails: int, *, in_json: bool) -> None:
    if in_json:
        say(as_json([asdict(one) for one in findings]))
        return
    for one in findings:
        say(one_line(str(one)))
    counts = Counter(one.severity for one in findings)
    parts = [_number(counts["error"], "error"), _number(counts["warning"], "warning")]
    if counts["not run"]:
        parts.append(f"{_number(counts['not run'], 'check')} not run")
    say(f"{_number(mails, 'mail')}: {', '.join(parts)}")


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
