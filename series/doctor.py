"""What this machine has for reroll, what it lacks, and the commands that mend it.

Nothing is sent, changed or fetched: programs are asked for their versions, files looked at.
"""

import re
import shlex
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from generator.tree import Tree, run_git
from series import doctor_mail, doctor_programs, doctor_tree
from series.checks.configured import configured
from series.doctor_finding import Finding
from series.output import one_line
from series.settings import Settings

_WIDTH = 80
_STATE, _NAME = 9, 18  # the widths of columns


def examine(
    settings: Settings, tree: Tree | None, *, cwd: Path, trouble: str = "", misset: str = ""
) -> list[Finding]:
    """All findings, needed ones first.

    ``tree`` is the one that is named; ``None`` for none, or because of ``trouble``.  ``misset``
    is what is wrong with reroll's own settings.  git's configuration is read in ``cwd``.
    """
    git, temporary = doctor_programs.git(), doctor_programs.temporary_files()
    found = [doctor_programs.python(), git, temporary]
    if temporary.state == "missing":  # nothing else can be tried
        return found
    if git.good:
        found += _with_git(tree, cwd, trouble, misset)
    found += doctor_programs.spatch(settings.spatch)
    found += doctor_programs.packages()
    found += doctor_programs.dask(wanted=settings.executor == "dask")
    found.append(doctor_programs.perl())
    found += doctor_programs.compilers(configured(tree) if tree else {})
    found += [doctor_programs.sparse(), doctor_tree.cache(settings)]
    return sorted(found, key=lambda one: not one.needed)


def _with_git(tree: Tree | None, cwd: Path, trouble: str, misset: str) -> Iterator[Finding]:
    """What only git can tell."""
    if misset:
        yield Finding("settings", "wrong", misset, needed=True, mend=_unset(misset, cwd))
    yield from doctor_mail.findings(cwd)
    if tree:
        yield from doctor_tree.findings(tree)
    else:
        yield doctor_tree.unusable(trouble) if trouble else doctor_tree.unnamed()


def _unset(misset: str, cwd: Path) -> tuple[str, ...]:
    """How to be rid of the setting that ``misset`` complains of, where it stands."""
    key = re.match(r"git config (reroll\.[A-Za-z.]+):", misset)
    if not key:
        return ()
    result = run_git(["config", "--show-scope", "--get-all", key[1]], cwd=cwd, check=False)
    scope = result.stdout.decode("utf-8", "replace").strip().split("\n")[-1].split("\t")[0]
    where = f" -C {shlex.quote(str(cwd))}" if scope in ("local", "worktree") else ""
    return (f"git{where} config --{scope} --unset-all {key[1]}",) if scope else ()


def healthy(findings: Sequence[Finding]) -> bool:
    """Whether everything that is needed is there."""
    return all(one.good for one in findings if one.needed)


def lines(findings: Sequence[Finding]) -> Iterator[str]:
    """The findings as a table of at most 80 columns, and what they come to."""
    yield "needed"
    yield from _rows([one for one in findings if one.needed])
    yield "optional"
    yield from _rows([one for one in findings if not one.needed])
    yield ""
    lacking = [one.name for one in findings if one.needed and not one.good]
    optional = sum(not one.good and not one.needed for one in findings)
    text = (
        f"needed and not there: {', '.join(lacking)}" if lacking else "all that is needed is there"
    )
    yield f"{text}; optional ones not there: {optional}" if optional else text


def _rows(findings: Sequence[Finding]) -> Iterator[str]:
    for one in findings:
        state = one.state if one.good or not one.needed else one.state.upper()
        text = one_line(one.text)
        if one.serves and not one.good:
            text += f" (for {one.serves})"
        head = f"  {state:<{_STATE}}{one.name:<{_NAME}}"
        yield from textwrap.wrap(
            text,
            _WIDTH,
            initial_indent=head,
            subsequent_indent=" " * len(head),
            break_on_hyphens=False,
        ) or [head.rstrip()]
        for command in one.mend:
            yield f"{'':{2 + _STATE}}$ {one_line(command)}"


def as_json(findings: Sequence[Finding]) -> dict[str, object]:
    """The findings as ``--json`` prints them."""
    return {"format": 1, "ok": healthy(findings), "findings": [asdict(one) for one in findings]}
