"""``reroll check mail``: what it finds in mails, and what it leaves alone."""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from series import cli, lint
from series.lint.letter import Letter, take_apart
from series.lint.names import Names, check, suspects
from series.lint.subsystem import strangers
from tests.conftest import CAMPAIGN, RENAME, SMALL, Run, Small, sealed
from tests.repositories import commit_all, git, make_repository

FIRST = "v2-0001-drivers-a-use-new_call.patch"
SECOND = "v2-0002-drivers-b-use-new_call.patch"
COVER = "v2-0000-cover-letter.patch"
PLACE = "versions/v2/"
HINT = "reroll: hint: correct series.toml or the messages, then 'reroll -C {} --tree {} generate'\n"
EDITED = "warning: the message is not the commit's"
SIGNED = "Signed-off-by: Ada Developer <ada@example.org>\n"
MESSAGE = "new_call() is better.\n"


@dataclass(frozen=True)
class Checked:
    """A generated version, this test's own."""

    folder: Path
    tree: Path
    reroll: Run

    def mail(self, name: str) -> Path:
        return self.folder / "versions/v2" / name

    def edit(self, old: str | bytes, new: str | bytes, name: str = FIRST) -> None:
        """Replace ``old``, which must be there, once."""
        before, after = (text.encode() if isinstance(text, str) else text for text in (old, new))
        content = self.mail(name).read_bytes()
        assert before in content
        self.mail(name).write_bytes(content.replace(before, after, 1))

    def line_of(self, text: str, name: str = FIRST) -> int:
        content = self.mail(name).read_bytes()
        return content[: content.index(text.encode())].count(b"\n") + 1

    def say(self, *words: object) -> list[str]:
        """What the check prints on the mails, with the last line apart."""
        done = self.reroll("-C", self.folder, "--tree", self.tree, "check", "mail", "-v", 2, *words)
        *lines, last = done.out.splitlines()
        assert done.code == int(any(": error: " in line for line in lines))
        assert done.err == (HINT.format(self.folder, self.tree) if done.code else "")
        assert last.startswith("3 mails: ")
        # That a test edited a message is news to nobody.
        return [line for line in lines if EDITED not in line]


@pytest.fixture(scope="module")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree with some history, and a version of a series on it."""
    place = tmp_path_factory.mktemp("made")
    with sealed(tmp_path_factory.mktemp("home")):
        tree = make_repository(place / "linux", SMALL)
        (tree / "scripts").mkdir()
        (tree / "scripts/spelling.txt").write_text("# list\nfrobnicat||frobnicate\n")
        (tree / "Documentation").mkdir()
        (tree / "Documentation/habits.rst").write_text("Habits\n")
        commit_all(tree, "scripts: list what is often misspelt")
        folder = place / "series"
        folder.mkdir()
        (folder / "series.toml").write_text(CAMPAIGN)
        (folder / "rename.cocci").write_text(RENAME)
        words = ["-C", folder, "--tree", tree, "generate", "-v", 2]
        assert cli.main([str(word) for word in words]) == 0
    return place


@pytest.fixture
def made(_made: Path, tmp_path: Path, reroll: Run) -> Iterator[Checked]:
    shutil.copytree(_made / "series", tmp_path / "series")
    yield Checked(tmp_path / "series", _made / "linux", reroll)


@pytest.mark.slow
def test_a_clean_series(made: Checked) -> None:
    done = made.reroll("-C", made.folder, "--tree", made.tree, "check", "mail")
    assert (done.code, done.out) == (0, "3 mails: 0 errors, 0 warnings\n")


def test_a_check_that_is_none(made: Checked) -> None:
    done = made.reroll("-C", made.folder, "check", "mial")
    assert (done.code, done.out) == (2, "")
    said = "reroll: there is no check 'mial'\nreroll: hint: the checks are: applies, "
    assert done.err.startswith(said)


# What is replaced in the first mail, the text at whose line the finding must be, the finding.
BAD = {
    "number": ("[PATCH v2 1/2]", "[PATCH v2 2/2]", "Subject:", "error: [PATCH v2 2/2]: the number"),
    "version": ("[PATCH v2 1/2]", "[PATCH 1/2]", "Subject:", "error: [PATCH 1/2]: must say v2"),
    "no brackets": ("[PATCH v2 1/2] ", "", "Subject:", "error: the subject has no [PATCH]"),
    "period": ("use new_call()\n", "use new_call().\n", "Subject:", "warning: the title ends in a"),
    "no subsystem": ("drivers: a: use", "use", "Subject:", "warning: the title has no 'subsystem"),
    "long title": (
        "use new_call()\n",
        f"use new_call() {'and ' * 15}more\n",
        "Subject:",
        "warning: the title has 91 characters",
    ),
    "charset": (
        "drivers: a: use",
        "=?nonsense?q?=FF?=",
        "Subject:",
        "error: the subject cannot be decoded",
    ),
    "near": ("drivers: a:", "drviers: a:", "Subject:", "did you mean 'drivers'?"),
    "identifier": ("use new_call()", "use new_cal()", "Subject:", "did you mean 'new_call'?"),
    "misspelt": (MESSAGE, "It recieves less.\n", "It rec", "warning: 'recieves' may be misspelt"),
    "tree's list": (MESSAGE, "Let it frobnicat.\n", "Let", "did you mean 'frobnicate'?"),
    "unsigned": (SIGNED, "", "\n---\n", "error: there is no Signed-off-by of the author, Ada"),
    "foreign": (
        SIGNED,
        f"Signed-off-by: Eve <eve@example.org>\n{SIGNED}",
        "Signed-off-by: Eve",
        "warning: Signed-off-by of Eve <eve@example.org>, who is neither",
    ),
    "not the sender": (
        SIGNED,
        f"{SIGNED}Signed-off-by: Eve <eve@example.org>\n",
        "Signed-off-by: Eve",
        "warning: the last Signed-off-by is not of the sender, Ada",
    ),
    "co-developer": (
        SIGNED,
        f"Co-developed-by: Eve <eve@example.org>\n{SIGNED}",
        "Co-dev",
        "error: Co-developed-by: Eve <eve@example.org> without",
    ),
    "twice": (
        SIGNED,
        f"Cc: Bob <bob@example.org>\nCc: B. <BOB@example.org>\n{SIGNED}",
        "Cc: B.",
        "warning: Cc: B. <BOB@example.org> stands there twice",
    ),
    "tag": (
        SIGNED,
        f"Reviewd-by: Bob <bob@example.org>\n{SIGNED}",
        "Reviewd",
        "did you mean 'Reviewed-by:'?",
    ),
    "case": (
        SIGNED,
        f"Acked-By: Bob <bob@example.org>\n{SIGNED}",
        "Acked",
        "warning: the tag 'Acked-By:' is usually written 'Acked-by:'",
    ),
    "no blank": (
        SIGNED,
        f"Acked-by:Bob <bob@example.org>\n{SIGNED}",
        "Acked",
        "has its blank not behind the colon",
    ),
    "too early": (
        MESSAGE,
        f"Acked-by: Bob <bob@example.org>\n\n{MESSAGE}",
        "Acked",
        "warning: Acked-by: is not in the last paragraph",
    ),
    "dashes": (SIGNED, f"{SIGNED}--\nsaid why\n", "--\nsaid", "error: the line '--' does not end"),
    "dashes before": (
        MESSAGE,
        f"{MESSAGE}\n--\nv1: said why\n",
        "--\nv1",
        "error: the line '--' does not end",
    ),
    "commit Fixes": (
        SIGNED,
        f'Fixes: commit {{sha}} ("scripts: list what is often misspelt")\n{SIGNED}',
        "Fixes",
        "leave out 'commit' [a]",
    ),
    "no scheme": (SIGNED, f"Link: example.org/r/x\n{SIGNED}", "Link", "example.org/r/x is no link"),
    "closes a number": (SIGNED, f"Closes: 12\n{SIGNED}", "Closes", "warning: Closes: 12 is no"),
    "gerrit": (SIGNED, f"Change-Id: I1234567\n{SIGNED}", "Change-Id", "warning: Change-Id: is of"),
    "no report": (
        SIGNED,
        f"Reported-by: Bob <bob@example.org>\n{SIGNED}",
        "Reported",
        "warning: Reported-by: Bob <bob@example.org> without Closes:",
    ),
    "no name": (
        SIGNED,
        "Signed-off-by: ada@example.org\n",
        "Signed",
        "warning: Signed-off-by: ada@example.org has no name",
    ),
    "wide with a commit": (
        MESSAGE,
        f'{"word " * 30}commit {{sha}} ("scripts: list what is often misspelt").\n',
        "word",
        "warning: the line has 2",
    ),
    "blurb": (MESSAGE, "*** BLURB HERE ***\n", "***", "error: '*** BLURB HERE ***' is left of git"),
    "jinja": (MESSAGE, "It is {{ better }}.\n", "It is", "error: '{{ better }}' is left of"),
    "todo": (MESSAGE, "TODO: say more\n", "TODO", "warning: 'TODO' begins a line"),
    "describe": (MESSAGE, "<describe the change>\n", "<desc", "error: '<describe the change>'"),
    "short Fixes": (
        SIGNED,
        f'Fixes: 1234567 ("a: b")\n{SIGNED}',
        "Fixes",
        "error: Fixes: 1234567 has fewer than 12 digits",
    ),
    "no title": (
        SIGNED,
        f"Fixes: 123456789012\n{SIGNED}",
        "Fixes",
        'error: Fixes: 123456789012 has no ("title") on the same line',
    ),
    "no commit": (
        SIGNED,
        f"Fixes: the last one\n{SIGNED}",
        "Fixes",
        "error: Fixes: has no commit id",
    ),
    "unknown commit": (
        SIGNED,
        f'Fixes: 123456789012 ("a: b")\n{SIGNED}',
        "Fixes",
        "error: Fixes: 123456789012 is not in the tree",
    ),
    "unknown in prose": (
        MESSAGE,
        'See commit 123456789012 ("a:\nb") for more.\n',
        "See",
        "warning: commit 123456789012 is not in the tree",
    ),
    "path": (
        MESSAGE,
        "As in Documentation/habit.rst, it is better.\n",
        "As in",
        "did you mean Documentation/habits.rst?",
    ),
    "mark": (MESSAGE, "It is better [1].\n", "It is", "warning: [1] refers to nothing"),
    "no mark": (
        MESSAGE,
        f"{MESSAGE}\n[2] https://example.org/x\n",
        "[2]",
        "warning: nothing refers to [2]",
    ),
    "patch number": (MESSAGE, "It needs patch 3.\n", "It needs", "but the series has 2 patches"),
    "html": (MESSAGE, "It is<br>better.\n", "It is", "error: '<br>' is HTML"),
    "wide": (MESSAGE, "word " * 18 + "\n", "word", "warning: the line has 89 characters"),
    "too long": (MESSAGE, "x" * 1200 + "\n", "xxx", "error: the line has 1200 bytes"),
    "direction": (MESSAGE, "x\u202ey\n", "\nx", "error: "),
    "bell": (MESSAGE, "It\x07\n", "It\x07", "error: the line has control characters"),
    "NUL": (MESSAGE, "It\0\n", "It\0", "error: the line has control characters"),
    "stripped": ("\n {\n", "\n{\n", "{\n-", "error: "),
    "tabs": ("-\treturn", "-        return", "-        return", "error: tabs were turned into"),
    "wrapped": ("-\treturn old_call(x);", "-\treturn\nold_call(x);", "-\treturn", "was wrapped"),
    "hand-edited": ("+\treturn new_call(x);", "+\treturn new_call(y);", "+\tret", "is not the co"),
}


@pytest.mark.parametrize("case", BAD)
def test_findings(made: Checked, case: str) -> None:
    old, new, at, said = BAD[case]
    sha = git(made.tree, "rev-parse", "--short=12", "HEAD")
    made.edit(old, new.replace("{sha}", sha) if isinstance(new, str) else new)
    line = made.line_of(at) + (at.startswith("\n"))
    lines = made.say()
    found = [text for text in lines if said in text]
    assert found, lines
    assert any(text.startswith(f"{PLACE}{FIRST}:{line}: ") for text in found) or case == "unsigned"
    # Nothing else is said of it, but that a bidi mark needs a charset.
    assert len(lines) == 1 or case in ("direction", "not the sender", "too long"), lines


GOOD = {
    "a patch of the kernel's own form": (
        MESSAGE,
        'Since commit {sha} ("scripts: list what is\noften misspelt") new_call() is better [1],'
        " see\nDocumentation/habits.rst and <linux/mm.h>:\n\n    recieve({{0}}, long code "
        "that goes on and on and on and on and on and on and on)\n\n> teh quote\n\n"
        "[1] https://example.org/a-very-long-link-that-cannot-be-wrapped-anywhere-at-all-or-else\n",
    ),
    "trailers": (
        SIGNED,
        'Fixes: {sha} ("scripts: list what is often misspelt")\n'
        "Cc: <stable@example.org> # v5.10+\n"
        "Link: https://example.org/r/1 # [1]\n"
        "Co-developed-by: Eve <eve@example.org>\nSigned-off-by: Eve <eve@example.org>\n"
        "Reported-and-tested-by: Bob <bob@example.org>\nReported-by: Al <al@example.org>\n"
        f"Closes: https://example.org/r/2\n{SIGNED}",
    ),
    "a rule": (
        MESSAGE,
        "The rule is:\n\n// <smpl>\n@@ expression E; @@\n- old_call(E)\n+ new_call(E) // teh\n"
        "// </smpl>\n",
    ),
    "names and abbreviations": (MESSAGE, "Thanks to Ans Teh, FO and new_adress for the hist.\n"),
    "ends in text": ("\n---\n", "\n---\nv2: 3 fewer, see patch 5 of v1\n\n"),
}


@pytest.mark.parametrize("case", GOOD)
def test_no_false_alarm(made: Checked, case: str) -> None:
    old, new = GOOD[case]
    sha = git(made.tree, "rev-parse", "--short=12", "HEAD")
    made.edit(old, new.replace("{sha}", sha))
    assert [line for line in made.say() if "nothing refers to [1]" not in line] == []


def test_another_title_of_a_commit(made: Checked) -> None:
    sha = git(made.tree, "rev-parse", "--short=12", "HEAD")
    made.edit(SIGNED, f'Fixes: {sha} ("scripts: list it")\n{SIGNED}')
    assert "has another title: scripts: list what is often misspelt" in made.say()[0]


def test_a_diff_in_8_bits_and_crlf(made: Checked) -> None:
    content = made.mail(FIRST).read_bytes()
    made.mail(FIRST).write_bytes(content.replace(b"\n", b"\r\n"))
    assert any(
        line.startswith(f"{PLACE}{FIRST}:1: error: lines end in CR LF") for line in made.say()
    )
    made.mail(FIRST).write_bytes(content.replace(MESSAGE.encode(), "größer\n".encode()))
    assert made.say() == [
        f"{PLACE}{FIRST}:1: error: the body is not ASCII, and no header says its charset; "
        "add Content-Type: text/plain; charset=UTF-8 [a]"
    ]
    made.mail(FIRST).write_bytes(content.replace(MESSAGE.encode(), b"gr\xf6\xdfer\n"))
    assert any("error: the line is not UTF-8" in line for line in made.say())


def test_html_mail(made: Checked) -> None:
    made.edit("Message-ID:", "Content-Type: text/html; charset=UTF-8\nMessage-ID:", COVER)
    assert "is text/html, not plain text" in made.say()[0]


def test_a_cover_letter_is_read_as_well(made: Checked) -> None:
    made.edit("All users move over.", "All users move ovrer, see patch 9.", COVER)
    assert [line.split(": ")[1] for line in made.say()] == ["warning"]
    made.edit("All users", "All usres recieve it; the users", COVER)
    assert any("'recieve' may be misspelt" in line for line in made.say())


def test_without_a_tree_nothing_passes_unseen(made: Checked) -> None:
    made.edit("drivers: a:", "drviers: a:")
    made.edit("+\treturn new_call(x + 1);", "+\treturn new_call(x + 2);", SECOND)
    done = made.reroll("-C", made.folder, "check", "mail", "-v", 2)
    lines = done.out.splitlines()
    assert done.code == 1
    assert lines[0].startswith(f"{PLACE}{SECOND}:")
    assert "its patch id is another" in lines[0]
    assert "not run: names in subjects were not looked up: no Linux tree is named" in lines
    assert lines[-1] == "3 mails: 1 error, 0 warnings, 4 checks not run"


def test_a_tree_without_the_commits(made: Checked, tmp_path: Path) -> None:
    other = make_repository(tmp_path / "other", {"a": "b\n"})
    done = made.reroll("-C", made.folder, "--tree", other, "check", "mail", "-v", 2)
    assert done.code == 0
    assert "there is no commit" in done.out
    assert "4 checks not run" in done.out


def test_a_tree_without_history_does_not_know_commits(
    made: Checked, reroll: Run, tmp_path: Path
) -> None:
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "-q", "--bare", "--depth=1", f"file://{made.tree}", str(shallow))
    branch = "refs/heads/reroll/new-call:refs/heads/reroll/new-call"
    git(shallow, "fetch", "-q", "--depth=3", f"file://{made.tree}", branch)
    made.edit(SIGNED, f'Fixes: 123456789012 ("a: b")\n{SIGNED}')
    done = reroll("-C", made.folder, "--tree", shallow, "check", "mail", "-v", 2)
    assert done.code == 0
    assert "not run: Fixes: 123456789012 was not looked up" in done.out
    assert "1 check not run" in done.out


def test_json(made: Checked) -> None:
    made.edit(MESSAGE, "It recieves less.\n")
    line = made.line_of("It rec")
    done = made.reroll("-C", made.folder, "--tree", made.tree, "--json", "check", "mail")
    assert (done.code, json.loads(done.out)) == (
        0,
        [
            {
                "severity": "warning",
                "check": "message",
                "mail": f"{PLACE}{FIRST}",
                "line": line,
                "what": "the message is not the commit's: the next generate loses the edit",
                "hint": "change it in series.toml or in its file",
                "patch": "a",
            },
            {
                "severity": "warning",
                "check": "spelling",
                "mail": f"{PLACE}{FIRST}",
                "line": line,
                "what": "'recieves' may be misspelt",
                "hint": "did you mean 'receives'?",
                "patch": "a",
            },
        ],
    )


def test_many_patches() -> None:
    mails = [lint.Mail(f"{number:04}", number, b"") for number in range(1, 17)]
    assert any("has 16 patches" in one.what for one in lint.check(mails, lint.Facts()))
    allowed = lint.check(mails, lint.Facts(allow_many="one a driver"))
    assert not any("has 16 patches" in one.what for one in allowed)


PATHS = """\
arch/x86/kvm/vmx/nested.c arch/x86/kernel/fpu/xstate.c arch/arm64/boot/dts/qcom/sdm845.dtsi
block/bfq-iosched.c drivers/gpu/drm/exynos/exynos_drm_g2d.c drivers/hwmon/pmbus/max34440.c
drivers/media/common/videobuf2/frame_vector.c drivers/media/v4l2-core/videobuf-dma-contig.c
drivers/misc/habanalabs/common/memory.c drivers/net/ethernet/mellanox/mlx5/core/en_main.c
drivers/nvme/target/tcp.c drivers/pci/pci.c drivers/vfio/vfio_iommu_type1.c fs/nfs/nfs4_fs.h
kernel/irq/generic-chip.c mm/kasan/report.c mm/hugetlb.c net/netfilter/nf_tables_api.c
net/sunrpc/xprtrdma/svc_rdma_sendto.c sound/pci/hda/patch_realtek.c
tools/testing/selftests/bpf/test_maps.c virt/kvm/kvm_main.c fs/overlayfs/super.c""".split()  # noqa: SIM905
TITLES = "BLUETOOTH SUBSYSTEM\nTHUNDERBOLT DRIVER\nDEVICE TREE BINDINGS"


def _letter(title: str, *touched: str) -> Letter:
    diff = "".join(f"diff --git a/{path} b/{path}\n" for path in touched)
    mail = f"Subject: [PATCH] {title}\n\nx\n---\n{diff}".encode()
    return take_apart(lint.Mail("m", 1, mail))


def _near(title: str, *touched: str) -> list[str]:
    found = suspects([_letter(title, *touched)], Names(PATHS, TITLES))
    return [one.hint for one in check(found, ())]


def _strange(title: str, *touched: str, owner: str = "") -> list[str]:
    names = Names([*PATHS, "drivers/gpu/drm/i915/gem.c", "mm/gup.c"], TITLES)
    owners = dict.fromkeys(touched, owner)
    return [one.word for one in strangers([_letter(title, *touched)], names, owners)]


@pytest.mark.parametrize(
    ("title", "touched", "meant"),
    [
        ("media: videbuf: do it", "drivers/media/v4l2-core/videobuf-dma-contig.c", "videobuf"),
        ("media/videbuf1|2: do it", "drivers/media/v4l2-core/videobuf-dma-contig.c", "videobuf"),
        ("drm/exyons: do it", "drivers/gpu/drm/exynos/exynos_drm_g2d.c", "exynos"),
        ("drm/exinos: do it", "drivers/gpu/drm/exynos/exynos_drm_g2d.c", "exynos"),
        ("drm/exynoss: do it", "drivers/gpu/drm/exynos/exynos_drm_g2d.c", "exynos"),
        ("dmr/exynos: do it", "drivers/gpu/drm/exynos/exynos_drm_g2d.c", "drm"),
        ("mics/habana: do it", "drivers/misc/habanalabs/common/memory.c", "misc"),
        ("misc/habanlabs: do it", "drivers/pci/pci.c", "habanalabs"),
        ("netfliter: do it", "drivers/pci/pci.c", "netfilter"),
        ("Bluetoth: do it", "drivers/pci/pci.c", "bluetooth"),
        ("thunderblot: do it", "drivers/pci/pci.c", "thunderbolt"),
    ],
)
def test_names_that_are_nearly_right(title: str, touched: str, meant: str) -> None:
    assert _near(title, touched) == [f"did you mean '{meant}'?"]


@pytest.mark.parametrize(
    "prefix",
    """drm/exynos: KVM: PCI: PCI/ASPM: mm: mm,oom: mm/hugetlb: ALSA:hda/realtek: x86/kvm:
    dt-bindings:net: selftests/bpf: selftest: KVM:nVMX: KVM:SVM: NFSv4.1: pNFS: svcrdma: xprtrdma:
    nvmet-tcp: nvmet: net/mlx5e: genirq: kmsan: kcsan: x86/fpu/xstate: hwmon:(pmbus/max34440):
    vfio/type1: misc/habana: media:videobuf2: arm64:dts:qcom:sdm845: block,bfq: ovl: treewide:
    Documentation: MAINTAINERS: ASoC:SOF:Intel: wifi:iwlwifi: io_uring: memcg: driver-core: USB:
    Bluetooth: thunderbolt: swiotlb: hrtimer: timekeeping: lockdep: zsmalloc: objtool:""".split(),  # noqa: SIM905
)
def test_prefixes_of_the_kernel_are_left_alone(prefix: str) -> None:
    assert _near(f"{prefix.replace(':', ': ')}use it", *PATHS) == []


EXYNOS = "drivers/gpu/drm/exynos/exynos_drm_g2d.c"


@pytest.mark.parametrize("prefix", ["net/mlx5", "drm/i915", "drm: i915", "mm/gup", "netfilter"])
def test_a_prefix_of_another_subsystem(prefix: str) -> None:
    assert len(_strange(f"{prefix}: do it", EXYNOS)) == 1
    assert _strange(f"{prefix}: do it", EXYNOS, owner="MLX5 I915 GUP NETFILTER DRIVERS") == []


@pytest.mark.parametrize(
    ("prefix", "touched"),
    [
        ("drm", EXYNOS),
        ("drm/exynos", EXYNOS),
        ("gpu: drm: exynos", EXYNOS),
        ("treewide", EXYNOS),
        ("genirq", "kernel/irq/generic-chip.c"),
        ("ALSA: hda", "sound/pci/hda/patch_realtek.c"),
        ("KVM: nVMX", "arch/x86/kvm/vmx/nested.c"),
        ("KVM", "virt/kvm/kvm_main.c"),
        ("x86/kvm", "arch/x86/kvm/vmx/nested.c"),
        ("PCI", "drivers/pci/pci.c"),
        ("mm", "mm/hugetlb.c"),
        ("tools", "tools/testing/selftests/bpf/test_maps.c"),
        ("selftests/bpf", "tools/testing/selftests/bpf/test_maps.c"),
        ("net", "net/sunrpc/xprtrdma/svc_rdma_sendto.c"),
        ("nvmet-tcp", "drivers/nvme/target/tcp.c"),
        ("ovl", "fs/overlayfs/super.c"),
        ("pNFS", "fs/nfs/nfs4_fs.h"),
        ("net/mlx5e", "drivers/net/ethernet/mellanox/mlx5/core/en_main.c"),
        ("foo", EXYNOS),
    ],
)
def test_prefixes_that_fit(prefix: str, touched: str) -> None:
    assert _strange(f"{prefix}: do it", touched) == []


@pytest.mark.slow
def test_the_history_speaks_for_a_prefix(small: Small, reroll: Run) -> None:
    small.rewrite("drivers: b: use", "scripts: use")
    (small.tree / "scripts").mkdir()
    (small.tree / "scripts/a").write_text("a\n")
    commit_all(small.tree, "scripts: do it")
    assert reroll(*small.words("generate")).code == 0
    out = reroll(*small.words("check", "mail")).out
    assert "warning: the subject says 'scripts', but the patch touches drivers/b/" in out
    driver = small.tree / "drivers/b/b.c"
    driver.write_text(driver.read_text() + "int more;\n")
    commit_all(small.tree, "scripts: do more in b")
    assert reroll(*small.words("generate")).code == 0
    assert reroll(*small.words("check", "mail")).out == "3 mails: 0 errors, 0 warnings\n"


def test_mails_that_go_to_nobody(small: Small, reroll: Run) -> None:
    small.rewrite("[series.changelog]", '[recipients]\nblock = ["*"]\n\n[series.changelog]')
    assert reroll(*small.words("generate")).code == 0
    done = reroll(*small.words("check", "mail"))
    assert (done.code, done.out.count("error: nobody gets the mail")) == (1, 3)
    assert done.err == HINT.format(small.folder, small.tree)


@pytest.mark.slow
def test_patches_that_go_to_no_list(small: Small, reroll: Run) -> None:
    small.rewrite(
        "[series.changelog]", '[recipients]\nblock = ["*@lists.example.org"]\n\n[series.changelog]'
    )
    assert reroll(*small.words("generate")).code == 0
    said = "warning: the patch goes to no mailing list"
    assert reroll(*small.words("check", "mail")).out.count(said) == 2
    small.rewrite("[series]\n", '[series]\nto = ["talk@vger.kernel.org"]\n')
    assert reroll(*small.words("generate")).code == 0
    assert reroll(*small.words("check", "mail")).out == "3 mails: 0 errors, 0 warnings\n"
    manifest = small.folder / "versions/v1/manifest.json"
    old = re.sub(r'"role": "\w+"', '"role": ""', manifest.read_text())
    manifest.write_text(old.replace("talk@vger.kernel.org", "talk@example.org"))
    assert reroll(*small.words("check", "mail")).out == "3 mails: 0 errors, 0 warnings\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [(MESSAGE, "new_call() is faster.\n"), ("a: use new_call", "a: call new_call"), (MESSAGE, "")],
)
def test_a_message_that_was_edited_in_the_mail(made: Checked, old: str, new: str) -> None:
    made.edit(old, new)
    done = made.reroll("-C", made.folder, "--tree", made.tree, "check", "mail", "-v", 2)
    assert (done.code, done.out.count(EDITED)) == (0, 1)


def test_what_is_no_part_of_a_message_may_be_edited(made: Checked) -> None:
    made.edit("said why", "said that")
    made.edit(f"\n\n{MESSAGE}", f"\n\nFrom: Ada Developer <ada@example.org>\n\n{MESSAGE}")
    done = made.reroll("-C", made.folder, "--tree", made.tree, "check", "mail", "-v", 2)
    assert done.out == "3 mails: 0 errors, 0 warnings\n"


@pytest.mark.parametrize(
    "title",
    ['Revert "media: videbuf: do it"', "Say how videbuf is used here: it is not", "use videbuf"],
)
def test_what_is_no_prefix(title: str) -> None:
    assert _near(title, *PATHS) == []


_HEAD = b"From: Ada <ada@example.org>\nSubject: [PATCH] a: b\n\n"
_PIECES = st.sampled_from(
    [b"---\n", b"diff --git a/x b/x\n", b"@@ -1,3 +1,3 @@\n", b" x\n", b"-- \n", b"\0", b"\xff",
     b"Fixes: 12", b'("', b"[1]", b"{{", b"Signed-off-by: ", b"<", b"@", b"commit 1234567 ",
     b"\r\n", b"=?utf-8?q?=", b"Content-Transfer-Encoding: base64\n", b"GIT binary patch\n",
     b"\n", b": "]
)  # fmt: skip


@settings(max_examples=200)
@given(
    st.binary(max_size=300),
    st.lists(_PIECES, max_size=30).map(b"".join),
    st.integers(min_value=0, max_value=2),
)
@pytest.mark.slow
def test_garbage_is_checked(noise: bytes, pieces: bytes, number: int) -> None:
    facts = lint.Facts(version=2, count=1, mistakes={"teh": "the"})
    for content in (noise, pieces, noise + pieces, _HEAD + pieces + noise, _HEAD + noise + pieces):
        for one in lint.check([lint.Mail("m", number, content)], facts):
            assert one.line >= 0
            assert one.what


_DIFF = """\
From: Ada <ada@example.org>
Subject: [PATCH] a: b

x

Signed-off-by: Ada <ada@example.org>
---
 a | 2 +-

diff --git a/a b/a
--- a/a
+++ b/a
@@ -1,4 +1,4 @@
 one two
\x20
-three
+four
 five
--\x20
2.39.5
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("one", "one", 0, ""),
        (" one two", " one\ntwo", 15, "a line was wrapped here: 'two'"),
        ("\n \n", "\n\n", 15, "the blank of a context line was stripped"),
        (" five\n", "", 19, "the hunk has not as many lines as it says"),
        ("-- \n", "more\n-- \n", 19, "no line of a diff: 'more'"),
    ],
)
def test_a_damaged_diff_where_no_tree_is_at_hand(old: str, new: str, line: int, said: str) -> None:
    content = _DIFF.replace(old, new, 1).encode()
    found = lint.check([lint.Mail("m", 1, content)], lint.Facts())
    errors = [one for one in found if one.severity == "error"]
    assert [one.line for one in errors] == ([line] if line else [])
    assert said in "".join(one.what for one in errors)


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece", [b"a", b"[1] ", b'commit 1234567 ("', b"<br ", b"{{a", b"\n", b"=?a?q?", b"a: ", b" "]
)
@pytest.mark.parametrize("head", [b"", b"Subject: ", _HEAD, _HEAD + b"x\n---\ndiff --git a b\n"])
def test_huge_mails_take_bounded_time(head: bytes, piece: bytes) -> None:
    mail = lint.Mail("m", 1, head + piece * (200_000 // len(piece)))
    started = perf_counter()
    found = lint.check([mail], lint.Facts())
    assert perf_counter() - started < 10
    assert len(found) < 200
