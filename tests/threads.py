"""Hand-made threads: a posted series, and what people answer.

All is in memory; ``Thread.write`` makes an mboxrd file of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path

from series import mailbox_files

AUTHOR = "Ada Developer <ada@example.org>"
ANN = "Ann Reviewer <ann@example.org>"
BOB = "Bob Maintainer <bob@example.org>"
CAT = "Cat Other <cat@example.org>"
START = 1_600_000_000

# Titles and files of a series that fits the sample of no tree.
PATCHES = (
    ("drivers: a: use new_call()", "drivers/a/a.c"),
    ("drivers: b: use new_call()", "drivers/b/b.c"),
    ("s390: pci: use new_call()", "arch/s390/pci/mmio.c"),
)
COVER = "Use new_call()"


def diff(path: str, old: str = "old_call(x)", new: str = "new_call(x)") -> str:
    """A diff of one hunk that changes a call in ``path``."""
    word = path.replace("/", "_").replace(".", "_")
    return (
        f"diff --git a/{path} b/{path}\nindex 1111111..2222222 100644\n"
        f"--- a/{path}\n+++ b/{path}\n@@ -1,4 +1,4 @@\n int {word}(int x)\n {{\n"
        f"-\treturn {old};\n+\treturn {new};\n }}\n"
    )


def mail(
    subject: str,
    text: str,
    message_id: str,
    *,
    sender: str = ANN,
    parents: Iterable[str] = (),
    date: int = START,
    headers: str = "",
) -> bytes:
    """One mail; ``parents`` are ids, the nearest last, as References has them."""
    known = list(parents)
    answer = f"In-Reply-To: {known[-1]}\nReferences: {' '.join(known)}\n" if known else ""
    return (
        f"From: {sender}\nTo: list@lists.example.org\nSubject: {subject}\n"
        f"Message-ID: {message_id}\nDate: {formatdate(date)}\n{answer}{headers}\n{text}"
    ).encode("utf-8", "surrogateescape")


@dataclass
class Thread:
    """One version as posted, and answers to it, in the order they were made.

    ``ids[0]`` is the cover letter's message id, the others are the patches'; ``below`` is
    the mail that the cover letter answers, if any.
    """

    version: int = 1
    patches: tuple[tuple[str, str], ...] = PATCHES
    author: str = AUTHOR
    tags: dict[int, str] = field(default_factory=dict)
    new: str = "new_call(x)"
    mails: list[bytes] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    clock: int = 0
    below: str = ""
    _subjects: dict[str, str] = field(default_factory=dict)
    _parents: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.clock = self.clock or START + self.version * 1_000_000
        mark = f" v{self.version}" if self.version > 1 else ""
        count = len(self.patches)
        for number in range(count + 1):
            own = f"<{self.version}.{number}.ada@example.org>"
            if number:
                name, path = self.patches[number - 1]
                tags = self.tags.get(number, "")
                text = (
                    f"It is better.\n\n{tags}Signed-off-by: {self.author}\n---\n"
                    f" {path} | 2 +-\n 1 file changed, 1 insertion(+), 1 deletion(-)\n\n"
                    f"{diff(path, new=self.new)}-- \n2.40.0\n\n"
                )
            else:
                name, text = COVER, "All users move over.\n\n-- \n2.40.0\n\n"
            subject = f"[PATCH{mark} {number}/{count}] {name}"
            above = [*filter(None, [self.below]), *self.ids[:1]]
            self.add(subject, text, own, sender=self.author, parents=above)
            self.ids.append(own)

    def add(
        self,
        subject: str,
        text: str,
        message_id: str = "",
        *,
        sender: str = ANN,
        parents: Iterable[str] = (),
        headers: str = "",
    ) -> str:
        """Add a mail an hour later than the one before; returns its message id."""
        own = message_id or f"<{self.version}.r{len(self.mails)}@example.org>"
        known = list(parents)
        self._subjects[own], self._parents[own] = subject, [*known, own]
        self.clock += 3600
        self.mails.append(
            mail(subject, text, own, sender=sender, parents=known, date=self.clock, headers=headers)
        )
        return own

    def reply(self, to: int | str, text: str, *, sender: str = ANN, headers: str = "") -> str:
        """Answer a patch by number (0: the cover letter), or a mail by its id."""
        parent = self.ids[to] if isinstance(to, int) else to
        subject = self._subjects[parent]
        again = subject if subject.startswith("Re: ") else f"Re: {subject}"
        return self.add(again, text, sender=sender, parents=self._parents[parent], headers=headers)

    def write(self, path: Path) -> Path:
        """Write all mails as an mboxrd file."""
        path.write_bytes(b"".join(map(mailbox_files.escaped, self.mails)))
        return path
