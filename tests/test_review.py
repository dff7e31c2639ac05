"""The text of a reply → the comments in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from series import reply_text, review, tags

DIFF = """\
diff --git a/drivers/a/a.c b/drivers/a/a.c
index 1111111..2222222 100644
--- a/drivers/a/a.c
+++ b/drivers/a/a.c
@@ -10,7 +10,9 @@ int a(int x)
 {
 \tint ret;

+\tif (!x)
+\t\treturn -EINVAL;
 \tret = first(x);
-\treturn old_call(ret);
+\treturn new_call(ret);
 }

@@ -80,4 +82,5 @@ int last(int x)
 {
 \tint y = x;
+\tlast_call(y);
 \treturn y;
 }
"""
PATCH = f"It is better.\n\nSigned-off-by: Ada Developer <ada@example.org>\n---\n{DIFF}-- \n2.40.0\n"


def quoted(text: str, mark: str = "> ") -> str:
    """``text`` as a mailer quotes it."""
    return "".join(f"{mark}{line}".rstrip(" ") + "\n" for line in text.rstrip("\n").split("\n"))


def upto(last: str, text: str = DIFF) -> str:
    """The lines of ``text`` down to the one that holds ``last``."""
    lines = text.split("\n")
    return "\n".join(lines[: next(n for n, line in enumerate(lines) if last in line) + 1])


ON = "On Mon, 14 Sep 2020, Ada Developer wrote:\n"
QUOTE = quoted(upto("new_call"))
Expected = list[tuple[str, int, str]]
SHAPES: dict[str, tuple[str, Expected]] = {
    "below an added line": (
        f"{ON}{QUOTE}\nThis can fail.\n",
        [("drivers/a/a.c", 16, "This can fail.")],
    ),
    "below a removed line": (
        f"{ON}{quoted(upto('old_call'))}\nWas that wrong?\n",
        [("drivers/a/a.c", 16, "Was that wrong?")],
    ),
    "below context": (
        f"{ON}{quoted(upto('first(x)'))}\nAnd the lock?\n",
        [("drivers/a/a.c", 15, "And the lock?")],
    ),
    "below the header of a hunk": (
        f"{ON}{quoted(upto('@@ -80'))}\nWhy last()?\n",
        [("drivers/a/a.c", 82, "Why last()?")],
    ),
    "below the name of the file": (
        f"{ON}{quoted(upto('+++'))}\nThis file goes away.\n",
        [("drivers/a/a.c", 0, "This file goes away.")],
    ),
    "two places": (
        f"Hi Ada,\n\n{ON}{QUOTE}\nOne.\n\n{quoted(DIFF.split(chr(10), 15)[15])}\nTwo.\n",
        [("drivers/a/a.c", 16, "One."), ("drivers/a/a.c", 86, "Two.")],
    ),
    "the commit message": (
        f"{ON}> It is better.\n\nBetter than what?\n\n> Signed-off-by: Ada\n> ---\n{QUOTE}",
        [("", 0, "Better than what?")],
    ),
    "on top of everything": (
        f"Please split this.\n\nBob\n\n{ON}{quoted(PATCH)}",
        [("", 0, "Please split this.")],
    ),
    "on top, names a file": (
        f"In a.c the lock is lost.\n\n{ON}{quoted(PATCH)}",
        [("drivers/a/a.c", 0, "In a.c the lock is lost.")],
    ),
    "below the whole patch": (
        f"{ON}{quoted(PATCH)}\nA test would help.\n",
        [("", 0, "A test would help.")],
    ),
    "without a quote": ("I do not like it.\n", [("", 0, "I do not like it.")]),
    "quoted twice": (
        f"On 14/09/2020, Bob wrote:\n> {ON}{quoted(upto('new_call'), '>> ')}>\n> Fails.\n\nHow?\n",
        [("drivers/a/a.c", 16, "How?")],
    ),
    "quoted twice with spaces": (
        f"On 14/09/2020, Bob wrote:\n> > {ON}{quoted(upto('new_call'), '> > ')}\nHow?\n",
        [("drivers/a/a.c", 16, "How?")],
    ),
    "quoted with bars": (
        f"Ada Developer wrote:\n{quoted(upto('new_call'), '| ')}\nFails.\n",
        [("drivers/a/a.c", 16, "Fails.")],
    ),
    "a table is no quote": (
        "| before | after |\n|   12 s |   3 s |\n",
        [("", 0, "| before | after | | 12 s | 3 s |")],
    ),
    "attribution over two lines": (
        f"On Mon, Sep 14, 2020 at 12:27 PM Ada Developer\n<ada@example.org> wrote:\n{QUOTE}\nNo.\n",
        [("drivers/a/a.c", 16, "No.")],
    ),
    "attribution in French": (
        f"Le 14/09/2020 à 12:27, Ada Developer a écrit :\n{QUOTE}\nNon.\n",
        [("drivers/a/a.c", 16, "Non.")],
    ),
    "attribution with an address": (
        f"Ada Developer <ada@example.org> writes:\n\n{QUOTE}\nNo.\n",
        [("drivers/a/a.c", 16, "No.")],
    ),
    "attribution with brackets": (
        f"* Ada Developer <ada@example.org> [2020-09-14 12:00:00]:\n\n{QUOTE}\nNo.\n",
        [("drivers/a/a.c", 16, "No.")],
    ),
    "attribution without what it was for": (f"{ON}...\n\nSame here.\n", [("", 0, "Same here.")]),
    "what looks like an attribution": (
        f"As I wrote:\n{QUOTE}\n",
        [("", 0, "As I wrote:")],
    ),
    "greeting and closing": (
        f"Hi Ada,\n\n{ON}{QUOTE}\nLeaks.\n\nThanks!\n\n\tBob\n",
        [("drivers/a/a.c", 16, "Leaks.")],
    ),
    "regards, by name": (
        f"Hello all,\n\n{ON}{QUOTE}\nLeaks.\n\nBest regards,\nBobby Tables\n",
        [("drivers/a/a.c", 16, "Leaks.")],
    ),
    "a bare name": (f"Ada,\n{ON}{QUOTE}\nLeaks.\n-Bob\n", [("drivers/a/a.c", 16, "Leaks.")]),
    "initials": (f"{ON}{QUOTE}\nLeaks.\n\nBM\n", [("drivers/a/a.c", 16, "Leaks.")]),
    "nothing but politeness": (f"Hi Ada\n\nLooks good to me, thanks!\n\nBob\n\n{ON}{QUOTE}", []),
    "politeness within a text": (
        "Looks good to me.\nExcept for the lock.\n",
        [("", 0, "Looks good to me. Except for the lock.")],
    ),
    "a greeting that goes on": (
        "Hi Ada, this leaks.\n\nThanks for fixing it quickly.\n",
        [("", 0, "Hi Ada, this leaks. Thanks for fixing it quickly.")],
    ),
    "signature": (
        f"{ON}{QUOTE}\nLeaks.\n-- \nBob Maintainer\nhttps://bob.example.org\n",
        [("drivers/a/a.c", 16, "Leaks.")],
    ),
    "signature above the quote": (
        f"Leaks.\n\n--\nBob Maintainer\n\n{ON}{QUOTE}",
        [("", 0, "Leaks.")],
    ),
    "a dashed line is no signature": (
        "Before.\n--\n" + "It is a long story.\n" * 20,
        [("", 0, "Before. -- It is a long story. …")],
    ),
    "footer of a list": (
        f"Leaks.\n{'_' * 47}\nlist mailing list\nlist@lists.example.org\n",
        [("", 0, "Leaks.")],
    ),
    "PGP": (
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nLeaks.\n"
        "-----BEGIN PGP SIGNATURE-----\n\niQEzBAEBCAAdFiEE\n-----END PGP SIGNATURE-----\n",
        [("", 0, "Leaks.")],
    ),
    "tags": (
        f"{ON}{QUOTE}\nReviewed-by: Bob Maintainer <bob@example.org>\n"
        "Tested-by: Bob Maintainer <bob@example.org>\n",
        [],
    ),
    "tag on a condition": (
        f"{ON}{QUOTE}\nWith the lock taken:\nAcked-by: Bob Maintainer <bob@example.org>\n",
        [("drivers/a/a.c", 16, "With the lock taken:")],
    ),
    "thanks and a pointer, and nothing else": (
        "Thank you for the patch. Please see my comments inline.\n",
        [("", 0, "Thank you for the patch. Please see my comments inline.")],
    ),
    "thanks and a pointer": (
        f"Thank you for the patch. Please see my comments inline.\n\n{ON}{QUOTE}\nLeaks.\n",
        [("drivers/a/a.c", 16, "Leaks.")],
    ),
    "what a tag is for": (
        f"{ON}{QUOTE}\nThis patch and the previous one (1/3 drivers: fix it) are both:\n"
        "Acked-by: Bob Maintainer <bob@example.org>\n# drivers/a only\n",
        [],
    ),
    "what a tag is for, and a wish": (
        f"{ON}{QUOTE}\nPlease take the lock. For the series:\n\n"
        "Acked-by: Bob Maintainer <bob@example.org>\n# but not while it is locked\n",
        [
            ("drivers/a/a.c", 16, "Please take the lock. For the series:"),
            ("drivers/a/a.c", 16, "# but not while it is locked"),
        ],
    ),
    "a wish in brackets": (
        "For the series (1/3 should take the lock):\nAcked-by: Bob Maintainer <bob@example.org>\n",
        [("", 0, "For the series (1/3 should take the lock):")],
    ),
    "a tag for what is above": (
        f"{ON}{QUOTE}\nThe lock is lost.\n\nWith that done:\n"
        "Acked-by: Bob Maintainer <bob@example.org>\n",
        [("drivers/a/a.c", 16, "The lock is lost.")],
    ),
    "a refusal": (
        f"{ON}{QUOTE}\nNacked-by: Bob Maintainer <bob@example.org>\n",
        [("drivers/a/a.c", 16, "Nacked-by: Bob Maintainer <bob@example.org>")],
    ),
    "a refusal in a word": ("Thanks,\nNAK\n", [("", 0, "NAK")]),
    "a refusal with its reason": (
        f"{ON}{QUOTE}\nThe lock is lost.\n\nNacked-by: Bob Maintainer <bob@example.org>\n",
        [
            (
                "drivers/a/a.c",
                16,
                "The lock is lost. Nacked-by: Bob Maintainer <bob@example.org>",
            )
        ],
    ),
    "misspelt tags": ("Acked-By:bob@example.org\nReviewd-by: Bob <bob at example.org>\n", []),
    "withdrawal": (
        f"{ON}> Acked-by: Bob Maintainer <bob@example.org>\n\nActually, cancel this Acked-by.\n\n"
        "It breaks suspend.\n\nRegards,\n\n\tBob\n",
        [("", 0, "Actually, cancel this Acked-by. It breaks suspend.")],
    ),
    "forwarded": (
        "This breaks b.\n\n-----Original Message-----\nFrom: Ada Developer\nSent: Monday\n"
        "Subject: [PATCH] drivers: a\n\nIt is better.\n",
        [("", 0, "This breaks b.")],
    ),
    "forwarded, by its head alone": (
        "This breaks b.\n\nFrom: Ada Developer <ada@example.org>\nSent: Monday, 12:00\n"
        "To: list@lists.example.org\nSubject: [PATCH] drivers: a\n\nIt is better.\n",
        [("", 0, "This breaks b.")],
    ),
    "forwarded, and quoted all the same": (
        "-----Original Message-----\nFrom: Ada Developer\nSent: Monday\n\n"
        f"{QUOTE}\nThis breaks b.\n\nSent from my phone\n",
        [("drivers/a/a.c", 16, "This breaks b.")],
    ),
    "a line that is like a header": (
        "From: what I see, it breaks b.\nTo: me it is clear.\n",
        [("", 0, "From: what I see, it breaks b. To: me it is clear.")],
    ),
    "attribution in German": (
        f"Am 14.09.20 um 12:27 schrieb Ada Developer:\n{QUOTE}\nNein.\n",
        [("drivers/a/a.c", 16, "Nein.")],
    ),
    "attribution of another mailer": (
        f"Quoting Ada Developer (2020-09-14 12:27:00)\n{QUOTE}\nNo.\n",
        [("drivers/a/a.c", 16, "No.")],
    ),
    "own diff": (
        f"{ON}{QUOTE}\nI would do it so:\n\n--- a/drivers/a/a.c\n+++ b/drivers/a/a.c\n"
        "@@ -1,2 +1,2 @@\n-\tx();\n+\ty();\n }\n\n> @@ -80,4 +82,5 @@\n>  {\n\nAnd here.\n",
        [
            (
                "drivers/a/a.c",
                16,
                "I would do it so: --- a/drivers/a/a.c +++ b/drivers/a/a.c …",
            ),
            ("drivers/a/a.c", 82, "And here."),
        ],
    ),
    "own code with dots": (
        "Like this:\n\n\tif (x)\n\t...\n\treturn 0;\n",
        [("", 0, "Like this: if (x) ... …")],
    ),
    "several wishes": (
        "The idea is fine.\n\nIt has a history, too.\n\nPlease take the lock.\n\n"
        "Nit: the subject says drviers.\n",
        [
            ("", 0, "The idea is fine. It has a history, too."),
            ("", 0, "Please take the lock."),
            ("", 0, "Nit: the subject says drviers."),
        ],
    ),
    "a new file": (
        f"{ON}> diff --git a/new.c b/new.c\n> new file mode 100644\n> --- /dev/null\n"
        "> +++ b/new.c\n"
        "> @@ -0,0 +1,2 @@\n> +int x;\n> +int y;\n\nstatic?\n",
        [("new.c", 2, "static?")],
    ),
    "a plain diff": (
        f"{ON}> --- a/x.c\n> +++ b/x.c\n> @@ -5 +5 @@\n> -old\n> +new\n>\n"
        "> --- a/y.c\n> +++ b/y.c\n"
        "> @@ -7 +7 @@\n> -old\n> +new\n\nWhy?\n",
        [("y.c", 7, "Why?")],
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes(name: str) -> None:
    text, expected = SHAPES[name]
    found = review.comments(text, sender="Bob Maintainer <bob@example.org>")
    assert [(one.file, one.line, one.excerpt) for one in found] == expected
    assert not any(one.approximate for one in found)
    # A mailer's line ends make no difference.
    again = review.comments(text.replace("\n", "\r\n"), sender="Bob Maintainer <bob@example.org>")
    assert [one.excerpt for one in again] == [one.excerpt for one in found]


@pytest.mark.parametrize(
    "text",
    [
        "The rest all looks good, you've kept the lock. :)",
        "Failed to spot any problems here. :)",
        "I couldn't find any issues.",
        "Looks good to me",
        "LGTM",
        "LGTM, thanks!",
        "Thanks, applied.",
        "Applied to char-misc-next, thanks.",
        "Thanks for putting these references into the log, it's very helpful.",
        "Thank you very much for the patch.",
        "No objections from my side.",
        "This looks like a great improvement!",
        "Nice cleanup. Makes sense to me.",
        "Thanks for fixing this crash, much appreciated!",
        "Looks good, nice catch.",
    ],
)
def test_courtesies(text: str) -> None:
    assert review.comments(f"{ON}{QUOTE}\n{text}\n") == ()


@pytest.mark.parametrize(
    "text",
    [
        "Looks good to me, but the lock is lost.",
        "Looks good to me. Could you test it?",
        "Looks good?",
        "Looks good if it is tested.",
        "Looks good. Nit: the subject.",
        "Thanks for the patch. It leaks.",
        "Thanks for not testing it.",
        "Thanks for the patch, it's very broken.",
        "Thanks for a patch which leaks.",
        "Looks good, you've forgotten the lock.",
        "Looks good, thanks. I'll test it.",
        "Thanks for the patch, please split it.",
        "I cannot find a caller.",
        "I can't find any documentation.",
        "Is this right?",
        "The rest should look like this.",
        "Applied, with the subject fixed up: please check.",
        "See below.",
        "For now:",
        "No.",
        "NAK.",
    ],
)
@pytest.mark.parametrize("behind", ["", "\nAcked-by: Bob Maintainer <bob@example.org>\n"])
def test_what_is_no_courtesy(text: str, behind: str) -> None:
    found = review.comments(f"{ON}{QUOTE}\n{text}\n{behind}")
    assert [one.excerpt for one in found] == [text]


@pytest.mark.parametrize(
    "text",
    [
        "For patches 1-2:",
        "For 1/3 and 3/3:",
        "For the series:",
        "For the whole series:",
        "For the s390 parts:",
        "For drivers/misc/habanalabs:",
        "Feel free to add my",
        "You can add:",
        "With that done:",
        "With those nits fixed, feel free to add:",
        "Other than that, looks good to me:",
        "Nice. For the series,\n  and this patch:",
    ],
)
def test_what_only_leads_to_a_tag(text: str) -> None:
    tag = "Acked-by: Bob Maintainer <bob@example.org>\n"
    assert review.comments(f"{ON}{QUOTE}\n{text}\n{tag}") == ()
    assert review.comments(f"{ON}{QUOTE}\n{text}\n\n{tag}") == ()
    assert len(review.comments(f"{ON}{QUOTE}\n{text}\n")) == 1  # there is no tag


def test_what_is_quoted_above() -> None:
    found = review.comments(f"{ON}{QUOTE}\nThis can fail.\n")[0]
    assert found.quote == "+ return new_call(ret);"
    found = review.comments(f"{ON}> It is better.\n>\n\nThan what?\n")[0]
    assert (found.file, found.quote) == ("", "It is better.")
    assert review.comments("Nothing quoted.\n")[0].quote == ""


@pytest.mark.parametrize(
    "trim", ["[...]", "...", "[snip]", "<snip>", "> [...]", "[ 20 lines cut ]"]
)
def test_lines_that_were_left_out(trim: str) -> None:
    lines = upto("new_call").split("\n")
    text = (
        f"{ON}{quoted(chr(10).join(lines[:6]))}{trim}\n{quoted(chr(10).join(lines[-3:]))}\nFails.\n"
    )
    found = review.comments(text)
    assert [(one.file, one.approximate, one.excerpt) for one in found] == [
        ("drivers/a/a.c", True, "Fails.")
    ]
    assert found[0].line == 12  # counted from the header of the hunk
    found = review.comments(text, patch=PATCH)
    assert [(one.line, one.approximate) for one in found] == [(16, False)]


def test_the_patch_tells_what_the_quote_does_not() -> None:
    text = f"{ON}> +\tlast_call(y);\n\nAnd when it fails?\n"
    assert review.comments(text)[0].file == ""
    found = review.comments(text, patch=PATCH)[0]
    assert (found.file, found.line, found.approximate) == ("drivers/a/a.c", 84, False)
    # Lines that are there twice prove nothing.
    found = review.comments(f"{ON}>  {{\n\nWhy?\n", patch=PATCH)[0]
    assert (found.file, found.line) == ("", 0)
    found = review.comments("In drivers/a/a.c, why?\n", patch=PATCH)[0]
    assert (found.file, found.line) == ("drivers/a/a.c", 0)


def test_an_excerpt_is_fit_for_a_terminal() -> None:
    found = review.comments("Red \x1b[31m alert \u202e and\udc80 tabs\there.\n" + "More. " * 99)[0]
    assert found.excerpt.startswith(r"Red \x1b[31m alert \u202e and\udc80 tabs here. More.")
    assert len(found.excerpt) <= review.EXCERPT_LENGTH
    assert found.excerpt.endswith("…")


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Take the lock. Then go on.", "Take the lock."),
        ("See e.g. foo_bar() for it", "See e.g. foo_bar() for it"),
        ("Why? Because.", "Why? Because."),
        ("Is it so here? Because it is.", "Is it so here?"),
        ("v1.2 is old! Use v1.3", "v1.2 is old!"),
        ("", ""),
    ],
)
def test_first_sentence(text: str, first: str) -> None:
    assert review.first_sentence(text) == first


QUOTES = st.sampled_from([f"> {line}" for line in PATCH.split("\n")] + [">", "> [...]", ">> x"])
OTHERS = st.sampled_from(
    [
        "",
        "[...]",
        "Reviewed-by: Bob Maintainer <bob@example.org>",
        "Thanks,",
        "Regards,",
        "Bob",
        ON.rstrip(),
    ]
)
ENDS = st.sampled_from(["", "-- \nBob Maintainer\n", "\nThanks!\n\n\tBob\n", "\nCheers,\nBob\n"])
WORDS = st.sampled_from(
    ["this leaks", "should go", "Please split:", "\tx();", "+\ty();", "- item", "why?", "A table |"]
)


@st.composite
def replies(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A reply, and the words that must be found in its comments."""
    lines, remarks = [], []
    for number in range(draw(st.integers(0, 12))):
        kind = draw(st.integers(0, 2))
        if kind == 0:
            remarks.append(f"{draw(WORDS)} remark{number}x")
            lines.append(remarks[-1])
        else:
            lines.append(draw(QUOTES if kind == 1 else OTHERS))
    return "\n".join(lines) + "\n" + draw(ENDS), remarks


@given(replies())
def test_no_remark_is_lost_and_none_is_there_twice(made: tuple[str, list[str]]) -> None:
    text, remarks = made
    found = review.comments(text, sender="Bob Maintainer <bob@example.org>", patch=PATCH)
    texts = [line for one in found for line in one.text.split("\n")]
    for remark in remarks:
        assert texts.count(remark) == 1, remark
    assert not any(line.startswith((">", "Reviewed-by")) for line in texts)


PIECES = st.one_of(
    st.text(),
    QUOTES,
    OTHERS,
    st.sampled_from(
        [
            "> @@ -1,99999999999 +1 @@",
            f"> @@ -1 +{'9' * 5000} @@",
            "> @@ -0,0 +0,0 @@",
            "diff --git a/ b/",
            "> --- ",
            "| |",
            "--",
        ]
    ),
)


@given(st.lists(PIECES).map("\n".join), st.text(), st.text())
def test_nothing_raises(text: str, sender: str, patch: str) -> None:
    for one in review.comments(text, sender=sender, patch=f"{patch}\n{text}"):
        assert one.text.strip()
        assert "\n" not in one.excerpt
        assert all(char.isprintable() for char in one.excerpt + one.quote)


@pytest.mark.parametrize(
    "piece",
    [
        *("s/a/", "> x\n...\n", "--\n", "On wrote:\n", "> +x\nhm\n", "a.c ", ">" * 50, "( " * 50),
        *("Bob\n", "no.\n\n> x\n", "> diff --git a/a.c b/a.c\n\na.c\n", "(1/2 ", "thanks for "),
        *("-----BEGIN PGP SIGNATURE-----\n", "> \t\treturn -EINVAL;\n\nno\n"),
    ],
)
@pytest.mark.slow
def test_long_replies_take_no_long_time(piece: str) -> None:
    found = review.comments(f"{ON}{QUOTE}{piece * 4000}\n", sender="Bob", patch=PATCH)
    assert all(one.excerpt.isprintable() for one in found)


@pytest.mark.slow
def test_what_nobody_writes_by_hand_is_cut() -> None:
    quotes = "> +\tx();\n" * 20_000
    assert reply_text.judged(f"{quotes}Leaks.\n") == (f"{quotes}Leaks.\n", False)
    text, cut = reply_text.judged("Leaks.\n" * 6000)
    assert (text.count("Leaks."), cut) == (5000, True)
    text, cut = reply_text.judged(f"Leaks.\n{'x' * 20_000}\n> end\n")
    assert (len(text), text[-7:], cut) == (10_014, "\n> end\n", True)
    text, cut = reply_text.judged("x" * 9000 + "\n" + ("x" * 9000 + "\n") * 40)
    assert (len(text) < 1 << 18, cut) == (True, True)
    text, cut = reply_text.judged("> x\n" * (1 << 21))
    assert (len(text), cut) == (1 << 22, True)


def test_tags_behind_the_cut_are_not_looked_for() -> None:
    text = "Leaks.\nAcked-by: Bob Maintainer <bob@example.org>\n# a/b only\n"
    known = tags.mentions(text)
    assert [one.excerpt for one in review.comments("Leaks.", mentions=known)] == ["Leaks."]
