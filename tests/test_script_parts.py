"""Scripts that only report go; whatever may run in patch mode stays, and is refused."""

import pytest

from generator.rule import parse_rule
from tests.conftest import RENAME, Run, Small

HEAD = "/// Use new_call().\nvirtual patch, report\nvirtual context, org\n\n"
PATCH = "@depends on patch@\nexpression E;\n@@\n- old_call(E)\n+ new_call(E)\n\n"
FOUND = "@r depends on !patch@\nexpression E;\nposition p;\n@@\nold_call@p(E)\n\n"
REPORT = (
    "@script:python depends on report@\np << r.p;\n@@\ncoccilib.report.print_report(p[0], 'x')\n"
)


def script(depends: str, name: str = "", body: str = "print('x')") -> str:
    return f"@script:python {name} {depends}@\np << r.p;\n@@\n{body}\n\n"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (HEAD + PATCH + FOUND + REPORT, False),
        (HEAD + REPORT + PATCH, False),
        (HEAD + FOUND + REPORT.replace("report@", "org || report@") + PATCH, False),
        (HEAD + PATCH + FOUND + script("depends on report && r"), False),
        (HEAD + PATCH + FOUND + script("depends on !patch"), False),
        (HEAD + PATCH + FOUND + script("depends on !(patch || report)"), False),
        (HEAD + PATCH + FOUND + script(""), False),  # what it is about is only found elsewhere
        (HEAD + "@initialize:python@\n@@\nx = 1\n\n" + PATCH + FOUND + REPORT, False),
        (HEAD + "  @initialize:python@\n@@\nx = 1\n\n  " + PATCH + FOUND + REPORT, False),
        # In patch mode, perhaps, or for sure.
        (HEAD + PATCH + FOUND + script("depends on patch").replace("r.p", "s.p"), True),
        (HEAD + PATCH + script("depends on report || patch").replace("r.p", "s.p"), True),
        (HEAD + PATCH + FOUND + script("").replace("r.p", "r.p = []"), True),
        (HEAD + PATCH + FOUND + script("depends on !report").replace("r.p", "s.p"), True),
        (HEAD + PATCH + script(""), True),
        (HEAD + PATCH + script("depends on ever report").replace("r.p", "s.p"), True),
        (HEAD + PATCH + script("depends on report |||").replace("r.p", "s.p"), True),
        (HEAD + PATCH + FOUND + REPORT + script("depends on patch").replace("r.p", "s.p"), True),
        (
            "virtual report\n" + PATCH.replace("depends on patch", "") + script("depends on other"),
            True,
        ),
        # A rule that stays needs its names.
        (
            HEAD + FOUND + script("depends on report", "named") + PATCH.replace("E;", "named.E;"),
            True,
        ),
        # A constraint of what stays calls what "initialize" defines.
        (
            HEAD
            + "@initialize:python@\n@@\ndef good(p):\n  return True\n\n"
            + PATCH.replace("E;", "E;\nposition p : script:python() { good(p) };")
            + FOUND
            + REPORT,
            True,
        ),
        # No rule at all, for spatch or for us.
        (HEAD + PATCH + "/*\n" + REPORT + "*/\n", True),
        (HEAD + PATCH + "// @script:python@\n", True),
        (HEAD + PATCH + FOUND + '@depends on patch@\n@@\n- f("/*")\n' + REPORT + '+ "*/"\n', True),
        # Not for reports, as far as anybody can see.
        (HEAD + "@initialize:python@\n@@\nx = 1\n\n" + PATCH, True),
        (
            HEAD + "@initialize:python depends on patch@\n@@\nx = 1\n\n" + PATCH + FOUND + REPORT,
            True,
        ),
    ],
)
def test_what_may_run_stays(text: str, left: bool) -> None:
    rule = parse_rule(text, name="x.cocci")
    assert bool(rule.scripts) is left
    assert rule.text == text
    assert rule.patch_text.count("\n") == text.count("\n")
    if left:
        assert rule.patch_text == text
    else:
        assert "python" not in rule.patch_text
        assert "+ new_call(E)" in rule.patch_text


def test_no_script_is_needed_to_patch(reroll: Run, small: Small) -> None:
    """A rule with a report part makes the same patch as one without."""
    (small.folder / "rename.cocci").write_text(RENAME)
    plain = reroll("scan", small.folder / "rename.cocci", "--tree", small.tree)
    (small.folder / "rename.cocci").write_text(HEAD + PATCH + FOUND + REPORT)
    done = reroll("scan", small.folder / "rename.cocci", "--tree", small.tree)
    assert (done.code, done.out) == (0, plain.out)
    assert "+\treturn new_call(x);" in done.out
