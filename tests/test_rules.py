"""Every semantic patch that comes with reroll, on fixtures that are found, not registered.

The fixtures of ``semantic_patches/GROUP/RULE.cocci`` are the folders
``tests/rules/GROUP/RULE/CASE/``, each a tree of its own:

- ``NAME.before.c`` and ``NAME.after.c``: what the rule makes of a file;
- ``NAME.same.c``: what it must leave alone;
- ``case.toml`` (optional): ``define`` and ``parameters`` as a rule step has them.

Each spatch there is converts them, git applies the diffs, a second run must find nothing.
"""

import tomllib
from difflib import unified_diff
from pathlib import Path

import pytest

import semantic_patches
from generator.rule import read_rule
from generator.spatch import Engine, find_spatch
from tests.repositories import git, make_repository
from tests.test_spatch import BUILDS

RULES = Path(semantic_patches.__file__).parent
CASES = Path(__file__).parent / "rules"
# Their tables of before, after and same are in test_frame_vector_rules.py.
TABLED = "frame_vector"


def fixture_folder(rule: Path) -> Path:
    """Where the cases of ``rule`` are."""
    name = rule.name.removesuffix(".j2").removesuffix(".cocci")
    return CASES / rule.parent.relative_to(RULES) / name


FOUND = sorted(
    rule
    for rule in (*RULES.rglob("*.cocci"), *RULES.rglob("*.cocci.j2"))
    if TABLED not in rule.parts
)
TABLE = [(rule, case) for rule in FOUND for case in sorted(fixture_folder(rule).glob("*/"))]


@pytest.mark.parametrize("rule", FOUND, ids=lambda rule: rule.stem)
def test_has_before_after_and_same(rule: Path) -> None:
    files = [path.name for path in fixture_folder(rule).glob("*/*")]
    for kind in (".before.", ".after.", ".same."):
        assert any(kind in name for name in files), f"no {kind} fixture in {fixture_folder(rule)}"


def test_no_fixture_without_a_rule() -> None:
    homes = {fixture_folder(rule) for rule in FOUND}
    assert {path.parent.parent for path in CASES.rglob("*.before.*")} <= homes


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize(
    ("path", "case"), TABLE, ids=[f"{rule.name.split('.')[0]}-{case.name}" for rule, case in TABLE]
)
def test_rule(path: Path, case: Path, build: str, tmp_path: Path) -> None:
    table: dict[str, tuple[str, str]] = {}
    for file in case.glob("*.before.*"):
        after = file.with_name(file.name.replace(".before.", ".after."))
        table[file.name.replace(".before.", ".")] = (file.read_text(), after.read_text())
    for file in case.glob("*.same.*"):
        table[file.name.replace(".same.", ".")] = (file.read_text(), file.read_text())
    settings = case / "case.toml"
    given = tomllib.loads(settings.read_text()) if settings.exists() else {}
    rule = read_rule(
        path, name=path.name, defines=given.get("define"), parameters=given.get("parameters")
    )
    place = make_repository(tmp_path / "tree", {name: old for name, (old, _) in table.items()})
    with Engine(find_spatch(build), rule, timeout=60, jobs=1) as engine:
        first = engine.run(place, sorted(table), rule.keywords)
        for outcome in first:
            if outcome.diff:
                git(place, "apply", "--index", "-", stdin=outcome.diff)
        second = engine.run(place, sorted(table), rule.keywords)
    wrong = ""
    for name, (_, expected) in sorted(table.items()):
        found = (place / name).read_text()
        wrong += "".join(unified_diff(expected.splitlines(True), found.splitlines(True), name))
    assert wrong == ""
    assert [item.trouble for item in (*first, *second) if item.trouble] == []
    assert [item.path for item in second if item.diff] == []
