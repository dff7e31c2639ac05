"""One rule, many patches: by subsystem, directory or file, in waves, in series of their own."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.split import Shard, common_prefix, distinct, path_prefix, prefix_of, shards, slug
from tests.conftest import RENAME, Outcome, Run
from tests.repositories import commit_all, git, make_repository

MAINTAINERS = """\
ALPHA SUBSYSTEM
M:\tAlice <alice@example.org>
T:\tgit git://git.example.org/alpha.git
F:\tdrivers/alpha/

ALPHA FAST DRIVER
M:\tAnton <anton@example.org>
T:\tgit git://git.example.org/alpha.git
F:\tdrivers/alpha/fast/

BETA DRIVERS
M:\tBea <bea@example.org>
F:\tdrivers/beta/

THE REST
M:\tThea <thea@example.org>
F:\t*
F:\t*/
"""
API = "int old_call(int x);\nint new_call(int x);\n"


def call(name: str) -> str:
    return f"int {name}(int x)\n{{\n\treturn old_call(x);\n}}\n"


FILES = {
    "MAINTAINERS": MAINTAINERS,
    "include/linux/api.h": API,
    "drivers/alpha/one.c": call("one"),
    "drivers/alpha/fast/two.c": call("two"),
    "drivers/beta/three.c": call("three"),
    "lib/four.c": "/* old_call() */\n" + call("four"),
}
CAMPAIGN = """\
[series]
name = "new-call"
title = "Use new_call()"
cover = "{{ ledger.counts.converted }} of {{ ledger.total }}"

[[patch]]
id = "head"
title = "api: document new_call()"

[[patch.step]]
edit = "include/linux/api.h"
pattern = '^int new_call'
replace = '/* use this one */\\nint new_call'

[[patch]]
id = "convert"
title = "use new_call()"
message = '''For {{ subsystem }}: {{ files | length }} files.'''
split = "subsystem"

[[patch.step]]
rule = "rename.cocci"

[[patch]]
id = "tail"
title = "api: remove old_call()"
needs = "convert"

[[patch.step]]
edit = "include/linux/api.h"
pattern = '^int old_call.*\\n'
replace = ""
"""


class Place:
    """A tree, a series folder, and what a run of generate made of them."""

    def __init__(self, reroll: Run, tmp_path: Path) -> None:
        self._reroll = reroll
        self.tree = make_repository(tmp_path / "tree", FILES)
        self.folder = tmp_path / "series"
        self.folder.mkdir()
        (self.folder / "rename.cocci").write_text(RENAME)
        self.campaign = CAMPAIGN

    def rewrite(self, old: str, new: str) -> None:
        assert old in self.campaign
        self.campaign = self.campaign.replace(old, new)

    def generate(self, *words: object) -> Outcome:
        (self.folder / "series.toml").write_text(self.campaign)
        return self._reroll("-C", self.folder, "--tree", self.tree, "generate", *words)

    def manifest(self, number: int = 1, below: str = "") -> dict[str, object]:
        place = self.folder / below / f"versions/v{number}/manifest.json"
        return dict(json.loads(place.read_text()))

    def titles(self, number: int = 1, below: str = "") -> list[str]:
        return [patch["title"] for patch in self.manifest(number, below)["patches"]]  # type: ignore[attr-defined]

    def shards(self, number: int = 1) -> dict[str, list[str]]:
        found = self.manifest(number)["patches"]
        return {patch["id"]: patch["files"] for patch in found if patch["label"]}  # type: ignore[attr-defined]


@pytest.fixture
def place(reroll: Run, tmp_path: Path) -> Place:
    return Place(reroll, tmp_path)


def test_head_shards_and_tail(place: Place) -> None:
    done = place.generate()
    assert done.code == 0, done.err
    assert place.titles() == [
        "api: document new_call()",
        "alpha: use new_call()",
        "beta: three: use new_call()",
        "lib: four: use new_call()",
        "api: remove old_call()",
    ]
    assert place.shards() == {
        "convert-alpha-subsystem": ["drivers/alpha/fast/two.c", "drivers/alpha/one.c"],
        "convert-beta-drivers": ["drivers/beta/three.c"],
        "convert-lib-four-c": ["lib/four.c"],
    } or "convert-lib" in " ".join(place.shards())
    messages = git(place.tree, "log", "--format=%B", "reroll/new-call")
    assert "For ALPHA SUBSYSTEM: 2 files." in messages
    # Each stands on the one before, and all together are the whole change.
    assert git(place.tree, "rev-list", "--count", "master..reroll/new-call") == "5"
    assert git(place.tree, "grep", "-h", "old_call", "reroll/new-call", "--", "*.c") == (
        "/* old_call() */"
    )


def test_each_shard_has_its_own_recipients_and_ledger(place: Place) -> None:
    assert place.generate().code == 0
    by_id = {patch["id"]: patch for patch in place.manifest()["patches"]}  # type: ignore[attr-defined]
    beta = by_id["convert-beta-drivers"]
    assert next(item["address"] for item in beta["recipients"] if item["field"] == "to") == (
        "Bea <bea@example.org>"
    )
    assert "alice@example.org" not in json.dumps(beta["recipients"])
    assert beta["ledger"]["counts"] == {"converted": 1}
    assert [site["path"] for site in beta["ledger"]["sites"]] == ["drivers/beta/three.c"]
    rest = place.manifest()["rest"]["convert"]  # type: ignore[index]
    assert {site["path"] for site in rest["sites"]} == {"include/linux/api.h"}


def test_a_shard_of_an_edit_alone_does_not_quote_the_rule(place: Place) -> None:
    place.rewrite("files.'''", "files.{% if smpl_body %} By rule:\n{{ smpl_body }}{% endif %}'''")
    place.rewrite(
        'rule = "rename.cocci"',
        'rule = "rename.cocci"\n\n[[patch.step]]\nedit = "include/linux/api.h"\n'
        'pattern = "^int old"\nreplace = "extern int old"',
    )
    place.rewrite("'^int old_call", "'^extern int old_call")
    done = place.generate()
    assert done.code == 0, done.err
    messages = git(place.tree, "log", "--format=%s%n%b%x00", "reroll/new-call").split("\0")
    quoting = [text.strip().split("\n")[0] for text in messages if "By rule:" in text]
    assert len(quoting) == 3
    assert not [title for title in quoting if "api" in title]


@pytest.mark.parametrize(
    ("kind", "count"), [("maintainer", 4), ("directory", 4), ("file", 4), ("subsystem", 3)]
)
def test_kinds(place: Place, kind: str, count: int) -> None:
    place.rewrite('split = "subsystem"', f'split = "{kind}"')
    done = place.generate()
    assert done.code == 0, done.err
    assert len(place.shards()) == count
    assert len(set(place.titles())) == count + 2


def test_tail_is_held_back_while_a_site_remains(place: Place) -> None:
    place.rewrite('rule = "rename.cocci"', 'rule = "rename.cocci"\nexclude = { "lib" = "later" }')
    done = place.generate()
    assert done.code == 0, done.err
    assert (
        "left out: api: remove old_call() [tail]: held back: 1 site of convert left, "
        "the first at lib/four.c:4"
    ) in done.out
    assert "old_call" in git(place.tree, "show", "reroll/new-call:include/linux/api.h")


@pytest.mark.slow
def test_waves_keep_their_order_and_merged_shards_drop_out(place: Place) -> None:
    place.rewrite('split = "subsystem"', 'split = "subsystem"\nlimit = 2')
    done = place.generate("-v", 1)
    assert done.code == 0, done.err
    assert list(place.shards()) == ["convert-alpha-subsystem", "convert-beta-drivers"]
    assert "limit = 2: 1 shard for a later version" in done.out
    assert "held back: 1 site of convert left" in done.out

    # Alpha was taken upstream; a new user turned up in front of all others.
    (place.tree / "drivers/alpha/one.c").write_text(call("one").replace("old", "new"))
    (place.tree / "drivers/alpha/fast/two.c").write_text(call("two").replace("old", "new"))
    (place.tree / "arch").mkdir()
    (place.tree / "arch/zero.c").write_text(call("zero"))
    commit_all(place.tree, "a month later")
    place.rewrite("limit = 2", "limit = 9")
    done = place.generate("-v", 2)
    assert done.code == 0, done.err
    assert next(iter(place.shards(2))) == "convert-beta-drivers"
    assert len(place.shards(2)) == 3
    assert place.titles(2)[-1] == "api: remove old_call()"


@pytest.mark.slow
def test_series_of_their_own(place: Place, reroll: Run) -> None:
    place.rewrite('split = "subsystem"', 'split = "subsystem"\ninto = "series"')
    done = place.generate()
    assert done.code == 0, done.err
    assert place.titles() == ["api: document new_call()"]
    assert "held back: 4 sites of convert left" in done.out
    below = sorted(path.name for path in (place.folder / "series").iterdir())
    assert below[:2] == ["convert-alpha-subsystem", "convert-beta-drivers"]
    assert place.titles(1, "series/convert-beta-drivers") == ["beta: three: use new_call()"]
    # A maintainer can take each alone: on top of the head patch, without the others.
    head = git(place.tree, "rev-parse", "reroll/new-call")
    for name in below:
        assert git(place.tree, "rev-parse", f"reroll/new-call-{name}~") == head
    mail = next(
        (place.folder / "series/convert-beta-drivers/versions/v1").glob("*.patch")
    ).read_text()
    assert "base-commit: " + git(place.tree, "rev-parse", "master") in mail
    assert "prerequisite-patch-id: " in mail
    head_id = place.manifest()["patches"][0]["message_id"]  # type: ignore[index]
    assert f'\n---\nGoes on top of "Use new_call()":\n  {head_id}\n\n' in mail
    again = place.generate("-v", 2)
    assert again.code == 0, again.err
    assert place.titles(2, "series/convert-beta-drivers") == ["beta: three: use new_call()"]
    shown = json.loads(place.generate("-v", 2, "--json").out)
    assert [version["name"] for version in shown][:2] == [
        "new-call",
        "new-call-convert-alpha-subsystem",
    ]


def test_prefix_from_history(place: Place) -> None:
    for name in ("one", "fast/two"):
        for text in ("add", "mend"):
            path = place.tree / f"drivers/alpha/{name}.c"
            path.write_text(path.read_text() + f"/* {text} */\n")
            commit_all(place.tree, f"platform/alpha: {Path(name).name}: {text} it")
    assert place.generate().code == 0
    assert "platform/alpha: use new_call()" in place.titles()


@pytest.mark.slow
def test_same_run_same_commits(place: Place) -> None:
    assert place.generate().code == 0
    tip = git(place.tree, "rev-parse", "reroll/new-call")
    assert place.generate().code == 0
    assert git(place.tree, "rev-parse", "reroll/new-call") == tip


def test_a_campaign_that_makes_no_sense(place: Place) -> None:
    place.rewrite('split = "subsystem"', 'split = "subsistem"')
    place.rewrite('needs = "convert"', 'needs = "later"\nlimit = 3')
    done = place.generate()
    assert done.code == 2
    assert "patch[2] (convert).split" in done.err
    place.rewrite('split = "subsistem"', 'split = "none"')
    done = place.generate()
    assert "patch[3] (tail).needs: there is no patch 'later' before this one" in done.err
    assert "patch[3] (tail): into and limit are for a patch with split" in done.err


@pytest.mark.parametrize(
    ("subject", "prefix"),
    [
        ("drm/exynos: do it", "drm/exynos"),
        ("media: cec: pulse8: do it", "media: cec: pulse8"),
        ("KVM: x86/mmu: do it: now", "KVM: x86/mmu"),
        ("net: ethernet: mtk_eth_soc: mend", "net: ethernet: mtk_eth_soc"),
        ("Merge tag 'x' of y: z", ""),
        ('Revert "a: b"', ""),
        ("Linux 5.10", ""),
        ("do it", ""),
    ],
)
def test_prefix_of_a_subject(subject: str, prefix: str) -> None:
    assert prefix_of(subject) == prefix


def test_common_prefix() -> None:
    subjects = {"a": ["media: cec: x", "media: cec: y"], "b": ["media: rc: z"], "c": ["oops"]}
    assert common_prefix(["a"], subjects) == "media: cec"
    assert common_prefix(["a", "b"], subjects) == "media"
    assert common_prefix(["c"], subjects) == ""
    assert common_prefix(["d"], subjects) == ""


@pytest.mark.parametrize(
    ("files", "label", "prefix"),
    [
        (["drivers/gpu/drm/exynos/g2d.c", "include/drm/x.h"], "", "drm/exynos"),
        (["drivers/gpu/drm/a/x.c", "drivers/gpu/drm/b/x.c"], "", "drm"),
        (["drivers/char/bsr.c", "drivers/misc/x.c"], "CHAR and MISC DRIVERS", "char-misc"),
        (["drivers/rtc/class.c"], "", "rtc"),
        (["drivers/spi/spidev.c"], "", "spi: spidev"),
        (["drivers/pci/switch/switchtec.c"], "", "PCI: switch"),
        (["mm/memory.c"], "", "mm: memory"),
        (["mm/memory.c", "mm/nommu.c"], "", "mm"),
        (["arch/mips/kernel/x.c"], "", "MIPS"),
        (["include/linux/mm.h"], "", "mm"),
        (["Makefile"], "", "Makefile"),
        (["a/b.c", "c/d.c"], "", "treewide"),
    ],
)
def test_prefix_from_paths(files: list[str], label: str, prefix: str) -> None:
    assert path_prefix(files, label) == prefix


def test_names_tell_shards_apart() -> None:
    labels = {"a": "ALPHA DRIVER", "b": "ALPHA: DRIVER!", "c": "\u0410", "d": "\u0411"}
    made = shards(labels, labels)
    assert len({shard.name for shard in made}) == 4
    assert made[0].name == "alpha-driver"
    long = [f"drivers/net/ethernet/mellanox/mlx5/core/steering/{name}.c" for name in "xy"]
    assert slug(long[0]) != slug(long[1])


@pytest.mark.slow
def test_what_a_declaration_or_a_reason_does_to_a_tail(place: Place) -> None:
    text = "static inline int wrap(int x)\\n{\\n\\treturn old_call(x);\\n}\\n"
    place.rewrite("replace = '/* use this one */", f"replace = '{text}/* use this one */")
    place.rewrite(
        'rule = "rename.cocci"', 'rule = "rename.cocci"\nexclude = { "include" = "the wrapper" }'
    )
    done = place.generate()
    assert done.code == 0, done.err
    assert "held back: 1 site of convert left, the first at include/linux/api.h:4" in done.out
    place.rewrite('needs = "convert"', 'needs = "convert"\ndespite = { "include" = "goes, too" }')
    assert place.generate().code == 0
    assert place.titles()[-1] == "api: remove old_call()"


@pytest.mark.slow
def test_another_way_to_split_starts_anew(place: Place) -> None:
    place.rewrite('split = "subsystem"', 'split = "subsystem"\ninto = "series"')
    assert place.generate().code == 0
    place.rewrite('into = "series"', "limit = 1")
    assert place.generate("-v", 2).code == 0
    assert list(place.shards(2)) == ["convert-alpha-subsystem"]


def test_another_folder_of_the_same_name_is_no_older_version(
    place: Place, reroll: Run, tmp_path: Path
) -> None:
    assert place.generate().code == 0
    tip = git(place.tree, "rev-parse", "reroll/new-call")
    other = tmp_path / "other"
    other.mkdir()
    (other / "rename.cocci").write_text(RENAME)
    (other / "series.toml").write_text(place.campaign.replace("Use new_call()", "Use another"))
    done = reroll("-C", other, "--tree", place.tree, "generate")
    assert done.code == 3
    assert "which no version in" in done.err
    assert git(place.tree, "rev-parse", "reroll/new-call") == tip


@pytest.mark.slow
def test_a_header_in_a_shard_is_noted(place: Place) -> None:
    place.rewrite(
        'rule = "rename.cocci"',
        'rule = "generic/drop-argument"\n'
        'parameters = { function = "old_call", position = 1, arguments = 1 }',
    )
    place.campaign = place.campaign[: place.campaign.index('[[patch]]\nid = "tail"')]
    done = place.generate()
    assert "note: patch convert: include/linux/api.h is changed in one shard" in done.err


@pytest.mark.slow
def test_two_split_patches_in_series_of_their_own(place: Place) -> None:
    place.rewrite('split = "subsystem"', 'split = "subsystem"\ninto = "series"')
    place.rewrite(
        '[[patch]]\nid = "tail"',
        '[[patch]]\nid = "more"\ntitle = "use it more"\nsplit = "subsystem"\ninto = "series"\n'
        '[[patch.step]]\nedit = "drivers/beta/three.c"\npattern = "int three"\n'
        'replace = "long three"\n\n[[patch]]\nid = "tail"',
    )
    done = place.generate()
    assert done.code == 0, done.err
    below = sorted(path.name for path in (place.folder / "series").iterdir())
    assert [name for name in below if "beta" in name] == [
        "convert-beta-drivers",
        "more-beta-drivers",
    ]


def test_shards_that_wait_are_in_the_ledger(place: Place) -> None:
    place.rewrite('split = "subsystem"', 'split = "subsystem"\nlimit = 1')
    assert place.generate().code == 0
    rest = place.manifest()["rest"]["convert"]  # type: ignore[index]
    assert rest["counts"] == {"later": 2, "comment": 1, "prototype": 1}
    cover = next((place.folder / "versions/v1").glob("*cover*")).read_text()
    assert "2 of 6" in cover


def test_what_is_left_out_shows_without_a_main_series(place: Place) -> None:
    start = place.campaign.index('[[patch]]\nid = "head"')
    place.campaign = (
        place.campaign[:start] + place.campaign[place.campaign.index('[[patch]]\nid = "convert"') :]
    )
    place.rewrite('split = "subsystem"', 'split = "subsystem"\ninto = "series"\nlimit = 1')
    done = place.generate()
    assert done.code == 0, done.err
    assert "left out: use new_call() [convert]: limit = 1: 2 shards for a later version" in done.out
    assert "in no shard of convert:" in done.out
    assert not (place.folder / "versions").exists()


def test_equal_prefixes_are_set_apart() -> None:
    files = [
        ["arch/x86/hyperv/hv_init.c", "arch/x86/hyperv/mmu.c"],
        ["arch/x86/kernel/a.c", "arch/x86/mm/b.c"],
        ["drivers/usb/x.c"],
        ["arch/x86/mm/pat.c"],
    ]
    assert distinct(["x86", "x86", "usb", "x86"], files) == [
        "x86: hyperv",
        "x86",
        "usb",
        "x86: pat",
    ]


PATHS = st.lists(st.sampled_from([f"{d}/{n}.c" for d in "abc" for n in "xyz"]), unique=True)


@given(PATHS, st.dictionaries(st.sampled_from("abc"), st.text(max_size=5)), PATHS)
def test_every_file_is_in_one_shard(
    files: list[str], names: dict[str, str], old: list[str]
) -> None:
    owners = {file: names[file[0]] for file in files if file[0] in names}
    previous = [Shard("old", tuple(old))] if old else []
    made = shards(files, owners, previous)
    assert sorted(file for shard in made for file in shard.files) == sorted(files)
    assert len({shard.name for shard in made}) == len(made)
    assert shards(files, owners, made) == made
    kept = [file for shard in made if shard.label == "old" for file in shard.files]
    assert set(files) & set(old) <= set(kept)
