"""Who sends, and how mail leaves: git's identity, git send-email, its server, signatures.

Passwords are not read, and no server is asked.
"""

import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from shutil import which

from generator.errors import RerollError
from generator.tree import read_settings, run_git
from series import send_email, signing
from series.doctor_finding import Finding
from series.doctor_programs import lacking_perl_modules

_NAME = "git config --global user.name 'Your Name'"
_EMAIL = "git config --global user.email you@example.org"
# Where git send-email looks for a sendmail, as its --smtp-server says.
_SENDMAIL_FOLDERS = ("/usr/sbin", "/usr/lib")
# What Net::SMTP needs for encryption, and for a login; Debian's packages with them.
_FOR_TLS = ("IO::Socket::SSL", "libio-socket-ssl-perl")
_FOR_LOGIN = ("Authen::SASL", "libauthen-sasl-perl")


def findings(cwd: Path) -> Iterator[Finding]:
    """All about mail, with git's configuration as it is in ``cwd``."""
    yield identity(cwd)
    yield _send_email(cwd)
    config = _configuration(cwd)
    yield _server(config)
    yield from _modules(config)
    yield _sender(config, cwd)
    yield _key(cwd)


def identity(cwd: Path) -> Finding:
    """The author of commits: named by the user, not made up by git from the machine's name."""
    user = read_settings("user", cwd=cwd) | read_settings("author", cwd=cwd)
    mend = []
    if not (user.get("name") or os.environ.get("GIT_AUTHOR_NAME")):
        mend.append(_NAME)
    if not (user.get("email") or os.environ.get("GIT_AUTHOR_EMAIL") or os.environ.get("EMAIL")):
        mend.append(_EMAIL)
    who = _author(cwd)
    if mend or not who:
        text = "git does not know who you are" + (f" (it would write {who})" if who else "")
        commands = tuple(mend) or (_NAME, _EMAIL)
        return Finding("git identity", "missing", text, needed=True, mend=commands)
    return Finding("git identity", "ok", who, needed=True)


def _author(cwd: Path) -> str:
    """``Name <address>`` as git has it; empty when it has none."""
    result = run_git(["var", "GIT_AUTHOR_IDENT"], cwd=cwd, check=False)
    text = result.stdout.decode("utf-8", "replace").strip()
    return text[: text.rfind(">") + 1] if result.returncode == 0 else ""


def _send_email(cwd: Path) -> Finding:
    """Whether it is there, and runs: its Perl modules and its settings show only then."""
    try:
        send_email.require()
    except RerollError as error:
        mend = (error.hint,) if error.hint else ()
        return Finding("git send-email", "missing", "not installed", needed=True, mend=mend)
    why, command = send_email.trouble(cwd=cwd)
    if why:
        mend = (command or "git config --get-regexp '^sendemail'",)
        return Finding("git send-email", "wrong", why, needed=True, mend=mend)
    return Finding("git send-email", "ok", "installed", needed=True)


def _configuration(cwd: Path) -> dict[str, str]:
    """``sendemail.*``, with what the identity in use says before the rest."""
    found = {name: values[-1] for name, values in read_settings("sendemail", cwd=cwd).items()}
    own = f"{found.get('identity', '')}."
    mine = {name.removeprefix(own): value for name, value in found.items() if name.startswith(own)}
    return found | mine if own != "." else found


def _server(config: dict[str, str]) -> Finding:
    """How mail leaves, in the order in which git send-email decides it."""
    serves = "'reroll send'"
    if config.get("sendmailcmd"):
        program = _first_word(config["sendmailcmd"])
        return _program("sendemail.sendmailCmd", program)
    server = config.get("smtpserver", "")
    if server.startswith("/"):
        return _program("sendemail.smtpServer", server)
    if server:
        return Finding("mail server", "ok", _host(server, config), serves=serves)
    path = os.pathsep.join((*_SENDMAIL_FOLDERS, os.environ.get("PATH", "")))
    if found := which("sendmail", path=path):
        return Finding("mail server", "ok", found, serves=serves)
    mend = (
        "git config --global sendemail.smtpServer mail.example.org",
        "git config --global sendemail.smtpEncryption tls",
    )
    text = "none is set: git send-email would try this machine"
    return Finding("mail server", "missing", text, serves=serves, mend=mend)


def _first_word(command: str) -> str:
    try:
        return (shlex.split(command) or [""])[0]
    except ValueError:
        return command


def _program(key: str, program: str) -> Finding:
    serves = "'reroll send'"
    if which(os.path.expanduser(program)):  # noqa: PTH111 - Path fails for "~nobody"
        return Finding("mail server", "ok", f"{program} ({key})", serves=serves)
    text = f"{key}: '{program}' cannot be run"
    mend = (f"git config --global --edit  # correct {key}",)
    return Finding("mail server", "wrong", text, serves=serves, mend=mend)


def _host(server: str, config: dict[str, str]) -> str:
    port = f":{config['smtpserverport']}" if config.get("smtpserverport") else ""
    crypt = config.get("smtpencryption") or "no encryption"
    user = f", as {config['smtpuser']}" if config.get("smtpuser") else ""
    return f"{server}{port} ({crypt}{user})"


def _modules(config: dict[str, str]) -> Iterator[Finding]:
    """Perl's modules for a server that wants encryption or a login."""
    server = config.get("smtpserver", "")
    if config.get("sendmailcmd") or not server or server.startswith("/"):
        return
    wanted = [_FOR_TLS] if config.get("smtpencryption") in ("tls", "ssl") else []
    wanted += [_FOR_LOGIN] if config.get("smtpuser") else []
    serves = "'reroll send' with this mail server"
    if lacking := lacking_perl_modules([name for name, _ in wanted]):
        mend = (f"apt install {' '.join(package for name, package in wanted if name in lacking)}",)
        text = f"no {', '.join(lacking)}"
        yield Finding("perl for mail", "missing", text, serves=serves, mend=mend)
    elif wanted:
        names = ", ".join(name for name, _ in wanted)
        yield Finding("perl for mail", "ok", names, serves=serves)


def _sender(config: dict[str, str], cwd: Path) -> Finding:
    serves = "From: of the mails"
    if config.get("from"):
        return Finding("sender", "ok", f"{config['from']} (sendemail.from)", serves=serves)
    if who := _author(cwd):
        return Finding("sender", "ok", f"{who} (the git identity)", serves=serves)
    mend = ("git config --global sendemail.from you@example.org",)
    return Finding("sender", "missing", "not known", serves=serves, mend=mend)


def _key(cwd: Path) -> Finding:
    """The key that mails are signed with; many developers have none."""
    if key := signing.configured(cwd).get("signingkey", ""):
        return Finding("signing key", "ok", key, serves="signed mails")
    text = "none is set: mails go unsigned"
    return Finding("signing key", "missing", text, serves="signed mails", mend=("patatt genkey",))
