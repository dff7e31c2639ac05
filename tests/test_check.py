"""``reroll check``: each check on a series seeded with what it is there to find."""

import contextlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from generator.tree import Tree
from series import cli, store
from series.checks import gate, runner
from series.checks.diff_lines import diff_lines
from series.checks.kinds import Finding, Ground, Patch
from series.checks.order import OrderCheck
from series.output import as_json
from series.settings import Settings
from tests.conftest import CAMPAIGN, RENAME, Outcome, Run, Small, sealed
from tests.repositories import commit_all, git, make_repository

CHECKPATCH = r"""
use strict;
my $strict = grep { $_ eq "--strict" } @ARGV;
my $root = $ARGV[1];
die "no tree" unless -e "$root/MAINTAINERS" && -e "$root/drivers";
open(my $mail, "<", $ARGV[-1]) or die "no mail";
while (<$mail>) {
    print "mail:$.: ERROR:SPACES: spaces are bad\n" if /^[ +]    x/;
    print "mail:$.: CHECK:CAMELCASE: Avoid CamelCase: <$1>\n"
        if $strict && /^\+.*\b([A-Z][a-z]+[A-Z]\w+)/;
    print "mail:$.: WARNING:WORD: a bad word\n" if /^A bad word/;
}
"""
# Complains of what a comment describes and the file has no more.
KERNEL_DOC = r"""
use strict;
die unless $ARGV[0] eq "-none";
open(my $file, "<", $ARGV[1]) or die "no file";
my @lines = <$file>;
my $code = join("", grep { !/^ \*/ } @lines);
for my $at (0 .. $#lines) {
    next unless $lines[$at] =~ /^ \* @(\w+):/;
    my $line = $at + 1;
    print STDERR "$ARGV[1]:$line: warning: Excess function parameter '$1' description\n"
        unless $code =~ /\b$1\b/;
}
"""
TREE = {
    "MAINTAINERS": "THE REST\nM:\tThea <thea@example.org>\nL:\tall@lists.example.org\nF:\t*/\n",
    "scripts/checkpatch.pl": CHECKPATCH,
    "scripts/kernel-doc": KERNEL_DOC,
    "include/linux/api.h": "int old_api(int x, int gup_flags);\nint HasName(void);\n",
    "lib/api.c": "/**\n * old_api() - does it\n * @x: what\n * @gone: was bad before\n"
    " * @gup_flags: how\n */\nint old_api(int x, int gup_flags)\n{\n\treturn x;\n}\n"
    "EXPORT_SYMBOL(old_api);\n",
    "arch/s390/pci.c": "/* old_api() */\nint s390(void)\n{\n\treturn old_api(1, 2);\n}\n",
    "drivers/a.c": "int a(int x)\n{\n    x = 1;\n\treturn old_api(x, 2);\n}\n",
    "drivers/b.c": "static int own(void)\n{\n\treturn 1;\n}\n\n"
    "int b(void)\n{\n\treturn own();\n}\n",
    "Documentation/x.rst": "Text\n====\n",
}
SERIES = r"""
[series]
name = "seeded"
title = "Faults for every check"
cover = "See each."

[[patch]]
id = "stale"
title = "lib: api: drop the flags"
message = '''
A bad word in a message.

Fixes: {FIXED} ("lib: another title")
Fixes: {LATE} ("lib: not in the base")
'''
[[patch.step]]
edit = "lib/api.c"
pattern = 'int old_api\(int x, int gup_flags\)'
replace = 'int old_api(int x)'

[[patch]]
id = "early"
title = "drivers: a: use the helper"
message = "It helps."
[[patch.step]]
edit = "drivers/a.c"
pattern = 'return old_api\(x, 2\);'
replace = 'return new_helper(HasName(), NoName);\n    x++;'

[[patch]]
id = "helper"
title = "lib: api: add a helper"
message = "It will help."
[[patch.step]]
edit = "lib/api.c"
pattern = '\Z'
replace = '\nint new_helper(int x)\n{\n\treturn x;\n}\n'

[[patch]]
id = "remove"
title = "lib: api: remove old_api()"
message = "Nobody uses it."
[[patch.step]]
edit = "lib/api.c"
pattern = '(?s)/\*\*.*?\*/\nint old_api.*?EXPORT_SYMBOL\(old_api\);\n\n'
replace = ""
[[patch.step]]
edit = "include/linux/api.h"
pattern = 'int old_api.*\n'
replace = ""
[[patch.step]]
edit = "drivers/b.c"
pattern = '(?s)static int own.*?\n}\n\n'
replace = ""

[[patch]]
id = "doc"
title = "Documentation: x: say more"
message = "More is better."
[[patch.step]]
edit = "Documentation/x.rst"
pattern = 'Text'
replace = 'More'
"""


@pytest.fixture(scope="module")
def _seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("seeded")
    with sealed(tmp_path_factory.mktemp("seeded-home")):
        tree = make_repository(place / "small", TREE)
        git(tree, "commit", "-q", "--allow-empty", "-m", "lib: what is fixed")
        fixed = git(tree, "rev-parse", "HEAD")
        base = git(tree, "commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "lib: the base")
        git(tree, "commit", "-q", "--allow-empty", "-m", "lib: not in the base")
        late = git(tree, "rev-parse", "HEAD")
        folder = place / "series"
        folder.mkdir()
        text = SERIES.replace("{FIXED}", fixed[:12]).replace("{LATE}", late[:12])
        (folder / "series.toml").write_text(text)
        words = ["-C", folder, "--tree", tree, "generate", "--base", base]
        assert cli.main([str(word) for word in words]) == 0
    return place


@pytest.fixture
def seeded(_seeded: Path, tmp_path: Path) -> Small:
    """A series with a fault for every check."""
    shutil.copytree(_seeded, tmp_path, dirs_exist_ok=True, symlinks=True)
    return Small(tmp_path / "series", tmp_path / "small")


def findings(done: Outcome, name: str) -> dict[int, list[dict[str, object]]]:
    """The findings of a check by patch, from --json."""
    return {
        one["number"]: one["results"][name]["findings"]
        for one in json.loads(done.out)["patches"]
        if one["results"][name]["findings"]
    }


def places(done: Outcome, name: str) -> dict[int, list[str]]:
    return {
        number: [f"{one['path']}:{one['line']}: {one['severity']}: {one['what']}" for one in every]
        for number, every in findings(done, name).items()
    }


def test_stale_kernel_doc_line(seeded: Small, reroll: Run) -> None:
    done = reroll(*seeded.words("check", "kernel-doc", "--json"))
    assert done.code == 0
    assert places(done, "kernel-doc") == {
        1: ["lib/api.c:5: warning: Excess function parameter 'gup_flags' description"]
    }
    assert findings(done, "kernel-doc")[1][0]["source"] == " * @gup_flags: how"


def test_sameness_of_kernel_doc_complaints() -> None:
    from series.checks.kernel_doc import _new

    def said(*names: str) -> list[Finding]:
        text = "Function parameter or member 'x' not described in '{}'"
        return [Finding("warning", text.format(name)) for name in names]

    assert _new(said("old"), said("new")) == []
    assert _new(said("old"), said("new", "old")) == said("old")
    assert _new([], said("new")) == said("new")


def test_kernel_doc_that_moves(small: Small, reroll: Run) -> None:
    """A comment that goes to another file, or further down, is no new one."""
    script = KERNEL_DOC.replace("description\\n", "description on line $line\\n")
    comment = "/**\n * f() - x\n * @gone: y\n */\n"
    for name, text in {
        "scripts/kernel-doc": script,
        "old.c": comment + F,
        "new.c": "int z;\n",
        "long.c": comment.replace("gone", "away") + F,
    }.items():
        (small.tree / name).parent.mkdir(exist_ok=True)
        (small.tree / name).write_text(text)
    base = commit_all(small.tree, "comments")
    (small.tree / "old.c").write_text("int z;\n")
    (small.tree / "new.c").write_text(comment + F)
    (small.tree / "long.c").write_text("int a;\n" + comment.replace("gone", "away") + F)
    picked = commit_all(small.tree, "lib: move")
    (small.folder / "series.toml").write_text(
        CAMPAIGN.partition("[[patch]]")[0]
        + f'[[patch]]\nid = "m"\ntitle = "lib: move"\nmessage = "Moved."\n'
        f'[[patch.step]]\npick = "{picked}"\n'
    )
    git(small.tree, "reset", "-q", "--hard", base)
    assert reroll(*small.words("generate")).code == 0
    done = reroll(*small.words("check", "kernel-doc", "--json"))
    assert (done.code, findings(done, "kernel-doc")) == (0, {})


@pytest.mark.parametrize("script", ["print qq(hello\\n); exit 1", "kill 9, $$"])
def test_garbage_is_no_pass(generated: Small, reroll: Run, script: str) -> None:
    for name in ("checkpatch.pl", "kernel-doc"):
        (generated.tree / "scripts").mkdir(exist_ok=True)
        (generated.tree / "scripts" / name).write_text(f"{script};\n1;\n")
    commit_all(generated.tree, "scripts")
    assert reroll(*generated.words("generate")).code == 0
    done = reroll(*generated.words("check", "checkpatch", "kernel-doc"))
    assert done.code == 4
    assert "checkpatch: not run: scripts/checkpatch.pl: " in done.out
    assert "not run: scripts/kernel-doc on drivers/a/a.c: " in done.out


@pytest.mark.slow
def test_interrupted_while_a_script_hangs(generated: Small) -> None:
    (generated.tree / "scripts").mkdir()
    here = generated.folder.parent / "hangs"
    (generated.tree / "scripts/kernel-doc").write_text(
        f"open(my $file, '>', '{here}'); close($file); \nsleep 60;\n"
    )
    commit_all(generated.tree, "scripts")
    assert cli.main([str(word) for word in generated.words("generate")]) == 0
    words = [str(word) for word in generated.words("check", "kernel-doc")]
    with subprocess.Popen(
        [sys.executable, "-m", "series.cli", *words], stderr=subprocess.PIPE, text=True
    ) as process:
        while not here.exists() and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert git(generated.tree, "worktree", "list").count("\n") == 0
    assert not (generated.folder / "versions/v1/checks.json").exists()


def test_order(seeded: Small, reroll: Run) -> None:
    done = reroll(*seeded.words("check", "order", "--json"))
    assert done.code == 1
    found = places(done, "order")
    assert sorted(found) == [2, 4]
    assert found[2] == ["drivers/a.c:4: error: new_helper is used here, and patch 3 adds it"]
    removed = "is used here; this patch removes its definition from"
    assert sorted(found[4]) == [
        f"arch/s390/pci.c:4: error: old_api {removed} lib/api.c",
        f"drivers/b.c:3: error: own {removed} drivers/b.c",
    ]


def test_what_moves_or_is_there_twice_is_in_order(
    small: Small, reroll: Run, tmp_path: Path
) -> None:
    (small.tree / "lib.c").write_text("int moved(void)\n{\n\treturn 1;\n}\n")
    (small.tree / "other.c").write_text("int moved(void);\nint c(void)\n{\n\treturn moved();\n}\n")
    commit_all(small.tree, "more")
    (small.folder / "series.toml").write_text(
        CAMPAIGN.partition("[[patch]]")[0]
        + '[[patch]]\nid = "m"\ntitle = "lib: move"\nmessage = "Moved."\n'
        "[[patch.step]]\nedit = 'lib.c'\npattern = '(?s).*'\ncount = 2\nreplace = ''\n"
        "[[patch.step]]\nedit = 'other.c'\npattern = '\\A'\n"
        "replace = 'int moved(void)\\n{\\n\\treturn 1;\\n}\\n'\n"
    )
    assert reroll(*small.words("generate")).code == 0
    assert reroll(*small.words("check", "order")).code == 0


F = "int f(void)\n{\n\treturn 1;\n}\n"
USER = "int u(void)\n{\n\treturn f();\n}\n"
PROTOTYPE = "int f(void);\n"
STATES = "enum st {\n\tIDLE,\n\tBUSY,\n};\n"
BUSY = "int u(void)\n{\n\treturn BUSY;\n}\n"
STUB = "#ifdef CONFIG_A\nint f(void);\n#else\nstatic inline " + F + "#endif\n"
NEW = "int q(int x)\n{\n\treturn NAME(x);\n}\n"
Files = dict[str, str | None]


@pytest.mark.parametrize(
    ("base", "patches", "expected"),
    [
        # What is another's, or has only moved.
        ({"a.c": F, "b.c": USER}, [{"a.c": None, "c.c": F}], []),
        ({"a.h": PROTOTYPE, "a.c": F, "b.c": USER}, [{"a.h": STUB}], []),
        ({"a.h": STUB, "a.c": F, "b.c": USER}, [{"a.h": PROTOTYPE}], []),
        ({"a.c": f"static {F}{USER}", "a.h": "\n"}, [{"a.c": USER, "a.h": PROTOTYPE}], []),
        ({"a.c": f"static {F}{USER}", "a.h": f"#define f() 1\n{USER}"}, [{"a.c": USER}], []),
        # Parameters, local variables, labels and members may have any name.
        ({"a.c": F, "b.c": "int u(int f)\n{\n\treturn f;\n}\n"}, [{"a.c": None}], []),
        ({"a.c": F, "b.c": "int u(int (*f)(int))\n{\n\treturn f(1);\n}\n"}, [{"a.c": None}], []),
        (
            {"a.c": F, "b.c": "int u(void)\n{\n\tint a, *f;\n\n\treturn *f;\n}\n"},
            [{"a.c": None}],
            [],
        ),
        ({"a.c": F, "b.c": "int u(void)\n{\n\tgoto f;\nf:\n\treturn 1;\n}\n"}, [{"a.c": None}], []),
        ({"a.c": F, "b.c": "int u(struct s *s)\n{\n\treturn s->f();\n}\n"}, [{"a.c": None}], []),
        # One function's variable is not the next one's.
        (
            {"a.c": F, "b.c": f"int v(int f)\n{{\n\treturn f;\n}}\n{USER}"},
            [{"a.c": None}],
            ["1 b.c:7: f removed"],
        ),
        # It is still there, but nobody else can call it.
        (
            {"a.c": F, "a.h": PROTOTYPE, "b.c": USER},
            [{"a.c": f"static {F}", "a.h": "\n"}],
            ["1 b.c:3: f removed"],
        ),
        # What a C file keeps to itself is not served by another one's.
        (
            {"a.c": STATES + BUSY, "b.c": STATES + BUSY},
            [{"a.c": "enum st {\n\tIDLE,\n};\n" + BUSY}],
            ["1 a.c:6: BUSY removed"],
        ),
        ({"a.c": "int z;\n", "b.c": "\n"}, [{"a.c": NEW}, {"b.c": f"static {NEW}"}], []),
        ({'a\nb"\\.c': F, "b.c": USER}, [{'a\nb"\\.c': "\n"}], ["1 b.c:3: f removed"]),
        # Headers.
        (
            {"a.c": "#include <linux/n.h>\n", "include/linux/n.h": PROTOTYPE},
            [{"include/linux/n.h": None, "include/linux/m.h": PROTOTYPE}],
            ["1 a.c:1: linux/n.h removed"],
        ),
        (
            {
                "a.c": "#include <asm/n.h>\n",
                "arch/x/include/asm/n.h": "",
                "include/asm-generic/n.h": "",
            },
            [{"arch/x/include/asm/n.h": None}],
            [],
        ),
        (
            {"d/a.c": "int z;\n"},
            [{"d/a.c": '#include "n.h"\nint z;\n'}, {"d/n.h": "int k;\n"}],
            ["1 d/a.c:1: n.h later"],
        ),
        ({"Kconfig": "config A\n", "a.c": F}, [{"Kconfig": "config B\n", "f.rst": "f()\n"}], []),
    ],
)
def test_order_of_patches(
    generated: Small, base: dict[str, str | bytes], patches: list[Files], expected: list[str]
) -> None:
    tree = make_repository(generated.folder.parent / "other", base)
    commits = [git(tree, "rev-parse", "HEAD")]
    for files in patches:
        for name, text in files.items():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).unlink(missing_ok=True)
            if text is not None:
                (tree / name).write_text(text)
        commits.append(commit_all(tree, "change"))
    found = []
    with contextlib.closing(Tree(tree)) as opened:
        version = store.read(generated.folder)
        record = version.patches[0]
        ground = Ground(generated.folder, version, opened, Settings())
        series = [
            Patch(at, "", "", commit, parent, (), record.ledger, record)
            for at, (parent, commit) in enumerate(itertools.pairwise(commits), 1)
        ]
        for patch, said in OrderCheck().run(ground, series):
            for one in said.findings:
                found.append(
                    f"{patch.number} {one.path}:{one.line}: {one.what.split()[0]} {one.rule}"
                )
    assert found == expected


def test_fixes(seeded: Small, reroll: Run) -> None:
    done = reroll(*seeded.words("check", "fixes", "--json"))
    assert done.code == 1
    (every,) = places(done, "fixes").values()
    assert any("has another title: lib: what is fixed" in one for one in every)
    assert any("error: Fixes: " in one and "is no ancestor of the base" in one for one in every)


def test_checkpatch(seeded: Small, reroll: Run) -> None:
    done = reroll(*seeded.words("check", "checkpatch", "--json"))
    assert done.code == 1
    found = places(done, "checkpatch")
    # Of the message the line of the mail is shown; a context line with spaces says nothing.
    assert found == {1: [":0: warning: a bad word"], 2: ["drivers/a.c:5: error: spaces are bad"]}
    strict = reroll(*seeded.words("check", "checkpatch", "--strict", "--json"))
    # HasName is in a header of the base.
    assert [one["what"] for one in findings(strict, "checkpatch")[2]] == [
        "Avoid CamelCase: <NoName>",
        "spaces are bad",
    ]


def test_applies(seeded: Small, reroll: Run) -> None:
    assert reroll(*seeded.words("check", "applies")).code == 0
    git(seeded.tree, "checkout", "-q", "-b", "next")
    text = (seeded.tree / "drivers/a.c").read_text()
    (seeded.tree / "drivers/a.c").write_text(text.replace("old_api(x, 2)", "old_api(x, 3)"))
    commit_all(seeded.tree, "changed")
    done = reroll(*seeded.words("check", "applies", "--applies-to", "next", "--json"))
    assert (done.code, done.err) == (1, "")
    assert places(done, "applies") == {2: ["drivers/a.c:4: error: does not apply to next"]}
    states = [one["results"]["applies"] for one in json.loads(done.out)["patches"]]
    assert [one["state"] for one in states] == ["passed", "failed", *3 * ["not run"]]
    assert states[2]["why"] == "patch 2 does not apply to next"
    # What git can merge is no conflict.
    text = (seeded.tree / "drivers/a.c").read_text().replace("old_api(x, 3)", "old_api(x, 2)")
    (seeded.tree / "drivers/a.c").write_text(text.replace("int a(int x)", "int a(int x )"))
    commit_all(seeded.tree, "changed nearby")
    merged = reroll(*seeded.words("check", "applies", "--applies-to", "next"))
    assert merged.code == 0, merged.out
    bad = reroll(*seeded.words("check", "--applies-to", "nowhere"))
    assert bad.code == 2
    assert bad.err.startswith("reroll: --applies-to nowhere: is neither a commit in ")


def test_edited_mails_are_not_the_commits(generated: Small, reroll: Run) -> None:
    mail = next((generated.folder / "versions/v1").glob("*0001*"))
    mail.write_text(mail.read_text().replace("+\treturn new_call", "+\treturn now_call"))
    done = reroll(*generated.words("check", "applies", "--json"))
    assert done.code == 1
    said = ["drivers/a/a.c:0: error: the mail makes something else than its commit"]
    assert places(done, "applies") == {1: said}


def test_second_run(generated: Small, reroll: Run) -> None:
    assert reroll(*generated.words("check", "second-run")).code == 0
    rule = generated.folder / "rename.cocci"
    rule.write_text(
        RENAME.replace("- old_call(E)\n+ new_call(E)", "- new_call(E)\n+ new_call(E + 1)")
    )
    done = reroll(*generated.words("check", "second-run"))
    assert done.code == 1
    assert "drivers/a/a.c:3: error: rename.cocci changes this once more" in done.out
    (generated.folder / "series.toml").unlink()
    gone = reroll(*generated.words("check", "second-run"))
    assert gone.code == 4
    assert "second-run: not run: " in gone.out


def test_remaining(generated: Small, reroll: Run) -> None:
    assert reroll(*generated.words("check", "remaining")).code == 0
    manifest = generated.folder / "versions/v1/manifest.json"
    text = manifest.read_text()
    assert '"bucket": "converted"' in text
    manifest.write_text(text.replace('"bucket": "converted"', '"bucket": "unparsed"', 1))
    done = reroll(*generated.words("check", "remaining"))
    assert done.code == 1
    assert "drivers/a/a.c:3: error: old_call is left: unparsed [remaining unparsed]" in done.out
    assert "      return old_call(x);" in done.out.replace("        return", "return")


WITH_SCRIPTS = bool(shutil.which("spatch")) and (
    b"Python scripting support: yes"
    in subprocess.run(["spatch", "--version"], capture_output=True, check=False).stdout
)
RULE = """\
/// No three.
// Options: --no-includes
virtual report
@r@ position p; @@
 foo(3)@p
@script:python depends on report@ p << r.p; @@
coccilib.report.print_report(p[0], "WARNING: three")
"""


@pytest.mark.skipif(not WITH_SCRIPTS, reason="no spatch with scripts")
def test_rules(small: Small, reroll: Run) -> None:
    (small.tree / "scripts/coccinelle/misc").mkdir(parents=True)
    (small.tree / "scripts/coccinelle/misc/three.cocci").write_text(RULE)
    (small.tree / "scripts/coccinelle/misc/bad.cocci").write_text(
        "// Options: -o x\nvirtual report\n"
    )
    (small.tree / "drivers/a/a.c").write_text(
        "int a(int x)\n{\n\tfoo(3);\n\treturn old_call(x);\n}\n"
    )
    commit_all(small.tree, "rules")
    small.rewrite(
        'rule = "rename.cocci"\npaths = ["drivers/a"]',
        "edit = 'drivers/a/a.c'\npattern = 'return old_call.x.;'\nreplace = 'foo(4); foo(3);'",
    )
    assert reroll(*small.words("generate")).code == 0
    done = reroll(*small.words("check", "rules", "--json"))
    found = places(done, "rules")
    assert found[1][0] == "drivers/a/a.c:4: warning: WARNING: three"
    assert found[1][1].startswith(":0: note: not run: scripts/coccinelle/misc/bad.cocci: ")
    assert done.code == 0


@pytest.mark.skipif(not WITH_SCRIPTS, reason="no spatch with scripts")
@pytest.mark.slow
def test_rules_see_only_what_they_may_match_in(small: Small, reroll: Run) -> None:
    fails = "@initialize:python@ @@\nraise SystemExit(3)\n"
    place = small.tree / "scripts/coccinelle"
    place.mkdir(parents=True)
    (place / "other.cocci").write_text(RULE.replace("@r@", fails + "@r@").replace("foo", "nowhere"))
    (place / "bad.cocci").write_text(RULE.replace("@r@", fails + "@r@").replace("foo", "new_call"))
    (small.tree / "drivers/a/b c.c").write_text("int c(void)\n{\n\treturn old_call(1);\n}\n")
    commit_all(small.tree, "rules")
    edits = [
        f"edit = 'drivers/a/{name}'\npattern = 'old_call'\nreplace = 'new_call'"
        for name in ("a.c", "b c.c")
    ]
    small.rewrite('rule = "rename.cocci"\npaths = ["drivers/a"]', "\n[[patch.step]]\n".join(edits))
    assert reroll(*small.words("generate")).code == 0
    done = reroll(*small.words("check", "rules", "--json"))
    said = [one["what"] for one in findings(done, "rules")[1]]
    assert str(said[0]).startswith("not run: drivers/a/b c.c: its name holds characters")
    assert len(said) == 2
    assert "bad.cocci: spatch " in str(said[1])


def test_all_that_can_run(seeded: Small, reroll: Run) -> None:
    done = reroll(*seeded.words("check"))
    assert done.code == 1
    lines = done.out.splitlines()
    assert lines[0].split()[:3] == ["patch", "appl", "ordr"]
    commit = store.read(seeded.folder).patches[0].commit[:12]
    at = lines.index(f"patch 1/5: {commit} lib: api: drop the flags")
    assert lines[at + 1] == "  from patch 'stale' of series.toml"
    where = f"'reroll -C {seeded.folder} --tree {seeded.tree}"
    left = f"not asked for: rules, sparse, build; {where} check all' runs them, too\n"
    assert left in done.err
    assert f"then {where} generate'; or the commits of the branch" in done.err
    # A finding of several checks is shown once.
    assert sum("is no ancestor of the base" in line for line in lines) == 1
    assert sum("has another title" in line for line in lines) == 1
    assert any("has another title" in line and "[fixes, mail" in line for line in lines)
    assert all(len(line) <= 100 for line in lines[:8])
    # Of these two the hint is the same, and stands behind the second.
    (hint,) = [at for at, line in enumerate(lines) if "convert it in this patch" in line]
    assert lines[hint].startswith("      hint for these 2: ")
    assert "old_api is used here; " in lines[hint - 2]


def test_again_from_what_is_known(
    seeded: Small, reroll: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = reroll(*seeded.words("check", "--json", "kernel-doc", "checkpatch", "order"))
    place = seeded.folder.parent / "bin"
    place.mkdir()
    for name in ("perl",):
        # It tells its version, and fails at everything else.
        (place / name).write_text(
            f'#!/bin/sh\ncase "$1" in --version|-e) exec {shutil.which(name)} "$@";; esac\nexit 9\n'
        )
        (place / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{place}:{os.environ['PATH']}")
    again = reroll(*seeded.words("check", "--json", "kernel-doc", "checkpatch", "order"))
    assert (again.code, again.out) == (first.code, first.out)


def wrap_git(place: Path, monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    """From now on git fails at ``word``."""
    place.mkdir()
    (place / "git").write_text(
        f'#!/bin/sh\nfor word; do [ "$word" = {word} ] && exit 9; done\n'
        f'exec {shutil.which("git")} "$@"\n'
    )
    (place / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{place}:{os.environ['PATH']}")


def test_mails_from_what_is_known(
    seeded: Small, reroll: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the lint of mails asks git for is asked once, as long as nothing changes."""
    words = seeded.words("check", "--json", "mail", "trailers", "fixes")
    first = reroll(*words)
    wrap_git(tmp_path / "bin", monkeypatch, "ls-tree")
    again = reroll(*words)
    assert (again.code, again.out) == (first.code, first.out)
    (tmp_path / "bin/git").unlink()
    mail = next((seeded.folder / "versions/v1").glob("*0003*"))
    mail.write_text(mail.read_text().replace("It will help.", "It will definately help."))
    changed = findings(reroll(*words), "mail")
    assert any("'definately' may be misspelt" in str(one["what"]) for one in changed[3])


@pytest.mark.slow
def test_a_commit_that_a_mail_names_is_fetched(
    generated: Small, reroll: Run, tmp_path: Path
) -> None:
    other = make_repository(tmp_path / "other", {"a": "b\n"})
    there = git(other, "rev-parse", "HEAD")
    title = git(other, "log", "-1", "--format=%s")
    text = f"'''\nnew_call() is better.\n\nFixes: {there[:12]} (\"{title}\")\n'''"
    generated.rewrite('"new_call() is better."', text)
    # The base has a history, or a commit that is not here might be behind its end.
    git(generated.tree, "commit", "-q", "--allow-empty", "-m", "lib: more")
    assert reroll(*generated.words("generate")).code == 0
    words = generated.words("check", "mail", "fixes", "--json")
    for _ in range(2):
        said = places(reroll(*words), "mail")[1]
        assert any(one.endswith(f"Fixes: {there[:12]} is not in the tree") for one in said)
    git(generated.tree, "fetch", "-q", str(other), "HEAD")
    assert not any("not in the tree" in one for one in places(reroll(*words), "mail").get(1, []))


def test_not_run_is_never_a_pass(generated: Small, reroll: Run) -> None:
    done = reroll(*generated.words("check", "checkpatch", "kernel-doc"))
    assert done.code == 4
    assert "checkpatch: not run: the base has no scripts/checkpatch.pl" in done.out
    assert "kernel-doc: not run: the base has no scripts/kernel-doc" in done.out
    assert reroll(*generated.words("check")).code == 0


def test_no_perl(seeded: Small, reroll: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    place = seeded.folder.parent / "bin"
    place.mkdir()
    (place / "git").symlink_to(str(shutil.which("git")))
    monkeypatch.setenv("PATH", str(place))
    done = reroll(*seeded.words("check", "checkpatch", "kernel-doc"))
    assert done.code == 4
    assert done.out.count("not run: 'perl' is not installed or not in PATH") == 2


def test_bad_input(generated: Small, reroll: Run, tmp_path: Path) -> None:
    other = make_repository(tmp_path / "other", {"a": "b\n"})
    done = reroll("-C", generated.folder, "--tree", other, "check")
    assert done.code == 2
    assert " lacks the base of version 1, " in done.err
    assert reroll(*generated.words("check", "nonsense")).code == 2
    assert reroll("-C", generated.folder, "check", "order").code == 2  # no tree
    git(generated.tree, "config", "reroll.check", "order, nonsense")
    assert "reroll.check: there is no check 'nonsense'" in reroll(*generated.words("check")).err
    git(generated.tree, "config", "reroll.check", "order, mail")
    (generated.tree / "drivers/a/a.c").write_text("junk\n")
    chosen = reroll(*generated.words("check"))
    assert chosen.out.splitlines()[0].split() == ["patch", "order", "mail"]
    assert "uncommitted changes" in chosen.err
    assert (generated.tree / "drivers/a/a.c").read_text() == "junk\n"


def test_sarif(seeded: Small, reroll: Run, tmp_path: Path) -> None:
    file = tmp_path / "found.sarif"
    done = reroll(*seeded.words("check", "order", "mail", "sparse", "--sarif", file))
    assert done.code == 1
    log = json.loads(file.read_text())
    # What the schema of SARIF 2.1.0 requires of what we write.
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "reroll"
    ids = [rule["id"] for rule in driver["rules"]]
    assert len(set(ids)) == len(ids) > 1
    assert isinstance(run["invocations"][0]["executionSuccessful"], bool)
    version = store.read(seeded.folder)
    for one in run["results"]:
        patch = version.patches[one["properties"]["patch"] - 1]
        assert one["properties"]["commit"] == patch.commit
        assert one["properties"]["declared"] == patch.id
        named = f"patch {patch.number} ({patch.commit[:12]} {patch.title}): "
        assert one["message"]["text"].startswith(named)
        assert one["level"] in ("none", "note", "warning", "error")
        assert ids[one["ruleIndex"]] == one["ruleId"]
        for place in one.get("locations", []):
            artifact = place["physicalLocation"]["artifactLocation"]
            assert artifact["uriBaseId"] in run["originalUriBaseIds"]
            assert not artifact["uri"].startswith("/")
            assert place["physicalLocation"].get("region", {"startLine": 1})["startLine"] >= 1
    bad = reroll(*seeded.words("check", "order", "--sarif", tmp_path / "none/x"))
    assert bad.code == 1
    assert "--sarif" in bad.err


def test_interrupted(generated: Small, reroll: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """^C leaves no record, and no worktree."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(runner, "record", interrupt)
    done = reroll(*generated.words("check", "applies"))
    assert (done.code, done.err) == (130, "reroll: interrupted; nothing was left half done\n")
    assert not (generated.folder / "versions/v1/checks.json").exists()
    assert git(generated.tree, "worktree", "list").count("\n") == 0


def test_mails_that_change_while_they_are_checked(generated: Small) -> None:
    version = store.read(generated.folder)
    mail = next((generated.folder / "versions/v1").glob("*0001*"))

    def edit(*_: object) -> None:
        mail.write_text(mail.read_text() + "\n")

    with contextlib.closing(Tree(generated.tree)) as tree:
        ground = Ground(generated.folder, version, tree, Settings())
        runner.record(ground, runner.run(ground, ["applies"], edit))
    digest = gate.mails_digest(generated.folder, version)
    found = gate.objection(gate.read(generated.folder, 1), "applies", version, digest)
    assert found == "was run before the mails were changed"


def test_json_for_every_reader() -> None:
    text = as_json({"path": "d/\udce4.c", "source": 'a\x7f\x1b[31m\u202e\n"\\'})
    assert text.isascii()
    assert text.isprintable()
    read = json.loads(text)
    assert read == {"path": "d/\\udce4.c", "source": 'a\x7f\x1b[31m\u202e\n"\\'}
    json.dumps(read, ensure_ascii=False).encode()


def test_diff_lines() -> None:
    diff = b"--- a/x\n+++ b/x\n@@ -3,2 +3,2 @@ f\n a\n---- b\n+++ c\n\n"
    diff += b"--- a/y\n+++ /dev/null\n@@ -1 +0,0 @@\n-z\n"
    found = [(one.at, one.sign, one.path, one.line, one.text) for one in diff_lines(diff)]
    assert found == [
        (4, " ", "x", 3, "a"),
        (5, "-", "x", 4, "--- b"),
        (6, "+", "x", 4, "++ c"),
        (11, "-", "y", 1, "z"),
    ]


def test_help_is_quick_and_names_every_check(reroll: Run) -> None:
    out = " ".join(reroll("check", "--help").out.split())
    for name, text in runner.texts().items():
        assert f"{name}: " in out
        if name not in ("build", "sparse"):
            assert runner.load(name).text == text
    assert (
        "pydantic"
        not in subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "series.cli", "check", "--help"],
            capture_output=True,
            check=True,
            text=True,
        ).stderr
    )
