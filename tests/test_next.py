"""``reroll next``: what a user sees of version N+1."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from tests.conftest import Run, Small
from tests.repositories import commit_all, git, state_of

ACK = "Acked-by: Alice Maintainer <alice@example.org>"
REVIEW = "Reviewed-by: Rob Reviewer <rob@example.org>"


def pretend_sent(small: Small, version: int) -> None:
    """The journal of a version that went out whole."""
    folder = small.folder / "versions" / f"v{version}"
    manifest = json.loads((folder / "manifest.json").read_text())
    with (small.folder / "journal.jsonl").open("a") as journal:
        for mail in [manifest["cover"], *manifest["patches"]]:
            entry = {"version": version, "message_id": mail["message_id"], "sha256": "0" * 64}
            journal.write(json.dumps({**entry, "event": "accepted", "time": 1600000200}) + "\n")


def tag(patch: str, trailer: str, state: str = "given", **more: object) -> str:
    """An entry of trailers.toml."""
    values = {"version": 1, "trailer": trailer, "state": state, "messages": ["<m@example.org>"]}
    lines = [f"{key} = {json.dumps(value)}" for key, value in (values | more).items()]
    return "\n".join(["[[trailer]]", f'patch = "{patch}"', *lines, ""]) + "\n"


def mail(small: Small, version: int, number: int) -> str:
    """A mail of a version."""
    (path,) = (small.folder / "versions" / f"v{version}").glob(f"*{number:04}-*.patch")
    return path.read_text()


@pytest.fixture
def sent(generated: Small) -> Small:
    """Version 1 went out."""
    pretend_sent(generated, 1)
    return generated


def trailers(small: Small, *entries: str) -> None:
    (small.folder / "trailers.toml").write_text("".join(entries))


def test_the_same_patches_keep_their_tags(reroll: Run, sent: Small) -> None:
    trailers(sent, tag("a", ACK), tag("b", REVIEW, "whole series"))
    done = reroll(*sent.words("next"))
    assert (done.code, done.err) == (0, "")
    assert "1/2 drivers: a: use new_call() (same change)" in done.out
    assert f"kept: {ACK} (the patch is the same)" in done.out
    # Before the last line, which is the signer's own; the rest as it was.
    body = git(sent.tree, "show", "-s", "--format=%B", "reroll/new-call~1")
    signed = "Signed-off-by: Ada Developer <ada@example.org>"
    assert body.rstrip().endswith(f"new_call() is better.\n\n{ACK}\n{signed}")
    assert REVIEW in git(sent.tree, "show", "-s", "--format=%B", "reroll/new-call")
    assert REVIEW not in body
    assert "version = 2" in (sent.folder / "series.toml").read_text()
    assert "Subject: [PATCH v2 1/2] drivers: a" in mail(sent, 2, 1)
    assert "Changes in v2:\n- done better\n" in mail(sent, 2, 0)
    manifest = json.loads((sent.folder / "versions/v2/manifest.json").read_text())
    assert manifest["patches"][0]["carried"] == [
        {
            "trailer": ACK,
            "version": 1,
            "messages": ["<m@example.org>"],
            "why": "the patch is the same",
        }
    ]
    assert (
        manifest["change_id"]
        == json.loads((sent.folder / "versions/v1/manifest.json").read_text())["change_id"]
    )


@pytest.mark.slow
def test_a_tag_on_a_patch_that_changed_is_dropped_and_told(reroll: Run, sent: Small) -> None:
    trailers(sent, tag("a", ACK), tag("b", REVIEW))
    sent.rewrite('replace = ""', 'replace = "\\tselect NEW\\n"')
    done = reroll(*sent.words("--json", "next"))
    assert done.code == 0
    (version,) = json.loads(done.out)["versions"]
    first, second = version["patches"]
    assert (first["status"], second["status"]) == ("same change", "changed")
    assert second["files"] == ["drivers/b/Kconfig"]
    assert second["dropped"][0]["why"] == "needs a decision: the patch has changed since v1"
    text = mail(sent, 2, 2)
    assert REVIEW not in text
    assert (
        "---\nChanges in v2:\n- dropped Reviewed-by from Rob Reviewer: the patch has changed "
        "since v1\n- changed in drivers/b/Kconfig\n"
    ) in text
    # The user decides otherwise: one word, and the version is made again.
    trailers(sent, tag("a", ACK), tag("b", REVIEW, decision="take"))
    assert reroll(*sent.words("generate")).code == 0
    assert f"{REVIEW}\nSigned-off-by: Ada" in mail(sent, 2, 2)


@pytest.mark.parametrize(
    ("state", "why"),
    [("withdrawn", "cancel this"), ("conditional", "with that fixed"), ("unclear", "")],
)
@pytest.mark.slow
def test_what_was_not_plainly_given_is_not_taken(
    reroll: Run, sent: Small, state: str, why: str
) -> None:
    trailers(sent, tag("a", ACK, state, why=why))
    # The author had put it in already: it goes.
    sent.rewrite('message = "new_call() is better."', f'message = "Better.\\n\\n{ACK}"')
    done = reroll(*sent.words("next"))
    assert done.code == 0
    assert f"not taken: {ACK} (v1; {state}{': ' if why else ''}{why})" in done.out
    assert ACK not in git(sent.tree, "log", "--format=%B", "master..reroll/new-call")


def test_other_trailers_of_a_message_stay_as_they_are(reroll: Run, sent: Small) -> None:
    other = "Reported-by: Rob Reviewer <rob@example.org>"
    trailers(sent, tag("a", REVIEW, "withdrawn"), tag("a", other), tag("b", ACK, decision="drop"))
    text = f'Better.\n\nFixes: 0123456789ab ("x")\n{other}\n{REVIEW}\nLink: <l@example.org>'
    sent.rewrite('message = "new_call() is better."', f"message = {json.dumps(text)}")
    assert reroll(*sent.words("next")).code == 0
    body = git(sent.tree, "show", "-s", "--format=%B", "reroll/new-call~1").rstrip()
    assert body.endswith(
        f'Better.\n\nFixes: 0123456789ab ("x")\n{other}\nLink: <l@example.org>\n'
        "Signed-off-by: Ada Developer <ada@example.org>"
    )


MOVED = """\
int helper(int y)
{
\tif (y) {
\t\t/* in a block of its own now */
\t\treturn old_call(y +
\t\t\t\t1);
\t}
\treturn 0;
}
"""


def move_base(small: Small) -> str:
    """A base on which the old mails conflict: a caller moved, a new one came, one went."""
    (small.tree / "drivers/b/b.c").write_text(MOVED)
    (small.tree / "drivers/a/new.c").write_text("int n(int x)\n{\n\treturn old_call(x);\n}\n")
    return commit_all(small.tree, "the base moves on")


@pytest.mark.slow
def test_the_base_moves_where_the_old_mails_conflict(reroll: Run, sent: Small) -> None:
    trailers(sent, tag("a", ACK), tag("b", REVIEW))
    moved = move_base(sent)
    failed = reroll(*sent.words("apply", "-v", 1, "--onto", moved))
    assert failed.code == 3
    assert "patch 2/2" in failed.err
    done = reroll(*sent.words("next", "--base", "master"))
    assert (done.code, done.err) == (0, "")
    assert "new call sites, converted: drivers/a/new.c" in done.out
    # The same rule made patch a; an edit had a hand in patch b.
    assert f"kept: {ACK} (made again by the same rule)" in done.out
    assert f"not taken: {REVIEW} (v1; needs a decision: the patch has changed" in done.out
    assert "new_call(y +" in git(sent.tree, "show", "reroll/new-call:drivers/b/b.c")
    assert "new_call(x)" in git(sent.tree, "show", "reroll/new-call:drivers/a/new.c")
    assert "- new call sites: drivers/a/new.c\n" in mail(sent, 2, 1)
    assert f"- based on {moved[:7]}" in mail(sent, 2, 0)
    text = (sent.folder / "series.toml").read_text()
    assert 'base = "master"' in text
    assert reroll(*sent.words("generate")).code == 0


def test_what_no_longer_matches_is_named(reroll: Run, sent: Small) -> None:
    (sent.tree / "drivers/b/b.c").write_text("int b;\n")
    commit_all(sent.tree, "no user in b")
    before = (sent.folder / "series.toml").read_text(), state_of(sent.tree)
    done = reroll(*sent.words("next", "--base", "master"))
    assert done.code == 1
    assert "patch b: rename.cocci: changes none" in done.err
    assert ((sent.folder / "series.toml").read_text(), state_of(sent.tree)) == before
    assert not (sent.folder / "versions/v2").exists()
    sent.rewrite('id = "b"', 'id = "b"\nunmatched = "skip"')
    trailers(sent, tag("b", ACK))
    done = reroll(*sent.words("next", "--base", "master"))
    assert done.code == 0
    assert (
        "  gone: drivers: b: use new_call() [b]: rename.cocci: changes none of 0 candidate files\n"
        f"      not taken: {ACK} (v1; the patch is gone)\n"
    ) in done.out


@pytest.mark.slow
def test_sites_that_went_away_are_named(reroll: Run, small: Small) -> None:
    (small.tree / "drivers/a/two.c").write_text("int t(int x)\n{\n\treturn old_call(x);\n}\n")
    commit_all(small.tree, "two users")
    assert reroll(*small.words("generate")).code == 0
    pretend_sent(small, 1)
    (small.tree / "drivers/a/two.c").unlink()
    commit_all(small.tree, "one user")
    done = reroll(*small.words("next"))
    assert done.code == 0
    assert "call sites that went away: drivers/a/two.c" in done.out
    assert "- call sites that went away: drivers/a/two.c" in mail(small, 2, 1)


@pytest.mark.slow
def test_renamed_reordered_and_new_patches_keep_their_history(reroll: Run, sent: Small) -> None:
    trailers(sent, tag("a", ACK))
    file = sent.folder / "series.toml"
    head, a, b = file.read_text().split("[[patch]]")
    a = a.replace("drivers: a: use new_call()", "drivers/a: go over to new_call()")
    new = a.replace('id = "a"', 'id = "c"').replace("drivers/a:", "drivers/c:")
    new = new.replace('"drivers/a"', '"drivers/c"')
    file.write_text("[[patch]]".join([head, b + "\n", a, new]))
    (sent.tree / "drivers/c").mkdir()
    (sent.tree / "drivers/c/c.c").write_text("int c(int x)\n{\n\treturn old_call(x);\n}\n")
    commit_all(sent.tree, "a third driver")
    done = reroll(*sent.words("--json", "next", "--base", "master"))
    assert done.code == 0
    (version,) = json.loads(done.out)["versions"]
    told = {one["id"]: (one["number"], one["before"], one["status"]) for one in version["patches"]}
    assert told == {"b": (1, 2, "unchanged"), "a": (2, 1, "same change"), "c": (3, 0, "new")}
    assert version["patches"][1]["was"] == "drivers: a: use new_call()"
    assert version["patches"][1]["carried"][0]["trailer"] == ACK
    cover = mail(sent, 2, 0)
    assert '- "drivers/a: go over to new_call()" was "drivers: a: use new_call()"' in cover
    assert '- new patch: "drivers/c: go over to new_call()"' in cover
    assert "- patches in another order" in cover


@pytest.mark.slow
def test_the_range_diff_stands_below_the_diffstat(reroll: Run, sent: Small) -> None:
    sent.rewrite('replace = ""', 'replace = "\\tselect NEW\\n"')
    assert reroll(*sent.words("next", "--range-diff", "--no-changelog")).code == 0
    old, new = (
        git(sent.tree, "log", "--format=%h", "--abbrev=12", f"master..reroll/new-call-v{number}")
        for number in (1, 2)
    )
    ids = [*zip(old.split()[::-1], new.split()[::-1], strict=True)]
    cover = mail(sent, 2, 0)
    assert (
        " insertions(+), 3 deletions(-)\n\n"
        "Range-diff against v1:\n"
        f"1:  {ids[0][0]} = 1:  {ids[0][1]} drivers: a: use new_call()\n"
        f"2:  {ids[1][0]} ! 2:  {ids[1][1]} drivers: b: use new_call()\n"
    ) in cover
    assert "    ++\tselect NEW\n" in cover
    assert cover.index("Range-diff") < cover.index("base-commit:") < cover.index("change-id:")
    assert reroll(*sent.words("generate")).code == 0
    assert mail(sent, 2, 0) == cover


def test_a_version_that_was_not_sent_comes_first(reroll: Run, generated: Small) -> None:
    done = reroll(*generated.words("next"))
    assert done.code == 2
    assert done.err.splitlines()[0] == "reroll: version 1 was neither sent nor posted"
    assert "reroll generate -v 1" in done.err
    assert reroll(*generated.words("next", "--anyway")).code == 0


def test_nothing_was_ever_generated(reroll: Run, small: Small) -> None:
    done = reroll(*small.words("next"))
    assert done.code == 2
    assert "no version has been generated yet" in done.err


def test_a_dry_run_writes_nothing(reroll: Run, sent: Small) -> None:
    before = (sent.folder / "series.toml").read_text(), state_of(sent.tree)
    done = reroll(*sent.words("next", "-n", "--prefix", "RFC PATCH"))
    assert done.code == 0
    assert "nothing was written" in done.out
    assert ((sent.folder / "series.toml").read_text(), state_of(sent.tree)) == before
    assert not (sent.folder / "versions/v2").exists()


@pytest.mark.slow
def test_a_prefix_stays_until_another_is_given(reroll: Run, small: Small) -> None:
    small.rewrite('name = "new-call"', 'name = "new-call"\nprefix = "RFC PATCH"')
    assert reroll(*small.words("generate")).code == 0
    pretend_sent(small, 1)
    assert reroll(*small.words("next")).code == 0
    assert "Subject: [RFC PATCH v2 1/2]" in mail(small, 2, 1)
    pretend_sent(small, 2)
    assert reroll(*small.words("next", "--prefix", "PATCH")).code == 0
    assert "Subject: [PATCH v3 1/2]" in mail(small, 3, 1)


@pytest.mark.slow
def test_a_failure_in_the_end_leaves_series_toml(reroll: Run, sent: Small) -> None:
    before = (sent.folder / "series.toml").read_text()
    # A lock that a killed git left: no ref can move.
    lock = sent.tree / ".git/refs/heads/reroll/new-call.lock"
    lock.touch()
    done = reroll(*sent.words("next"))
    assert done.code == 3
    assert (sent.folder / "series.toml").read_text() == before
    assert not (sent.folder / "versions/v2").exists()
    lock.unlink()
    assert reroll(*sent.words("next")).code == 0


@pytest.mark.slow
def test_twice_adds_no_line_twice(reroll: Run, sent: Small) -> None:
    sent.rewrite('replace = ""', 'replace = "\\tselect NEW\\n"')
    assert reroll(*sent.words("next")).code == 0
    first = mail(sent, 2, 2)
    (sent.folder / "versions/v2").rename(sent.folder / "away")
    assert reroll(*sent.words("next", "--force")).code == 0
    assert mail(sent, 2, 2).count("changed in drivers/b/Kconfig") == 1
    assert first.count("changed in drivers/b/Kconfig") == 1


def test_open_comments_are_said_and_fixed_ones_told(reroll: Run, sent: Small) -> None:
    (sent.folder / "comments.toml").write_text(
        "".join(
            f'[[comment]]\nid = "{name}"\npatch = "a"\nversion = 1\nfile = ""\nline = 0\n'
            'author = "Rob Reviewer <rob@example.org>"\ndate = "2020-09-14T00:00:00Z"\n'
            f'message = "<{name}@example.org>"\nexcerpt = "Say why."\nstate = "{state}"\n'
            f'note = "{note}"\n\n'
            for name, state, note in (("one1", "open", ""), ("two2", "fixed", "the reason is said"))
        )
    )
    done = reroll(*sent.words("next"))
    assert done.code == 0
    assert "1 comment is still open" in done.err
    assert "- Review from Rob: the reason is said\n" in mail(sent, 2, 1)


@pytest.mark.slow
def test_shards_keep_the_tags_that_were_given_to_them(reroll: Run, small: Small) -> None:
    file = small.folder / "series.toml"
    head, a, _ = file.read_text().split("[[patch]]")
    a = a.replace('id = "a"', 'id = "a"\nsplit = "directory"').replace('paths = ["drivers/a"]', "")
    file.write_text("[[patch]]".join([head, a]))
    assert reroll(*small.words("generate")).code == 0
    pretend_sent(small, 1)
    manifest = json.loads((small.folder / "versions/v1/manifest.json").read_text())
    first, second = (patch["id"] for patch in manifest["patches"])
    trailers(small, tag(first, ACK), tag("", REVIEW, "whole series"))
    text = (small.tree / "drivers/b/b.c").read_text()
    (small.tree / "drivers/b/b.c").write_text(
        text + "int more(void)\n{\n\treturn old_call(7);\n}\n"
    )
    commit_all(small.tree, "one more user")
    done = reroll(*small.words("--json", "next", "--base", "master"))
    assert done.code == 0
    (version,) = json.loads(done.out)["versions"]
    told = {
        one["id"]: ([tag["trailer"] for tag in one["carried"]], one["appeared"])
        for one in version["patches"]
    }
    # The same rule made both shards again; one is the same to the letter.
    assert told == {first: ([ACK, REVIEW], {}), second: ([REVIEW], {"drivers/b/b.c": 1})}
    assert ACK not in mail(small, 2, 2)


def test_a_patch_alone_has_the_range_diff_below_the_cut(reroll: Run, small: Small) -> None:
    file = small.folder / "series.toml"
    text = file.read_text()
    file.write_text(text[: text.index('[[patch]]\nid = "b"')])
    assert reroll(*small.words("generate")).code == 0
    manifest = json.loads((small.folder / "versions/v1/manifest.json").read_text())
    entry = {"version": 1, "message_id": manifest["patches"][0]["message_id"], "sha256": "0" * 64}
    line = json.dumps({**entry, "event": "accepted", "time": 1600000200})
    (small.folder / "journal.jsonl").write_text(line + "\n")
    small.rewrite("new_call() is better.", "new_call() is much better.")
    assert reroll(*small.words("next", "--range-diff")).code == 0
    below = mail(small, 2, 1).partition("\n---\n")[2]
    assert below.startswith("Changes in v2:\n- said why\n\nRange-diff against v1:\n1:  ")
    assert reroll(*small.words("apply", "-v", 2, "--onto", "master")).code == 0


def test_a_posted_series_goes_on_from_its_mails(
    reroll: Run, generated: Small, tmp_path: Path
) -> None:
    mails = sorted((generated.folder / "versions/v1").glob("*.patch"))
    mbox = tmp_path / "v1.mbox"
    mbox.write_bytes(b"".join(mail.read_bytes() + b"\n" for mail in mails))
    folder = tmp_path / "posted"
    assert reroll("init", folder, "--from-mbox", mbox).code == 0
    # A branch of its own beside the one that the mails came from.
    posted = Small(folder, generated.tree)
    text = (folder / "series.toml").read_text()
    (folder / "series.toml").write_text(re.sub('name = ".*"', 'name = "posted"', text, count=1))
    done = reroll(*posted.words("--json", "next"))
    assert done.code == 0
    (version,) = json.loads(done.out)["versions"]
    assert [one["status"] for one in version["patches"]] == ["unchanged", "unchanged"]
    assert json.loads(done.out)["changelog"] == {}
    again, first = (
        git(generated.tree, "rev-parse", f"reroll/{name}^{{tree}}")
        for name in ("posted", "new-call")
    )
    assert again == first
    # What was posted stays as it is.
    assert reroll(*posted.words("generate", "-v", 1)).code == 2


@pytest.mark.slow
def test_a_base_that_has_a_patch_already(reroll: Run, generated: Small) -> None:
    small = generated
    diff = git(small.tree, "diff", "reroll/new-call~", "reroll/new-call") + "\n"
    (small.folder / "b.diff").write_text(diff)
    steps = (small.folder / "series.toml").read_text().rpartition("[[patch.step]]\nrule")[0]
    (small.folder / "series.toml").write_text(steps + '[[patch.step]]\napply = "b.diff"\n')
    assert reroll(*small.words("generate")).code == 0
    git(small.tree, "checkout", "-q", "-b", "newer", "master")
    git(small.tree, "apply", "--index", str(small.folder / "b.diff"))
    # Near enough that a three-way merge of the old blobs would not see it.
    file = small.tree / "drivers/b/b.c"
    file.write_text("#include <b.h>\n" + file.read_text())
    git(small.tree, "commit", "-q", "-am", "b: moved over")
    git(small.tree, "checkout", "-q", "master")
    words = ("next", "--anyway", "--base", "newer")
    assert reroll(*small.words(*words)).code == 1
    done = reroll(*small.words(*words, "--skip-unmatched"))
    assert done.code == 0, done.err
    assert "gone: drivers: b: use new_call() [b]: " in done.out
    assert (small.folder / "versions/v2/manifest.json").exists()
    # series.toml says so, too: the same version can be made again.
    assert reroll(*small.words("generate", "-v", 2)).code == 0


@pytest.mark.slow
def test_a_tag_stays_that_the_version_before_carried(reroll: Run, sent: Small) -> None:
    """v2 has one call more by the same rule, v3 is v2 again by a rule of other words."""
    trailers(sent, tag("a", ACK))
    (sent.tree / "drivers/a/more.c").write_text("int m(int x)\n{\n\treturn old_call(x);\n}\n")
    commit_all(sent.tree, "more")
    done = reroll(*sent.words("next"))
    assert f"kept: {ACK} (made again by the same rule)" in done.out
    rule = sent.folder / "rename.cocci"
    rule.write_text("/// In other words.\n" + rule.read_text())
    done = reroll(*sent.words("next", "--anyway"))
    assert f"kept: {ACK} (the patch is the same, as in v2, which carried it)" in done.out
    assert "changelog" not in done.out


def test_more_paths_are_another_patch(reroll: Run, sent: Small) -> None:
    """The user's paths brought the new file in, not the same rule."""
    trailers(sent, tag("a", ACK))
    sent.rewrite('paths = ["drivers/a"]', 'paths = ["drivers/a", "drivers/c"]')
    (sent.tree / "drivers/c").mkdir()
    (sent.tree / "drivers/c/c.c").write_text("int c(int x)\n{\n\treturn old_call(x);\n}\n")
    commit_all(sent.tree, "more")
    done = reroll(*sent.words("next"))
    assert f"not taken: {ACK} (v1; needs a decision: the patch has changed since v1)" in done.out


@pytest.mark.parametrize("same", [True, False])
@pytest.mark.slow
def test_a_patch_with_another_id(reroll: Run, sent: Small, same: bool) -> None:
    trailers(sent, tag("b", ACK))
    sent.rewrite('id = "b"', 'id = "second"')
    if not same:
        sent.rewrite('replace = ""', 'replace = "\\tselect NEW\\n"')
    done = reroll(*sent.words("next"))
    assert done.code == 0, done.err
    why = "the patch has another id ('b') and has changed"
    if same:
        assert f"kept: {ACK} (the patch is the same)" in done.out
    else:
        assert f"not taken: {ACK} (v1; needs a decision: {why})" in done.out
        assert f"second: dropped Acked-by from Alice Maintainer: {why}" in done.out


def test_what_was_no_tag_of_a_patch_that_is_gone_is_named(reroll: Run, sent: Small) -> None:
    trailers(sent, tag("b", ACK, "withdrawn"))
    sent.rewrite('id = "b"\n', 'id = "b"\nomit = "merged through another tree"\n')
    done = reroll(*sent.words("next"))
    assert f"not taken: {ACK} (v1; withdrawn)" in done.out
    line = 'dropped patch: "drivers: b: use new_call()": merged through another tree'
    assert line in done.out


@pytest.mark.slow
def test_the_newest_version_once_more(reroll: Run, sent: Small) -> None:
    assert reroll(*sent.words("next")).code == 0
    trailers(sent, tag("b", ACK))
    sent.rewrite('replace = ""', 'replace = "\\tselect NEW\\n"')
    done = reroll(*sent.words("next", "--again"))
    assert (done.code, done.err) == (0, "")
    assert "- dropped Acked-by from Alice Maintainer" in mail(sent, 2, 2)
    assert not (sent.folder / "versions/v3").exists()
    pretend_sent(sent, 2)
    done = reroll(*sent.words("next", "--again"))
    assert (done.code, "version 2 has been sent" in done.err) == (2, True)


def changelog(small: Small, number: int, patch: int | None = None) -> list[str]:
    """The changelog of a version, of a patch by its place, else of the series."""
    made = tomllib.loads((small.folder / "series.toml").read_text())
    holder = made["series"] if patch is None else made["patch"][patch - 1]
    return list(holder.get("changelog", {}).get(str(number), []))


@pytest.mark.slow
def test_a_line_that_does_not_hold_any_more_goes(reroll: Run, sent: Small) -> None:
    trailers(sent, tag("b", REVIEW))
    sent.rewrite('replace = ""', 'replace = "\\tselect NEW\\n"')
    assert reroll(*sent.words("next")).code == 0
    line = "dropped Reviewed-by from Rob Reviewer: the patch has changed since v1"
    assert changelog(sent, 2, 2) == [line, "changed in drivers/b/Kconfig"]
    trailers(sent, tag("b", REVIEW, decision="take"))
    done = reroll(*sent.words("generate"))
    assert f"the changelog says '{line}', but the patch carries it" in done.err
    done = reroll(*sent.words("--json", "next", "--again", "-n"))
    assert json.loads(done.out)["changelog_removed"] == {"b": [line]}
    done = reroll(*sent.words("next", "--again"))
    assert (done.code, done.err) == (0, "")
    assert f"1 changelog line was removed from series.toml:\n  b: {line}\n" in done.out
    assert changelog(sent, 2, 2) == ["changed in drivers/b/Kconfig"]
    assert "dropped" not in mail(sent, 2, 2)
    # What nothing is left of goes whole.
    sent.rewrite('replace = "\\tselect NEW\\n"', 'replace = ""')
    assert reroll(*sent.words("next", "--again")).code == 0
    assert changelog(sent, 2, 2) == []
    assert "Changes in v2" not in mail(sent, 2, 2)


@pytest.mark.slow
def test_a_line_that_a_person_has_changed_is_not_offered_again(reroll: Run, sent: Small) -> None:
    trailers(sent, tag("b", REVIEW))
    sent.rewrite('replace = ""', 'replace = "\\tselect NEW\\n"')
    assert reroll(*sent.words("next")).code == 0
    sent.rewrite("changed in drivers/b/Kconfig", "Select the new one.")
    sent.rewrite("dropped Reviewed-by from Rob Reviewer: the patch has changed since v1", "Hi Rob")
    for words in (["generate"], ["next", "--again"], ["next", "--again"]):
        done = reroll(*sent.words(*words))
        assert (done.code, done.err) == (0, "")
        assert "changelog line" not in done.out
    assert changelog(sent, 2, 2) == ["Hi Rob", "Select the new one."]


def test_what_holds_stays_beside_the_words_of_a_person(reroll: Run, sent: Small) -> None:
    sent.rewrite('replace = ""', 'replace = "\\tselect NEW\\n"')
    remark(sent, patch="a")
    assert reroll(*sent.words("next")).code == 0
    line = "Review from Bob: Select the new one."
    assert changelog(sent, 2, 1) == ["said why", line]
    sent.rewrite('"changed in drivers/b/Kconfig"', '"changed in drivers/b/Kconfig", "Mine."')
    # The same line by hand, too: it is nobody's to take away.
    assert reroll(*sent.words("comments", "x", "--fixed", "--changelog")).code == 0
    done = reroll(*sent.words("next", "--again"))
    assert (done.code, done.err) == (0, "")
    assert changelog(sent, 2, 1) == ["said why", line]
    assert changelog(sent, 2, 2) == ["changed in drivers/b/Kconfig", "Mine."]
    # It was not fixed after all.
    assert reroll(*sent.words("comments", "x", "--declined")).code == 0
    assert reroll(*sent.words("next", "--again")).code == 0
    assert changelog(sent, 2, 1) == ["said why"]


def split_by_directory(small: Small, title: str) -> None:
    """One patch for each directory, by one rule; ``title`` is as in TOML."""
    small.rewrite('id = "a"\n', 'id = "a"\nsplit = "directory"\n')
    small.rewrite('paths = ["drivers/a"]', 'paths = ["drivers"]')
    small.rewrite('title = "drivers: a: use new_call()"', f'title = "{{{{ subsystem }}}}: {title}"')
    small.rewrite('rule = "rename.cocci"\npaths = ["drivers/b"]\n\n[[patch.step]]\n', "")


def remark(small: Small, **more: object) -> None:
    """One comment, on patch b of version 1."""
    values = {"id": "x", "version": 1, "patch": "b", "excerpt": "Select the new one."}
    values |= {"author": "Bob <bob@example.org>", "state": "fixed", **more}
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    (small.folder / "comments.toml").write_text("\n".join(["[[comment]]", *lines, ""]))


@pytest.mark.slow
def test_a_comment_is_told_of_once(reroll: Run, sent: Small) -> None:
    remark(sent)
    assert reroll(*sent.words("next")).code == 0
    assert changelog(sent, 2, 2) == ["Review from Bob: Select the new one."]
    sent.rewrite("Review from Bob: Select the new one.", "Select it, as Bob said.")
    assert reroll(*sent.words("generate")).code == 0
    pretend_sent(sent, 2)
    done = reroll(*sent.words("next", "-n"))
    assert (done.code, "changelog" in done.out) == (0, False)
    # What was open when v2 went out, or came after it, is told in v3.
    for more in ({"forced": ["v2 (2020-09-20): later"]}, {"date": "2030-01-01T00:00:00+00:00"}):
        remark(sent, note="done now", **more)
        assert "b: Review from Bob: done now" in reroll(*sent.words("next", "-n")).out
    remark(sent, note="done now", date="some day")
    assert "changelog" not in reroll(*sent.words("next", "-n")).out


@pytest.mark.slow
def test_comments_on_a_patch_of_a_split(reroll: Run, small: Small) -> None:
    split_by_directory(small, '\\"it\\"')
    assert reroll(*small.words("generate")).code == 0
    pretend_sent(small, 1)
    remark(small, patch="a-drivers-b", excerpt='Call "it": this.')
    said = 'Review from Bob: Call "it": this.'
    assert f'the series: "b: drivers/b: "it"": {said}' in reroll(*small.words("next")).out
    # Taken out by a person: not offered again under another title.
    (kept,) = [one for one in changelog(small, 2) if said in one]
    small.rewrite(json.dumps(kept), json.dumps("As Bob wants it."))
    small.rewrite('title = "{{ subsystem }}: \\"it\\""', 'title = "{{ subsystem }}: that"')
    assert said not in reroll(*small.words("next", "--again")).out
    # What was a patch of its own is one with the others.
    small.rewrite('split = "directory"\n', "")
    (small.folder / "versions/v2").rename(small.folder / "v2")
    small.rewrite("version = 2", "version = 1")
    assert f"a: {said}" in reroll(*small.words("next", "-n")).out


def test_what_a_person_noted_beside_a_line_stays(reroll: Run, sent: Small) -> None:
    sent.rewrite('replace = ""', 'replace = "\\tselect NEW\\n"')
    assert reroll(*sent.words("next")).code == 0
    file = sent.folder / "series.toml"
    lines = file.read_text().split("\n")
    at = next(n for n, line in enumerate(lines) if "changed in" in line)
    noted = '["changed in drivers/b/Kconfig"]'
    lines[at] = lines[at].replace(noted, f"[\n  # TODO: ask Bob\n  {noted[1:-1]},\n]")
    assert "# TODO" in lines[at]
    file.write_text("\n".join(lines))
    sent.rewrite('replace = "\\tselect NEW\\n"', 'replace = ""')
    assert reroll(*sent.words("next", "--again")).code == 0
    assert "# TODO: ask Bob" in file.read_text()
    assert changelog(sent, 2, 2) == []
    assert "Changes in v2" not in mail(sent, 2, 2)


@pytest.mark.slow
def test_a_comment_that_was_told_of_by_hand(reroll: Run, sent: Small) -> None:
    remark(sent, state="open")
    assert reroll(*sent.words("comments", "x", "--fixed", "--changelog")).code == 0
    assert "told = 2" in (sent.folder / "comments.toml").read_text()
    sent.rewrite("Review from Bob: Select the new one.", "Select it, as Bob said.")
    assert reroll(*sent.words("next")).code == 0
    assert changelog(sent, 2, 2) == ["Select it, as Bob said."]
    assert reroll(*sent.words("comments", "x", "--open")).code == 0
    assert reroll(*sent.words("comments", "x", "--fixed")).code == 0
    assert "Review from Bob" in reroll(*sent.words("next", "--again", "-n")).out


def test_a_rule_that_finds_more_on_the_same_base(reroll: Run, sent: Small) -> None:
    sent.rewrite('paths = ["drivers/a"]', 'paths = ["drivers/a", "drivers/b"]')
    sent.rewrite('[[patch.step]]\nrule = "rename.cocci"\npaths = ["drivers/b"]\n\n', "")
    done = reroll(*sent.words("next"))
    assert "a: converts more call sites: drivers/b/b.c\n" in done.out
    assert "new call sites:" not in done.out


def test_nothing_to_make_again(reroll: Run, sent: Small) -> None:
    done = reroll(*sent.words("next", "--again"))
    assert (done.code, "version 1 is not one that 'next' has made" in done.err) == (2, True)


@pytest.mark.slow
def test_shards_do_not_tell_of_each_other(reroll: Run, small: Small) -> None:
    """What became of one patch of a split is told once, with its title."""
    split_by_directory(small, "new_call()")
    done = reroll(*small.words("generate"))
    assert done.code == 0, done.err
    (small.tree / "drivers/a/more.c").write_text("int m(int x)\n{\n\treturn old_call(x);\n}\n")
    commit_all(small.tree, "more")
    done = reroll(*small.words("next", "--anyway"))
    line = '"a: drivers/a: new_call()": new call sites: drivers/a/more.c'
    assert f"the series: {line}" in done.out
    assert f"- {line}\n" in mail(small, 2, 0).replace("\n  ", " ")
    assert "more.c" not in mail(small, 2, 2)
