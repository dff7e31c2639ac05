"""The documentation: its commands run, or at least are commands; its links lead somewhere."""

import argparse
import os
import pty
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from generator import campaign
from series import cli, manual
from series.policy import Policy
from series.settings import CHECK_OPTIONS, Settings
from tests.conftest import Small
from tests.repositories import git

ROOT = Path(__file__).parents[1]
# The packages are elsewhere where the tests of a release run.
INSTALLED = Path(cli.__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
NAMES = [str(path.relative_to(ROOT)) for path in DOCUMENTS]
# The whole document is one script: it is a lesson, and asserts what becomes of it.
LESSONS = ("docs/tutorial.md", "docs/first-campaign.md")
FENCE = "```"
PROGRAMS = re.compile(
    r"(?:\$ |- run: |- )?((?:reroll|git|make|pip|dask|python|gpg|[\w/]+/bin/\w+) .*)"
)
# What belongs to other programs.
FOREIGN = {"--parse-cocci", "--use-idutils", "--inspect-emails", "--keep", "--rules", "--dirs"}


# What there is to run and to parse.


@dataclass(frozen=True)
class Block:
    """Commands that stand together: ``line`` counts from 1, ``language`` is that of a fence."""

    document: str
    line: int
    language: str
    lines: tuple[str, ...]

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands, without comments, prompts and what may be left out."""
        found = (PROGRAMS.fullmatch(line.strip()) for line in self.lines)
        bare = (re.sub(r"\s+#.*$", "", one[1]) for one in found if one)
        return tuple(re.sub(r" \[[^\]]*\]", "", one).strip() for one in bare)


def blocks(document: str) -> Iterator[Block]:
    """The fenced and the indented blocks of a document."""
    language, begun, held = "", 0, list[str]()
    for number, line in enumerate([*(ROOT / document).read_text().split("\n"), ""], 1):
        fence, indented = line.startswith(FENCE), line.startswith("    ")
        if held and (fence if begun else not indented):
            yield Block(document, number - len(held), language, tuple(held))
            held, begun = [], 0
        elif fence and begun:  # an empty one
            begun = 0
        elif fence:
            language, begun = line.removeprefix(FENCE), number
        elif begun or indented:
            language = language if begun else ""
            held.append(line)


def spans(document: str) -> Iterator[str]:
    """What stands between back quotes in the text, on one line each."""
    held = [line for block in blocks(document) for line in block.lines]
    text = "\n".join(line for line in _lines(document) if line not in held)
    for found in re.findall(r"(?<!`)`([^`]+)`(?!`)", text):
        yield " ".join(found.replace("\\|", "|").split())


def _lines(document: str) -> list[str]:
    return (ROOT / document).read_text().split("\n")


def calls(line: str) -> Iterator[list[str]]:
    """The words of every call of reroll in a line of shell."""
    for inner in re.findall(r"\"\$\((reroll [^)]*)\)", line):
        yield from calls(inner)
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, ";"]:
        if not set(word) <= set("();<>|&"):
            words.append(word)
            continue
        called = [at for at, one in enumerate(words) if one == "reroll"]
        if called and words[: called[0]] in ([], ["git"]):
            yield words[called[0] + 1 :]
        words = []


def plain(words: list[str]) -> list[str]:
    """Words with something in the place of numbers, choices and what goes on."""
    bare = (re.sub(r"(?:\.\.\.|…)$", "", word).partition("|")[0] for word in words)
    return ["1" if word == "N" else word for word in bare if word]


# Every command is a command.


@cache
def parser() -> argparse.ArgumentParser:
    """The parser, of all verbs."""
    return cli.build_parser()


def _below(one: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    return {name: verb for name, _, verb in manual.verbs(one)}


def _options(one: argparse.ArgumentParser) -> set[str]:
    """The options of a parser, and of those below it."""
    own = {name for action in one._actions for name in action.option_strings}
    return own.union(*(_options(each) for each in _below(one).values()))


def parse(words: list[str]) -> None:
    """Parse as ``reroll`` does; ``SystemExit`` for what it does not know."""
    args, more = parser().parse_known_args(words)
    if more and (not hasattr(args, "words") or any(word.startswith("-") for word in more)):
        parser().error(f"unrecognized arguments: {' '.join(more)}")


def whole_commands() -> list[tuple[str, list[str]]]:
    """Every command of a block, a manual page or a help text, with where it is."""
    found = [
        (f"{name}:{block.line}", line)
        for name in NAMES
        for block in blocks(name)
        for line in (block.lines if block.language == "sh" else block.commands)
    ]
    for page in sorted((ROOT / "docs/man").glob("*.txt")):
        lines = page.read_text().split("\n")
        found += [(page.name, line.strip()) for line in lines if line.startswith("    ")]
    for verb, one in _below(parser()).items():
        example = str(one.epilog or "").partition("example: ")[2]
        found += [(f"reroll {verb} --help", example.split("\n")[0])]
    shell = [(where, line) for where, line in found if "reroll " in line and "'#!" not in line]
    return [(where, plain(words)) for where, line in shell for words in calls(line)]


def test_every_command_of_a_block_parses(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = []
    commands = whole_commands()
    for where, words in commands:
        try:
            parse(words)
        except SystemExit as stopped:
            if stopped.code:
                said = capsys.readouterr().err.strip().split("\n")[-1]
                wrong.append(f"{where}: reroll {' '.join(words)}: {said}")
    assert wrong == []
    assert len(commands) > 100


def test_every_command_in_the_text_names_a_verb_and_its_options() -> None:
    verbs, every = _below(parser()), _options(parser())
    wrong = []
    mentioned = set()
    for name in NAMES:
        for span in spans(name):
            if not re.match(r"(?:git )?reroll |--?[A-Za-z]", span):
                continue
            words = plain(span.removeprefix("git ").split())
            rest = re.sub(
                r"^(?:reroll(?: |$))?(?:(?:-C|--tree) \S+ |--json )*", "", " ".join(words)
            )
            verb = rest.split(" ")[0]
            known = (_options(verbs[verb]) if verb in verbs else every) | {"-C", "--tree", "--json"}
            given = {word.partition("=")[0] for word in words if re.match("--?[A-Za-z]", word)}
            mentioned |= given
            if words[0] == "reroll" and re.match(r"[a-z]", verb) and verb not in verbs:
                wrong.append(f"{name}: `{span}`: there is no such verb")
            wrong += [f"{name}: `{span}`: no {one}" for one in given - known - FOREIGN]
    assert wrong == []
    assert mentioned >= FOREIGN


def test_every_setting_in_the_text_is_one() -> None:
    ours = {one.name for one in fields(Settings)}
    policy = {f"recipients.{one.name}" for one in fields(Policy)}
    check = {"check", "checkstrict", *(f"check{name.replace('-', '')}" for name in CHECK_OPTIONS)}
    known = ours | policy | check | {"recipients.key"}
    for name in NAMES:
        text = "\n".join([*spans(name), *(one for block in blocks(name) for one in block.commands)])
        named = {one.lower() for one in re.findall(r"\breroll\.([A-Za-z.]*[A-Za-z])", text)}
        assert named - known == set(), name
    rows = re.findall(r"^\| (`reroll\..*?) \|", _text("README.md"), re.MULTILINE)
    table = {one.lower() for row in rows for one in re.findall(r"`reroll\.(\w+)", row)}
    assert table == ours | check


def _text(document: str) -> str:
    return (ROOT / document).read_text()


@pytest.mark.parametrize("name", NAMES)
def test_other_programs_know_their_commands(name: str) -> None:
    targets = {*re.findall(r"^([a-z-]+):", _text("Makefile"), re.MULTILINE)}
    commands = [one for block in blocks(name) for one in block.commands]
    for command in commands:
        words = command.split()
        if words[0] == "make" and UNRUN.get((name, command)) != KERNEL:
            assert words[1] in targets, command
        if words[:2] == ["python", "-m"]:
            words = [sys.executable, *words[1:], "--help"]
            shown = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
            for option in re.findall(r"--[a-z-]+", command):
                assert option in shown.stdout


# Every link leads somewhere.


def anchors(document: Path) -> set[str]:
    """The names that GitHub gives to the headings of a document."""
    heads = re.findall(r"^#+ +(.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name: str) -> None:
    page = ROOT / name
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if re.match(r"https?:", link):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.is_file(), link
        assert not anchor or anchor in anchors(target), link


def test_every_document_is_linked() -> None:
    linked = {
        (page.parent / link).resolve()
        for page in DOCUMENTS
        for link in re.findall(r"\]\(([^)#\s:]+)", page.read_text())
    }
    lost = [name for name, page in zip(NAMES, DOCUMENTS, strict=True) if page not in linked]
    assert [name for name in lost if name not in ("README.md", "CONTRIBUTING.md")] == []


# The campaign file is described as it is.


def _example() -> str:
    """The file in docs/campaign.md that has every key."""
    return "\n".join(
        next(one.lines for one in blocks("docs/campaign.md") if one.language == "toml")
    )


def _keys(table: type[BaseModel]) -> set[str]:
    return set(table.model_fields)


def test_the_campaign_file_with_every_key_is_valid(tmp_path: Path) -> None:
    other = '[[patch]]\nid = "other-id"\ntitle = "x"\n[[patch.step]]\npick = "HEAD"\n\n'
    (tmp_path / "series.toml").write_text(_example().replace("[[patch]]", f"{other}[[patch]]", 1))
    (tmp_path / "cover.txt").touch()
    (tmp_path / "own-pages.cocci").touch()
    made = campaign.load(tmp_path)
    assert [one.id for one in made.patches] == ["other-id", "exynos-pages"]


def test_every_key_of_a_campaign_is_described() -> None:
    parts = re.split(r"^\[+([a-z.]+)\]+", _example(), flags=re.MULTILINE)[1:]
    # A key may stand in a comment: "or message_file = ...".
    given = {
        name: set(re.findall(r"(?:^|\bor )([a-z_]+) = ", text, re.MULTILINE))
        for name, text in zip(parts[::2], parts[1::2], strict=True)
    }
    assert given["series"] | {"changelog"} == _keys(campaign.Series)
    assert given["settings"] == _keys(campaign.Settings)
    assert given["patch"] | {"step"} == _keys(campaign.Patch)
    text = _text("docs/campaign.md")
    table = {row[0]: row[1] for row in re.findall(r"^\| `(\w+)` \| (.*?) \|", text, re.MULTILINE)}
    assert _keys(campaign.Recipients) <= table.keys()
    steps = (
        campaign.RuleStep,
        campaign.EditStep,
        campaign.MoveStep,
        campaign.ApplyStep,
        campaign.PickStep,
    )
    for step in steps:
        name = step.__name__.removesuffix("Step").lower()
        further = set(re.findall(r"`(\w+)`", table[name]))
        assert {name, "unmatched"} | further == _keys(step)


def test_every_choice_of_a_campaign_is_described() -> None:
    text = _text("docs/campaign.md")
    for choices in (campaign.Unmatched, campaign.Remaining, campaign.Split, campaign.Scope):
        for choice in get_args(choices):
            assert f'"{choice}"' in text
    for role in get_args(campaign.Role):
        assert f"`{role}`" in text


# What is said of adding to it is so.


def _written(document: str) -> dict[str, str]:
    """The files that a document shows in full, by name."""
    shown = re.findall(r"^`([\w/.-]+)`:\n\n```\w+\n(.*?)^```$", _text(document), re.DOTALL | re.M)
    return dict(shown)


def _registered(place: Path) -> None:
    """The lines that docs/extending.md has for a table of ours, put at its beginning."""
    text = _text("docs/extending.md")
    lines = re.findall(r"^In `(\w+)` of `(.*?)`.*?```python\n(.*?)^```$", text, re.DOTALL | re.M)
    assert len(lines) == 2
    for table, path, line in lines:
        file = place / path
        before = f"\n{table} = {{\n"
        assert before in file.read_text()
        file.write_text(file.read_text().replace(before, before + line))


@pytest.mark.slow
def test_a_verb_a_check_and_a_rule_are_added_as_it_says(generated: Small, tmp_path: Path) -> None:
    place = tmp_path / "copy"
    for name in ("generator", "series", "semantic_patches", "tests"):
        shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", place)
    written = _written("docs/extending.md")
    assert len(written) == 7
    for name, content in written.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(content)
    _registered(place)

    def run(*words: object) -> str:
        return subprocess.run(
            [sys.executable, "-m", *map(str, words)],
            cwd=place,
            env={**os.environ, "PYTHONPATH": str(place)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
        ).stdout

    tip = git(generated.tree, "rev-parse", "reroll/new-call")
    assert run("series.cli", "-C", generated.folder, "tip").strip() == tip
    table = run("series.cli", *generated.words("check", "width"))
    assert re.search(r"1/2 .* ok\n2/2 .* ok", table)
    assert "example: reroll -C my-series tip -v 7" in run("series.cli", "tip", "--help")
    assert " passed" in run("pytest", "-q", "tests/test_rules.py", "-k", "drop-null-check")
    run("ruff", "check", "series")
    run("ruff", "format", "--check", "series/commands/tip.py", "series/checks/width.py")


# The picture of the inside is true.


def test_every_module_is_in_the_picture() -> None:
    text = _text("docs/architecture.md")
    rows = re.findall(r"^\| (`.*?`) \|", text, re.MULTILINE)
    named: set[str] = set()
    for row in rows:
        folder = ""
        for path in re.findall(r"`([\w/*.]+)`", row):
            folder = path.rpartition("/")[0] or folder
            full = path if "/" in path else f"{folder}/{path}"
            found = {
                str(one.relative_to(place))
                for place in (ROOT, INSTALLED)
                for one in place.glob(full.rstrip("/"))
            }
            assert found, full
            named |= found
    modules = {
        str(one.relative_to(INSTALLED)).removesuffix("/__init__.py")
        for place in ("generator", "series")
        for one in (*(INSTALLED / place).glob("*.py"), *(INSTALLED / place).glob("*/__init__.py"))
    }
    assert {one for one in modules - {"generator", "series"} if one not in named} == set()


# Every command runs.


@dataclass(frozen=True)
class Stage:
    """What a block's commands need.

    ``before`` is a script that is run first, ``words`` stand for placeholders, ``status`` is how
    a command ends that does not end with 0.
    """

    before: str = ""
    words: Mapping[str, str] = field(default_factory=dict)
    status: Mapping[str, int] = field(default_factory=dict)


NEW = """
rm -rf my-series
reroll init my-series --rule my-rule.cocci
reroll -C my-series --tree ~/linux generate --force
"""
SENT = f"{NEW}\nreroll -C my-series send --yes\n"
ANSWER = """
id=$(sed -n 's/^Message-ID: //p' $(ls my-series/versions/v*/*.patch | tail -n 1))
mkdir -p Mail
cat >Mail/lists <<END
From ann@example.org Thu Jan  1 00:00:00 1970
From: Ann Reviewer <ann@example.org>
To: Ada Developer <ada@example.org>
Subject: Re: [PATCH] sample
Date: $(date -R)
Message-ID: <$RANDOM@example.org>
In-Reply-To: $id

> Use peek_pfn() instead of follow_pfn().

Please say why this is better.
END
"""
NEWER = """
git -C linux commit -q --allow-empty -m newer
git -C linux tag v5.11-rc1
git -C linux tag v6.1
git -C linux reset -q --hard HEAD~1
"""
BY_HAND = """
git -C linux checkout -q reroll/my-series
sed -i '/^MODULE_LICENSE/i /* by hand */' linux/drivers/vfio/vfio_iommu_type1.c
git -C linux commit -q --amend -a --no-edit
git -C linux checkout -q master
"""
OPEN = "$(reroll -C ~/my-series comments | sed -n 's/^ *\\([0-9a-f]*-[0-9a-f]*\\) .*/\\1/p')"
STUCK = f"""
{SENT}{BY_HAND}
reroll -C my-series absorb
sed -i '/^MODULE_LICENSE/i /* another */' linux/drivers/vfio/vfio_iommu_type1.c
git -C linux commit -q -a -m another
! reroll -C my-series --tree ~/linux next --base master
cd my-series
sed -i '/^[<=>]\\{{7\\}}/d' resolve/my-rule/drivers/vfio/vfio_iommu_type1.c
"""
# By document and first command of a block.
STAGES = {
    ("README.md", "reroll -C my-series send -v 7 --dry-run -o DIR"): Stage(
        "rm -rf my-series/journal.jsonl my-series/outgoing"
    ),
    ("README.md", "reroll -C my-series collect ~/Mail/lists"): Stage(ANSWER + NEWER),
    ("README.md", "reroll scan my-rule.cocci --tree ~/linux"): Stage("rm -rf my-series"),
    ("docs/check-build.md", "make O=/tmp/mine defconfig && make O=/tmp/mine menuconfig"): Stage(
        f"{NEW}\ntouch my-config",
        {"/tmp/mine/.config": "my-config"},
        {"reroll -C my-series check build --config /tmp/mine/.config": 4},
    ),
    ("docs/campaign.md", 'git config reroll.recipients.without "THE REST"'): Stage("cd linux"),
    ("docs/check.md", "reroll check"): Stage(f"{NEW}\ncd my-series"),
    (
        "docs/check.md",
        'reroll -C my-series send --override build="needs the clk tree, built there"',
    ): Stage(),
    ("docs/check.md", 'git clone --filter=blob:none "$LINUX" linux'): Stage(
        "mkdir ci$$; cp -r my-series ci$$; cd ci$$; LINUX=file://$HOME/linux-next\n"
        "rm -r my-series/journal.jsonl my-series/outgoing"
    ),
    (
        "docs/json-lines.md",
        "reroll scan x.cocci --json-lines | jq -r "
        '\'select(.type == "file" and .diff != "") | .path\'',
    ): Stage("cp my-rule.cocci x.cocci"),
    ("docs/rounds.md", "reroll -C my-series collect ~/Mail/lists"): Stage(
        SENT + ANSWER + NEWER + BY_HAND,
        {" ID ": f" {OPEN} "},
    ),
    ("docs/rounds.md", "reroll init my-series --from-mbox thread.mbox"): Stage(
        "rm -rf my-series; mv sent thread.mbox"
    ),
    ("docs/rounds.md", "reroll -C my-series comments"): Stage(
        f"{SENT}{ANSWER}\nreroll -C my-series collect Mail/lists"
    ),
    (
        "docs/rounds.md",
        'reroll comments 4f2a9c-1b2d --fixed --note "check what new_call() returns" --changelog',
    ): Stage(f"cd my-series\ncomment={OPEN}", {"4f2a9c-1b2d": "$comment", "4f2a": "${comment%-*}"}),
    ("docs/rounds.md", "reroll absorb"): Stage(f"{BY_HAND}\ncd my-series"),
    ("docs/rounds.md", "reroll absorb --resolved resolve/ID"): Stage(STUCK, {"/ID": "/my-rule"}),
    ("docs/rounds.md", "reroll -C my-series --tree ~/linux b4 export"): Stage(
        NEW, {"BRANCH|MBOX": "b4/my-series"}
    ),
}
SERVERS = "needs servers of one's own: tests/test_cluster.py has real ones"
RELEASE = "publishes"
KERNEL = "is of the kernel, which the sample tree is not"
# By document and command: why it is not run here.
UNRUN = {
    ("README.md", "make demo"): "makes an environment of its own, from the Internet",
    ("README.md", "make test"): "is what runs this",
    ("README.md", "pip install ."): "has been done, else this would not run",
    ("README.md", "reroll scan my-rule.cocci --tree ~/linux --watch"): (
        "goes on until ^C: tests/test_watch.py"
    ),
    ("docs/rounds.md", "reroll absorb --abort resolve/ID"): (
        "there is nothing to leave once it is resolved: tests/test_absorb.py"
    ),
    ("docs/cluster.md", "pip install 'reroll[cluster]'"): "from the Internet",
    (
        "docs/cluster.md",
        "reroll scan RULE --executor dask --scheduler tls://build.example:8786",
    ): SERVERS,
    ("docs/cluster.md", "dask scheduler --no-dashboard"): SERVERS,
    (
        "docs/cluster.md",
        "dask worker build.example:8786 --nthreads 1 --nworkers 4 --no-dashboard",
    ): SERVERS,
    (
        "docs/coccicheck.md",
        "python -m benchmarks.coccicheck --tree TREE --markdown docs/coccicheck.md",
    ): "takes most of an hour on a real tree",
    (
        "docs/check-build.md",
        "make O=/tmp/mine defconfig && make O=/tmp/mine menuconfig",
    ): KERNEL,
    ("docs/releasing.md", "git tag -s v0.2.0 -m 'reroll 0.2.0' COMMIT"): RELEASE,
    (
        "docs/releasing.md",
        "gpg --armor --detach-sign dist/reroll-0.2.0.tar.gz",
    ): RELEASE,
    ("docs/releasing.md", "git push origin v0.2.0"): RELEASE,
    (
        "docs/releasing.md",
        "build/dist/tools/bin/twine upload dist/reroll-0.2.0*",
    ): RELEASE,
}


@pytest.fixture
def home(sample: Path, hermetic_seal: Path) -> Path:
    """A home with two clones of the sample tree, a rule, and a server that keeps what it gets."""
    git(hermetic_seal, "clone", "-q", str(sample), "linux")
    git(hermetic_seal, "clone", "-q", str(sample), "linux-next")
    for name in ("linux", "linux-next"):
        git(hermetic_seal / name, "fetch", "-q", "--tags")
    (hermetic_seal / "my-rule.cocci").write_text(RULE)
    outbox = hermetic_seal / "outbox"
    outbox.write_text(OUTBOX)
    outbox.chmod(0o755)
    git(hermetic_seal, "config", "--global", "sendemail.smtpServer", str(outbox))
    git(hermetic_seal, "config", "--global", "--unset", "reroll.required")
    git(hermetic_seal, "config", "--global", "reroll.tree", str(hermetic_seal / "linux"))
    return hermetic_seal


RULE = """\
/// Use peek_pfn() instead of follow_pfn().
virtual patch
@@ expression vma, address, pfn; @@
- follow_pfn(vma, address, pfn)
+ peek_pfn(vma, address, pfn)
"""
OUTBOX = """\
#!/bin/sh
{ echo 'From outbox Thu Jan  1 00:00:00 1970'; cat; echo; } >>"$(dirname "$0")/sent"
"""


def shell(script: str, place: Path) -> subprocess.CompletedProcess[str]:
    """Run a script at a terminal where somebody says yes to everything."""
    master, terminal = pty.openpty()
    os.write(master, b"y\n" * 5)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    try:
        return subprocess.run(
            ["bash", "-c", script],
            cwd=place,
            env={**os.environ, "PATH": path, "HOME": str(place)},
            stdin=terminal,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=300,
            check=False,
        )
    finally:
        os.close(master)
        os.close(terminal)


def script_of(block: Block, stage: Stage) -> str:
    """A block as a script that says which command ended as it should not, and stops."""
    lines = ["set -eu", stage.before, "set +e"]
    for command in block.commands:
        if (block.document, command) in UNRUN:
            continue
        assert command.startswith(("reroll ", "git ")), f"say in UNRUN why not: {command}"
        text = command
        for word, stands in stage.words.items():
            text = text.replace(word, stands)
        status = stage.status.get(command, 0)
        failed = shlex.quote(f"FAILED: {command}")
        lines.append(
            f"{text}\nended=$?\n[ $ended = {status} ] || {{ echo {failed} $ended; exit 99; }}"
        )
    return "\n".join(lines)


RUNNING = [name for name in NAMES if any(block.commands for block in blocks(name))]


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in RUNNING if name not in LESSONS])
def test_every_command_runs(name: str, home: Path) -> None:
    for block in blocks(name):
        if block.commands and block.language != "sh":
            stage = STAGES.get((name, block.commands[0]), Stage())
            done = shell(script_of(block, stage), home)
            assert done.returncode == 0, f"{name}:{block.line}\n{done.stdout}{done.stderr}"


def test_what_is_said_of_commands_is_of_commands_that_there_are() -> None:
    every = {(name, one) for name in NAMES for block in blocks(name) for one in block.commands}
    firsts = {(name, one.commands[0]) for name in NAMES for one in blocks(name) if one.commands}
    assert UNRUN.keys() - every == set()
    assert STAGES.keys() - firsts == set()
    assert all(UNRUN.values())
