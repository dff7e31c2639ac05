"""What became of each tag that reviewers gave.

The states follow from the mails alone, in the order they were written; ``series.trailer_file``
keeps them.  Who is one person is what ``series.givers`` says.  A tag in the name of somebody
at an address that nothing connects with the mail's is unclear; who only has the name of a giver
takes nothing of theirs back, but makes it unclear.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from series import addresses, tags
from series.givers import Givers
from series.tags import Mention
from series.threads import Target
from series.trailer_file import TAKEN, State, Tag
from series.version import PatchRecord, Version


@dataclass(frozen=True)
class Said:
    """A mail and what it says of tags: a reply, or a patch (``posted``) with those it carries."""

    message_id: str
    sender: str
    target: Target
    mentions: tuple[Mention, ...] = ()
    posted: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Account:
    """What became of one mention: ``state`` of the tag, or why there is none of it.

    ``patches`` are the ids of the patches that it counts for.
    """

    message_id: str
    sender: str
    version: int
    patch: str
    line: int
    text: str
    state: str
    why: str
    patches: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """The tags, and an account of every line that looked like one."""

    tags: tuple[Tag, ...]
    accounts: tuple[Account, ...]


@dataclass
class _Table:
    """The tags so far, by (patch, tag, person)."""

    versions: Mapping[int, Version]
    givers: Givers
    found: dict[tuple[str, str, str], Tag] = field(default_factory=dict)
    # Whose mails gave a tag: its person, or who only has that name.
    holders: dict[tuple[str, str, str], set[str]] = field(default_factory=dict)
    accounts: list[Account] = field(default_factory=list)


def states(said: Sequence[Said], versions: Sequence[Version], givers: Givers) -> Outcome:
    """What became of every tag in ``said``, mails in the order they were written."""
    for one in said:
        givers.learn([one.sender, *(mention.person for mention in one.mentions)])
        givers.learn(person for _, person in one.posted)
    written_to = [
        to.address for version in versions for mail in version.mails for to in mail.recipients
    ]
    givers.learn(written_to)
    givers.connect(
        [*written_to, *(one.sender for one in said if one.posted)],
        [
            (one.sender, mention.person)
            for one in said
            for mention in one.mentions
            if mention.kind == "given" and mention.person
        ],
    )
    table = _Table({version.version: version for version in versions}, givers)
    for one in said:
        for name, person in one.posted:
            _carry(table, one, name, person)
        for mention in one.mentions:
            _account(table, one, mention)
    order = {
        patch.id: (version.version, patch.number)
        for version in sorted(versions, key=lambda version: version.version)
        for patch in version.patches
    }
    made = sorted(table.found.values(), key=lambda tag: (order.get(tag.patch, (0, 0)), tag.version))
    return Outcome(tuple(made), tuple(table.accounts))


def _account(table: _Table, one: Said, mention: Mention) -> None:
    """Let a mention have its effect, and say what that was."""
    answer: tuple[str, str, tuple[str, ...]] = ("quoted commit", mention.words, ())
    if mention.kind == "given":
        answer = _give(table, one, mention)
    elif mention.kind == "unread":
        answer = ("not read", mention.words, ())
    elif mention.kind != "elsewhere":
        answer = _change(table, one, mention)
    state, why, patches = answer
    table.accounts.append(
        Account(
            one.message_id,
            one.sender,
            one.target.version,
            one.target.patch,
            mention.line,
            _clean(mention.text.strip()),
            state,
            _clean(why),
            patches,
        )
    )


def _clean(text: str) -> str:
    """Words of a mail as one line that neither a terminal nor TOML trips over."""
    return addresses.printable(" ".join(text.split()))[:500]


def _carry(table: _Table, one: Said, name: str, person: str) -> None:
    """A tag in the message of a posted patch: its author holds it for given."""
    key = _key(table, one.target.patch, name, person)
    before = table.found.get(key)
    if before is None:
        made = Tag(key[0], one.target.version, _trailer(name, person), "given", (one.message_id,))
        table.found[key] = made
    elif before.state != "withdrawn":  # nobody but the giver gives it back
        # The mails that gave it, and the newest patch that carries it.
        messages = tuple(name for name in before.messages if name not in _patch_mails(table))
        state = before.state if before.state in TAKEN else "given"
        table.found[key] = replace(
            before,
            version=max(one.target.version, before.version),
            state=state,
            messages=(*messages, one.message_id),
            why=before.why if before.state in TAKEN else "",
        )


def _patch_mails(table: _Table) -> set[str]:
    return {patch.message_id for one in table.versions.values() for patch in one.patches}


def _give(table: _Table, one: Said, mention: Mention) -> tuple[str, str, tuple[str, ...]]:
    """A tag in a reply; answers its state, why, and the patches it is for."""
    own = not mention.person or table.givers.is_own(mention.person, one.sender)
    if not own and mention.name not in ("Fixes", "Closes", "Cc"):
        return _of_another(table, one, mention)
    state, why = _state(table, one, mention)
    patches, scope, words = _scope(table, one.target, mention)
    trailer = _trailer(mention.name, _repaired(mention, one.sender))
    if not trailer:
        return "unclear", why or "names nobody", ()
    said = _joined(why, words, mention.remark)
    states = [_put(table, one, patch, trailer, state or scope, said) for patch in patches]
    return states[0], said, tuple(patches)


def _joined(*words: str) -> str:
    """Reasons as one text, without those that another has in it."""
    found: list[str] = []
    for one in filter(None, words):
        if not any(one in other for other in found):
            found.append(one)
    return "; ".join(found)


def _state(table: _Table, one: Said, mention: Mention) -> tuple[State | None, str]:
    """The state that a mention has whatever its scope, and why."""
    if mention.unclear:
        return "unclear", f"{mention.unclear}: {mention.text.strip()}"
    if mention.name == "Signed-off-by":
        return "unclear", "a Signed-off-by says who passed the patch on, not that it is good"
    if mention.condition:
        return "conditional", mention.condition
    if table.givers.elsewhere(mention.person, one.sender):
        return None, f"the mail came from {one.sender}"
    return None, ""


def _of_another(table: _Table, one: Said, mention: Mention) -> tuple[str, str, tuple[str, ...]]:
    """A tag that names somebody else than who wrote the mail: it changes nothing of theirs."""
    if mention.indented:
        return "quoted commit", "is indented, and names another than who wrote the mail", ()
    namesake = table.givers.namesakes(mention.person, one.sender)
    why = f"names another than who wrote the mail: {one.sender or 'nobody'}"
    if namesake:
        why = f"nothing but the name says that it is from who wrote the mail: {one.sender}"
    if mention.unclear:
        why = f"{mention.unclear}, and {why}"
    trailer = _trailer(mention.name, mention.person)
    why = _joined(why, mention.condition, mention.remark)
    patches = _scope(table, one.target, mention)[0] if namesake else [one.target.patch]
    put = []
    for patch in patches if trailer else ():
        known = _key(table, patch, mention.name, mention.person) in table.found
        if namesake or not known:
            holder = one.sender if namesake else ""
            _put(table, one, patch, trailer, "unclear", why, holder=holder)
        put += [] if known else [patch]
    return "unclear", why, tuple(put)


def _repaired(mention: Mention, sender: str) -> str:
    """Who a tag names, with the address of the mail where its own cannot be used."""
    if mention.name in ("Fixes", "Closes", "Cc"):
        return mention.person
    return sender if addresses.problem(mention.person) else mention.person


def _trailer(name: str, person: str) -> str:
    """A trailer's line; empty where nobody is named.  Nothing in it breaks the line."""
    plain = addresses.plain(person) if addresses.split(person)[1] else person
    clean = _clean(plain).strip()
    return f"{name}: {clean}" if clean else ""


def _put(
    table: _Table, one: Said, patch: str, trailer: str, state: State, why: str, *, holder: str = ""
) -> State:
    """Note a tag that its giver wrote, or a ``holder``; answers the state it has now."""
    name, _, person = trailer.partition(": ")
    key = _key(table, patch, name, person)
    if not holder:
        table.holders[key] = {key[2]}
    elif key[2] not in (holders := table.holders.setdefault(key, set())):
        holders.add(table.givers.key(holder))
    before = table.found.get(key)
    made = Tag(patch, one.target.version, trailer, state, (one.message_id,), _clean(why))
    if before is not None:
        made = _later(before, made)
    table.found[key] = made
    return made.state


def _later(before: Tag, made: Tag) -> Tag:
    """A tag that was given once more."""
    messages = tuple(dict.fromkeys((*before.messages, *made.messages)))
    if before.state == "withdrawn" and made.state in TAKEN:
        why = f"{made.why}; {before.why}" if made.why else before.why
        return replace(made, state="given again", messages=messages, why=why)
    if before.state == "withdrawn" and made.state == "unclear":
        return replace(before, messages=messages, why=_joined(before.why, made.why))
    # What is less than clear does not take away what was, nor does a late mail of an old thread.
    older = made.version < before.version
    if before.state in TAKEN and (made.state == "unclear" or older):
        return replace(before, messages=messages)
    return replace(made, messages=messages)


def _change(table: _Table, one: Said, mention: Mention) -> tuple[str, str, tuple[str, ...]]:
    """A withdrawal, a refusal, or a tag given again, by who wrote the mail."""
    if mention.person and not table.givers.same(mention.person, one.sender):
        return "nothing", f"names another than who wrote the mail: {one.sender}", ()
    words = mention.words or mention.text.strip()
    quoted = [text.partition(": ") for text in mention.quoted]
    alike = [person for name, _, person in quoted if mention.name in ("", name)]
    if mention.pointing and alike and not any(table.givers.same(p, one.sender) for p in alike):
        return "nothing", f"points at a tag of another: {words}", ()
    patches, _, _ = _scope(table, one.target, mention)
    wanted: State = "given again" if mention.kind == "again" else "withdrawn"
    doubt = bool(mention.condition) or mention.scope.doubt
    changed = [
        tag.patch
        for key, tag in _theirs(table, one, mention, patches)
        if _turn(table, key, one, wanted, words, doubt=doubt)
    ]
    if changed:
        return ("unclear" if doubt else wanted), words, tuple(dict.fromkeys(changed))
    if wanted == "withdrawn" and (alike_named := _of_namesakes(table, one, mention, patches)):
        why = f"nothing but the name says that it is from who gave the tag: {one.sender}: {words}"
        for key in alike_named:
            _turn(table, key, one, wanted, why, doubt=True)
        return "unclear", why, tuple(dict.fromkeys(key[0] for key in alike_named))
    if mention.kind == "nak":
        return "NAK", words, ()
    return "nothing", f"no tag of theirs is known here that it could be about: {words}", ()


def _of_namesakes(
    table: _Table, one: Said, mention: Mention, patches: Sequence[str]
) -> list[tuple[str, str, str]]:
    """Tags of who has the sender's name that are in doubt when the sender takes them back.

    Nobody takes back what they did not give.  A refusal may be another's: it puts a tag in
    doubt only where no mail from the giver's own address is known.
    """
    return [
        key
        for key, tag in table.found.items()
        if key[0] in patches
        and tags.endorses(tag.name)
        and mention.name in ("", tag.name)
        and (mention.kind != "nak" or key not in table.holders)
        and table.givers.namesakes(tag.person, one.sender)
    ]


def _theirs(
    table: _Table, one: Said, mention: Mention, patches: Sequence[str]
) -> list[tuple[tuple[str, str, str], Tag]]:
    """The tags of who wrote the mail that a mention is about."""
    person = table.givers.key(one.sender) if one.sender else ""
    own = [
        (key, tag)
        for key, tag in table.found.items()
        if person
        and person in {key[2], *table.holders.get(key, ())}
        and key[0] in patches
        and tags.endorses(tag.name)
    ]
    if mention.kind == "nak" or not mention.name:
        return own
    # "my ack" may well be a Reviewed-by.
    return [pair for pair in own if pair[1].name == mention.name] or own


def _turn(
    table: _Table, key: tuple[str, str, str], one: Said, state: State, words: str, *, doubt: bool
) -> bool:
    """Change a tag's state where that is a change."""
    before = table.found[key]
    if (state == "given again") != (before.state == "withdrawn"):
        return False
    table.found[key] = replace(
        before,
        state="unclear" if doubt else state,
        messages=tuple(dict.fromkeys((*before.messages, one.message_id))),
        why=_clean(words),
        version=max(before.version, one.target.version) if state != "withdrawn" else before.version,
    )
    return True


def _key(table: _Table, patch: str, name: str, person: str) -> tuple[str, str, str]:
    return patch, name.lower(), table.givers.key(person)


def _scope(table: _Table, target: Target, mention: Mention) -> tuple[list[str], State, str]:
    """The patches that a mention is for, the state that gives a tag, and the words that say so."""
    scope = mention.scope
    patches = table.versions[target.version].patches if target.version in table.versions else ()
    # "This conflicts with patch 3." makes no tag one for patch 3.
    if target.patch and not scope.linked:
        return [target.patch], "given", ""
    everything = [patch.id for patch in patches]
    if scope.doubt:
        why = f"is for some patches, but not clear for which: {scope.words}"
        return [target.patch] if target.patch else everything or [""], "unclear", why
    some = scope.numbers or scope.without or scope.parts or scope.last or scope.but_last
    if not scope.words or (scope.whole and not some):
        why = scope.words or "was given to the cover letter"
        return (everything, "whole series", why) if everything else ([""], "unclear", why)
    chosen = _chosen(patches, target, mention)
    if chosen is not None and not scope.linked:
        return chosen, "unclear", f"may be for some patches only: {scope.words}"
    if chosen is None:
        why = f"does not fit the patches of version {target.version}: {scope.words}"
        return [target.patch], "unclear", why
    return (
        chosen,
        "given" if chosen == [target.patch] and not scope.parts else "partial",
        scope.words,
    )


def _chosen(patches: Sequence[PatchRecord], target: Target, mention: Mention) -> list[str] | None:
    """The ids of the patches that a scope names; ``None`` where it names what is not there."""
    scope = mention.scope
    by_number = {patch.number: patch.id for patch in patches}
    numbers = {*scope.numbers, *((target.number,) if scope.this and target.number else ())}
    numbers |= {target.number - back for back in scope.back if target.number}
    total = max(by_number, default=0)
    if max(scope.last, scope.but_last) > total:
        return None
    numbers |= set(range(total - scope.last + 1, total + 1))
    if scope.without:
        numbers |= set(by_number) - set(scope.without)
    if scope.but_last:
        numbers |= set(range(1, total - scope.but_last + 1)) - set(scope.without)
    if scope.count and scope.count != len(by_number):
        return None
    if numbers - by_number.keys() or set(scope.without) - by_number.keys():
        return None
    if not scope.parts or numbers or scope.without or scope.but_last:
        return [by_number[number] for number in sorted(numbers)] or None
    fitting = [patch.id for patch in patches if _touches(patch, scope.parts)]
    if not target.patch:
        return fitting or None
    # A part of the patch that is answered, in the reviewer's own words.
    paths = any("/" in part for part in scope.parts)
    return [target.patch] if target.patch in fitting or not paths else None


def _touches(patch: PatchRecord, parts: Sequence[str]) -> bool:
    """Whether a patch is about one of ``parts``: paths, or words of paths and of its title."""
    for part in parts:
        folded = part.casefold().rstrip("/*")
        if "/" in folded:
            if any(
                f"{name}/".casefold().startswith(f"{folded}/") or folded in name.casefold()
                for name in patch.files
            ):
                return True
            continue
        words = {piece for name in patch.files for piece in name.casefold().split("/")}
        prefix = patch.title.casefold().rpartition(":")[0].replace("/", ":").split(":")
        if folded in words | {piece.strip() for piece in prefix}:
            return True
    return False
