"""The check "build" compiles several commits in one go: each verdict is as if it had not."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from series.checks.build_walk import Walk
from series.checks.kinds import Result
from tests.repositories import git, make_repository
from tests.test_check_build import GET, MAKEFILE, TREE, USER, Row, states

pytestmark = pytest.mark.slow

OUTER = '#include "inner.c"\nint outer(void)\n{\n\treturn inner;\n}\n'
BROKEN = OUTER.replace("return inner", "return better")
LISTED = {"drivers/a/Makefile": "obj-y += get.o outer.o\n", "drivers/a/inner.c": "int inner;\n"}
BETTER = {"drivers/a/inner.c": "int better;\n"}
OTHER = {"drivers/b/user.c": f"{USER}\n"}
THIRD = {"drivers/a/get.c": f"{GET}\n"}
# A header that a program makes of another file, as asm-offsets.h is made.
GENERATING = MAKEFILE.replace(
    "prepare: ; @$(PREPARE)",
    "prepare: ; @mkdir -p made; sed 's/^/#define /' $(srctree)/drivers/a/SOURCE > made/new; "
    "cmp -s made/new made/made.h || cp made/new made/made.h",
).replace("-I$(srctree)/include -Wp", "-I$(srctree)/include -Imade -Wp")
MADE = '#include "made.h"\n' + USER.replace("1, 2", "1, NEW")

Change = Mapping[str, str | None]


def through(text: str) -> str:
    """What includes inner.c by way of something else."""
    return text.replace('#include "inner.c"', '#include "sources.h"')


CASES: dict[str, tuple[dict[str, str], list[Change]]] = {
    "a header includes the source": (
        {"drivers/a/sources.h": '#include "inner.c"\n', "drivers/a/outer.c": through(OUTER)},
        [BETTER, OTHER, {"drivers/a/outer.c": through(BROKEN)}],
    ),
    "a macro names the source": (
        {
            "drivers/a/outer.c": OUTER.replace("#include", "#define I").replace(
                "\n", "\n#include I\n", 1
            )
        },
        [BETTER, OTHER, THIRD],
    ),
    "the series includes the source": (
        {"drivers/a/outer.c": f"int inner;{OUTER.partition(chr(10))[2]}"},
        [{"drivers/a/outer.c": OUTER}, BETTER, OTHER, {"drivers/a/outer.c": BROKEN}],
    ),
    "the last patch is prose": (
        {"drivers/a/sources.h": '#include "inner.c"\n', "drivers/a/outer.c": through(OUTER)},
        [
            {"drivers/a/outer.c": f"{through(OUTER)}\n"},
            BETTER,
            OTHER,
            {"Documentation/a.rst": "a\n"},
        ],
    ),
    "a source is renamed": (
        {"drivers/a/outer.c": OUTER},
        [{"drivers/a/inner.c": None, "drivers/a/moved.c": "int inner;\n"}, OTHER, THIRD],
    ),
    "a source makes a header": (
        {"Makefile": GENERATING.replace("SOURCE", "offsets.c"), "drivers/a/offsets.c": "OLD 1\n"},
        [{"drivers/b/user.c": MADE}, {"drivers/a/offsets.c": "NEW 1\n"}, THIRD],
    ),
    "another file makes a header": (
        {"Makefile": GENERATING.replace("SOURCE", "sysreg"), "drivers/a/sysreg": "OLD 1\n"},
        [{"drivers/b/user.c": MADE}, {"drivers/a/sysreg": "NEW 1\n"}, THIRD, OTHER],
    ),
    "what fails has no place": (
        {"Makefile": MAKEFILE.replace("-c -o", "$(if $(findstring user,$@),-fno-such) -c -o")},
        [OTHER, THIRD],
    ),
}


def judged(row: Row) -> list[tuple[str, list[tuple[str, str, int]]]]:
    """The states and findings, without notes."""

    def facts(one: Result) -> list[tuple[str, str, int]]:
        found = [(f.severity, f.path, f.line) for f in one.findings]
        return sorted(fact for fact in found if fact[0] != "note")

    results = row.check()
    states(results)
    return [(one.state, facts(one)) for one in results]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("new_names_only", [False, True])
def test_as_if_each_were_compiled_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str, new_names_only: bool
) -> None:
    files, changes = CASES[case]
    path = make_repository(tmp_path / "linux", TREE | LISTED | files)
    row = Row(tmp_path / "together", path)
    for change in changes:
        row.commit(change)
    if new_names_only:
        # As the record of a rename has it.
        row.patches = [
            replace(one, files=tuple(name for name, text in change.items() if text is not None))
            for one, change in zip(row.patches, changes, strict=True)
        ]
    together = judged(row)
    monkeypatch.setattr(Walk, "reached", Walk.sources_at)
    monkeypatch.setattr(Walk, "_independent", lambda *_: [])
    assert together == judged(Row(tmp_path / "alone", path, row.patches))


def test_a_limit_is_that_of_the_patch_that_runs_into_it(tmp_path: Path) -> None:
    slow = MAKEFILE.replace("\t@$(CC) -Wall", "\t@! grep -q SLOW $< || sleep 8\n\t@$(CC) -Wall")
    row = Row(tmp_path, make_repository(tmp_path / "linux", TREE | {"Makefile": slow}))
    for change in (THIRD, {"drivers/b/user.c": f"{USER}/* SLOW */\n"}, {"drivers/a/get.c": GET}):
        row.commit(change)
    row.options["limit"] = ("2",)
    results = row.check()
    assert states(results) == ["passed", "not run", "not run"]
    assert "at patch 2 of 3" in results[1].why


def test_another_split_of_the_same_change(tmp_path: Path) -> None:
    row = Row(tmp_path, make_repository(tmp_path / "linux", TREE))
    row.commit(THIRD)
    assert states(row.check()) == ["passed"]
    git(row.path, "reset", "-q", "--hard", row.patches[0].parent)
    row.patches.clear()
    row.commit({"drivers/b/user.c": USER.replace("1, 2", "1, two")})
    row.commit(THIRD)
    row.commit({"drivers/b/user.c": USER})
    assert states(row.check()) == ["failed", "passed", "passed"]
