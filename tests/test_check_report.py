"""What `reroll check` prints: the table at every width, and each finding with where it is from."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace

import pytest

from series import store
from series.checks import listing, runner, table
from series.checks.kinds import Finding, Patch, Result
from series.checks.runner import Report
from series.checks.sarif import as_sarif
from series.output import as_json
from tests.conftest import Run, Small
from tests.repositories import commit_all

FOUR = ("applies", "order", "remaining", "mail")
ERRORS = Result.of([*[Finding("error", "x")] * 12, *[Finding("warning", "y")] * 3])
NOTED = Result.of([Finding("note", "z")])


def report_of(small: Small, said: Sequence[Result], names: Sequence[str], patches: int) -> Report:
    """A report of ``patches`` patches; ``said`` goes round and round."""
    version = store.read(small.folder)
    records = [version.patches[at % 2] for at in range(patches)]
    made = tuple(
        Patch(number, one.id, one.title, one.commit, "", one.files, one.ledger, one)
        for number, one in enumerate(records, 1)
    )
    results = {
        name: {number: said[(number + at) % len(said)] for number in range(1, patches + 1)}
        for at, name in enumerate(names)
    }
    return Report(version, made, results)


@pytest.mark.parametrize("patches", [3, 17])
@pytest.mark.parametrize("names", [FOUR, runner.known()])
def test_one_table_at_80_columns(generated: Small, patches: int, names: tuple[str, ...]) -> None:
    said = [Result("passed"), Result("passed"), ERRORS, NOTED, Result("not run", why="no x")]
    lines = list(table.table(report_of(generated, said, names, patches), 80))
    heads = [line for line in lines if line.startswith("patch ")]
    assert len(heads) == 1
    assert len(heads[0].split()) == len(names) + 1
    rows = lines[1 : patches + 1]
    assert [row.split()[0] for row in rows] == [f"{at}/{patches}" for at in range(1, patches + 1)]
    assert all(len(row.split()) > len(names) for row in rows)
    assert max(map(len, lines)) <= 80
    # Every sign and short name is explained below.
    legend = " ".join(lines[patches + 1 :]).replace(",", "").split()
    meanings = dict(one.split("=") for one in legend if "=" in one)
    assert {"E", "N", "n/r"} <= meanings.keys()
    assert [meanings.get(head, head) for head in heads[0].split()[1:]] == list(names)
    signs = {one for row in rows for one in row.split()[-len(names) :]}
    assert signs <= {"ok", "1N", "n/r", "12E3W", "12E+"}
    assert ("12E+" in signs) == ("+" in meanings)


def test_words_where_there_is_room(generated: Small) -> None:
    lines = list(table.table(report_of(generated, [ERRORS, NOTED], FOUR, 2), 140))
    assert lines[0].split() == ["patch", *FOUR]
    assert "12 errors, 3 warnings" in lines[1]
    assert "ok, 1 note" in lines[1]
    assert len(lines) == 3


def test_narrow_table(generated: Small) -> None:
    names = ("applies", "kernel-doc", "checkpatch")
    report = report_of(generated, [Result("passed"), ERRORS], names, 2)
    for width in (1, 20, 25, 30, 40, 60):
        lines = list(table.table(report, width))
        assert max(map(len, lines)) <= max(width, 20)
        cells = [line.split()[1:] for line in lines if line.startswith("patch ")]
        assert [one for row in cells for one in row] == ["appl", "kdoc", "chkp"]


def test_titles_that_control_a_terminal(generated: Small) -> None:
    report = report_of(generated, [Result("passed")], FOUR, 2)
    bad = replace(report.patches[0], title="a\x1b[2J\x9b\n\tb\udce4\u202e" + "c" * 200)
    report = replace(report, patches=(bad, *report.patches[1:]))
    for width in (20, 40, 80, 200):
        lines = list(table.table(report, width))
        assert max(map(len, lines)) <= width
        assert all(line.isprintable() for line in lines)


def test_which_step_a_finding_comes_from(generated: Small, reroll: Run) -> None:
    (generated.tree / "scripts").mkdir()
    (generated.tree / "scripts/checkpatch.pl").write_text(
        'open(my $mail, "<", $ARGV[-1]);\nwhile (<$mail>) {\n'
        '    print "mail:$.: ERROR:NO: no calls\\n" if /^\\+.*new_call/;\n}\n'
    )
    commit_all(generated.tree, "scripts")
    assert reroll(*generated.words("generate")).code == 0
    first = store.read(generated.folder).patches[0]
    done = reroll(*generated.words("check", "checkpatch"))
    assert done.code == 1
    lines = done.out.splitlines()
    at = lines.index(f"patch 1/2: {first.commit[:12]} drivers: a: use new_call()")
    assert lines[at + 1] == "  from patch 'a' of series.toml, rule rename.cocci"
    assert lines[at + 2 : at + 5] == [
        "  drivers/a/a.c:3: error: no calls [checkpatch NO]",
        "              return new_call(x);",
        "      hint: change the rule or step that writes it, or correct it on the branch",
    ]
    (patch, _) = json.loads(reroll(*generated.words("check", "checkpatch", "--json")).out)[
        "patches"
    ]
    assert (patch["commit"], patch["declared"], patch["shard"]) == (first.commit, "a", "")
    assert patch["rules"] == ["rename.cocci"]


@pytest.mark.slow
def test_one_cause_is_told_once(generated: Small, reroll: Run) -> None:
    users = "".join(f"int u{at}(void)\n{{\n\treturn gone();\n}}\n" for at in range(14))
    (generated.tree / "user.c").write_text(users)
    (generated.tree / "gone.c").write_text("int gone(void)\n{\n\treturn 1;\n}\n")
    commit_all(generated.tree, "lib: what will go")
    generated.rewrite('edit = "drivers/b/Kconfig"', 'edit = "gone.c"')
    generated.rewrite("pattern = '^\\tselect OLD\\n'", "pattern = '(?s)int gone.*'")
    assert reroll(*generated.words("generate")).code == 0
    lines = reroll(*generated.words("check", "order")).out.splitlines()
    what = "gone is used here and in 13 other places; this patch removes its definition from gone.c"
    at = lines.index(f"  error: {what} [order removed], 10 places:")
    assert lines[at + 1] == "      user.c:3: return gone();"
    assert lines[at + 10] == "      user.c:39: return gone();"
    assert lines[at + 11].startswith("      hint: convert it in this patch or before")
    assert len(lines) == at + 12
    # Scripts get one each.
    found = json.loads(reroll(*generated.words("check", "order", "--json")).out)
    assert len(found["patches"][1]["results"]["order"]["findings"]) == 10


def test_the_worst_of_many_is_shown(generated: Small) -> None:
    many = [Finding("note", f"n{at}", "a.c", at, hint="h") for at in range(5000)]
    said = Result.of([*many, Finding("error", "the error")])
    report = report_of(generated, [said], ["order"], 1)
    lines = list(listing.findings(report))
    assert lines[3] == "  error: the error [order]"
    assert "  order: and 4981 more (--json has all)" in lines
    assert len(lines) < 30


def test_findings_that_control_a_terminal(generated: Small, reroll: Run) -> None:
    bad = "\x1b[2J\x9b31m\x07\n\r\x00\u202e\udcff"
    one = Finding("error", f"w{bad}", f"d/{bad}.c", 3, f"\t{bad}" * 99, f"r{bad}", f"h{bad}")
    report = report_of(generated, [Result.of([one, replace(one, line=4)])], ["order"], 2)
    assert not any("\n" in line or "\r" in line for line in listing.findings(report))
    for text in (as_json(as_sarif(report, "1")), as_json(one.what)):
        assert text.isascii()
        assert "\x1b" not in text
        json.loads(text)


@pytest.mark.slow
def test_piped_and_in_40_columns(generated: Small) -> None:
    words = [str(word) for word in generated.words("check", *FOUR, "fixes", "trailers")]
    for columns in ("40", "junk"):
        done = subprocess.run(
            [sys.executable, "-m", "series.cli", *words],
            env={**os.environ, "COLUMNS": columns, "PYTHONIOENCODING": "ascii"},
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        rows = [line for line in done.stdout.decode("ascii").split("\n") if "/2 " in line[:4]]
        assert max(map(len, rows)) <= (40 if columns == "40" else 100)


@pytest.mark.slow
def test_hints_can_be_typed(generated: Small, reroll: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the folder, the tree and the version that were named, or without."""
    folder = generated.folder.with_name("my series")
    generated.folder.rename(folder)
    text = (folder / "series.toml").read_text()
    (folder / "series.toml").write_text(text.replace("new_call() is better.", "It is teh better."))
    words = ["-C", folder, "--tree", generated.tree]
    assert reroll(*words, "generate").code == 0
    named = reroll(*words, "check", "-v", 1).err
    where = shlex.join(["reroll", "-C", str(folder), "--tree", str(generated.tree)])
    assert f"then '{where} generate'; or " in named
    assert f"'{where} check -v 1 all' runs them, too" in named
    monkeypatch.chdir(folder)
    (generated.tree.parent / "home").mkdir(exist_ok=True)
    bare = reroll("--tree", "../small", "check").err
    assert "'reroll --tree ../small check all' runs them, too" in bare
