"""The other answers of 2020 to pfns that nobody protects, each a campaign of its own."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.repositories import git, make_repository
from tests.test_frame_vector import compile_errors

DMA_SG = "drivers/media/v4l2-core/videobuf-dma-sg.c"
KVM = "virt/kvm/kvm_main.c"


def generate(reroll: Run, campaign: str, tree: Path, place: Path, base: str) -> str:
    """Generate the campaign on ``tree``; the commits it made, as a range."""
    assert reroll("-C", place, "init", campaign, "--campaign", campaign).code == 0
    done = reroll("-C", place / campaign, "--tree", tree, "generate", "-v", 1, "--base", base)
    assert (done.code, done.err) == (0, "")
    tip = git(tree, "for-each-ref", "--format=%(refname:short)", "refs/heads/reroll/").split()
    assert len(tip) == 1
    return f"{base}..{tip[0]}"


@pytest.mark.parametrize("campaign", ["reject_pfn_memory", "pin_first"])
@pytest.mark.slow
def test_sample_tree_compiles(reroll: Run, campaign: str, sample: Path, tmp_path: Path) -> None:
    commits = generate(reroll, campaign, sample, tmp_path, "v5.10")
    place = tmp_path / "build"
    git(sample, "worktree", "add", "-q", "--detach", str(place), commits.split("..")[1])
    assert compile_errors(place) == ""
    assert git(sample, "diff", "--name-only", commits).split() == ["mm/frame_vector.c"]


@pytest.mark.slow
def test_reject_looks_up_nothing(reroll: Run, sample: Path, tmp_path: Path) -> None:
    tip = generate(reroll, "reject_pfn_memory", sample, tmp_path, "v5.10").split("..")[1]
    text = git(sample, "show", f"{tip}:mm/frame_vector.c")
    assert "follow_pfn" not in text
    assert "dma-buf" in text
    refused, pinned = text.index("ret = -EINVAL;"), text.index("pin_user_pages_locked(")
    assert refused < pinned
    assert "is_pfns = true" not in text[:pinned]


@pytest.mark.slow
def test_pin_first_sets_both_members(reroll: Run, sample: Path, tmp_path: Path) -> None:
    tip = generate(reroll, "pin_first", sample, tmp_path, "v5.10").split("..")[1]
    text = git(sample, "show", f"{tip}:mm/frame_vector.c")
    body = text[: text.index("EXPORT_SYMBOL(get_vaddr_frames)")]
    assert body.index("pin_user_pages_locked(") < body.index("follow_pfn(vma")
    pairs = re.findall(r"got_ref = (\w+);\n\s+vec->is_pfns = (\w+);", body)
    assert pairs == [("true", "false"), ("false", "true")]
    assert len(re.findall(r"->(?:got_ref|is_pfns) = ", body)) == 4


def test_longterm_2017(reroll: Run, tmp_path: Path) -> None:
    files = {
        "Makefile": "VERSION = 4\nPATCHLEVEL = 15\n",
        DMA_SG: """\
static int init_user(struct videobuf_dmabuf *dma, unsigned long data, int flags)
{
	int err;

	err = get_user_pages(data & PAGE_MASK, dma->nr_pages,
				flags, dma->pages, NULL);
	if (err != dma->nr_pages) {
		dma->nr_pages = (err >= 0) ? err : 0;
		return err < 0 ? err : -EINVAL;
	}
	return 0;
}
""",
    }
    tree = make_repository(tmp_path / "tree", files)
    base = git(tree, "rev-parse", "HEAD")
    commits = generate(reroll, "longterm_2017", tree, tmp_path, base)
    diff = git(tree, "diff", "-U0", commits).splitlines()
    assert [line for line in diff if re.match(r"[+-]\t", line)] == [
        "-\terr = get_user_pages(data & PAGE_MASK, dma->nr_pages,",
        "-\t\t\t\tflags, dma->pages, NULL);",
        "+\terr = get_user_pages_longterm(data & PAGE_MASK, dma->nr_pages, flags,",
        "+\t\t\t\t      dma->pages, NULL);",
    ]


HEADER = """\
#define NULL ((void *)0)

struct mm_struct;
struct vm_area_struct;
struct kvm_memory_slot;
struct mmu_notifier_range;

int follow_pfn(struct vm_area_struct *vma, unsigned long address,
	unsigned long *pfn);
"""
MEMORY = """\
#include "../include/linux/mm.h"

int follow_pfn(struct vm_area_struct *vma, unsigned long address,
	unsigned long *pfn)
{
	*pfn = address;
	return vma ? 0 : -1;
}

int first_pfn(struct vm_area_struct *vma, unsigned long *pfn)
{
	return follow_pfn(vma, 0, pfn);
}
"""
CALLERS = """\
#include "../../include/linux/mm.h"

struct kvm_vcpu {
	struct kvm *kvm;
};

static long hva_to_pfn(unsigned long addr, int atomic, int *async,
			int write_fault, int *writable)
{
	return addr + atomic + *async + write_fault + *writable;
}

long __gfn_to_pfn_memslot(struct kvm_memory_slot *slot, unsigned long gfn,
				int atomic, int *async, int write_fault, int *writable)
{
	return slot ? hva_to_pfn(gfn, atomic, async, write_fault, writable) : 0;
}

long kvm_vcpu_pfn(struct kvm_vcpu *vcpu, struct kvm_memory_slot *slot, int *x)
{
	return __gfn_to_pfn_memslot(slot, 1, 0, x, 0, x);
}
"""


@pytest.mark.slow
def test_add_argument(reroll: Run, tmp_path: Path) -> None:
    files = {
        "Makefile": "VERSION = 5\nPATCHLEVEL = 10\n",
        "include/linux/mm.h": HEADER,
        "mm/memory.c": MEMORY,
        KVM: CALLERS,
    }
    tree = make_repository(tmp_path / "tree", files)
    base = git(tree, "rev-parse", "HEAD")
    commits = generate(reroll, "add_argument", tree, tmp_path, base)
    place = tmp_path / "build"
    for commit in git(tree, "rev-list", "--reverse", commits).split():
        git(tree, "worktree", "add", "-q", "--detach", "--force", str(place), commit)
        found = subprocess.run(
            ["gcc", "-fsyntax-only", "-Wall", "mm/memory.c", KVM],
            cwd=place,
            capture_output=True,
            text=True,
        )
        assert found.stderr == ""
        git(tree, "worktree", "remove", "--force", str(place))
    tip = commits.split("..")[1]
    assert "follow_pfn(NULL, vma, 0, pfn)" in git(tree, "show", f"{tip}:mm/memory.c")
    text = git(tree, "show", f"{tip}:{KVM}")
    assert "__gfn_to_pfn_memslot(vcpu->kvm, slot, 1, 0, x, 0, x)" in text
    assert "hva_to_pfn(kvm, gfn, atomic, async, write_fault" in text
