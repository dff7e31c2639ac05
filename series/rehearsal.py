"""A rehearsal: the real git send-email over all mails, whose sendmail is a sink.

It gives, for each mail, the exact bytes and the envelope that would go out under the
user's own configuration, and runs the user's ``sendemail-validate`` hook over all
mails in one call, as git counts them (githooks(5)).  What would go out must be what
was made: nobody learns from a public list what an alias or a header command did.
"""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.errors import MessageError
from pathlib import Path
from tempfile import TemporaryDirectory

from generator import process
from generator.errors import CampaignError, ProgramError, RerollError
from generator.tree import read_settings
from series import addresses, send_email, signing
from series.outgoing import Outgoing, check, decoded, headers, unwanted

# RFC 5322, 2.1.1: without the line end.
_LINE_LIMIT = 998
# RFC 2047, 5 (3): in an address a "Q" word has none of these; mail programs split there.
_LOOSE_WORD = re.compile(
    r"=\?[^?\s]+\?q\?[^?]*(?:[^\w!*+/=?-]|=[01][0-9a-f]|=7f)[^?]*\?=", re.IGNORECASE | re.ASCII
)
_SINK = """\
cd "$(dirname "$0")" || exit 1
n=1
while test -e "$n.mail"; do n=$((n + 1)); done
printf '%s\\0' "$@" >"$n.words" && cat >"$n.mail"
"""
_REJECTED = re.compile(r"^fatal: (.*): rejected by sendemail-validate hook", re.MULTILINE)


@dataclass(frozen=True)
class Rehearsed:
    """A mail, with the bytes and the envelope recipients that would go out.

    ``mail`` has what the user's hook added (a signature).
    """

    mail: Outgoing
    content: bytes
    envelope: tuple[str, ...]

    @property
    def blind(self) -> tuple[str, ...]:
        """The envelope's recipients that no header names."""
        named = _keys(self.mail.to) | _keys(self.mail.cc)
        return tuple(one for one in self.envelope if addresses.key(one) not in named)

    @property
    def sender(self) -> str:
        """The From header that would go out, decoded."""
        return next(iter(addresses.in_header(_first(headers(self.content), "from"))), "")

    @property
    def reply_to(self) -> tuple[str, ...]:
        """The addresses of the Reply-To that would go out."""
        return tuple(addresses.in_header(_first(headers(self.content), "reply-to")))


def rehearse(
    mails: Sequence[Outgoing], *, cwd: Path, blind: Sequence[str], validate: bool, timeout: float
) -> list[Rehearsed]:
    """What would go out of ``mails``; nothing does.

    ``blind`` are the configured Bcc addresses, ``timeout`` is in seconds a mail.
    With ``validate`` git and the user's hook look at the mails.  Raises
    ``CampaignError`` naming each mail and what of it would not go out as it is,
    ``ProgramError`` when git send-email fails or the hook refuses a mail.
    """
    if not mails:
        return []
    try:
        performed = _perform(mails, cwd, validate=validate, timeout=timeout * len(mails))
    except OSError as error:
        raise RerollError(
            f"nothing was sent by this run: the rehearsal failed: {error.strerror}"
        ) from error
    made = []
    problems: list[str] = []
    for mail, (copy, content, envelope) in zip(mails, performed, strict=True):
        problems += [f"{mail.name}: {text}" for text in differences(mail, content, envelope, blind)]
        problems += [f"{mail.name}:{line}: {text}" for line, text in check(copy)]
        problems += [f"{mail.name}: {text}" for text in signing.damage(copy, content)]
        if not problems:
            made.append(Rehearsed(mail.with_content(copy), content, envelope))
            problems += [f"{mail.name}: {text}" for text in _unfit(made[-1])]
    if problems:
        raise CampaignError(problems, hint=f"nothing was sent by this run; {_cause(problems, cwd)}")
    return made


def _cause(problems: Sequence[str], cwd: Path) -> str:
    """Where to look for what would make ``problems``."""
    suppressed = read_settings("sendemail", cwd=cwd).get("suppresscc", ())
    if suppressed and any("would leave out" in text for text in problems):
        return (
            f"sendemail.suppressCc={','.join(suppressed)} leaves people out: unset it, the "
            "recipients of a mail are those in 'reroll recipients'"
        )
    return "see 'git config --get-regexp ^sendemail', hooks"


def _unfit(made: Rehearsed) -> list[str]:
    """What the user's configuration put into the headers that cannot go out."""
    raw = _first(headers(made.content), "from")
    why = addresses.problem(made.sender)
    sender = addresses.printable(made.sender)
    if _LOOSE_WORD.search(raw):
        why, sender = "has an encoded word that an address cannot have", raw
    return [
        *([f"the From that would go out, '{sender}', {why}"] if why else []),
        *(f"what would go out {text}" for _, text in unwanted(made.content)),
    ]


def _perform(
    mails: Sequence[Outgoing], cwd: Path, *, validate: bool, timeout: float
) -> list[tuple[bytes, bytes, tuple[str, ...]]]:
    """Of each mail, what the hook left of it, what would go out, and to whom."""
    with TemporaryDirectory(prefix="reroll-rehearsal-") as name:
        place = Path(name)
        paths = _copies(mails, place / "mails")
        options = [_sink(place / "sink"), "--quiet", "--batch-size=1000000"]
        options += [] if validate else ["--no-validate"]
        result = send_email.run(options, paths, cwd=cwd, timeout=timeout)
        if result.returncode != 0 or result.timed_out:
            raise _refusal(result)
        arrived = _arrived(place / "sink", len(mails))
        return [
            (path.read_bytes(), content, envelope)
            for path, (content, envelope) in zip(paths, arrived, strict=True)
        ]


def _copies(mails: Sequence[Outgoing], place: Path) -> list[Path]:
    """Copies of the mails: the hook may write to what it is given."""
    place.mkdir()
    for mail in mails:
        (place / mail.name).write_bytes(mail.content)
    return [place / mail.name for mail in mails]


def _sink(place: Path) -> str:
    place.mkdir()
    (place / "sink").write_text(_SINK)
    # git hands this word to sh, and the folder for temporary files may be mounted noexec.
    return f"--sendmail-cmd=sh {shlex.quote(str(place / 'sink'))}"


def _arrived(place: Path, count: int) -> list[tuple[bytes, tuple[str, ...]]]:
    """What the sink took, in order: the bytes, the envelope's recipients."""
    found = []
    for number in range(1, count + 1):
        try:
            words = (place / f"{number}.words").read_bytes().decode("utf-8", "replace")
            content = (place / f"{number}.mail").read_bytes()
        except OSError as error:
            raise ProgramError(
                f"git send-email would send {number - 1} of {count} mails",
                hint="nothing was sent by this run",
            ) from error
        # Options of the user's come first, then "-i", then the recipients.
        given = words.split("\0")[:-1]
        last = len(given) - given[::-1].index("-i")
        found.append((content, tuple(given[last:])))
    return found


def _refusal(result: process.Result) -> ProgramError:
    stderr = result.stderr.decode("utf-8", "replace")
    if rejected := _REJECTED.search(stderr):
        said = stderr[: rejected.start()].strip().splitlines()
        why = f": {said[-1].strip()}" if said else ""
        name = Path(rejected[1]).name
        return ProgramError(
            f"{name}: the sendemail-validate hook rejects it{why}",
            hint="nothing was sent by this run",
        )
    advice = send_email.package(result) or "check 'git config --get-regexp ^sendemail'"
    return ProgramError(
        f"git send-email: {send_email.complaint(result)}",
        hint=f"nothing was sent by this run; {advice}",
    )


def differences(
    mail: Outgoing, content: bytes, envelope: Sequence[str], blind: Sequence[str]
) -> list[str]:
    """What would go out (``content``, to ``envelope``) other than ``mail`` says (pure)."""
    try:
        found = [*_headers_changed(mail, content), *_reply_to(mail, content)]
    except (LookupError, ValueError, MessageError) as error:
        return [f"a header that would go out cannot be decoded: {error}"]
    if _body(content) not in (_body(mail.content), _with_author(mail.content)):
        found.append("git send-email would change the text")
    elif len(re.findall(rb"^From: .*\n\n?(?=From: )", _body(content))):
        found.append(
            "a second in-body From would go out: sendemail.from is not the From that the mail has"
        )
    found += _envelope_changed(mail, envelope, blind)
    found += [
        f"the header line '{line[:30].decode('ascii', 'replace')}...' has {len(line)} characters, "
        f"more than the {_LINE_LIMIT} that mail may have"
        for line in content.partition(b"\n\n")[0].split(b"\n")
        if len(line) > _LINE_LIMIT
    ]
    return found


def _headers_changed(mail: Outgoing, content: bytes) -> list[str]:
    before, after = headers(mail.content), headers(content)
    found = [
        f"{name} would be '{_first(after, name.lower())}' instead of "
        f"'{_first(before, name.lower())}'"
        for name in ("Subject", "Message-ID", "In-Reply-To", "References")
        if decoded(_first(before, name.lower())) != decoded(_first(after, name.lower()))
    ]
    for name, values in (("To", mail.to), ("Cc", mail.cc)):
        # Who is in To gets the mail once; git send-email takes them out of Cc.
        want = _keys(values) - (_keys(mail.to) if name == "Cc" else set())
        have = _keys(addresses.in_header(_first(after, name.lower())))
        found += _who(f"the {name} header", want, have)
    return found


def _envelope_changed(mail: Outgoing, envelope: Sequence[str], blind: Sequence[str]) -> list[str]:
    named = _keys(mail.to) | _keys(mail.cc)
    hidden = [one for value in blind for one in addresses.in_header(value)]
    want = named | _keys(hidden)
    have = _keys(envelope)
    if all("@" in one for one in hidden):
        return _who("the envelope", want, have)
    # A Bcc that is an alias of the user's: whoever it stands for.
    return _who("the envelope", named, have & named)


def _who(what: str, want: set[str], have: set[str]) -> list[str]:
    more, less = sorted(have - want), sorted(want - have)
    return [
        *([f"git send-email would add to {what}: {', '.join(more)}"] if more else []),
        *([f"git send-email would leave out of {what}: {', '.join(less)}"] if less else []),
    ]


def _reply_to(mail: Outgoing, content: bytes) -> list[str]:
    """Lists forbid a Reply-To that makes answers go to everybody."""
    values = headers(content).get("reply-to", [])
    asked = _keys([one for value in values for one in addresses.in_header(value)])
    if len(asked) > 1:
        return ["Reply-To has more than one address, which lists forbid"]
    if both := asked & (_keys(mail.to) | _keys(mail.cc)):
        return [f"Reply-To is {both.pop()}, who gets the mail, which lists forbid"]
    return []


def _body(content: bytes) -> bytes:
    """The text of a mail, decoded: git send-email may choose another transfer encoding."""
    message = message_from_bytes(content, policy=policy.compat32)
    payload = message.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _with_author(content: bytes) -> bytes:
    """The text with the in-body From that git adds when another one sends the mail."""
    author = _unquoted(_first(headers(content), "from"))
    return f"From: {author}\n\n".encode() + _body(content)


def _unquoted(value: str) -> str:
    name, address = addresses.split(next(iter(addresses.in_header(value)), ""))
    if "=?" in value:
        return f"{name} <{address}>"
    return value


def _first(found: dict[str, list[str]], name: str) -> str:
    return found.get(name, [""])[0]


def _keys(values: "Sequence[str] | set[str]") -> set[str]:
    return {addresses.key(value) or value.lower() for value in values}
