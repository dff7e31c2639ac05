"""Parsers of untrusted text: they answer or refuse, and never fail otherwise."""

from email.utils import getaddresses
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.campaign import load
from generator.errors import CampaignError, RerollError
from generator.rule import parse_rule
from generator.spatch import split_diff
from generator.templates import render
from series import addresses, journal, sending


@given(st.text(max_size=200))
def test_an_address_without_a_problem_is_one_address_in_a_header(text: str) -> None:
    if addresses.problem(text):
        return
    header = addresses.header_form(text)
    assert all(line.startswith("    ") for line in header.split("\n")[1:])
    found = getaddresses([header.replace("\n", "")])
    assert len(found) == 1
    assert found[0][1] == addresses.split(text)[1]


@given(st.from_regex(r"[^<>\"\\\x00-\x1f\x7f-\x9f]{0,40}", fullmatch=True))
def test_names_survive_a_header(name: str) -> None:
    text = f"{name} <a@example.org>"
    if addresses.problem(text):
        return
    block = addresses.header_block("To", [text, "b@example.org"])
    back = addresses.in_header(block.removeprefix("To: ").rstrip("\n"))
    assert [addresses.split(item)[1] for item in back] == ["a@example.org", "b@example.org"]
    assert addresses.split(back[0])[0].split() == addresses.split(text)[0].split()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Ada <ada@example.org>", ""),
        ("ada@example.org", ""),
        ("stable@vger.example.org # v5.10", ""),
        ("<stable@vger.example.org> # v5.10", ""),
        ('"Doe, J." <j.doe+x@sub.example.org>', ""),
        ("Bob <bob@xxxxxxxxx>", "is obfuscated"),
        ("bob@xxx.xxx", "is obfuscated"),
        ("Bob <bob>", "has no address"),
        ("bob@localhost", "has no domain"),
        ("-o@example.org", "begins with '-'"),
        ("a\nBcc: b@example.org", "has control characters"),
        ("a\u202e <a@example.org>", "has control characters"),
        ("a b@example.org", "has no address"),
        ("a@example..org", "has a domain that cannot be"),
        ("a@-x.org", "has a domain that cannot be"),
        (f"{'a' * 300}@example.org", "is too long"),
        ("a@example.org, b@example.org", "has no address"),
        ("", "has no address"),
    ],
)
def test_address_problems(text: str, said: str) -> None:
    assert addresses.problem(text) == said


@given(st.binary(max_size=400))
def test_mails_are_checked_whatever_they_are(content: bytes) -> None:
    for line, text in sending.check(content):
        assert line >= 1
        assert text


@settings(max_examples=60)
@given(st.text(max_size=300))
def test_campaigns_are_read_or_refused(text: str) -> None:
    with TemporaryDirectory() as place:
        (Path(place) / "series.toml").write_text(text, encoding="utf-8", errors="replace")
        with pytest.raises(CampaignError) as caught:
            load(Path(place))
        assert all("series.toml" in line for line in caught.value.problems)


@given(st.text(alphabet="{}%# abc.[]()|_'\"0", max_size=60))
def test_templates_render_or_refuse(text: str) -> None:
    try:
        render(text, {"a": 1}, name="t")
    except RerollError as error:
        assert str(error).startswith("t: template")


@given(st.text(max_size=200))
def test_rules_are_parsed_or_refused(text: str) -> None:
    try:
        rule = parse_rule(text, name="r")
    except CampaignError as error:
        assert all(problem.startswith("r:") for problem in error.problems)
    else:
        assert rule.text == text


@given(st.binary(max_size=300))
def test_any_output_is_split(data: bytes) -> None:
    assert isinstance(split_diff(data), dict)


@given(st.lists(st.text(max_size=30), max_size=5), st.text(max_size=20))
def test_a_journal_cut_short_keeps_what_was_whole(ids: list[str], tail: str) -> None:
    with TemporaryDirectory() as name:
        place = Path(name)
        with journal.journal(place) as book:
            for text in ids:
                book.add(journal.Entry(1, text, "0", "accepted", 0))
        with (place / journal.NAME).open("a", encoding="utf-8", errors="replace") as file:
            file.write('{"version": 1, ' + tail.replace("\n", "").replace("\r", ""))
        assert [entry.message_id for entry in journal.read(place)] == ids
        with journal.journal(place) as book:
            book.add(journal.Entry(1, "last", "0", "failed", 0))
        assert [entry.message_id for entry in journal.read(place)] == [*ids, "last"]
