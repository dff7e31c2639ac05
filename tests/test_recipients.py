"""Who gets which mail, and why."""

import json
import mailbox
import os
from dataclasses import replace
from email.header import decode_header, make_header
from email.message import EmailMessage
from pathlib import Path

import pytest

from generator.errors import CampaignError, UsageError
from series import policy, recipients, store
from series.addresses import in_header
from series.people import People
from series.policy import Policy
from series.recipients import Wish
from tests.conftest import Run, Small
from tests.repositories import commit_all, git
from tests.smtp import Inbox, send_to, smtp_server

SENDER = "Ada Developer <ada@example.org>"
ALICE = Wish("Alice Maintainer <alice@example.org>", "maintainer", "maintainer of A")
ROB = Wish("Rob Reviewer <rob@example.org>", "reviewer", "reviewer of A")
LIST = Wish("a@lists.example.org", "list", "list of A")


def plan(*wishes: Wish, people: People | None = None, **rules: object) -> recipients.Plan:
    chosen = replace(Policy(), **rules)  # type: ignore[arg-type]
    return recipients.plan(wishes, chosen, people or People(), sender=SENDER, what="patch a")


def shown(made: recipients.Plan) -> list[str]:
    """The plan a line an address, those left out at the end."""
    lines = [f"{one.field}: {one.address} ({'; '.join(one.reasons)})" for one in made.recipients]
    return lines + [f"not: {one.address} ({one.why})" for one in made.left_out]


@pytest.mark.parametrize(
    ("wishes", "rules", "expected"),
    [
        pytest.param(
            [LIST, ROB, ALICE],
            {},
            [
                "to: Alice Maintainer <alice@example.org> (maintainer of A)",
                "cc: Rob Reviewer <rob@example.org> (reviewer of A)",
                "cc: a@lists.example.org (list of A)",
            ],
            id="order of roles",
        ),
        pytest.param(
            [LIST, ROB, ALICE],
            {"roles": ("list", "maintainer"), "to": ("list",)},
            [
                "to: a@lists.example.org (list of A)",
                "cc: Alice Maintainer <alice@example.org> (maintainer of A)",
                "not: Rob Reviewer <rob@example.org> ('reviewer' is not among the roles)",
            ],
            id="roles chosen",
        ),
        pytest.param(
            [ALICE, ROB, LIST, Wish("Zed <z@example.org>", "reply", "answered patch 1 of v1")],
            {"limit": 2},
            [
                "to: Alice Maintainer <alice@example.org> (maintainer of A)",
                "cc: Rob Reviewer <rob@example.org> (reviewer of A)",
                "cc: a@lists.example.org (list of A)",
                "not: Zed <z@example.org> (over the limit of 2)",
            ],
            id="limit",
        ),
        pytest.param(
            [
                Wish("Far Away <far@example.org>", "maintainer", "patch 2", distant=True),
                Wish("Zed Near <z@example.org>", "reply", "answered patch 1 of v1"),
            ],
            {"limit": 1},
            [
                "to: Zed Near <z@example.org> (answered patch 1 of v1)",
                "not: Far Away <far@example.org> (over the limit of 1)",
            ],
            id="who is concerned goes before who is not",
        ),
        pytest.param(
            [ALICE, LIST, Wish("Gone <gone@old.example.org>", "trailer", "Cc trailer")],
            {"block": ("*@LISTS.example.org",), "bounce": ("gone@old.example.org",)},
            [
                "to: Alice Maintainer <alice@example.org> (maintainer of A)",
                "not: a@lists.example.org (blocked (*@LISTS.example.org))",
                "not: Gone <gone@old.example.org> (bounces)",
            ],
            id="block and bounce",
        ),
        pytest.param(
            [
                ALICE,
                Wish("ALICE@example.org", "reviewer", "reviewer of B"),
                Wish("Alice  maintainer <alice@home.example.org>", "trailer", "Acked-by trailer"),
            ],
            {},
            [
                "to: Alice Maintainer <alice@example.org> (maintainer of A; reviewer of B; "
                "Acked-by trailer (as alice@home.example.org))"
            ],
            id="one person, two addresses",
        ),
        pytest.param(
            [
                Wish("Alice Maintainer <alice@dead.example.org>", "maintainer", "maintainer of A"),
                Wish("Alice Maintainer <alice@home.example.org>", "trailer", "Acked-by trailer"),
            ],
            {"bounce": ("alice@dead.example.org",)},
            [
                "to: Alice Maintainer <alice@home.example.org> (Acked-by trailer)",
                "not: Alice Maintainer <alice@dead.example.org> (bounces)",
            ],
            id="one person, one address bounces",
        ),
        pytest.param(
            [ALICE, Wish("Alice Maintainer <alice@home.example.org>", "trailer", "Cc trailer")],
            {"merge": "mailmap"},
            [
                "to: Alice Maintainer <alice@example.org> (maintainer of A)",
                "cc: Alice Maintainer <alice@home.example.org> (Cc trailer)",
            ],
            id="names are not merged",
        ),
        pytest.param(
            [
                Wish("Wei <w@example.org>", "maintainer", "x"),
                Wish("Wei <v@example.org>", "list", "y"),
            ],
            {},
            ["to: Wei <w@example.org> (x)", "cc: Wei <v@example.org> (y)"],
            id="a single name is not a person",
        ),
        pytest.param(
            [
                ALICE,
                Wish("Thea Rest <thea@example.org>", "maintainer", "maintainer of B"),
                Wish("Alice Maintainer <alice@home.example.org>", "named", "series.toml", "cc"),
            ],
            {},
            [
                "to: Thea Rest <thea@example.org> (maintainer of B)",
                "cc: Alice Maintainer <alice@home.example.org> (series.toml; "
                "maintainer of A (as alice@example.org))",
            ],
            id="who is named is named by that address and field",
        ),
        pytest.param(
            [ROB, LIST],
            {},
            [
                "to: a@lists.example.org (list of A)",
                "cc: Rob Reviewer <rob@example.org> (reviewer of A)",
            ],
            id="nobody for To: lists",
        ),
        pytest.param(
            [ROB],
            {},
            ["to: Rob Reviewer <rob@example.org> (reviewer of A)"],
            id="nobody for To: everybody",
        ),
        pytest.param(
            [ALICE, Wish(SENDER, "maintainer", "maintainer of A")],
            {},
            ["to: Alice Maintainer <alice@example.org> (maintainer of A)"],
            id="not the sender",
        ),
        pytest.param(
            [ALICE, Wish("-froot@example.org", "maintainer", "m"), Wish("x" * 300, "reply", "r")],
            {},
            [
                "to: Alice Maintainer <alice@example.org> (maintainer of A)",
                "not: -froot@example.org (begins with '-')",
                f"not: {'x' * 300} (has no address)",
            ],
            id="bad addresses of the tree and of mails",
        ),
    ],
)
def test_plan(wishes: list[Wish], rules: dict[str, object], expected: list[str]) -> None:
    assert shown(plan(*wishes, **rules)) == expected


def test_the_mailmap_says_who_is_who() -> None:
    people = People(
        {
            "Alice Old <old@example.org>": "Alice Maintainer <alice@example.org>",
            "a.m@example.org": "Alice Maintainer <alice@example.org>",
        }
    )
    made = plan(
        ALICE,
        Wish("Alice Old <old@example.org>", "trailer", "Acked-by trailer"),
        Wish("a.m@example.org", "fixes", "author"),
        people=people,
        merge="mailmap",
    )
    assert shown(made) == [
        "to: Alice Maintainer <alice@example.org> (maintainer of A; Acked-by trailer "
        "(as old@example.org); author (as a.m@example.org))"
    ]


def test_bad_addresses_of_the_campaign_are_all_named() -> None:
    with pytest.raises(CampaignError) as raised:
        plan(
            Wish("Bob <bob@xxxxxxx>", "named", "series.toml"),
            Wish("Eve \r\nBcc: <e@example.org>", "trailer", "Cc trailer"),
            ALICE,
        )
    assert raised.value.problems == (
        "patch a: the address 'Bob <bob@xxxxxxx>' (series.toml) is obfuscated",
        "patch a: the address 'Eve \\r\\nBcc: <e@example.org>' (Cc trailer) has control characters",
    )


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({}, Policy()),
        ({"recipients.scope": ("patch", "series")}, Policy(scope="series")),
        ({"recipients.roles": ("maintainer, list", "named")},
         Policy(roles=("maintainer", "list", "named"))),
        ({"recipients.block": ("a@example.org", "*@b.example.org")},
         Policy(block=("a@example.org", "*@b.example.org"))),
        ({"recipients.without": ("ARM, ALL OF IT",)}, Policy(without=("ARM, ALL OF IT",))),
        ({"recipients.limit": ("30",), "tree": ("/x",)}, Policy(limit=30)),
        ({"recipients.block": ("Rob R. <Rob@example.org>, *@x.example",)},
         Policy(block=("rob@example.org", "*@x.example"))),
    ],
)  # fmt: skip
def test_policy_of_git_config(found: dict[str, tuple[str, ...]], expected: Policy) -> None:
    assert policy.from_git(found) == expected


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"recipients.scope": ("all",)}, "'all' is not one of patch, series, cover"),
        ({"recipients.to": ("maintainer boss",)}, "'boss' is not one of named,"),
        ({"recipients.limit": ("-3",)}, "'-3' is not a whole number"),
        ({"recipients.blok": ("x",)}, "there is no such setting"),
        ({"recipients.block": ("rob",)}, "'rob' is no address, nor a pattern"),
        ({"recipients.bounce": ("Rob <rob>",)}, "'Rob <rob>' is no address"),
    ],
)
def test_bad_policy(found: dict[str, tuple[str, ...]], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        policy.from_git(found)


# --- through the command -----------------------------------------------------------------


def answer(reroll: Run, small: Small, *words: object) -> dict[str, object]:
    done = reroll(*small.words("recipients", "--json", *words))
    assert (done.code, done.err) == (0, "")
    return dict(json.loads(done.out))


def mails(found: dict[str, object]) -> list[list[str]]:
    """To and Cc of each mail, the addresses alone, those in Cc in brackets."""
    return [
        [_bare(text) for text in mail["to"]] + [f"({_bare(text)})" for text in mail["cc"]]
        for mail in found["mails"]  # type: ignore[attr-defined]
    ]


def _bare(address: str) -> str:
    return address.split("<")[-1].split("@")[0]


def test_table(reroll: Run, small: Small) -> None:
    assert reroll(*small.words("generate")).code == 0
    done = reroll(*small.words("recipients"))
    assert (done.code, done.err) == (0, "")
    width = len("Alice Maintainer <alice@example.org>")
    assert done.out.splitlines()[:9] == [
        "[PATCH 0/2] Use new_call()",
        "  To  Alice Maintainer <alice@example.org>  concerned by patch 1",
        f"  To  {'Thea Rest <thea@example.org>':<{width}}  concerned by patches 1-2",
        f"  Cc  {'Rob Reviewer <rob@example.org>':<{width}}  concerned by patch 1",
        f"  Cc  {'drivers@lists.example.org':<{width}}  concerned by patch 1",
        f"  Cc  {'all@lists.example.org':<{width}}  concerned by patches 1-2",
        "[PATCH 1/2] drivers: a: use new_call()",
        "  To  Alice Maintainer <alice@example.org>  "
        "maintainer of DRIVERS OF A through F: drivers/a/",
        f"  To  {'Thea Rest <thea@example.org>':<{width}}  maintainer of THE REST through F: */",
    ]


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (
            'scope = "series"',
            [
                *[["alice", "thea", "(rob)", "(drivers)", "(all)"]] * 2,
                ["thea", "alice", "(all)", "(rob)", "(drivers)"],
            ],
        ),
        (
            'scope = "cover"',
            [
                ["alice", "thea", "(rob)", "(drivers)", "(all)"],
                ["alice", "thea", "(drivers)", "(all)"],
                ["thea", "(all)"],
            ],
        ),
        (
            'without = ["the rest"]\nto = ["list"]\nblock = ["*@lists.example.org"]',
            [["alice", "rob"], ["alice", "rob"], []],
        ),
    ],
)
@pytest.mark.slow
def test_update_readdresses_mails_by_rules(
    reroll: Run, small: Small, table: str, expected: list[list[str]]
) -> None:
    small.rewrite('[[patch]]\nid = "a"', f'[recipients]\n{table}\n\n[[patch]]\nid = "a"')
    small.rewrite(f"[recipients]\n{table}\n\n", "")
    assert reroll(*small.words("generate")).code == 0
    before = {path: path.read_bytes() for path in (small.folder / "versions/v1").iterdir()}
    small.rewrite('[[patch]]\nid = "a"', f'[recipients]\n{table}\n\n[[patch]]\nid = "a"')
    found = answer(reroll, small, "--update", "-n")
    assert mails(found) == expected
    assert {path: path.read_bytes() for path in (small.folder / "versions/v1").iterdir()} == before
    found = answer(reroll, small, "--update")
    assert mails(found) == expected
    # Generating anew gives the same bytes.
    updated = {path: path.read_bytes() for path in (small.folder / "versions/v1").iterdir()}
    assert updated != before
    assert reroll(*small.words("generate")).code == 0
    assert {path: path.read_bytes() for path in updated} == updated


@pytest.mark.slow
def test_what_was_sent_is_not_readdressed(reroll: Run, small: Small) -> None:
    assert reroll(*small.words("generate")).code == 0
    with smtp_server() as server:
        send_to(server, small.tree)
        assert reroll(*small.words("send", "--yes")).code == 0
    done = reroll(*small.words("recipients", "--update"))
    assert (done.code, "has been sent" in done.err) == (2, True)


@pytest.mark.slow
def test_against_the_version_before(reroll: Run, small: Small) -> None:
    assert reroll(*small.words("generate", "-v", 1)).code == 0
    small.rewrite('id = "a"', 'id = "a"\ncc = ["Jo Watcher <jo@example.org>"]')
    small.rewrite('[[patch]]\nid = "a"', '[recipients]\nblock = ["rob@*"]\n[[patch]]\nid = "a"')
    assert reroll(*small.words("generate", "-v", 2)).code == 0
    done = reroll(*small.words("recipients"))
    assert done.out.split("no longer):\n")[1].splitlines() == [
        "  + Jo Watcher <jo@example.org>: cover letter, patch 1",
        "  - Rob Reviewer <rob@example.org>: cover letter, patch 1",
    ]
    assert "  --  Rob Reviewer <rob@example.org>" in done.out
    assert "blocked (rob@*): reviewer of DRIVERS OF A" in done.out


def test_addresses_edited_by_hand_are_named(reroll: Run, small: Small) -> None:
    assert reroll(*small.words("generate")).code == 0
    mail = next((small.folder / "versions/v1").glob("0001*"))
    mail.write_text(mail.read_text().replace("Thea Rest <thea", "Thea Rest <eve"))
    done = reroll(*small.words("recipients"))
    assert done.code == 0
    assert f"{mail.name}: To is not as planned" in done.err


def test_the_author_of_what_fixes_names(reroll: Run, small: Small) -> None:
    (small.tree / "drivers/b/b.c").write_text(
        (small.tree / "drivers/b/b.c").read_text() + "int c;\n"
    )
    git(small.tree, "add", "-f", "-A")
    git(small.tree, "commit", "-q", "-m", "x", "--author", "Fay Breaker <fay@example.org>")
    commit = git(small.tree, "rev-parse", "HEAD")
    fixes = f'Fixes: {commit[:12]} (\\"x\\")\\nFixes: 0123456789ab (\\"no such\\")'
    small.rewrite("new_call() is better here, too.", f"Better.\\n\\n{fixes}")
    assert reroll(*small.words("generate")).code == 0
    done = reroll(*small.words("recipients"))
    assert f"author of {commit[:12]}, which Fixes: names" in done.out
    assert mails(answer(reroll, small))[2] == ["thea", "(all)", "(fay)"]


def test_mailmap_of_the_tree_and_of_the_user(reroll: Run, small: Small, tmp_path: Path) -> None:
    (small.tree / ".mailmap").write_text(
        "Rob Reviewer <rob@new.example.org> <robert@example.org>\n"
    )
    commit_all(small.tree, "mailmap")
    mine = tmp_path / "mailmap"
    mine.write_text("Zoe Tester <zoe@example.org> <z@old.example.org>\n")
    git(small.tree, "config", "mailmap.file", str(mine))
    small.rewrite(
        "new_call() is better here, too.",
        "Better.\\n\\nCc: R <robert@example.org>\\nTested-by: Z <z@old.example.org>",
    )
    assert reroll(*small.words("generate")).code == 0
    (mail,) = answer(reroll, small)["mails"][2:]  # type: ignore[index]
    assert mail["cc"] == [
        "all@lists.example.org",
        "Rob Reviewer <rob@new.example.org>",
        "Zoe Tester <zoe@example.org>",
    ]
    assert mail["recipients"][-1]["reasons"] == ["Tested-by trailer (as z@old.example.org)"]


def _answer_to(parent: str, sender: str, number: int) -> EmailMessage:
    message = EmailMessage()
    message["From"] = sender
    message["Message-ID"] = f"<{number}@example.org>"
    message["In-Reply-To"] = parent
    message.set_content("Looks odd.\n")
    return message


def test_who_answered_an_earlier_version(reroll: Run, small: Small) -> None:
    assert reroll(*small.words("generate", "-v", 1)).code == 0
    ids = [mail["message_id"] for mail in answer(reroll, small)["mails"]]  # type: ignore[attr-defined]
    (small.folder / "replies").mkdir()
    box = mailbox.mbox(small.folder / "replies/v1.mbox")
    box.add(_answer_to(ids[2], "Carl Critic <carl@example.org>", 1))
    box.add(_answer_to(ids[0], "Wanda <wanda@example.org>", 2))
    box.add(_answer_to("<else@example.org>", "Stranger <s@example.org>", 3))
    deep = _answer_to("<unseen@example.org>", "Deep Reader <deep@example.org>", 4)
    deep["References"] = f"{ids[0]} {ids[1]} <unseen@example.org>"
    box.add(deep)
    box.add(_answer_to(ids[1], "=?nope?q?x?= <broken@@example.org>", 5))
    box.close()
    (small.folder / "replies/broken.mbox").write_bytes(b"From x\n\xff\xfe\0no mail\n\nFrom \n")
    assert reroll(*small.words("generate", "-v", 2)).code == 0
    found = answer(reroll, small)
    assert mails(found) == [
        ["alice", "thea", "(rob)", "(drivers)", "(all)", "(wanda)", "(deep)", "(carl)"],
        ["alice", "thea", "(rob)", "(drivers)", "(all)", "(wanda)", "(deep)"],
        ["thea", "(all)", "(carl)", "(wanda)"],
    ]
    carl = found["mails"][2]["recipients"][2]  # type: ignore[index]
    assert carl["reasons"] == ["answered patch 2 of v1"]


@pytest.mark.slow
def test_who_sends_is_configured(reroll: Run, small: Small) -> None:
    git(small.tree, "config", "sendemail.from", "Ada at Home <ada@home.example.org>")
    assert reroll(*small.words("generate")).code == 0
    mail = next((small.folder / "versions/v1").glob("0001*")).read_text()
    head, _, body = mail.partition("\n\n")
    assert "\nFrom: Ada at Home <ada@home.example.org>\n" in head
    assert body.startswith("From: Ada Developer <ada@example.org>\n\nnew_call() is better")
    git(small.tree, "config", "sendemail.from", "nobody")
    done = reroll(*small.words("generate"))
    assert (done.code, "sendemail.from: 'nobody' has no address" in done.err) == (2, True)


@pytest.mark.slow
def test_a_series_is_known_by_its_change_id(reroll: Run, small: Small) -> None:
    ids = []
    for number in (1, 2):
        assert reroll(*small.words("generate", "-v", number)).code == 0
        cover = next((small.folder / f"versions/v{number}").glob("*0000*")).read_text()
        ids.append(cover.split("\nchange-id: ")[1].split("\n")[0])
    assert ids[0] == ids[1]
    assert "change-id" not in next((small.folder / "versions/v2").glob("*0001*")).read_text()


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["none", "previous"])
def test_a_version_answers_the_one_before_where_that_is_wanted(
    reroll: Run, small: Small, policy: str
) -> None:
    small.rewrite("[series]\n", f'[series]\nin_reply_to = "{policy}"\n')
    with smtp_server() as server:
        send_to(server, small.tree)
        assert reroll(*small.words("generate", "-v", 1)).code == 0
        assert reroll(*small.words("send", "--yes")).code == 0
        # Generated, and never posted.
        assert reroll(*small.words("generate", "-v", 2)).code == 0
        assert reroll(*small.words("generate", "-v", 3)).code == 0
        assert reroll(*small.words("send", "--yes")).code == 0
        first, cover, patch = (server.messages[at] for at in (0, 3, 4))
    parent = first["Message-ID"] if policy == "previous" else None
    assert cover["In-Reply-To"] == parent
    assert patch["In-Reply-To"] == cover["Message-ID"]
    line = [parent, cover["Message-ID"]] if parent else [cover["Message-ID"]]
    assert patch["References"].split() == line


def test_two_addresses_of_one_name_in_maintainers(reroll: Run, small: Small) -> None:
    file = small.tree / "MAINTAINERS"
    other = "R:\tThea Rest <other@example.org>\nL:\tdrivers@"
    file.write_text(file.read_text().replace("L:\tdrivers@", other))
    commit_all(small.tree, "two addresses")
    assert reroll(*small.words("generate")).code == 0
    assert mails(answer(reroll, small))[1] == ["alice", "thea", "(rob)", "(drivers)", "(all)"]
    git(small.tree, "config", "reroll.recipients.bounce", "thea@example.org")
    found = mails(answer(reroll, small, "--update"))
    assert found[1] == ["alice", "(rob)", "(other)", "(drivers)", "(all)"]
    git(small.tree, "config", "--unset", "reroll.recipients.bounce")
    git(small.tree, "config", "reroll.recipients.merge", "mailmap")
    found = mails(answer(reroll, small, "--update"))
    assert found[1] == ["alice", "thea", "(rob)", "(other)", "(drivers)", "(all)"]


def test_sections_that_do_not_count_are_named(reroll: Run, small: Small) -> None:
    git(small.tree, "config", "reroll.recipients.without", "the rest")
    git(small.tree, "config", "--add", "reroll.recipients.without", "TEH REST")
    done = reroll(*small.words("generate"))
    assert done.code == 0
    assert "recipients.without: MAINTAINERS has no section 'TEH REST'" in done.err
    done = reroll(*small.words("recipients"))
    assert "THE REST does not count: list of THE REST through F: */" in done.out


@pytest.mark.slow
def test_rules_that_changed_are_noticed(reroll: Run, small: Small) -> None:
    assert reroll(*small.words("generate")).code == 0
    assert reroll(*small.words("recipients")).err == ""
    git(small.tree, "config", "reroll.recipients.block", "rob@example.org")
    done = reroll(*small.words("recipients"))
    assert (done.code, "decided under other rules" in done.err) == (0, True)
    assert "decided under other rules" in reroll(*small.words("send", "-n")).err
    assert reroll(*small.words("recipients", "--update")).code == 0
    assert reroll(*small.words("recipients")).err == ""


@pytest.mark.slow
def test_a_lost_journal_keeps_a_version_as_it_is(reroll: Run, small: Small, inbox: Inbox) -> None:
    assert reroll(*small.words("generate")).code == 0
    assert reroll(*small.words("send", "--yes")).code == 0
    (small.folder / "journal.jsonl").unlink()
    for words in (["generate"], ["recipients", "--update"]):
        done = reroll(*small.words(*words))
        assert (done.code, "journal.jsonl has no word of it" in done.err) == (3, True)


def test_update_waits_for_nobody(reroll: Run, small: Small) -> None:
    assert reroll(*small.words("generate")).code == 0
    with store.lock(small.folder):
        done = reroll(*small.words("recipients", "--update"))
    assert (done.code, "another reroll is at work" in done.err) == (3, True)


@pytest.mark.slow
def test_names_that_look_encoded_stay_what_they_are(
    reroll: Run, small: Small, inbox: Inbox
) -> None:
    name = "=?utf-8?q?Thea=0aBcc:_x?="
    small.rewrite('id = "b"', f'id = "b"\ncc = ["{name} <eve@example.org>"]')
    small.rewrite('title = "Use new_call()"', 'title = "Use =?utf-8?q?=0aBcc:_x=40example.org?="')
    assert reroll(*small.words("generate")).code == 0
    assert reroll(*small.words("recipients")).err == ""
    assert reroll(*small.words("send", "--yes")).code == 0
    cover, _, patch = inbox.messages
    assert f"{name} <eve@example.org>" in in_header(patch["Cc"])
    shown = " ".join(str(make_header(decode_header(cover["Subject"]))).split())
    assert shown == "[PATCH 0/2] Use =?utf-8?q?=0aBcc:_x=40example.org?="
    assert all("Bcc" not in mail for mail in inbox.messages)


@pytest.mark.slow
def test_replies_that_are_no_mails(reroll: Run, small: Small) -> None:
    assert reroll(*small.words("generate", "-v", 1)).code == 0
    ids = [mail["message_id"] for mail in answer(reroll, small)["mails"]]  # type: ignore[attr-defined]
    folder = small.folder / "replies"
    folder.mkdir()
    (folder / "dangling.mbox").symlink_to("nowhere")
    (folder / "directory.mbox").mkdir()
    os.mkfifo(folder / "pipe.mbox")
    evil = "=?utf-8?q?=3D=3Futf-8=3Fq=3FEv=3D0aBcc=3D3a_x=3F=3D?= <e@rep.example>"
    (folder / "a.mbox").write_bytes(
        "From bö@y Thu Jan  1 00:00:00 1970\n\nx\n\nFrom \n".encode()
        + f"From x\nFrom: {evil}\nMessage-ID: <1@x>\nIn-Reply-To: {ids[0]}\n\nNo.\n".encode()
    )
    assert reroll(*small.words("generate", "-v", 2)).code == 0
    assert "=?utf-8?q?Ev=0aBcc=3a x?= <e@rep.example>" in reroll(*small.words("recipients")).out
    assert reroll(*small.words("send", "-n", "-v", 2)).code == 0


def test_json_is_json_whatever_maintainers_says(reroll: Run, small: Small) -> None:
    file = small.tree / "MAINTAINERS"
    file.write_text(file.read_text().replace("DRIVERS OF A", "DRIVERS \u009b31m OF\x7f A"))
    commit_all(small.tree, "odd")
    assert json.loads(reroll(*small.words("generate", "--json")).out)["patches"]
    assert answer(reroll, small)["mails"]


@pytest.mark.slow
def test_templates_know_what_was_posted(reroll: Run, small: Small, inbox: Inbox) -> None:
    link = "{% for v in previous %}Link to v{{ v.version }}: {{ v.message_id }}{% endfor %}"
    small.rewrite("All users move over.", f"All users.\\n{link}")
    small.rewrite('cover = "', 'cover = "')
    assert reroll(*small.words("generate", "-v", 1)).code == 0
    assert reroll(*small.words("send", "--yes")).code == 0
    assert reroll(*small.words("generate", "-v", 2)).code == 0
    cover = next((small.folder / "versions/v2").glob("*0000*")).read_text()
    assert f"Link to v1: {inbox.messages[0]['Message-ID'].strip('<>')}" in cover
