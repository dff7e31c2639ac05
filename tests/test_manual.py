"""The manual: pages as the generator makes them, whole, and sound for man(1)."""

import argparse
import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from series import cli, manual

PLACE = Path(__file__).parents[1] / "docs/man"
PAGES = sorted(one.name for one in (PLACE / "man1").glob("*.1"))
TEXT = ":revdate: 2026-01-02\n\nEXIT STATUS\n-----------\n0::\n\tDone.\n"


def _made() -> dict[str, str]:
    texts = {one.stem: one.read_text("utf-8") for one in PLACE.glob("*.txt")}
    return manual.pages(cli.build_parser(), texts, version("reroll"))


def _shown(text: str, name: str) -> str:
    """A section as plain words."""
    body = text.split(f"\n.SH {name}\n")[1].split("\n.SH ")[0]
    return re.sub(r"\\f[BIR]|\\&|\\:|\\c\n", "", body).replace("\\-", "-").replace("\\ ", " ")


def test_pages_are_what_the_generator_makes() -> None:
    made = _made()
    assert sorted(made) == PAGES, "run scripts/manual"
    for name, text in made.items():
        assert (PLACE / "man1" / name).read_text("utf-8") == text, f"{name}: run scripts/manual"


def test_there_is_a_page_for_every_verb() -> None:
    assert {f"reroll-{verb}.1" for verb in cli.VERBS} == {*PAGES} - {"reroll.1", "git-reroll.1"}
    verbs = _shown(_made()["reroll.1"], "VERBS")
    for name, says in cli.VERBS.items():
        assert f"reroll-{name} (1)\n{says[0].upper()}" in verbs


@pytest.mark.parametrize("verb", list(cli.VERBS))
def test_no_option_is_forgotten(verb: str) -> None:
    shown = _shown(_made()[f"reroll-{verb}.1"], "OPTIONS")
    names = list(_options(_choices(cli.build_parser(verb))[verb]))
    assert "--help" in names
    for name in names:
        assert re.search(rf"(^|, ){name}(,| |$)", shown, re.MULTILINE), name


def _choices(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    found = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
    return dict(found[0].choices) if found else {}


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        if action.help != argparse.SUPPRESS:
            yield from action.option_strings
    for one in _choices(parser).values():
        yield from _options(one)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_ends_with_an_example_and_the_exit_status(page: str) -> None:
    sections = re.findall(r"^\.SH (.+)$", (PLACE / "man1" / page).read_text(), re.MULTILINE)
    assert sections[:3] == ["NAME", "SYNOPSIS", "DESCRIPTION"]
    assert sections[-3:] == ["EXAMPLES", "EXIT STATUS", "SEE ALSO"]


def test_see_also_names_pages_that_there_are() -> None:
    for text in _made().values():
        for name in re.findall(r"\breroll-[a-z0-9-]+(?= ?\(1\))", text.replace("\\-", "-")):
            assert f"{name}.1" in PAGES


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    "command", [("mandoc", "-T", "lint", "-W", "warning"), ("groff", "-ww", "-man", "-T", "utf8")]
)
def test_nothing_to_warn_of(command: tuple[str, ...], page: str) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"no {command[0]}")
    words = [*command, str(PLACE / "man1" / page)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    said = done.stderr + (done.stdout if command[0] == "mandoc" else "")
    assert (done.returncode, said) == (0, "")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="reroll", description="A series.")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB")
    verb = verbs.add_parser("try", help="try it's ~/rule", epilog="example: reroll try -n")
    verb.add_argument("-n", "--dry-run", action="store_true", help=".so what\\e: write nothing")
    verb.add_argument("rule", metavar="RULE", nargs="+", help="100%% of --dry-run")
    return parser


def test_help_is_set_as_it_is_typed() -> None:
    page = manual.pages(_parser(), {"reroll": TEXT}, "0.1")["reroll-try.1"]
    assert '.TH REROLL\\-TRY 1 2026-01-02 "reroll 0.1" "reroll manual"' in page
    assert "reroll\\-try \\- try it\\(aqs \\(ti/rule\n" in page
    assert '.SY "reroll try"\n[\\fB\\-n\\fR]\n\\fIRULE\\fR...\n.YS' in page
    # Nothing that a help text says is a request.
    assert "\n\\&.so what\\ee: write nothing.\n" in page
    assert "\n100% of \\fB\\-\\-dry\\-run\\fR.\n" in page
    assert ".nf\nreroll try \\-n\n.fi" in page


def test_texts_by_hand() -> None:
    text = (
        "DESCRIPTION\n-----------\nSee `-x`, _FILE_\nand git-am(1).\n\n    .example\n\n"
        "OPTIONS\n-------\n--dry-run::\n\tNot even a log.\n"
    )
    page = manual.pages(_parser(), {"reroll": TEXT, "try": text}, "0.1")["reroll-try.1"]
    assert (
        "See \\fB\\-x\\fR, \\fIFILE\\fR and \\fBgit\\-am\\fR(1).\n.PP\n.RS 4\n.nf\n\\&.ex" in page
    )
    assert "write nothing. Not even a log.\n" in page


@pytest.mark.parametrize(
    ("texts", "why"),
    [
        ({"reroll": "DESCRIPTION\n"}, "revdate"),
        ({"reroll": TEXT, "gone": ""}, "without a verb: gone"),
        ({"reroll": TEXT, "try": "OPTIONS\n-------\n--gone::\n\tText.\n"}, "no option --gone"),
    ],
)
def test_texts_that_go_with_nothing(texts: dict[str, str], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        manual.pages(_parser(), texts, "0.1")
