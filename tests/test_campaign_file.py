"""Edits of series.toml: exactly what was asked for, and every other byte stays."""

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.errors import RerollError, UsageError
from series.campaign_file import CampaignFile
from series.toml_text import appended, sections
from tests.conftest import Run, Small

HEAD = '[series]\nname = "n"\ntitle = "t"\n\n# about changes\n[series.changelog]\n2 = ["x"]\n'
STEP = "[[patch.step]]\nedit = 'f'\npattern = 'p'\nreplace = 'r'\n"


def campaign(folder: Path, text: str) -> CampaignFile:
    (folder / "series.toml").write_bytes(text.encode())
    return CampaignFile(folder)


def patch(name: str, more: str = "", steps: str = STEP) -> str:
    return f'[[patch]]\nid = "{name}"\ntitle = "{name}"\n{more}\n{steps}'


LINES = [
    "", "[1] https://example.org/x", "[ Ann: fixed the title ]", "[[patch]]", "[series]",
    'id = "a"', "# no comment", "\tcode \\", "it's '' two", 'a "" b', "'''", '"""', '"', "'",
    "[[patch.step]]", "]", "{", "\\", "[ 1.5] BUG: é \U0001f600", "x = [", "  # [[patch]]",
]  # fmt: skip
TEXTS = st.one_of(
    st.lists(st.sampled_from([*LINES, "\r"]), max_size=7).map("\n".join),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)


@st.composite
def strings(draw: st.DrawFn) -> str:
    """A string as somebody may have written it."""
    text = draw(TEXTS)
    plain = not any((char < " " and char not in "\n\t") or char == "\x7f" for char in text)
    if plain and "'''" not in text and draw(st.booleans()):
        return f"'''\n{text}\n'''"
    if plain and draw(st.booleans()):
        escaped = text.replace("\\", "\\\\").replace('"""', '""\\"')
        return f'"""\n{escaped} \\\n  on\n"""'
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


HEADERS = ["[[patch]]", "[[ patch ]] # [[patch]]", '[["patch"]]', " [['patch']]"]
LEADS = ["", "# on it\n", "# on it\n\n", "# [[patch]]\n\n# [x]\n", " # '''\n\n\n"]
STEPS = [
    STEP + "# tail ]\n",
    "step = [\n  { edit = 'f', pattern = 'p', replace = '[[patch]]' },\n]\n",
    f"[patch.changelog]\n# why\n3 = [\n  '[[patch]]', # [\n\n  'b' # ]\n]\n{STEP}\n# two\n{STEP}",
]


@st.composite
def blocks(draw: st.DrawFn, name: str) -> str:
    """A patch and the comments above it, without the blank lines behind it."""
    lead, header = draw(st.sampled_from(LEADS)), draw(st.sampled_from(HEADERS))
    words = f'id = "{name}" # "\ntitle = "{name}"\nmessage = {draw(strings())}\n'
    return f"{lead}{header}\n{words}{draw(st.sampled_from(STEPS))}"


AROUND = [
    (f"{HEAD}\n", ""),
    (f"# top\n\n{HEAD}\n", "# end\n"),
    ("# top\n\n[recipients]\nlimit = 3\n\n", HEAD),
]


@dataclass
class Model:
    """What the file has to be: the values of each patch, and the texts nobody touched."""

    values: list[dict[str, object]]
    texts: dict[str, str]

    def at(self, place: int) -> dict[str, object]:
        made = self.values[place % len(self.values)]
        self.texts.pop(str(made["id"]), None)
        return made


def act(data: st.DataObject, file: CampaignFile, model: Model) -> None:
    """One random change, of the file and of what it is to be."""
    kind = data.draw(st.sampled_from(["add", "remove", "reorder", "words", "key", "step", "log"]))
    place = data.draw(st.integers(0, 5)) % len(model.values)
    name = str(model.values[place]["id"])
    if kind == "reorder":
        model.values = data.draw(st.permutations(model.values))
        file.reorder([str(one["id"]) for one in model.values])
    elif kind == "remove" and len(model.values) > 1:
        model.at(place)
        del model.values[place]
        file.remove_patch(name)
    elif kind == "add":
        step: dict[str, object] = {"edit": "f", "pattern": "p", "replace": data.draw(TEXTS)}
        made = {"id": f"{name}.new", "title": "x", "message": data.draw(TEXTS), "step": [step]}
        if made["id"] not in file.ids:
            file.add_patch(made, after=name)
            model.values.insert(place + 1, made)
    elif kind in ("words", "key"):
        key, text = ("message" if kind == "words" else "author"), data.draw(TEXTS)
        model.at(place)[key] = text
        file.set_patch(name, key, text)
    elif kind == "step":
        made = {"apply": data.draw(TEXTS)}
        model.at(place)["step"] = [*model.values[place]["step"], made]  # type: ignore[misc]
        file.add_step(name, made)
    elif kind == "log":
        log = model.at(place).setdefault("changelog", {})
        line = data.draw(TEXTS)
        assert isinstance(log, dict)
        log["3"] = [*log.get("3", []), *([line] if line not in log.get("3", []) else [])]
        file.add_changelog(name, 3, [line])


@settings(max_examples=80)
@given(st.data())
@pytest.mark.slow
def test_any_change_is_that_change_only(data: st.DataObject) -> None:
    names = "abcd"[: data.draw(st.integers(1, 4))]
    texts = {name: data.draw(blocks(name)) for name in names}
    gaps = [data.draw(st.sampled_from(["\n", "\n\n"])) for _ in names]
    body = "".join(text + gap for text, gap in zip(texts.values(), gaps, strict=True))
    head, foot = data.draw(st.sampled_from(AROUND))
    with TemporaryDirectory() as place:
        file = campaign(Path(place), head + body + foot)
        before = tomllib.loads(file.text)
        model = Model(list(before["patch"]), texts)
        for _ in range(data.draw(st.integers(1, 4))):
            act(data, file, model)
            assert tomllib.loads(file.text) == {**before, "patch": model.values}
        assert file.text.startswith(head)
        assert file.text.endswith(foot)
        for text in model.texts.values():
            assert f"\n{text}" in file.text
        # The pieces of a text are the text.
        assert "".join(one.text for one in sections(file.text)) == file.text


@pytest.mark.parametrize("text", LINES)
def test_a_file_that_a_text_begins_to_look_like(tmp_path: Path, text: str) -> None:
    """Nothing is a table within a string or a list."""
    message = text.replace("\\", "\\\\").replace('"', '\\"')
    one = patch("a", f'message = """\nSee [1].\n\n{message}\n{message}\n"""')
    other = patch("b", "to = [\n  'a@example.org',\n]")
    file = campaign(tmp_path, f"{HEAD}\n{one}\n{other}")
    file.reorder(["b", "a"])
    assert file.text == f"{HEAD}\n{other}\n{one}"
    file.add_step("b", {"apply": "x"})
    assert file.text == f'{HEAD}\n{other}\n[[patch.step]]\napply = "x"\n\n{one}'
    file.remove_patch("b")
    assert file.text == f"{HEAD}\n{one}"


def test_comments_go_with_what_they_are_about(tmp_path: Path) -> None:
    a = f"# on a\n\n{patch('a')}# still a\n"
    b = f"# on b\n\n# on b, too\n{patch('b')}"
    file = campaign(tmp_path, f"# the file\n\n{HEAD}\n{a}\n{b}\n# the end\n")
    file.reorder(["b", "a"])
    assert file.text == f"# the file\n\n{HEAD}\n{b}\n{a}\n# the end\n"


def test_what_heads_the_file_stays_there(tmp_path: Path) -> None:
    a, b = patch("a"), patch("b")
    file = campaign(tmp_path, f"# the file\n\n# on a\n{a}\n{b}\n{HEAD}")
    file.reorder(["b", "a"])
    assert file.text == f"# the file\n\n{b}\n# on a\n{a}\n{HEAD}"


def test_new_keys_stand_above_the_comments_on_what_follows(tmp_path: Path) -> None:
    two = f"{STEP}\n# on the second\n\n{STEP}"
    a = patch("a", "# keys\n", two)
    file = campaign(tmp_path, f"{HEAD}\n# on a\n\n{a}\n# on b\n\n{patch('b')}")
    file.set_series("base", "v1")
    file.set_patch("a", "author", "Ann <ann@example.org>")
    file.set_step_key("a", 1, "unmatched", "skip")
    file.add_changelog(None, 3, ["z"])
    file.add_changelog("b", 3, ["z"])
    head = HEAD.replace('"t"\n', '"t"\nbase = "v1"\n') + '3 = ["z"]\n'
    a = a.replace("# keys\n", '# keys\nauthor = "Ann <ann@example.org>"\n')
    a = a.replace(STEP, f'{STEP}unmatched = "skip"\n', 1)
    b = patch("b").replace('"b"\n\n', '"b"\nchangelog = {3 = ["z"]}\n\n')
    assert file.text == f"{head}\n# on a\n\n{a}\n# on b\n\n{b}"


def test_a_first_changelog_of_the_series_is_a_table(tmp_path: Path) -> None:
    head = '[series]\nname = "n"\ntitle = "t"\n'
    file = campaign(tmp_path, f"{head}\n# on a\n\n{patch('a')}")
    file.add_changelog(None, 2, ["z"])
    assert file.text == f'{head}\n[series.changelog]\n2 = ["z"]\n\n# on a\n\n{patch("a")}'


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('["a"] # c', '["a", "new"] # c'),
        ("[ 'a' ]", "[ 'a', \"new\" ]"),
        ("[]", '["new"]'),
        ('["a",]', '["a", "new",]'),
        ('[\n  "a", # 1\n  # 2\n] # c', '[\n  "a", # 1\n  # 2\n  "new",\n] # c'),
        ('[\n\t"a" # 1, ]\n]', '[\n\t"a", # 1, ]\n\t"new"\n]'),
        ('[\n  "a",\n  "b"]', '[\n  "a",\n  "b",\n  "new"]'),
        ('[ # 1\n  # 2\n]', '[ # 1\n  # 2\n    "new"\n]'),
    ],
)  # fmt: skip
@pytest.mark.parametrize("where", ["series", "table", "inline", "dotted"])
def test_a_changelog_grows(tmp_path: Path, old: str, new: str, where: str) -> None:
    comment = " # c" if old.endswith("# c") else ""
    bare = [text.removesuffix(" # c") for text in (old, new)]
    shapes = {
        "series": (f"{HEAD}3 = %s{comment}\n\n{patch('a')}", None),
        "table": (f"{HEAD}\n{patch('a')}[patch.changelog]\n3 = %s{comment}\n", "a"),
        "inline": (f"{HEAD}\n{patch('a', 'changelog = { 3 = %s }' + comment)}", "a"),
        "dotted": (f"{HEAD}\n{patch('a', 'changelog.3 = %s' + comment)}", "a"),
    }
    text, holder = shapes[where]
    file = campaign(tmp_path, text % bare[0])
    file.add_changelog(holder, 3, ["new", "new"])
    assert file.text == text % bare[1]
    file.add_changelog(holder, 3, ["new"])
    assert file.text == text % bare[1]


def test_an_array_in_an_array_grows_outside() -> None:
    assert appended("[['a', # ]\n 'b'], '],[']", ["1"]) == "[['a', # ]\n 'b'], '],[', 1]"


def test_line_ends_stay(tmp_path: Path) -> None:
    message = 'message = """\none\n\n[1] two\n"""'
    text = f"{HEAD}\n# on a\n\n{patch('a', message)}\n{patch('b')}"
    file = campaign(tmp_path, text.replace("\n", "\r\n"))
    file.reorder(["b", "a"])
    file.set_patch("b", "message", "three\nfour\n")
    made = file.save()
    assert made.patches[1].message == "one\n\n[1] two\n"
    assert made.patches[0].message == "three\nfour\n"
    saved = (tmp_path / "series.toml").read_bytes()
    assert saved.count(b"\n") == saved.count(b"\r\n") == file.text.count("\n")
    file.reorder(["a", "b"])
    file.save()


INLINE = (
    'patch = [ { id = "a", title = "a", message = "x", step = [{ rule = "rename.cocci", '
    'paths = ["drivers/a"] }] }, # one\n]\n[series]\nname = "new-call"\ntitle = "t"\n'
)


def test_patches_in_one_list(reroll: Run, small: Small) -> None:
    (small.folder / "series.toml").write_text(INLINE)
    file = CampaignFile(small.folder)
    file.set_patch("a", "title", "b")
    file.add_changelog("a", 2, ["z"])
    assert [(one.title, one.changelog) for one in file.preview().patches] == [("b", {2: ["z"]})]
    assert "}, # one\n]" in file.text
    text = file.text
    for change in (
        lambda: file.add_step("a", {"apply": "x"}),
        lambda: file.add_patch({"id": "b", "title": "b", "step": []}, after="a"),
        lambda: file.reorder(["a"]),
    ):
        with pytest.raises(UsageError, match="list of inline tables") as caught:
            change()
        assert "[[patch]]" in caught.value.hint
    assert file.text == text


def test_tables_out_of_order_are_left_alone(tmp_path: Path) -> None:
    """A table of the first patch's that TOML would give to the last one when they move."""
    odd = '[settings]\ntimeout = 3\n\n[patch.changelog]\n2 = ["z"]\n'
    text = f"{HEAD}\n{patch('a')}\n{patch('b')}\n{odd}"
    file = campaign(tmp_path, text)
    file.reorder(["b", "a"])
    with pytest.raises(RerollError, match="cannot be changed without harm"):
        file.save()
    assert (tmp_path / "series.toml").read_text() == text


def test_tables_of_the_series_far_apart(tmp_path: Path) -> None:
    head, log = HEAD.split("# about changes\n")
    file = campaign(tmp_path, f"{head}{patch('a')}\n# log\n{log}")
    file.add_changelog(None, 2, ["y"])
    file.add_changelog(None, 3, ["z"])
    file.set_series("base", "v1")
    log = log.replace('["x"]', '["x", "y"]') + '3 = ["z"]\n'
    head = head.replace('"t"\n', '"t"\nbase = "v1"\n')
    assert file.text == f"{head}{patch('a')}\n# log\n{log}"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "new-call"', 'nmae = "new-call"', "unknown key; did you mean 'name'?"),
        ("[series.changelog]", "[recipient]", "recipient: unknown key; did you mean 'recipients'?"),
        ('id = "b"', 'id = "b"\nsplit = "Subsytem"', "'file'; did you mean 'subsystem'?"),
        ('id = "b"', 'id = "b"\nneeds = "aa"', "'aa' before this one; did you mean 'a'?"),
        ('rule = "rename.cocci"', 'rul = "rename.cocci"', "pick; did you mean 'rule'?"),
        ('rule = "rename.cocci"', 'rule = "renam.cocci"', "did you mean 'rename.cocci'?"),
        (
            'rule = "rename.cocci"',
            'rule = "generic/swap-argument"',
            "did you mean 'generic/swap-arguments.cocci.j2'?",
        ),
        ('message = "new_call() is better."', 'message_file = "series.tml"', "'series.toml'?"),
    ],
)
def test_a_name_that_there_is_not(reroll: Run, small: Small, old: str, new: str, said: str) -> None:
    """The nearest one that there is, wherever a campaign names something."""
    small.rewrite(old, new)
    done = reroll(*small.words("generate"))
    assert (done.code, said in done.err) == (2, True), done.err


def test_a_name_that_is_like_no_other(reroll: Run, small: Small) -> None:
    small.rewrite('id = "b"', 'id = "b"\nsplit = "xyz"')
    done = reroll(*small.words("generate"))
    assert (done.code, "did you mean" in done.err) == (2, False)


def test_a_patch_of_another_name(tmp_path: Path) -> None:
    file = campaign(tmp_path, f"{HEAD}\n{patch('drivers-a')}")
    with pytest.raises(UsageError) as caught:
        file.set_patch("driver-a", "title", "x")
    assert caught.value.hint == "did you mean 'drivers-a'?"
