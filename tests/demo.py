"""``make demo``: the main job, end to end, on the sample tree and on this machine alone.

Everything is left in ``.demo/`` to look at: the tree with the generated branch, the
series folder, a second clone with the series applied, and what the mail server got.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.repositories import git, make_sample
from tests.smtp import Inbox, send_to, smtp_server

PLACE = Path(".demo").absolute()
VERSION = "7"


def main() -> int:
    """Run the demo; returns the exit code."""
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir()
    _seal()
    tree, second, series = PLACE / "linux", PLACE / "linux-second", PLACE / "series"
    make_sample(tree)
    git(PLACE, "clone", "-q", str(tree), str(second))

    reroll("init", "series", "--campaign", "frame_vector")
    reroll("-C", "series", "--tree", "linux", "generate", "-v", VERSION, "--base", "v5.10")
    reroll("-C", "series", "--tree", "linux-second", "apply", "-v", VERSION, "--onto", "v5.10")
    branch = "reroll/frame-vector"
    made = git(tree, "rev-parse", f"{branch}^{{tree}}")
    applied = git(second, "rev-parse", f"{branch}-v{VERSION}-applied^{{tree}}")
    with smtp_server() as inbox:
        send_to(inbox, tree)
        reroll("-C", "series", "--tree", "linux", "send", "-v", VERSION, "--yes", quiet=True)
        inbox.write_mbox(PLACE / "received.mbox")
        return _report(inbox, series, branch, made, applied)


def _seal() -> None:
    """A home of our own: the demo neither reads nor changes the user's configuration."""
    for name in list(os.environ):
        if name.startswith("GIT_"):
            del os.environ[name]
    os.environ |= {"HOME": str(PLACE), "GIT_CONFIG_NOSYSTEM": "1", "XDG_CONFIG_HOME": str(PLACE)}
    (PLACE / ".gitconfig").write_text(
        "[user]\n\tname = Demo Developer\n\temail = demo@example.org\n"
    )


def reroll(*words: str, quiet: bool = False) -> None:
    """Show and run a command as a user would type it; stop the demo when it fails."""
    print(f"\n$ reroll {' '.join(words)}", flush=True)
    program = Path(sys.executable).with_name("reroll")
    output = subprocess.PIPE if quiet else None
    done = subprocess.run([program, *words], cwd=PLACE, stdout=output, text=True, check=False)
    if quiet and done.stdout:
        print(done.stdout.splitlines()[-1])
    if done.returncode:
        raise SystemExit(done.returncode)


def _report(inbox: Inbox, series: Path, branch: str, made: str, applied: str) -> int:
    mails = len(list((series / f"versions/v{VERSION}").glob("*.patch")))
    received = len({mail["Message-ID"] for mail in inbox.messages})
    here = Path.cwd()
    rows = (
        (f"git -C {PLACE.relative_to(here)}/linux log -p v5.10..{branch}", "the commits"),
        (f"{(series / f'versions/v{VERSION}').relative_to(here)}/", "the mails and manifest.json"),
        (f"{(PLACE / 'linux-second').relative_to(here)}/", "the clone the series was applied to"),
        (f"{(PLACE / 'received.mbox').relative_to(here)}", "what the mail server received"),
    )
    print("\nWhere to look:")
    for place, what in rows:
        print(f"  {place:<60} {what}")
    same = "the same" if made == applied else "DIFFERENT"
    print(f"\ngenerated tree {made}\napplied tree   {applied} ({same})")
    print(f"{received} of {mails} mails received, each once")
    return 0 if made == applied and received == mails == len(inbox.envelopes) else 1


if __name__ == "__main__":
    sys.exit(main())
