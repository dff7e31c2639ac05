"""Attestation: mails signed with patatt, as ``b4 send`` signs them.

The key is ``patatt.signingkey``, else ``user.signingkey``; ``b4.send-no-patatt-sign``
turns it off.  A signature covers From, Subject, Message-ID and the text as git-mailinfo
reads them, so that it outlives git send-email's new Date and its unfolded headers.
"""

import contextlib
import io
import logging
from collections.abc import Sequence
from pathlib import Path

from generator.errors import ProgramError
from generator.tree import read_settings
from series.outgoing import Outgoing

_HEADER = b"x-developer-signature:"


def configured(cwd: Path) -> dict[str, str]:
    """patatt's settings in ``cwd``; empty when there is no key to sign with."""
    off = read_settings("b4", cwd=cwd).get("send-no-patatt-sign", ("",))[-1]
    if off.lower() in ("yes", "true", "y"):
        return {}
    known = {name: values[-1] for name, values in read_settings("patatt", cwd=cwd).items()}
    user = read_settings("user", cwd=cwd)
    if not known.get("signingkey") and user.get("signingkey"):
        kind = read_settings("gpg", cwd=cwd).get("format", ("openpgp",))[-1]
        known["signingkey"] = (
            f"{'openssh' if kind == 'ssh' else 'openpgp'}:{user['signingkey'][-1]}"
        )
    if not known.get("signingkey"):
        return {}
    if not known.get("identity") and user.get("email"):
        known["identity"] = user["email"][-1]
    return known


def sign(mails: Sequence[Outgoing], *, cwd: Path) -> list[Outgoing]:
    """``mails`` signed, where a key is configured; ``ProgramError`` when it cannot be used.

    patatt looks for ed25519 keys in its folder below ``XDG_DATA_HOME`` or the home,
    and in the repository of the directory it runs in.
    """
    config = configured(cwd)
    if not config:
        return list(mails)
    import patatt

    logging.getLogger("patatt").disabled = True  # its messages are our errors
    patatt.KEYCACHE.clear()  # keeps keys by identity, whatever the configuration says now
    patatt.GPGBIN = patatt.SSHKBIN = None
    made = []
    try:
        with contextlib.chdir(cwd), contextlib.redirect_stderr(io.StringIO()):
            patatt.set_bin_paths({**config})
            for mail in mails:
                made.append(mail.with_content(patatt.rfc2822_sign(mail.content, {**config})))
    except (patatt.Error, RuntimeError, ValueError, TypeError, OSError, AssertionError) as error:
        said = " ".join(str(error).split()) or type(error).__name__
        raise ProgramError(
            f"the mails cannot be signed with the key '{config['signingkey']}': {said}",
            hint="mend git config patatt.signingkey (user.signingkey), or set "
            "b4.send-no-patatt-sign to yes; nothing was sent by this run",
        ) from error
    return made


def unsigned(mails: Sequence[Outgoing]) -> bool:
    """Whether one of ``mails`` has no signature."""
    return any(_HEADER not in mail.content.partition(b"\n\n")[0].lower() for mail in mails)


def damage(signed: bytes, arrived: bytes) -> list[str]:
    """What of a signed mail's signature would not hold in ``arrived`` (none for unsigned ones)."""
    if _HEADER not in signed.partition(b"\n\n")[0].lower():
        return []
    try:
        one, other = _covered(signed), _covered(arrived)
    except (RuntimeError, ValueError) as error:
        return [f"its signature cannot be checked: {error}"]
    return [
        f"its signature would not hold: git send-email would change {what}"
        for what in one
        if one[what] != other.get(what)
    ]


def _covered(content: bytes) -> dict[str, bytes]:
    """What a signature is about, as patatt reads it."""
    import patatt

    message = patatt.PatattMessage(content)
    message.git_canonicalize()
    found = {"the text": message.canon_body or b""}
    for header in message.canon_headers or []:
        name, _, value = header.partition(b":")
        if name.lower() in (b"from", b"subject", b"message-id", b"x-developer-signature"):
            found[name.decode().lower()] = b"".join(value.split())
    return found
