"""A campaign made of one rule: what ``reroll init --rule`` writes.

Pure.  Title and message come from the rule's header (``///`` lines, coccicheck's
convention); the message quotes the rule between ``// <smpl>`` marks, as kernel commits
made with Coccinelle do.
"""

import json
import re
import textwrap
from collections.abc import Mapping, Sequence

from generator.rule import Rule
from generator.split import slug
from generator.templates import literal

# A longer rule is named in a message, not quoted.
_QUOTED_LINES = 80
_TITLE = 60
# A line of a rule that git am would take for the end of the message.
_ENDS_MESSAGE = re.compile(r"---(?:\s|$)|-- $|diff -|Index: ")

_CAMPAIGN = """\
# Made of the rule {file} by "reroll init".  It is yours now: edit it, and run
# "reroll generate" as often as you like.  docs/campaign.md explains every key; what begins
# with "#" here is a key that you may want.

[series]
name = {name}
title = {title}
cover = '''
{text}

{{% if ledger.total %}}
{{% filter wordwrap(72, false, none, false) %}}
Places{{{{ " in " if paths }}}}{{{{ paths | join(", ") }}}} that name \
{{{{ ledger.words | join(", ") }}}}: {{{{ ledger.total }}}} ({{{{ ledger.summary }}}}).
{{% endfilter %}}
{{% endif %}}
'''
# base = "v6.12"                                   # default: HEAD of the tree
# prefix = "RFC PATCH"
# to = ["Maintainer <maintainer@example.org>"]     # besides those in MAINTAINERS

[series.changelog]
# 2 = ["what changed in version 2"]

[[patch]]
id = {id}
title = {patch_title}
message = '''
{text}

{quote}
'''
{split}# remaining = "none"                               # no site may be left, explained or not

[[patch.step]]
rule = {file_value}
{values}{paths}# exclude = {{ "tools" = "keeps its own copy" }}
{words}"""

_NO_SPLIT = """\
# split = "subsystem"                              # or "maintainer", "directory", "file"
"""
_NO_PATHS = """\
# paths = ["drivers"]                              # default: the whole tree
"""
_WORDS = "  # what a file must hold, as spatch sees the rule"

# Not every shard of a split patch is the rule's work: an edit may be all of one.
_WHERE_RULED = ("{% if smpl_body %}\n", "\n{% endif %}")
_SMPL = """\
The semantic patch that makes this change is:

// <smpl>
{{ smpl_body }}
// </smpl>"""


def campaign_text(
    rule: Rule,
    file: str,
    *,
    name: str,
    split: str,
    values: Mapping[str, object],
    words: Sequence[str] = (),
    paths: Sequence[str] = (),
) -> str:
    """The text of a ``series.toml`` whose one patch runs ``rule``, which is in ``file``.

    ``name`` is the series'; ``split`` is as in a campaign; ``values`` are the
    rule's ``define`` or ``parameters``; ``words`` are those that select files for it,
    ``paths`` the parts of the tree to change, all for none.
    """
    head, text = _described(rule)
    patch = slug(re.sub(r"\.cocci(\.j2)?\Z", "", file))
    quote = _SMPL
    lines = rule.body.split("\n")
    if len(lines) > _QUOTED_LINES or any(_ENDS_MESSAGE.match(line) for line in lines):
        given = ", ".join(f"{key} = {value}" for key, value in values.items())
        quote = f"Made with the semantic patch {file}{given and f' ({given})'}."
        quote = _escaped(textwrap.fill(quote, 72, break_long_words=False))
    key = "parameters" if file.endswith(".j2") else "define"
    return _CAMPAIGN.format(
        file=file,
        file_value=_value(file),
        name=_value(slug(name)),
        title=_value(_escaped(head)),
        id=_value(patch),
        patch_title=_value(f"{{{{ prefix }}}}: {_escaped(_lowered(head))}"),
        text=_escaped(text),
        quote=quote.join(_WHERE_RULED),
        split=_NO_SPLIT if split == "none" else f"split = {_value(split)}\n",
        values=f"{key} = {_table(values)}\n" if values else "",
        paths=f"paths = {_value(list(paths))}\n" if paths else _NO_PATHS,
        words=f"# tokens = {_value(list(words))}{_WORDS}\n" if words else "",
    )


def _described(rule: Rule) -> tuple[str, str]:
    """What the rule does as a title, and as a paragraph."""
    text = rule.description or f"Apply {rule.name}."
    head = re.split(r"(?<=[.!?]) |[:;] ", text, maxsplit=1)[0].rstrip(".").lstrip("-[ ")
    if not re.search(r"\w", head):
        head = f"Apply {rule.name}"
    if len(head) > _TITLE:
        cut = head[:_TITLE].rsplit(" ", 1)[0]
        head = head[: head.find(", ")] if 0 < head.find(", ") < _TITLE else cut
    # What git am takes for a header, or for the end of a message, must not begin a line.
    if re.match(r"(?:-|>?From|Date|Subject|Author|diff|Index)", text):
        text = f"In short: {text}"
    filled = textwrap.fill(text, 72, break_long_words=False, break_on_hyphens=False)
    return head, re.sub(r"(?m)^(?=---|-- |diff -|Index: )", " ", filled)


def _lowered(text: str) -> str:
    """A sentence after a colon: small unless its first word is a name or an abbreviation."""
    first = text.split(" ", 1)[0]
    return text if first[1:] != first[1:].lower() or "_" in first else text[:1].lower() + text[1:]


def _escaped(text: str) -> str:
    """Text that a template, and a TOML string in three quotes, gives back as it is."""
    text = re.sub(r"[\x00-\x09\x0b-\x1f\x7f]", " ", text).replace("'''", '"')
    return literal(text)


def _value(value: object) -> str:
    """A value as TOML has it; what JSON writes of strings, numbers and lists is TOML as well."""
    return json.dumps(value, ensure_ascii=False)


def _table(values: Mapping[str, object]) -> str:
    return (
        "{ " + ", ".join(f"{_value(key)} = {_value(item)}" for key, item in values.items()) + " }"
    )
