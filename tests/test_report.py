"""``reroll report``: one page that shows everything and runs nothing."""

import html
import json
import re
import shutil
import time
from collections.abc import Sequence
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from subprocess import run

import pytest

from series import mailbox_files, store
from series.checks.gate import Told
from series.checks.kinds import Finding, Severity
from series.report import differences, findings, ledger_map, letters, timeline, word_diff
from series.version import LedgerRecord, SiteRecord
from tests.conftest import Run, Small
from tests.repositories import git
from tests.threads import ANN, BOB, PATCHES, Thread, mail

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
SEVERITIES: tuple[Severity, ...] = ("note", "error", "warning")
_VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """A page as parsed: elements, ids, links; fails for elements that are not balanced."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.source = file.read_text(encoding="utf-8")
        self.size = file.stat().st_size
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(self.source)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open.pop() == tag, self.getpos()

    def handle_data(self, data: str) -> None:
        self.text += data

    def values(self, name: str) -> list[str]:
        """All values of an attribute."""
        return [value for _, found, value in self.attributes if found == name]


def check(page: Page) -> None:
    """What holds for every page: links lead somewhere, ids are one each, nothing is loaded."""
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    for target in page.values("href"):
        assert target.startswith(("#", "http://", "https://")), target
        if target.startswith("#"):
            assert target[1:] in ids, target
    named = [one for value in page.values("aria-labelledby") for one in value.split()]
    assert set(named) <= set(ids)
    assert not {"script", "img", "link", "iframe", "object", "embed", "base"} & set(page.tags)
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert not page.values("src") + page.values("style") + page.values("action")
    assert "url(" not in page.source.partition("</style>")[0]
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert policy in page.values("content")
    levels = [int(tag[1]) for tag in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def report(reroll: Run, folder: Path, output: Path, *words: object) -> Page:
    """The page of a series, with what holds for every page checked."""
    done = reroll("-C", folder, "report", "-o", output, *words)
    assert (done.code, done.err) == (0, "")
    page = Page(output)
    check(page)
    return page


def posted(reroll: Run, place: Path, *threads: Thread, partial: bool = False) -> Path:
    """A series folder made of posted versions and their replies."""
    box = place / "all.mbox"
    mails = [one for thread in threads for one in thread.mails]
    box.write_bytes(b"".join(map(mailbox_files.escaped, mails)))
    folder = place / "posted"
    words = ["--partial"] if partial else []
    assert reroll("init", folder, "--from-mbox", box, *words).code == 0
    assert reroll("-C", folder, "collect", box).code == 0
    return folder


def test_a_version_without_replies(reroll: Run, generated: Small, tmp_path: Path) -> None:
    page = report(reroll, generated.folder, tmp_path / "page.html")
    assert "Use new_call()" in page.text
    assert "No tag was given." in page.text
    assert "No comment was collected." in page.text
    assert "There is one version: nothing to compare." in page.text
    # The ledger: two calls are converted, one word is in a comment.
    assert '<a href="#sites">2</a> sites converted' in page.source
    assert "drivers/b/b.c:1 old_call: comment" in page.text
    assert "maintainer of DRIVERS OF A" in page.text
    assert page.size < 100_000


def test_a_series_from_mails_only(reroll: Run, tmp_path: Path) -> None:
    first = Thread(1)
    ack = first.reply(1, f"> It is better.\n\nAcked-by: {ANN}\n")
    first.reply(ack, "Please drop my ack.\n")
    first.reply(2, "> +\treturn new_call(x);\n\nPlease say why this is needed here.\n", sender=BOB)
    second = Thread(2, new="new_call(x + 1)")
    page = report(reroll, posted(reroll, tmp_path, first, second), tmp_path / "page.html")
    assert "1 withdrawn" in page.text
    assert "Please say why this is needed here." in page.text
    assert "v1 to v2" in page.text
    # Word by word, in the range-diff from v1 to v2.
    assert re.search(r'<span class="add">\+\+\treturn new_call\(x<ins> \+ 1</ins>', page.source)
    assert "there is no ledger of sites" in page.text
    assert "was read from its mails" in page.text
    # A count leads to the list, a tag to its mails, a mark to the difference.
    assert re.search(r'<a href="#comments-patch-2">1</a>', page.source)
    tag = page.source.partition('<tbody id="tags-patch-1">')[2].partition("</tbody>")[0]
    assert len(re.findall(r'<a href="#mail-\d+">', tag)) >= 1
    assert 'href="#range-1-2-1-1" class="m-changed"' in page.source
    assert 'href="#mails-1">3</a>' in page.source


def test_a_cited_mail_of_no_version(reroll: Run, generated: Small, tmp_path: Path) -> None:
    """What somebody wrote into comments.toml leads to its mail, whatever version it names."""
    (generated.folder / "comments.toml").write_text(
        '[[comment]]\nid = "a"\npatch = "gone"\nversion = 99\nexcerpt = "Why?"\n'
        'message = "<other@example.org>"\nauthor = "Ann"\n'
    )
    (generated.folder / "replies").mkdir(exist_ok=True)
    other = mail("Something else", "Why?\n", "<other@example.org>")
    (generated.folder / "replies/a.mbox").write_bytes(mailbox_files.escaped(other))
    page = report(reroll, generated.folder, tmp_path / "page.html")
    assert re.search(r'<a href="#mail-4">Ann</a>', page.source)
    assert "Something else" in page.text


def test_what_mails_say_stays_text(reroll: Run, tmp_path: Path) -> None:
    first = Thread(1, patches=((f"a: use {EVIL}", "a/a.c"), ("b: more", "b.c")), new=f'"{EVIL}"')
    first.reply(
        1,
        f"> +\treturn {EVIL};\n\nWhat is {EVIL}?\x1b[31m \u202e\n",
        sender=f"{EVIL} <x@example.org>",
    )
    first.reply(2, f"Acked-by: {EVIL} <x@example.org>\n", sender="X <x@example.org>")
    second = Thread(2, patches=first.patches, new=f'"{EVIL}2"')
    folder = posted(reroll, tmp_path, first, second)
    page = report(reroll, folder, tmp_path / "page.html")
    assert "<script" not in page.source
    assert "onerror=alert(2)>" not in page.source
    assert page.text.count("<script>alert(1)</script>") > 5
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", page.source)


def test_what_manifests_say_stays_text(reroll: Run, generated: Small, tmp_path: Path) -> None:
    """Every text of a manifest, of comments and of tags, replaced by what must not run."""
    file = generated.folder / "versions/v1/manifest.json"
    data = json.loads(file.read_text())
    evil = {"address": EVIL, "why": EVIL, "reasons": [EVIL]}
    data.update(title=EVIL, base_name=EVIL, branch=EVIL, name=EVIL, change_id="x")
    data["overrides"] = [{"check": EVIL, "why": EVIL, "reason": EVIL, "when": 1 << 50}]
    for patch in data["patches"]:
        patch.update(title=EVIL, id=EVIL + patch["id"], files=[EVIL], left_out=[evil])
        patch["recipients"] = [{**evil, "field": "to", "role": ""}]
        patch["message_id"] = f"<javascript:alert`{patch['number']}`'\"@example.org>"
        for site in patch["ledger"]["sites"]:
            site.update(path=f"{EVIL}/x.c", word=EVIL, why=EVIL, bucket=EVIL)
        patch["ledger"]["words"] = [EVIL]
    file.write_text(json.dumps(data))
    (generated.folder / "comments.toml").write_text(
        "".join(
            f"[[comment]]\nid = '''{EVIL}{at}'''\npatch = '''{EVIL}a'''\nversion = 1\n"
            f"file = '''{EVIL}'''\nline = {at}\nauthor = '''{EVIL}'''\ndate = '''{EVIL}'''\n"
            f"message = '''<{at}@example.org>'''\nexcerpt = '''{EVIL}'''\nstate = '{state}'\n"
            f"note = '''{EVIL}'''\nsuggested = '''{EVIL}'''\nquote = '''{EVIL}'''\n"
            for at, state in enumerate(["open", "fixed", "declined", "answered"])
        )
    )
    git(generated.tree, "config", "--global", "reroll.archive", "https://lore.example.org/'\"><b>")
    page = report(reroll, generated.folder, tmp_path / "page.html")
    assert "<script" not in page.source
    assert "<b>" not in page.source
    outside = [target for target in page.values("href") if not target.startswith("#")]
    assert outside
    assert all(target.startswith("https://lore.example.org/") for target in outside)
    assert html.escape(EVIL, quote=False).replace('"', "&#34;").replace("'", "&#39;") in page.source


@pytest.mark.slow
def test_message_ids_lead_to_the_archive(reroll: Run, generated: Small, tmp_path: Path) -> None:
    page = report(reroll, generated.folder, tmp_path / "page.html")
    assert not [target for target in page.values("href") if not target.startswith("#")]
    git(generated.tree, "config", "--global", "reroll.archive", "https://lore.example.org/all/")
    page = report(reroll, generated.folder, tmp_path / "page.html")
    found = store.read(generated.folder).patches[0].message_id.strip("<>")
    assert f"https://lore.example.org/all/{found}/" in page.values("href")
    # So does a tag whose mail is not here.
    (generated.folder / "trailers.toml").write_text(
        '[[trailer]]\npatch = "a"\nversion = 1\ntrailer = "Acked-by: A <a@example.org>"\n'
        'state = "given"\nmessages = ["<not/here@example.org>"]\n'
    )
    page = report(reroll, generated.folder, tmp_path / "page.html")
    assert "https://lore.example.org/all/not%2Fhere@example.org/" in page.values("href")
    # A click tells the archive nothing of where it came from.
    assert "no-referrer" in page.values("content")
    git(generated.tree, "config", "--global", "reroll.archive", "javascript:alert(1)")
    done = reroll("-C", generated.folder, "report", "-o", tmp_path / "no.html")
    assert done.code == 2
    assert "is not the http or https URL of an archive" in done.err
    assert not (tmp_path / "no.html").exists()


def test_a_mail_that_has_gone_is_said(reroll: Run, generated: Small, tmp_path: Path) -> None:
    generated.rewrite('id = "b"', 'id = "c"')
    assert reroll(*generated.words("generate", "-v", 2)).code == 0
    next((generated.folder / "versions/v1").glob("0001*")).unlink()
    page = report(reroll, generated.folder, tmp_path / "page.html")
    assert "Cannot be compared: versions/v1/0001" in page.text


def test_what_recipients_changed(reroll: Run, generated: Small, tmp_path: Path) -> None:
    file = generated.tree / "MAINTAINERS"
    file.write_text(file.read_text().replace("Rob Reviewer <rob@", "Rita Reviewer <rita@"))
    git(generated.tree, "commit", "-qam", "MAINTAINERS: Rita")
    assert reroll(*generated.words("generate", "-v", 2)).code == 0
    page = report(reroll, generated.folder, tmp_path / "page.html")
    words = " ".join(page.text.split())
    assert "+ joined Rita Reviewer <rita@example.org>" in words
    assert "- gone Rob Reviewer <rob@example.org>" in words


def test_checks_and_those_that_were_not_run(reroll: Run, generated: Small, tmp_path: Path) -> None:
    git(generated.tree, "config", "--global", "reroll.required", "applies order")
    assert reroll(*generated.words("check", "order")).code == 0
    page = report(reroll, generated.folder, tmp_path / "page.html")
    words = " ".join(page.text.split())
    assert "1 of 2 checks passed" in words
    assert "applies (required) was not run" in words
    assert "order (required) passed 2 of 2" in words


@pytest.mark.slow
def test_findings_of_checks(reroll: Run, generated: Small, tmp_path: Path) -> None:
    """Each finding once, by patch, with its place, its line and what to do; no text runs."""
    assert reroll(*generated.words("check", "order", "mail")).code == 0
    file = generated.folder / "versions/v1/checks.json"
    data = json.loads(file.read_text())
    mail_file = store.read(generated.folder).patches[0].mail
    bad = {
        "severity": "error",
        "what": f"commit is not in the tree {EVIL}",
        "path": f"versions/v1/{mail_file}",
        "line": 7,
        "source": f"Fixes: {EVIL}\u202e\u001b",
        "rule": "commit",
        "hint": "is the id right?",
    }
    note = {"severity": "note", "what": "no space", "path": f"{EVIL}.c", "line": 0}
    for name in ("order", "mail"):
        data["checks"][name]["verdicts"][0].update(state="failed", findings=[note, bad])
    data["checks"]["mail"]["verdicts"][1].update(state="passed", findings=[note], left_out=3)
    file.write_text(json.dumps(data))
    page = report(reroll, generated.folder, tmp_path / "page.html")
    words = " ".join(page.text.split())
    assert "<script" not in page.source
    assert "1 drivers: a: use new_call(): 1 error, 1 note" in words
    assert f"error versions/v1/{mail_file}:7 commit is not in the tree {EVIL}" in words
    assert words.count("commit is not in the tree") == 1
    assert "(order, mail: commit) Fixes: <script>" in words
    assert "\\u202e\\x1b is the id right?" in words
    assert words.index("1 error, 1 note") < words.index("error versions") < words.index("note <scr")
    # A place in a mail leads to the mail, a check and a patch to what was found.
    assert re.search(r'<a href="#mail-\d+">versions/v1/', page.source)
    assert '<a href="#findings">6</a>' in page.source
    assert '<a href="#findings-1">2</a>' in page.source
    assert "3 more: reroll check -v 1" in words
    # Of other commits and mails they say nothing.
    with (generated.folder / "versions/v1" / mail_file).open("a") as mail_text:
        mail_text.write("\n")
    later = report(reroll, generated.folder, tmp_path / "page.html")
    assert "commit is not in the tree" not in later.text
    assert "was run before the mails were changed" in later.text
    data["checks"]["order"]["verdicts"] *= 2
    file.write_text(json.dumps(data))
    other = report(reroll, generated.folder, tmp_path / "page.html")
    assert "order was run on other commits 0 of 2" in " ".join(other.text.split())


def test_the_worst_findings_are_shown_first(monkeypatch: pytest.MonkeyPatch) -> None:
    told = [
        Told("a", number, "", (Finding(severity, f"{severity} {number}"),))
        for number in (1, 2)
        for severity in SEVERITIES
    ]
    one = findings.Fault(told[0].findings[0], ("a",)).size
    monkeypatch.setattr(findings, "_MOST", 3 * one + one // 2)
    first, second = findings.by_patch(told)
    assert [fault.finding.what for fault in first.faults] == ["error 1", "warning 1"]
    assert [fault.finding.what for fault in second.faults] == ["error 2"]
    assert (first.left_out, second.left_out) == (1, 2)


def test_nothing_to_report(reroll: Run, generated: Small, tmp_path: Path) -> None:
    (generated.folder / "versions").rename(tmp_path / "old")
    done = reroll("-C", generated.folder, "report", "-o", tmp_path / "page.html")
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines()[0].endswith(": no version has been generated yet")
    done = reroll("-C", tmp_path / "nowhere", "report", "-o", tmp_path / "page.html")
    assert done.code == 2
    assert done.err.splitlines()[0].endswith("nowhere: there is no series here")
    assert not (tmp_path / "page.html").exists()
    assert reroll("-C", generated.folder, "report").code == 2


def test_what_cannot_be_written(reroll: Run, generated: Small, tmp_path: Path) -> None:
    for place in (tmp_path, Path("/dev/null")):
        done = reroll("-C", generated.folder, "report", "-o", place)
        assert done.code == 2
        assert "is not a regular file" in done.err
    (tmp_path / "file").write_text("x")
    done = reroll("-C", generated.folder, "report", "-o", tmp_path / "file" / "page.html")
    assert done.code == 1
    assert len(done.err.splitlines()) == 1
    assert "cannot be written" in done.err
    # A link stays a link.
    (tmp_path / "link.html").symlink_to(tmp_path / "real.html")
    report(reroll, generated.folder, tmp_path / "link.html")
    assert (tmp_path / "link.html").is_symlink()
    answer = json.loads(
        reroll("-C", generated.folder, "--json", "report", "-o", tmp_path / "real.html").out
    )
    assert answer["bytes"] == (tmp_path / "real.html").stat().st_size


def test_the_same_folder_makes_the_same_page(reroll: Run, generated: Small, tmp_path: Path) -> None:
    one = report(reroll, generated.folder, tmp_path / "1.html").source
    assert report(reroll, generated.folder, tmp_path / "2.html").source == one


def test_words_that_differ() -> None:
    text = "@@ a.c\n context\n-+\treturn old(x, 1);\n++\treturn new(x, 1);\n-all\n+other words"
    shown = [(one.kind, one.sign, one.pieces) for one in word_diff.lines(text)]
    assert shown == [
        ("place", "", (("@@ a.c", False),)),
        ("same", " ", (("context", False),)),
        ("gone", "-", (("+\treturn ", False), ("old", True), ("(x, 1);", False))),
        ("add", "+", (("+\treturn ", False), ("new", True), ("(x, 1);", False))),
        ("gone", "-", (("all", False),)),
        ("add", "+", (("other words", False),)),
    ]
    assert word_diff.lines("") == ()


def test_nothing_of_a_range_diff_is_lost() -> None:
    text = "\n".join(
        f"{sign}{inner}{'word ' * (at % 5)}{at % 3}"
        for at, (sign, inner) in enumerate(zip("--++ @-+ -++--+" * 9, " +-" * 45, strict=True))
    )
    shown = word_diff.lines(text)
    assert "\n".join(one.sign + "".join(part for part, _ in one.pieces) for one in shown) == text


def test_words_that_come_again_take_no_time() -> None:
    """Lines of nearly nothing took minutes, and are in every block of closing braces."""
    lines = ["-+x;"] * 350 + ["++y;"] * 350
    began = time.process_time()
    shown = word_diff.lines("\n".join(lines))
    assert time.process_time() - began < 1
    assert [one.sign + "".join(text for text, _ in one.pieces) for one in shown] == lines
    # Line by line, the words are marked all the same.
    assert shown[0].pieces == (("+", False), ("x", True), (";", False))
    assert shown[-1].pieces == (("+", False), ("y", True), (";", False))


def test_range_diffs_fit_with_their_marks(
    reroll: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines of a letter or two take ten times as much of the page as of a mail."""
    monkeypatch.setattr(differences, "_MOST", 20_000)
    sides = []
    for number, letter in ((1, "a"), (2, "b")):
        lines = (f"keep({at});" if at % 20 else f"<{letter};" for at in range(800))
        side = Thread(number, new="\n+\t".join(lines))
        side.mails = [one.replace(b"+1,4 @@", b"+1,803 @@") for one in side.mails]
        sides.append(side)
    page = report(reroll, posted(reroll, tmp_path, *sides), tmp_path / "page.html")
    ranges = page.source.partition('<h2 id="ranges">')[2].partition("</section>")[0]
    assert "3 changed" in ranges
    assert 15_000 < len(ranges) < 25_000
    assert re.search(r"\d+ lines left out: <code>reroll range-diff 1 2</code>", ranges)


def test_a_posted_version_that_lacks_a_patch(reroll: Run, tmp_path: Path) -> None:
    """A mark leads to the difference of its own patch, not of the one before it."""
    first, second = Thread(1), Thread(2, new="new_call(x, 2)")
    del second.mails[1]
    page = report(
        reroll, posted(reroll, tmp_path, first, second, partial=True), tmp_path / "p.html"
    )
    row = page.source.partition('<tr id="patch-1">')[2].partition("</tr>")[0]
    assert "drivers: b: use new_call()" in row
    assert 'href="#range-1-2-2-2" class="m-changed"' in row
    pair = page.source.partition('<div id="range-1-2-2-2">')[2].partition("</div>")[0]
    assert "drivers: b: use new_call()" in pair
    assert "range-1-2-1-1" not in page.source


def test_another_message_is_not_another_change(
    reroll: Run, generated: Small, tmp_path: Path
) -> None:
    generated.rewrite("drivers: a: use new_call()", "drivers: a: call new_call()")
    assert reroll(*generated.words("generate", "-v", 2)).code == 0
    page = report(reroll, generated.folder, tmp_path / "page.html")
    assert 'class="m-reworded" title="same change, reworded"' in page.source
    words = " ".join(page.text.split())
    assert "1 same, 1 reworded." in words


def test_addresses_that_are_none_stay_apart(reroll: Run, generated: Small, tmp_path: Path) -> None:
    file = generated.folder / "versions/v1/manifest.json"
    data = json.loads(file.read_text())
    data["patches"][0]["left_out"] = [
        {"address": address, "why": "is no address", "reasons": ["said so"]}
        for address in ("first at nowhere", "second at nowhere")
    ]
    file.write_text(json.dumps(data))
    page = report(reroll, generated.folder, tmp_path / "page.html")
    assert "first at nowhere" in page.text
    assert "second at nowhere" in page.text


def test_a_map_fills_its_picture(generated: Small) -> None:
    version = store.read(generated.folder)
    sites = tuple(
        SiteRecord(f"drivers/d{at % 70}/e/f.c", at, "w", bucket, "")
        for at, bucket in enumerate(["converted", "unexplained", "comment", "later"] * 100, 1)
    )
    version = type(version)(
        **{**vars(version), "patches": (), "rest": {"a": LedgerRecord(("w",), {}, sites)}}
    )
    found = ledger_map.of_version(version)
    assert (found.converted, found.left, found.explained) == (100, 100, 100)
    area = sum(box.width * box.height for box in found.boxes)
    assert area == pytest.approx(ledger_map.WIDTH * ledger_map.HEIGHT)
    for box in found.boxes:
        assert box.x >= -0.01
        assert box.x + box.width <= ledger_map.WIDTH + 0.01
        assert sum(height for _, _, height in box.parts) == pytest.approx(box.height)
    assert 10 < len(found.places) <= 48


def test_texts_are_cut_evenly() -> None:
    assert letters.level([10, 20, 30], 100) == 30
    assert letters.level([10, 100, 100], 110) == 50
    assert letters.level([], 10) == 0
    assert letters.url("javascript:alert(1)//", "<a@example.org>") == ""
    assert (
        letters.url("http://x.example/%s", "<a/b@example.org>")
        == "http://x.example/a%2Fb@example.org/"
    )


def test_a_long_silence_is_short() -> None:
    day = 86_400
    places, gaps = timeline._places([0, day, 900 * day, 901 * day])
    assert gaps == [(day, 900 * day)]
    assert places[900 * day] == 9 * day


def large(reroll: Run, place: Path) -> Path:
    """Seven versions of seventeen patches, with three hundred replies."""
    patches = tuple(
        (f"drivers: d{at}: use new_call()", f"drivers/d{at}/{at}.c") for at in range(17)
    )
    threads = []
    for number in range(1, 8):
        long = "".join(f"new_call(x, {number}, {line});\n+\t" for line in range(120))
        thread = Thread(number, patches=patches, new=f"{long}{PATCHES[0][0]}")
        for at in range(43):
            text = f"> It is better.\n\nWhat about case {at}?\n" + "More words of it.\n" * 60
            thread.reply(at % 17 + 1, text, sender=ANN if at % 2 else BOB)
        threads.append(thread)
    return posted(reroll, place, *threads)


@pytest.mark.slow
def test_a_large_series_is_quick_and_fits(reroll: Run, tmp_path: Path) -> None:
    folder = large(reroll, tmp_path)
    began = time.process_time()
    page = report(reroll, folder, tmp_path / "page.html")
    assert time.process_time() - began < 6  # half of it for parsing the page
    assert page.size < 3_000_000
    assert page.source.count('<article class="mail"') == 7 * 18 + 301


def test_too_much_text_is_cut(
    reroll: Run, generated: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(letters, "BUDGET", 300)
    page = report(reroll, generated.folder, tmp_path / "page.html")
    assert re.search(r"\d+ bytes left out here", page.text)


@pytest.mark.slow
def test_what_is_escaped_counts_as_long_as_it_gets(
    reroll: Run, generated: Small, tmp_path: Path
) -> None:
    """Two megabytes of marks in replies are eight when they are escaped."""
    parent = store.read(generated.folder).patches[0].message_id
    replies = [
        mail("Re: x", '<>"\x01\n' * 10_000, f"<r{at}@example.org>", parents=[parent])
        for at in range(40)
    ]
    (generated.folder / "replies").mkdir(exist_ok=True)
    box = b"".join(map(mailbox_files.escaped, replies))
    (generated.folder / "replies/a.mbox").write_bytes(box)
    assert report(reroll, generated.folder, tmp_path / "page.html").size < 3_000_000


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("chromium"), reason="chromium is not installed")
def test_a_browser_shows_it(reroll: Run, tmp_path: Path) -> None:
    first = Thread(1, patches=((f"a: use {EVIL}", "a/a.c"), ("b: more", "b.c")), new=f'"{EVIL}"')
    first.reply(1, f"What is {EVIL}?\n")
    folder = posted(reroll, tmp_path, first)
    file = tmp_path / "page.html"
    report(reroll, folder, file)
    done = run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
         f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", file.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert "CONSOLE" not in done.stderr
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in done.stdout
    assert "<script" not in done.stdout
    assert "<img" not in done.stdout
