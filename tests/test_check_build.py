"""The checks "build" and "sparse" on a tiny tree with a build of its own: real make, real gcc."""

import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from shutil import which

import pytest

from generator.results import Results
from generator.tree import Tree
from series.checks import diagnostics, kbuild, objects
from series.checks.build import Build
from series.checks.build_variants import host
from series.checks.kinds import Ground, Patch, Result
from series.checks.sparse import Sparse
from series.settings import Settings
from series.version import LedgerRecord, PatchRecord, Version
from tests.repositories import git, make_repository

# What our checks need of Kbuild: O=, the configurations, prepare, objects with .cmd files.
MAKEFILE = """\
srctree := $(CURDIR)
GOALS := $(or $(MAKECMDGOALS),prepare)
ifeq ($(IN),)
.PHONY: $(GOALS)
$(lastword $(GOALS)):
\t@mkdir -p $(O) && $(MAKE) -C $(O) -f $(srctree)/Makefile IN=1 srctree=$(srctree) $(GOALS)
$(filter-out $(lastword $(GOALS)),$(GOALS)): $(lastword $(GOALS)) ; @:
else
CC := $(CROSS_COMPILE)gcc
allmodconfig olddefconfig:
\t@sed -n 's/^config \\(.*\\)/CONFIG_\\1=y/p' $(srctree)/Kconfig > .config
prepare: ; @$(PREPARE)
$(filter %.o,$(GOALS)): %.o: $(srctree)/%.c FORCE | prepare
\t@mkdir -p $(@D)
\t@$(CC) -Wall -I$(srctree)/include -Wp,-MMD,$(@D)/.$(@F).d -c -o $@ $< && { \\
\t  echo 'source_$@ := $<'; echo; echo 'deps_$@ := \\'; \\
\t  sed -e 's/^[^:]*://' $(@D)/.$(@F).d; echo; } > $(@D)/.$(@F).cmd
\t@$(if $(C),$(CHECK) -I$(srctree)/include $<)
FORCE:
endif
"""
HEADER = "#ifndef API_H\n#define API_H\nint get(int a, int b);\n#endif\n"
SHORTER = HEADER.replace("int a, int b", "int a")
TREE: dict[str, str] = {
    "Makefile": MAKEFILE,
    "Kconfig": "config A\nconfig B\n",
    "drivers/Makefile": "obj-$(CONFIG_A) += a/\nobj-$(CONFIG_B) += b/\nobj-$(CONFIG_C) += c/\n",
    "drivers/a/Makefile": "obj-y += get.o\n",
    "drivers/b/Makefile": "obj-$(CONFIG_B) += whole.o\nwhole-y := user.o\n"
    "obj-$(CONFIG_NO) += no.o\n",
    "drivers/c/Makefile": "obj-y += c.o\n",
    "include/api.h": HEADER,
    "drivers/a/get.c": '#include "api.h"\nint get(int a, int b)\n{\n\treturn a + b;\n}\n',
    "drivers/b/user.c": '#include "api.h"\nint use(void)\n{\n\treturn get(1, 2);\n}\n',
    "drivers/b/no.c": "int no(void)\n{\n\treturn 0;\n}\n",
    "drivers/c/c.c": "int c(void)\n{\n\treturn 0;\n}\n",
    "Documentation/get.rst": "get() takes two\n",
}
GET = TREE["drivers/a/get.c"]
USER = TREE["drivers/b/user.c"]


@dataclass
class Row:
    """A tree and a row of commits on it, to be checked."""

    place: Path
    path: Path
    patches: list[Patch] = field(default_factory=list)
    options: dict[str, tuple[str, ...]] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    def commit(self, changes: Mapping[str, str | None], words: Sequence[str] = ()) -> None:
        """One more patch; ``None`` removes a file."""
        parent = git(self.path, "rev-parse", "HEAD")
        for name, text in changes.items():
            file = self.path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.unlink() if text is None else file.write_text(text)
        git(self.path, "add", "-A")
        git(self.path, "commit", "-q", "-m", "change")
        commit, number = git(self.path, "rev-parse", "HEAD"), len(self.patches) + 1
        ledger = LedgerRecord(tuple(words), {}, ())
        files = tuple(sorted(changes))
        record = PatchRecord(
            number, f"p{number}", "t", commit, "", 0, 0, files, (), (), "", "", (), ledger=ledger
        )
        one = Patch(number, f"p{number}", "t", commit, parent, files, ledger, record)
        self.patches.append(one)

    def start(self, check: Build | Sparse | None = None) -> Iterator[tuple[Patch, Result]]:
        """The check, begun."""
        first, last = self.patches[0], self.patches[-1]
        version = Version(
            1, "n", "t", 1, "0 +0000", first.parent, "", last.commit, "", "", "", "", (), None, ()
        )
        options = {"objects": (str(self.place / "objects"),), "limit": ("60",), **self.options}
        self.said.clear()
        store = Results(self.place / "store")
        tree = Tree(self.path)
        ground = Ground(
            self.place, version, tree, Settings(jobs=2), store, options, self.said.append
        )
        try:
            yield from (check or Build()).run(ground, self.patches)
        finally:
            store.close()
            tree.close()

    def check(self, check: Build | Sparse | None = None) -> list[Result]:
        """What the check says of each patch."""
        found = list(self.start(check))
        assert [patch.number for patch, _ in found] == [one.number for one in self.patches]
        return [result for _, result in found]

    @property
    def objects(self) -> Path:
        """The object directory."""
        (found,) = self.place.glob("objects/*/objects-*")
        return found


@pytest.fixture
def row(tmp_path: Path) -> Row:
    """The tree, without a patch."""
    path = make_repository(tmp_path / "linux", TREE)
    return Row(tmp_path, path)


def states(results: Sequence[Result]) -> list[str]:
    """The state of each; pytest shows the reasons with a test that fails."""
    for one in results:
        print(one.state, one.why, *one.findings, sep="\n    ")  # noqa: T201
    return [one.state for one in results]


def test_a_commit_that_builds_with_its_successor_is_a_bisect_break(row: Row) -> None:
    row.commit({"drivers/a/get.c": GET + "\n/* a comment */\n"})
    row.commit(
        {
            "include/api.h": SHORTER,
            "drivers/a/get.c": GET.replace("int a, int b", "int a").replace("a + b", "a"),
        },
        words=["get"],
    )
    row.commit({"drivers/b/user.c": USER.replace("1, 2", "1")})
    results = row.check()
    assert states(results) == ["passed", "failed", "passed"]
    (found,) = results[1].findings
    assert (found.severity, found.path, found.line) == ("error", "drivers/b/user.c", 4)
    assert found.source == "\treturn get(1, 2);"
    assert found.what.startswith("too many arguments to function")
    assert "does not build alone: builds again with patch 3" in found.what
    assert found.rule == "bisect-break"
    assert found.hint == "include/api.h:3: declared here"


def test_an_error_that_stops_one_more_source_is_one_of_that_patch_too(row: Row) -> None:
    row.commit({"include/bad.h": "#error no\n", "drivers/a/get.c": f'#include "bad.h"\n{GET}'})
    # A header, for then all sources are compared with what was said of all.
    row.commit({"drivers/b/user.c": f'#include "bad.h"\n{USER}', "include/api.h": f"\n{HEADER}"})
    row.commit({"include/bad.h": "int bad(void);\n"})
    results = row.check()
    assert states(results) == ["failed", "failed", "passed"]
    (finding,) = results[1].findings
    assert (finding.path, finding.line) == ("include/bad.h", 1)
    assert finding.what.endswith("does not build alone: builds again with patch 3")
    assert finding.hint == "now in drivers/b/user.c, too"


def test_an_error_that_stays_is_one_of_its_patch_only(row: Row) -> None:
    row.commit({"include/api.h": HEADER.replace("int a, int b", "int a, int b, int c")})
    row.commit({"drivers/b/user.c": USER + "\n"})
    first, second = row.check()
    assert first.state == "failed"
    assert {one.path for one in first.findings} == {"drivers/a/get.c", "drivers/b/user.c"}
    assert not any("builds again" in one.what for one in first.findings)
    assert second.state == "not built"
    assert second.why == "drivers/b/user.c does not build since patch 1"


def test_a_base_that_does_not_build_is_not_the_patchs_fault(row: Row) -> None:
    broken = {"drivers/b/user.c": USER.replace("get(1, 2)", "get(1)")}
    path = make_repository(row.place / "broken", TREE | broken)
    row = Row(row.place, path)
    row.commit({"drivers/b/user.c": "/* new */\n" + broken["drivers/b/user.c"]})
    row.commit({"drivers/b/user.c": USER})
    row.commit({"drivers/b/user.c": USER.replace("return", "return 1 +;")})
    results = row.check()
    assert states(results) == ["not built", "passed", "failed"]
    assert results[0].why == "drivers/b/user.c does not build in the base, either"
    assert results[2].findings[0].line == 4


def test_a_base_of_which_nothing_builds(row: Row) -> None:
    path = make_repository(row.place / "broken", TREE | {"Kconfig": "config A\n", "Makefile": "x"})
    row = Row(row.place, path)
    row.commit({"drivers/b/user.c": USER + "\n"})
    (result,) = row.check()
    assert result.state == "not run"
    assert "the base does not build, without any patch: " in result.why
    assert "Makefile:1" in result.why


def test_only_new_warnings_count(row: Row) -> None:
    old = "static int old;\n"
    path = make_repository(row.place / "warned", TREE | {"drivers/b/user.c": old + USER})
    row = Row(row.place, path)
    row.commit({"drivers/b/user.c": "\n\n" + old + USER})
    row.commit({"drivers/b/user.c": old + USER.replace("{\n", "{\n\tint fresh;\n")})
    row.commit({"drivers/b/user.c": old + USER.replace("{\n", "{\n\t/* x */\n\tint fresh;\n")})
    results = row.check()
    assert states(results) == ["passed", "warnings", "passed"]
    (found,) = results[1].findings
    assert (found.path, found.line, found.rule) == ("drivers/b/user.c", 5, "-Wunused-variable")
    assert found.source == "\tint fresh;"


def test_patches_of_sources_of_their_own_are_compiled_in_one_go(row: Row) -> None:
    row.commit({"drivers/a/get.c": GET.replace("{\n", "{\n\tint fresh;\n")})
    row.commit({"Documentation/get.rst": "get() is as it was\n"})
    row.commit({"drivers/b/user.c": USER.replace("1, 2", "1, two")})
    row.commit({"drivers/b/no.c": TREE["drivers/b/no.c"] + "\n"})
    row.commit({"drivers/b/user.c": USER + "\n"})
    results = row.check()
    assert states(results) == ["warnings", "passed", "failed", "not built", "passed"]
    assert [(one.path, one.line) for one in results[0].findings] == [("drivers/a/get.c", 4)]
    broken, _ = results[2].findings
    assert broken.path == "drivers/b/user.c"
    assert "does not build alone: builds again with patch 5" in broken.what
    assert "build: patches 1 to 4 of 5, x86 allmodconfig" in row.said
    # Only what fails or warns is looked at again, and with the patch before.
    assert [text for text in row.said if "patches" not in text] == [
        "build: which files the series reaches",
        "build: the base, x86 allmodconfig",
        "build: patch 3 of 5, x86 allmodconfig",
        "build: patch 1 of 5, x86 allmodconfig",
        "build: patch 5 of 5, x86 allmodconfig",
        "build: patch 4 of 5, x86 allmodconfig",
    ]


def test_a_source_that_an_included_makefile_lists_is_one_of_its_own(row: Row) -> None:
    files = {
        "drivers/a/Makefile": "include $(src)/sub/Makefile\nobj-y += get.o $(NAMES)\n",
        "drivers/a/sub/Makefile": "NAMES := sub/one.o\n",
        "drivers/a/sub/one.c": "int one;\n",
    }
    row = Row(row.place, make_repository(row.place / "included", TREE | files))
    row.commit({"drivers/a/sub/one.c": "int one = 1;\n"})
    row.commit({"drivers/b/user.c": USER + "\n"})
    assert states(row.check()) == ["passed", "passed"]
    assert [text for text in row.said if "patch" in text] == [
        "build: patches 1 to 2 of 2, x86 allmodconfig"
    ]


@pytest.mark.slow
def test_a_source_that_another_one_includes(row: Row) -> None:
    text = '#include "inner.c"\nint outer(void)\n{\n\treturn inner;\n}\n'
    inner = "int old;\n"
    files = {
        "drivers/a/Makefile": "obj-y += get.o outer.o\n",
        "drivers/a/inner.c": inner,
        "drivers/a/outer.c": text.replace("return inner", "return old"),
    }
    row = Row(row.place, make_repository(row.place / "inner", TREE | files))
    row.commit({"drivers/a/outer.c": text})
    row.commit({"drivers/a/inner.c": inner.replace("old", "inner")})
    row.commit({"drivers/b/user.c": USER + "\n"})
    row.commit({"drivers/a/inner.c": inner})
    row.commit({"drivers/b/user.c": USER})
    results = row.check()
    assert states(results) == ["failed", "not built", "passed", "failed", "passed"]
    assert "builds again with patch 2" in results[0].findings[0].what
    assert results[3].findings[0].path == "drivers/a/outer.c"


def test_what_is_not_built_names_its_symbol(row: Row) -> None:
    row.commit({"drivers/b/no.c": TREE["drivers/b/no.c"] + "\n"})
    row.commit({"drivers/c/c.c": TREE["drivers/c/c.c"] + "\n"})
    row.commit({"arch/s390/pci.c": "int pci;\n"})
    row.commit({"drivers/b/no.c": TREE["drivers/b/no.c"], "drivers/b/user.c": USER + "\n"})
    row.commit({"drivers/b/x=1.c": "int x;\n"})
    results = row.check()
    assert states(results) == ["not built", "not built", "not built", "passed", "not built"]
    assert results[0].why == "drivers/b/no.c needs CONFIG_NO (drivers/b/Makefile:3)"
    assert results[1].why == "drivers/c/c.c needs CONFIG_C (drivers/Makefile:3)"
    assert results[2].why.endswith("is code of another architecture (--arch s390)")
    assert [one.severity for one in results[3].findings] == ["note"]
    assert results[4].why.endswith("make cannot be given a file of this name")


def test_what_to_type_for_what_is_not_built(row: Row) -> None:
    kconfig = {
        "Kconfig": "config A\nconfig B\n",
        "drivers/Kconfig": 'config HERE\n\tbool\nif BUS\nmenuconfig FAR\n\ttristate "Far"\n'
        "\tdepends on !A # S390\nendif\nconfig BUS\n\tdepends on (LPAR && \\\n\t\tB)\n",
        "arch/s390/Kconfig": "config LPAR\n\tbool\nconfig S390\n\tbool\n",
        f"arch/{host()}/Kconfig": "config NEAR\n",
        "arch/s390/Makefile": "drivers-y += drivers/b/own/\n",
        "drivers/b/own/Makefile": "obj-y += own.o\n",
    }
    symbols = ("HERE", "FAR", "LPAR", "NOWHERE")
    makefile = TREE["drivers/b/Makefile"] + "".join(
        f"obj-$(CONFIG_{name}) += {name.lower()}.o\n" for name in symbols
    )
    files = {f"drivers/b/{name.lower()}.c": "int x;\n" for name in symbols}
    others = {"drivers/b/Makefile": makefile, "drivers/b/none.c": "int x;\n"}
    row = Row(row.place, make_repository(row.place / "kconfig", TREE | kconfig | files | others))
    for name in files:
        row.commit({name: "int y;\n"})
    row.commit({"arch/s390/pci.c": "int pci;\n"})
    row.commit({"drivers/b/none.c": "int y;\n"})
    row.commit({"drivers/b/own/own.c": "int y;\n"})
    results = row.check()
    assert states(results) == ["not built"] * 7
    hints = [one.findings[0].hint for one in results]
    arch = f"'reroll check build --arch {host()} --arch s390'"
    config = "'reroll check build --config FILE', FILE a .config"
    assert hints == [
        f"{config} with CONFIG_HERE=y; '/' in 'make menuconfig' says what HERE depends on",
        f"{arch} may build it: what it depends on is of s390",
        f"{arch} may build it: what it depends on is of s390",
        "no Kconfig file defines CONFIG_NOWHERE, so nothing builds it",
        f"{arch} builds it",
        f"{config} that builds it",
        f"{arch} builds it, or says what it needs",
    ]


def test_documentation_only(row: Row) -> None:
    row.commit({"Documentation/get.rst": "more\n"})
    (result,) = row.check()
    assert (result.state, result.why) == ("passed", "there is nothing to build in its files")
    assert not list(row.place.glob("objects/*/source/*"))


def test_a_renamed_file_keeps_its_warnings(row: Row) -> None:
    old = "static int old;\n"
    path = make_repository(row.place / "warned", TREE | {"drivers/b/user.c": old + USER})
    row = Row(row.place, path)
    makefile = TREE["drivers/b/Makefile"].replace("user.o", "caller.o")
    row.commit(
        {
            "drivers/b/user.c": None,
            "drivers/b/caller.c": old + USER,
            "drivers/b/Makefile": makefile,
        }
    )
    # As the manifest has it: of a file that is moved, the new name.
    files = ("drivers/b/Makefile", "drivers/b/caller.c")
    row.patches[0] = replace(row.patches[0], files=files)
    row.commit({"drivers/b/caller.c": old + USER + "static int other;\n"})
    results = row.check()
    assert states(results) == ["passed", "warnings"]
    assert [one.line for one in results[1].findings] == [7]


def test_a_user_that_gets_the_header_through_another_one(row: Row) -> None:
    header = HEADER.replace("get(", "get_both_of(")
    files = {
        "include/api.h": header,
        "include/all.h": '#include "api.h"\n',
        "drivers/a/get.c": GET.replace("get(", "get_both_of("),
        "drivers/b/user.c": USER.replace("get(", "get_both_of(").replace("api.h", "all.h"),
    }
    row = Row(row.place, make_repository(row.place / "through", TREE | files))
    # A line number would be taken for a part of the name.
    git(row.path, "config", "grep.lineNumber", "true")
    row.commit({"include/api.h": header.replace("int b", "int b, int c")})
    (result,) = row.check()
    assert {one.path for one in result.findings} == {"drivers/a/get.c", "drivers/b/user.c"}


def test_a_new_symbol_builds_an_object(row: Row) -> None:
    row.commit({"Kconfig": TREE["Kconfig"] + "config C\n"})
    row.commit({"drivers/c/c.c": "int c(void)\n{\n\treturn wrong;\n}\n"})
    results = row.check()
    assert states(results) == ["passed", "failed"]
    assert results[1].findings[0].what.startswith("'wrong' undeclared")


def test_what_appears_through_a_makefile_is_compiled(row: Row) -> None:
    (row.path / "drivers/b/late.c").write_text("int late(void)\n{\n\treturn wrong;\n}\n")
    git(row.path, "add", "-A")
    git(row.path, "commit", "-q", "-m", "a file that nothing builds")
    row.commit({"drivers/b/Makefile": TREE["drivers/b/Makefile"] + "obj-y += late.o\n"})
    (result,) = row.check()
    assert result.state == "failed"
    assert result.findings[0].path == "drivers/b/late.c"


@pytest.mark.slow
def test_make_that_hangs_runs_into_the_limit(row: Row) -> None:
    row.commit({"drivers/b/user.c": USER + "\n"})
    row.commit({"Makefile": MAKEFILE.replace("$(PREPARE)", "sleep 60")})
    row.options["limit"] = ("2",)
    began = time.monotonic()
    results = row.check()
    assert time.monotonic() - began < 20
    assert states(results) == ["passed", "not run"]
    assert results[1].why.startswith("make ran into the limit of 2 s at patch 2 of 2")


def test_no_compiler(row: Row) -> None:
    row.commit({"drivers/b/user.c": USER + "\n"})
    row.options["arch"] = ("alpha",)
    row.options["cross"] = ("alpha=no-such-compiler-",)
    (result,) = row.check()
    assert result.state == "not run"
    assert result.why == "no no-such-compiler-gcc (apt install gcc-no-such-compiler)"


def test_disk_full(row: Row) -> None:
    row.commit({"drivers/b/user.c": USER + "\n"})
    row.check()
    row.commit({"drivers/b/user.c": USER + "\n\n"})
    # What the compiler writes there goes to a device that is always full.
    dependencies = row.objects / "drivers/b/.user.o.d"
    dependencies.unlink()
    dependencies.symlink_to("/dev/full")
    first, second = row.check()
    assert (first.state, second.state) == ("passed", "not run")
    assert "no space left on device" in second.why
    dependencies.unlink()
    assert states(row.check()) == ["passed", "passed"]


def test_a_compiler_that_is_killed_is_not_the_patchs_fault(
    row: Row, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    gcc = tmp_path / "bin/gcc"
    gcc.write_text(
        "#!/bin/sh\n"
        f"grep -qs fresh {tmp_path}/objects/*/source/drivers/b/user.c && [ -e {tmp_path}/little ]"
        " && echo 'gcc: fatal error: Killed signal terminated program cc1' >&2 && exit 1\n"
        f'exec {which("gcc")} "$@"\n'
    )
    gcc.chmod(0o755)
    monkeypatch.setenv("PATH", f"{gcc.parent}:{os.environ['PATH']}")
    (tmp_path / "little").touch()
    row.commit({"drivers/b/user.c": USER + "\n"})
    row.commit({"drivers/b/user.c": USER + "\n/* fresh */\n"})
    first, second = row.check()
    assert (first.state, second.state) == ("passed", "not run")
    assert second.why == (
        "no memory for 2 compilers at a time: Killed signal terminated program cc1"
        " (git config reroll.jobs 1)"
    )
    (tmp_path / "little").unlink()
    assert states(row.check()) == ["passed", "passed"]


def test_a_source_line_about_a_full_disk_is_no_full_disk(row: Row) -> None:
    text = USER.replace("get(1, 2)", 'get("No space left on device", Cannot)')
    row.commit({"drivers/b/user.c": text.replace("Cannot", '"Cannot allocate memory"')})
    row.commit({"drivers/b/user.c": text})
    assert states(row.check()) == ["warnings", "failed"]


@pytest.mark.slow
def test_interrupted_and_resumed(row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    row.commit({"drivers/b/user.c": USER + "\n"})
    row.commit(
        {"drivers/b/user.c": USER + "\n\n", "Makefile": MAKEFILE.replace("$(PREPARE)", "sleep 4")}
    )
    begun = row.start()
    assert next(begun)[1].state == "passed"
    timer = threading.Timer(1.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        next(begun)
    timer.join()
    began = time.monotonic()
    results = row.check()
    assert states(results) == ["passed", "passed"]
    assert [line for line in row.said if "patch 1" in line] == []
    assert time.monotonic() - began > 3


def test_a_half_written_object_is_made_again(row: Row) -> None:
    row.commit({"drivers/b/user.c": USER.replace("{\n", "{\n\tint fresh;\n")})
    assert states(row.check()) == ["warnings"]
    (row.objects / "drivers/b/user.o").write_bytes(b"half")
    (row.place / "store").rename(row.place / "gone")
    assert states(row.check()) == ["warnings"]


def test_a_second_run_starts_nothing(row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    row.commit({"drivers/b/user.c": USER.replace("{\n", "{\n\tint fresh;\n")})
    row.commit({"include/api.h": SHORTER})
    first = row.check()
    source = next(row.place.glob("objects/*/source"))
    source.rename(source.with_name("away"))
    assert row.check() == first
    assert row.said == []
    assert not source.exists()


def test_the_users_tree_is_never_touched(row: Row) -> None:
    row.commit({"drivers/b/user.c": USER + "\n"})
    (row.path / "drivers/b/user.c").write_text("not C at all")
    (row.path / "untracked.c").write_text("x")
    before = git(row.path, "status", "--porcelain=v2", "--branch")
    index = (row.path / ".git/index").read_bytes()
    assert states(row.check()) == ["passed"]
    assert git(row.path, "status", "--porcelain=v2", "--branch") == before
    assert (row.path / ".git/index").read_bytes() == index
    assert git(row.path, "worktree", "list").count("\n") == 0


def test_another_run_is_waited_for(row: Row) -> None:
    row.commit({"drivers/b/user.c": USER + "\n"})
    row.commit({"drivers/b/user.c": USER + "\n\n"})
    begun = row.start()
    next(begun)
    (other, *_) = Row(row.place, row.path, row.patches[1:]).check()
    assert other.state == "not run"
    assert "another reroll, or a make that one left behind, builds in" in other.why
    begun.close()  # type: ignore[attr-defined]


def test_a_users_config(row: Row) -> None:
    row.commit({"drivers/b/user.c": USER + "\n"})
    row.options["config"] = (str(row.place / "mine.config"),)
    (missing,) = row.check()
    assert missing.state == "not run"
    assert "mine.config: cannot be read" in missing.why
    (row.place / "mine.config").write_text("# Linux/x86 5.10.0 Kernel Configuration\nCONFIG_A=y\n")
    assert states(row.check()) == ["passed"]


def test_without_sparse(row: Row, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row.commit({"drivers/b/user.c": USER + "\n"})
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("git", "make", "gcc"):
        found = next(Path(one) / name for one in os.get_exec_path() if (Path(one) / name).exists())
        (programs / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(programs))
    (result,) = row.check(Sparse())
    assert (result.state, result.why) == ("not run", "no sparse (apt install sparse)")


@pytest.mark.skipif(which("sparse") is None, reason="no sparse")
def test_sparse_says_what_is_new(row: Row) -> None:
    old = "static int *old = 0;\n"
    path = make_repository(row.place / "read", TREE | {"drivers/b/user.c": USER + old})
    row = Row(row.place, path)
    row.commit({"drivers/b/user.c": "\n" + USER + old})
    row.commit({"drivers/b/user.c": USER + old + "static char *fresh = 0;\n"})
    row.commit({"include/api.h": HEADER + "\n"})
    results = row.check(Sparse())
    assert states(results) == ["passed", "warnings", "passed"]
    (found,) = results[1].findings
    assert (found.path, found.line) == ("drivers/b/user.c", 7)
    assert found.what == "Using plain integer as NULL pointer"
    assert found.rule == "sparse-warning"


def test_diagnostics_of_headers_belong_to_what_was_compiled() -> None:
    said = (
        "In file included from /s/include/a.h:3,\n"
        "                 from /s/mm/x.c:9:\n"
        "/s/include/b.h: In function 'f':\n"
        "/s/include/b.h:5:7: warning: unused variable 'v' [-Wunused-variable]\n"
        "    5 |  int v;\n"
        "/s/include/b.h:6:1: note: here\n"
        "/s/mm/y.c:3:1: error: expected ';' before '}' token\n"
        "/s/mm/y.c:4: Error: no such instruction\n"
    )
    found = diagnostics.parse(said, lambda path: path.removeprefix("/s/"), lambda *_: "")
    assert [(one.path, one.main, one.severity) for one in found] == [
        ("include/b.h", "mm/x.c", "warning"),
        ("mm/y.c", "mm/y.c", "error"),
        ("mm/y.c", "mm/y.c", "error"),
    ]
    assert found[0].flag == "-Wunused-variable"
    assert found[0].note == "include/b.h:6: here"


def test_an_object_that_a_later_list_replaces() -> None:
    """mm/Makefile has this form."""
    makefile = "mmu-y := nommu.o\nmmu-$(CONFIG_MMU) := memory.o\nobj-y += $(mmu-y)\n"
    listed: dict[str, kbuild.Listed | None] = {
        "mm": kbuild.Listed("mm/Makefile", frozenset({"mm/memory.o"}))
    }

    def why(source: str) -> str:
        return kbuild.reason(source, listed, lambda _: makefile, {"CONFIG_MMU": "y"}, "x86")

    assert why("mm/nommu.c") == "needs CONFIG_MMU to be off (mm/Makefile:1)"
    assert why("mm/memory.c") == ""


def test_a_compiler_that_crashes_says_where() -> None:
    said = "mm/x.c:3:1: internal compiler error: Segmentation fault\n"
    (found,) = diagnostics.parse(said, str, lambda *_: "")
    assert (found.path, found.line, found.severity) == ("mm/x.c", 3, "error")


def test_names_that_a_header_change_declares() -> None:
    diff = (
        "@@ -1,9 +1,9 @@\n"
        " int get_frames(unsigned long start,\n"
        "-\t\tunsigned int flags, struct vec *vec);\n"
        "+\t\tstruct vec *vec);\n"
        "+#define NEW_FLAG 1\n"
        "-struct gone {\n"
        "-\tunsigned int with_it;\n"
        "@@ -20,4 +20,5 @@\n"
        " struct kept {\n"
        "+\tunsigned int member;\n"
        "+\treturn body;\n"
    )
    assert objects.declared(diff) == {"get_frames", "NEW_FLAG", "gone", "member"}


@pytest.mark.parametrize(
    "path",
    ["-x.c", "a/$(shell id).c", "a b.c", "../a.c", "a/../b.c", "a=b.c", "a/.b.c", "/a.c", "a\n.c"],
)
def test_names_that_make_is_not_given(path: str) -> None:
    assert not kbuild.is_safe(path)
