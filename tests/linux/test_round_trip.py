"""Through real parts: sent, archived by public-inbox, fetched by b4 over HTTP, applied."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.linux.conftest import Kernel, git_am
from tests.public_inbox import Archive, new_archive
from tests.smtp import send_to, smtp_server

pytestmark = [
    pytest.mark.linux,
    pytest.mark.skipif(
        shutil.which("public-inbox-httpd") is None, reason="needs Debian's public-inbox"
    ),
]

# In seconds; b4 takes two.
_LIMIT = 120
# A proxy that refuses everything: what is not on 127.0.0.1 cannot be reached.
_NOWHERE = "http://127.0.0.1:9"


def test_round_trip(
    reroll: Run, kernel: Kernel, series: Path, tmp_path: Path, hermetic_seal: Path
) -> None:
    manifest = json.loads((series / "versions/v7/manifest.json").read_text())
    done = reroll("-C", series, "--tree", kernel.path, "--json", "recipients", "-v", 7)
    assert done.code == 0, done.err
    planned = json.loads(done.out)
    sent = _send(reroll, kernel, series)
    assert len(sent) == len(manifest["patches"]) + 1 == 9

    archive = new_archive(tmp_path / "archive")
    for mail in sent:
        archive.deliver(mail)
    ids = [manifest["cover"]["message_id"]]
    ids += [patch["message_id"] for patch in manifest["patches"]]
    with archive.serve():
        _same_recipients(planned, [archive.fetch(name) for name in ids])
        shown, mbox = _b4_am(archive, ids[0], tmp_path, hermetic_seal)
    _shown(shown, manifest)
    assert git_am(kernel, mbox, tmp_path / "am-tree") == manifest["tree"]


def _send(reroll: Run, kernel: Kernel, series: Path) -> list[bytes]:
    with smtp_server() as inbox:
        send_to(inbox, kernel.path)
        done = reroll("-C", series, "--tree", kernel.path, "send", "-v", 7, "--yes")
        assert done.code == 0, done.err
        return inbox.contents


def _same_recipients(planned: dict[str, object], fetched: Sequence[EmailMessage]) -> None:
    """To and Cc of each mail in the archive are what ``reroll recipients`` said before."""
    assert planned["version"] == 7
    mails = planned["mails"]
    assert isinstance(mails, list)
    for number, (plan, mail) in enumerate(zip(mails, fetched, strict=True)):
        assert plan["number"] == number
        for field in ("to", "cc"):
            assert _people(mail, field) == plan[field], (number, field)


def _people(mail: EmailMessage, field: str) -> list[str]:
    """The addresses of a header, decoded, as people write them."""
    header = mail[field]
    if header is None:
        return []
    return [
        f"{address.display_name} <{address.addr_spec}>"
        if address.display_name
        else address.addr_spec
        for address in header.addresses
    ]


def _b4_am(archive: Archive, first: str, folder: Path, home: Path) -> tuple[str, Path]:
    """What ``b4 am`` says of the thread in the archive, and the mbox it makes."""
    with (home / ".gitconfig").open("a") as config:
        config.write(f"[b4]\n\tattestation-policy = off\n\tmidmask = {archive.url}%s\n")
    environment = {
        **os.environ,
        **dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), _NOWHERE),
        "no_proxy": "127.0.0.1",
    }
    out = folder / "am"
    b4 = [str(Path(sys.executable).with_name("b4")), "--no-stdin", "-n", "am", "--no-cache"]
    done = subprocess.run(
        [*b4, "-o", str(out), first.strip("<>")],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=_LIMIT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (mbox,) = out.glob("v7*.mbx")
    return done.stdout + done.stderr, mbox


def _shown(shown: str, manifest: dict[str, list[dict[str, object]]]) -> None:
    """b4 found the version and all patches, in order."""
    titles = re.findall(r"\[PATCH v7 (\d+)/8\] (.*)", shown)
    expected = [(str(patch["number"]), patch["title"]) for patch in manifest["patches"]]
    assert titles == expected, shown
    assert re.search(r"^Total patches: 8$", shown, re.MULTILINE), shown
    assert "ERROR" not in shown
