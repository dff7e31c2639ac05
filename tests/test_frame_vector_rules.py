"""Each semantic patch of the frame_vector campaign: what it makes of C, and what it leaves alone.

A table has ``(name of a file, before, after)`` or ``(name of a file, what must stay)``.  Each
spatch converts every file, git applies the diffs, and a second run must find nothing to do.
"""

import re
from difflib import unified_diff
from pathlib import Path

import pytest

import semantic_patches
from generator.rule import read_rule
from generator.spatch import Engine, find_spatch
from tests.repositories import SAMPLE, git, make_repository
from tests.test_spatch import BUILDS

RULES = Path(semantic_patches.__file__).parent / "frame_vector"
Table = list[tuple[str, str] | tuple[str, str, str]]


def edit(text: str, *pairs: tuple[str, str]) -> str:
    """``text`` with every ``(old, new)`` done in turn; each must be there."""
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


def cut(text: str, start: str, end: str, instead: str = "") -> str:
    """``text`` with ``instead`` in place of all from ``start`` up to ``end``."""
    before, _, after = text.partition(start)
    assert end in after
    return before + instead + after[after.index(end) :]


def rename(text: str, **names: str) -> str:
    """``text`` with other names for variables and labels, but not for members."""
    for old, new in names.items():
        text = re.sub(rf"(?<!->)\b{old}\b", new, text)
    return text


def pin(*lines: str) -> str:
    """A function with these lines for its body."""
    body = "".join(f"{line}\n" if line[:1] in ("", "#") else f"\t{line}\n" for line in lines)
    return f"int foo_pin(struct foo *foo, unsigned long at, unsigned int nr)\n{{\n{body}}}\n"


def also(result: str, statement: str) -> str:
    """One more function, of a single statement."""
    return f"{result} foo_also(struct foo *foo)\n{{\n\t{statement}\n}}\n"


def not_code(call: str) -> str:
    """``call`` in every place that is no code, in a file that has other code too."""
    return (
        f"/* {call} */\n#if 0\nint foo_off(void)\n{{\n\treturn {call};\n}}\n#endif\n"
        f'const char *foo_said = "{call}";\n\nint foo_on(void)\n{{\n\treturn 0; // {call}\n}}\n'
    )


MEMBER = "struct foo {\n\tint id;\n\tstruct frame_vector *vec;\n\tbool mapped;\n};\n\n"
MEMBER_AFTER = edit(
    MEMBER, ("struct frame_vector *vec;", "struct page **pages;\n\tunsigned int npages;")
)
FILL = """\
static int foo_fill(struct foo *foo, unsigned long start, unsigned int nr)
{
	int ret;

	foo->vec = frame_vector_create(nr);
	if (!foo->vec)
		return -ENOMEM;
	ret = get_vaddr_frames(start, nr, FOLL_WRITE, foo->vec);
	if (ret != nr) {
		if (ret < 0)
			goto err_destroy;
		ret = -EFAULT;
		goto err_put;
	}
	if (frame_vector_to_pages(foo->vec) < 0) {
		ret = -EFAULT;
		goto err_put;
	}
	ret = foo_map(frame_vector_pages(foo->vec), nr);
	if (ret)
		goto err_put;
	return 0;

err_put:
	put_vaddr_frames(foo->vec);
err_destroy:
	frame_vector_destroy(foo->vec);
	return ret;
}

"""
FILL_AFTER = """\
static int foo_fill(struct foo *foo, unsigned long start, unsigned int nr)
{
	int ret;

	foo->pages = kvmalloc_array(nr, sizeof(*foo->pages), GFP_KERNEL);
	if (ZERO_OR_NULL_PTR(foo->pages))
		return -ENOMEM;
	ret = pin_user_pages_fast(start, nr, FOLL_WRITE, foo->pages);
	if (ret != nr) {
		if (ret < 0)
			goto err_free_pages;
		nr = ret;
		ret = -EFAULT;
		goto err_unpin_pages;
	}
	foo->npages = nr;
	ret = foo_map(foo->pages, nr);
	if (ret)
		goto err_unpin_pages;
	return 0;

err_unpin_pages:
	unpin_user_pages(foo->pages, nr);
err_free_pages:
	kvfree(foo->pages);
	return ret;
}

"""
TO_PAGES = """\
	if (frame_vector_to_pages(foo->vec) < 0) {
		ret = -EFAULT;
		goto err_put;
	}
"""
RELEASE = """\
static void foo_release(struct foo *foo)
{
	struct page **pages;

	pages = frame_vector_pages(foo->vec);
	if (!IS_ERR(pages)) {
		int i;

		for (i = 0; i < frame_vector_count(foo->vec); i++)
			set_page_dirty_lock(pages[i]);
	}
	put_vaddr_frames(foo->vec);
	frame_vector_destroy(foo->vec);
}
"""
RELEASE_AFTER = """\
static void foo_release(struct foo *foo)
{
	unpin_user_pages_dirty_lock(foo->pages, foo->npages, true);
	kvfree(foo->pages);
}
"""
DECLARED = ("\tstruct page **pages;\n", "\tstruct page **pages;\n\tunsigned int i;\n")
DECLARED_INSIDE = ("\t\tint i;\n\n", "")
USED_FIRST = "\tunsigned int i;\n\n\tfor (i = 0; i < 2; i++)\n\t\tfoo_stop(foo, i);\n\n"

OWN_PAGES: Table = [
    ("driver.c", MEMBER + FILL + RELEASE, MEMBER_AFTER + FILL_AFTER + RELEASE_AFTER),
    # a file for each part, none of which knows of the others
    ("member.h", MEMBER, MEMBER_AFTER),
    ("fill.c", FILL, FILL_AFTER),
    ("release.c", RELEASE, RELEASE_AFTER),
    # another driver: other names, labels without err, flags chosen at run time
    (
        "scan.c",
        edit(
            rename(FILL, foo="job", nr="count", ret="rc", err_put="put_it", err_destroy="out"),
            ("->vec", "->frames"),
            ("FOLL_WRITE", "job->rw ? FOLL_WRITE : 0"),
        ),
        edit(
            rename(FILL_AFTER, foo="job", nr="count", ret="rc"),
            ("err_", ""),
            ("FOLL_WRITE, ", "job->rw ? FOLL_WRITE : 0,\n\t\t\t\t "),
        ),
    ),
    (
        "one-label.c",
        edit(FILL, ("err_destroy:\n", ""), ("goto err_destroy;", "return ret;")),
        edit(FILL_AFTER, ("err_free_pages:\n", ""), ("goto err_free_pages;", "return ret;")),
    ),
    ("no-to-pages.c", edit(FILL, (TO_PAGES, "")), FILL_AFTER),
    ("to-pages-nonzero.c", edit(FILL, ("(foo->vec) < 0", "(foo->vec)")), FILL_AFTER),
    ("equals-null.c", edit(FILL, ("!foo->vec", "foo->vec == NULL")), FILL_AFTER),
    ("i-on-top.c", edit(RELEASE, DECLARED_INSIDE, DECLARED), RELEASE_AFTER),
    (
        "no-braces.c",
        edit(RELEASE, DECLARED_INSIDE, DECLARED, (" {\n\t\tfor", "\n\t\tfor"), ("\t}\n", "")),
        RELEASE_AFTER,
    ),
    (
        "i-used-too.c",
        edit(RELEASE, DECLARED_INSIDE, ("**pages;\n\n", "**pages;\n" + USED_FIRST)),
        edit(RELEASE_AFTER, ("{\n", "{\n" + USED_FIRST)),
    ),
    # whoever looks at the array in between has to go on having it
    (
        "pages-used-too.c",
        edit(RELEASE, ("\tput_", "\tfoo_show(pages);\n\tput_")),
        edit(
            RELEASE,
            ("frame_vector_pages(foo->vec)", "foo->pages"),
            ("frame_vector_count(foo->vec)", "foo->npages"),
            ("put_vaddr_frames(foo->vec)", "unpin_user_pages(foo->pages, foo->npages)"),
            ("frame_vector_destroy(foo->vec)", "kvfree(foo->pages)"),
            ("\tunpin_", "\tfoo_show(pages);\n\tunpin_"),
        ),
    ),
    (
        "not-dirty.c",
        also("void", "put_vaddr_frames(foo->vec);\n\tframe_vector_destroy(foo->vec);"),
        also("void", "unpin_user_pages(foo->pages, foo->npages);\n\tkvfree(foo->pages);"),
    ),
    # one place that is not understood, and the file is left alone as a whole
    ("wants-pfns.c", FILL + also("unsigned long *", "return frame_vector_pfns(foo->vec);")),
    ("short-is-less.c", MEMBER + edit(FILL, ("ret != nr", "ret < nr"))),
    ("no-test.c", MEMBER + pin("return get_vaddr_frames(at, nr, 0, foo->vec);")),
    ("error-lost.c", edit(FILL, ("\t\tif (ret < 0)\n\t\t\tgoto err_destroy;\n", ""))),
    ("local.c", MEMBER + pin("struct frame_vector *v = frame_vector_create(nr);", "return !v;")),
    ("to-pages-and.c", edit(FILL, ("if (frame_vector_to", "if (nr && frame_vector_to"))),
    ("to-pages-again.c", FILL + also("int", "return frame_vector_to_pages(foo->vec);")),
    ("no-pointer.c", FILL + also("void", "put_vaddr_frames(the_foo.vec);")),
    ("vector-tested.c", FILL + also("bool", "return foo->vec;")),
    ("two-vectors.c", edit(MEMBER, ("bool mapped", "struct frame_vector *second")) + RELEASE),
    ("no-member.h", "struct frame_vector *foo_vec(struct foo *foo);\n"),
    ("not-code.c", not_code("get_vaddr_frames(at, nr, FOLL_WRITE, foo->vec)")),
    ("not-code-put.c", not_code("put_vaddr_frames(foo->vec)")),
]

FAST = "return pin_user_pages_fast(at, 1, %s, p);"
FLAGS = FAST % "flags"
ADDED = " | FOLL_LONGTERM"


def fast(flags: str) -> str:
    """A function that pins with ``flags``."""
    return pin(FAST % flags)


FOLL_LONGTERM: Table = [
    ("plain.c", fast("FOLL_WRITE"), fast("FOLL_WRITE | FOLL_LONGTERM")),
    ("none.c", fast("0"), fast("FOLL_LONGTERM")),
    ("member.c", fast("foo->gup"), fast("foo->gup | FOLL_LONGTERM")),
    ("call.c", fast("gup(foo)"), fast("gup(foo) | FOLL_LONGTERM")),
    ("chosen.c", fast("w ? WRITE : 0"), fast("(w ? WRITE : 0) | FOLL_LONGTERM")),
    ("bracketed.c", fast("(w ? WRITE : 0)"), fast("(w ? WRITE : 0) | FOLL_LONGTERM")),
    ("masked.c", fast("gup & ALLOWED"), fast("(gup & ALLOWED) | FOLL_LONGTERM")),
    (
        "variable.c",
        pin("u32 flags = 0;", "", "if (w)", "\tflags |= FOLL_WRITE;", FLAGS),
        pin("u32 flags = 0;", "", "if (w)", "\tflags |= FOLL_WRITE;", FAST % f"flags{ADDED}"),
    ),
    (
        "one-of-two.c",
        pin("if (nr)", "\t" + FAST % "0", FAST % "FOLL_LONGTERM"),
        pin("if (nr)", "\t" + FAST % "FOLL_LONGTERM", FAST % "FOLL_LONGTERM"),
    ),
    (
        "ifdef.c",
        pin("#ifdef FOO", FAST % "0", "#else", FAST % "gup", "#endif"),
        pin("#ifdef FOO", FAST % "FOLL_LONGTERM", "#else", FAST % f"gup{ADDED}", "#endif"),
    ),
    ("has-it.c", fast("FOLL_WRITE | FOLL_LONGTERM")),
    ("has-only-it.c", fast("FOLL_LONGTERM")),
    ("has-it-first.c", fast("FOLL_LONGTERM | (w ? FOLL_WRITE : 0)")),
    ("declared.c", pin("unsigned int flags = FOLL_WRITE | FOLL_LONGTERM;", "", FLAGS)),
    ("assigned.c", pin("unsigned int flags;", "", "flags = FOLL_LONGTERM;", FLAGS)),
    ("added.c", pin("u32 flags = 0;", "", "flags |= FOLL_LONGTERM;", "foo_on(foo);", FLAGS)),
    ("other-call.c", pin("return get_user_pages_fast(at, 1, FOLL_WRITE, p);")),
    ("not-code.c", not_code("pin_user_pages_fast(at, 1, FOLL_WRITE, p)")),
]

# The sample tree has the body of v5.10.
LOCKED = cut((SAMPLE / "mm/frame_vector.c").read_text(), "// SPDX", "int get_vaddr_frames(")
LOCKED = LOCKED[: LOCKED.index("\n/**")]
PINNED = """\
	/* May take the mmap lock itself, so it has to run without it. */
	ret = pin_user_pages_fast(start, nr_frames,
				  FOLL_FORCE | FOLL_WRITE | FOLL_LONGTERM,
				  (struct page **)(vec->ptrs));
	if (ret > 0) {
		vec->got_ref = true;
		vec->is_pfns = false;
		vec->nr_frames = ret;
		return ret;
	}

"""  # noqa: E101  as in the kernel


DIRECT = edit(
    cut(LOCKED, "\t/*\n\t * A file system", "\tvec->got_ref = false;"),
    ("int ret = 0;", "int ret;"),
    ("\tint locked;\n", ""),
    ("\tmmap_read_lock(mm);\n\tlocked = 1;\n", PINNED + "\tmmap_read_lock(mm);\n"),
    ("is_pfns = true;\n", "is_pfns = true;\n\tret = 0;\n"),
    ("(vma && vma->vm_flags & (VM_IO | VM_PFNMAP))", "(vma)"),
    ("\tif (locked)\n\t\tmmap", "\tmmap"),
    ("goto out;", "goto out_unlock;"),
    ("out:", "out_unlock:"),
)
# 5.10 stable: no follow_pfn() loop
LOCKED_STABLE = edit(
    cut(LOCKED, "\tvec->got_ref = false;", "out:", "\tvec->nr_frames = 0;\n\n"),
    ("\tint err;\n", ""),
    ("&locked);\n\t\tgoto", "&locked);\n\t\tif (likely(ret > 0))\n\t\t\tgoto"),
)
DIRECT_STABLE = cut(LOCKED_STABLE, "\tstruct mm_struct *mm", "\n\tif (nr_frames", "\tint ret;\n")
DIRECT_STABLE = cut(DIRECT_STABLE, "\tmmap_read_lock", "\tvec->nr_frames = 0", PINNED)
DIRECT_STABLE = cut(DIRECT_STABLE, "\nout:", "}\nEXPORT", "\treturn ret ? ret : -EFAULT;\n")
NAMES = {"start": "at", "gup_flags": "gup", "vma": "area", "ret": "num", "locked": "held"}
NAMES |= {"nr_frames": "number", "mm": "memory", "vec": "frames", "err": "bad", "out": "done"}

PIN_LONGTERM: Table = [
    ("v5.10.c", LOCKED, DIRECT),
    ("stable.c", LOCKED_STABLE, DIRECT_STABLE),
    ("names.c", rename(LOCKED, **NAMES), rename(DIRECT, **NAMES)),
    ("names-stable.c", rename(LOCKED_STABLE, **NAMES), rename(DIRECT_STABLE, **NAMES)),
    ("no-fsdax.c", cut(LOCKED, "\tif (vma_is_fsdax", "\tif (!(vma->vm_flags")),
    ("more.c", edit(LOCKED_STABLE, ("nr_frames = 0;\n", "nr_frames = 0;\n\tfoo_on(vec);\n"))),
    ("other-pin.c", edit(LOCKED, ("pin_user_pages_locked", "get_user_pages_locked"))),
    (
        "stub-and-caller.c",
        cut(LOCKED, "\tstruct mm_struct", "}\nEXPORT", "\treturn -EFAULT;\n")
        + pin("return get_vaddr_frames(at, nr, 0, foo->vec);"),
    ),
    ("off.c", f"#if 0\n{LOCKED}#endif\n" + not_code("get_vaddr_frames(at, nr, 0, foo->vec)")),
]

CALL = "return get_vaddr_frames(at, nr, flags, foo->vec);"
CALLED = "return get_vaddr_frames(at, nr, foo->vec);"
SETS = "unsigned int flags = FOLL_WRITE;"
SAME_NAME = also("int", "int flags = foo->id;\n\n\treturn foo_irq(flags);")
HEAD = "int get_vaddr_frames(unsigned long start, unsigned int nr,\n\t\t     %s"
HEADS = (HEAD % "unsigned int gup_flags, struct frame_vector *", HEAD % "struct frame_vector *")


def stays(name: str, *lines: str) -> tuple[str, str, str]:
    """A row in which the call changes, but not what is before it."""
    return name, pin(*lines, CALL), pin(*lines, CALLED)


DROP_GUP_FLAGS: Table = [
    ("prototype.h", HEADS[0] + "vec);\n", HEADS[1] + "vec);\n"),
    ("defined.c", HEADS[0] + "v)\n{\n\treturn 0;\n}\n", HEADS[1] + "v)\n{\n\treturn 0;\n}\n"),
    ("constant.c", pin(CALL.replace("flags", "FOLL_FORCE | FOLL_WRITE")), pin(CALLED)),
    ("parameter.c", pin(CALL.replace("flags", "nr")), pin(CALLED)),
    # the variable goes with the argument
    ("initialised.c", pin(SETS, "", CALL), pin(CALLED)),
    ("constant-variable.c", pin("const u32 flags = 0;", "", CALL), pin(CALLED)),
    ("other-name.c", rename(pin(SETS, "", CALL), flags="how"), pin(CALLED)),
    (
        "among-others.c",
        pin("int ret;", SETS, "bool w;", "", "foo_on(foo);", CALL),
        pin("int ret;", "bool w;", "", "foo_on(foo);", CALLED),
    ),
    (
        "assigned.c",
        pin("u32 flags;", "int ret;", "", "foo_on(foo);", "flags = FOLL_WRITE;", CALL),
        pin("int ret;", "", "foo_on(foo);", CALLED),
    ),
    ("two.c", pin(SETS, "", "if (nr)", "\t" + CALL, CALL), pin("if (nr)", "\t" + CALLED, CALLED)),
    ("elsewhere.c", pin(SETS, "", CALL) + SAME_NAME, pin(CALLED) + SAME_NAME),
    # or it stays
    stays("used-before.c", SETS, "", 'pr_debug("%x", flags);'),
    stays("used-on-a-branch.c", SETS, "", "if (nr)", "\treturn foo_other(flags);"),
    stays("used-in-ifdef.c", SETS, "", "#ifdef CONFIG_FOO", "foo_irq(flags);", "#endif"),
    stays("copied.c", SETS, "u32 copy = flags;", "", "foo_irq(copy);"),
    stays("calls.c", "unsigned int flags = foo_flags(foo);", ""),
    stays("calls-later.c", "u32 flags;", "", "flags = foo_flags(foo);"),
    stays("address.c", "u32 flags;", "", "foo_flags(foo, &flags);"),
    stays("branch.c", "u32 flags;", "", "if (nr)", "\tflags = 0;", "else", "\tflags = 1;"),
    stays("branch-adds.c", SETS, "", "if (nr)", "\tflags |= FOLL_FORCE;"),
    stays("set-twice.c", "u32 flags;", "", "flags = 0;", "flags = flags | FOLL_WRITE;"),
    (
        "used-after.c",
        pin(SETS, "", "nr = get_vaddr_frames(at, nr, flags, v);", "return foo_irq(flags);"),
        pin(SETS, "", "nr = get_vaddr_frames(at, nr, v);", "return foo_irq(flags);"),
    ),
    ("done.c", pin(SETS, "", "foo_irq(flags);", CALLED)),
    ("other-call.c", pin(SETS, "", "return get_user_frames(at, nr, flags, foo->vec);")),
    ("not-code.c", not_code("get_vaddr_frames(at, nr, FOLL_WRITE, foo->vec)")),
]

FOLLOW = """\
int follow_pfn(struct vm_area_struct *vma, unsigned long address,
	unsigned long *pfn)
{
	*pfn = address >> PAGE_SHIFT;
	return vma ? 0 : -EINVAL;
}
EXPORT_SYMBOL(follow_pfn);
"""
UNSAFE = "\n" + (RULES / "add-unsafe-follow-pfn.cocci").read_text().split("(follow_pfn);\n")[1]
UNSAFE = UNSAFE.replace("\n+", "\n")
NEXT = "\nvoid vfree(const void *addr)\n{\n}\nEXPORT_SYMBOL(vfree);\n"

ADD_UNSAFE: Table = [
    ("memory.c", FOLLOW + NEXT, FOLLOW + UNSAFE + NEXT),
    ("at-the-end.c", FOLLOW, FOLLOW + UNSAFE),
    (
        "ifdef.c",
        f"#ifdef CONFIG_MMU\n{FOLLOW}#endif\n",
        f"#ifdef CONFIG_MMU\n{FOLLOW}{UNSAFE}#endif\n",
    ),
    ("gap.c", edit(FOLLOW, ("EXP", "\nEXP")), edit(FOLLOW, ("EXP", "\nEXP")) + UNSAFE),
    ("done.c", FOLLOW + UNSAFE + NEXT),
    ("by-hand.c", FOLLOW + "\nint unsafe_follow_pfn(void)\n{\n\treturn -EINVAL;\n}\n"),
    ("gpl.c", edit(FOLLOW, ("EXPORT_SYMBOL", "EXPORT_SYMBOL_GPL"))),
    ("longer.c", edit(FOLLOW, ("follow_pfn", "follow_pfn_pte"))),
    ("caller.c", pin("return follow_pfn(vma, at, &pfn);") + "EXPORT_SYMBOL(foo_pin);\n"),
    (
        "not-code.c",
        "/* EXPORT_SYMBOL(follow_pfn); */\n#if 0\nEXPORT_SYMBOL(follow_pfn);\n#endif\n" + NEXT,
    ),
]

LOOK = "return follow_pfn(vma, at, &pfn);"
LOOKED = "return unsafe_follow_pfn(vma, at, &pfn);"
USE_UNSAFE: Table = [
    ("return.c", pin(LOOK), pin(LOOKED)),
    (
        "loop.c",
        pin("int err = follow_pfn(vma, at, &foo->pfn[0]);", "", "if (!err && nr)", "\t" + LOOK),
        pin(
            "int err = unsafe_follow_pfn(vma, at, &foo->pfn[0]);",
            "",
            "if (!err && nr)",
            "\t" + LOOKED,
        ),
    ),
    (
        "grab.c",
        pin("while (follow_pfn(grab->vma, at & PAGE_MASK, pfns + nr))", "\tnr++;"),
        pin("while (unsafe_follow_pfn(grab->vma, at & PAGE_MASK, pfns + nr))", "\tnr++;"),
    ),
    (
        "broken.c",
        pin("return follow_pfn(foo->vma,", "\t\t  at + (nr << PAGE_SHIFT), &foo->pfn[nr]);"),
        pin(
            "return unsafe_follow_pfn(foo->vma, at + (nr << PAGE_SHIFT),", "\t\t\t &foo->pfn[nr]);"
        ),
    ),
    (
        "ifdef.c",
        pin("#ifdef CONFIG_FOO", LOOK, "#else", LOOK, "#endif"),
        pin("#ifdef CONFIG_FOO", LOOKED, "#else", LOOKED, "#endif"),
    ),
    ("done.c", pin(LOOKED)),
    ("defined.c", FOLLOW),
    ("prototype.h", FOLLOW.split("\n{")[0] + ";\n"),
    ("others.c", pin("return follow_pte(vma, at, &pfn) + foo->follow_pfn(vma, at, &pfn);")),
    ("by-address.c", "static const struct foo_ops ops = { .look = follow_pfn };\n"),
    ("not-code.c", not_code("follow_pfn(vma, at, &pfn)")),
]

TABLES: dict[str, Table] = {
    "own-pages.cocci": OWN_PAGES,
    "foll-longterm.cocci": FOLL_LONGTERM,
    "pin-longterm.cocci": PIN_LONGTERM,
    "drop-gup-flags.cocci": DROP_GUP_FLAGS,
    "add-unsafe-follow-pfn.cocci": ADD_UNSAFE,
    "use-unsafe-follow-pfn.cocci": USE_UNSAFE,
}


def test_every_rule_has_a_table() -> None:
    assert {path.name for path in RULES.glob("*.cocci")} == set(TABLES)


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("name", TABLES)
def test_rule(name: str, build: str, tmp_path: Path) -> None:
    table, wrong = TABLES[name], ""
    place = make_repository(tmp_path / "tree", {row[0]: row[1] for row in table})
    assert len(list(place.glob("*.[ch]"))) == len(table), "a name stands in the table twice"
    rule = read_rule(RULES / name, name=name)
    with Engine(find_spatch(build), rule, timeout=60, jobs=1) as engine:
        first = engine.run(place, [row[0] for row in table], rule.keywords)
        changed = [outcome for outcome in first if outcome.diff]
        for outcome in changed:
            git(place, "apply", "--index", "-", stdin=outcome.diff)
        second = engine.run(place, [outcome.path for outcome in changed], rule.keywords)
    for file, *_, expected in table:
        found = (place / file).read_text()
        wrong += "".join(unified_diff(expected.splitlines(True), found.splitlines(True), file))
    assert wrong == ""
    assert [item.trouble for item in (*first, *second) if item.trouble] == []
    assert [item.path for item in second if item.diff] == []
