"""Lint of a version as it is on disk: the mails of ``versions/vN`` and its tree."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from generator.tree import Tree
from series import store
from series.lint import Mail, check_letters, take_apart
from series.lint.facts import gather
from series.lint.finding import Finding
from series.version import Version


def check_version(folder: Path, version: Version, open_tree: Callable[[], Tree]) -> list[Finding]:
    """Every finding in the mails of ``version``, in the order of mails and lines.

    Mails are named as seen from ``folder``, each with the id of its patch.
    ``open_tree`` opens the tree that the version was made of; what needs it is
    "not run" when it raises one of our errors.  Raises ``UsageError`` when a
    mail has gone.
    """
    letters = [
        take_apart(
            Mail(
                name=record.mail,
                number=getattr(record, "number", 0),
                content=store.mail_path(folder, version, record.mail).read_bytes(),
                commit=getattr(record, "commit", ""),
                patch_id=getattr(record, "patch_id", ""),
                recipients=record.recipients,
            )
        )
        for record in version.mails
    ]
    ids = {patch.mail: patch.id for patch in version.patches}
    return [
        replace(
            one,
            mail=str(store.mail_path(folder, version, one.mail).relative_to(folder)),
            patch=ids.get(one.mail, ""),
        )
        if one.mail
        else one
        for one in check_letters(letters, gather(version, letters, open_tree))
    ]
