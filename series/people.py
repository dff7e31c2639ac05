"""Which addresses are one person's: by git's mailmap, and by name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from generator.tree import Tree, run_git
from series import addresses


@dataclass(frozen=True)
class People:
    """What is known of people: ``mapped`` has the proper form of an address by its key."""

    mapped: Mapping[str, str] = field(default_factory=dict)

    def proper(self, address: str) -> str:
        """``address`` ("Name <address>") as the mailmap has it."""
        return self.mapped.get(addresses.plain(address), addresses.plain(address))


def by_mailmap(tree: Tree, base: str, given: Iterable[str]) -> People:
    """What the ``.mailmap`` of ``base`` and the user's ``mailmap.file`` say of addresses.

    ``given`` are addresses that ``addresses.problem`` has nothing against; git
    itself reads the files (git-check-mailmap(1)).
    """
    asked = list(dict.fromkeys(addresses.plain(address) for address in given))
    # git takes "Name <address>" or "<address>".
    lines = [text if text.endswith(">") else f"<{text}>" for text in asked]
    result = run_git(
        ["check-mailmap", "--stdin"],
        cwd=tree.path,
        stdin="".join(f"{line}\n" for line in lines).encode(),
        settings=(f"mailmap.blob={base}:.mailmap",),
        neutral=False,
        check=False,
    )
    answers = result.stdout.decode("utf-8", "replace").splitlines()
    if result.returncode != 0 or len(answers) != len(asked):
        return People()
    found = {}
    for text, answer in zip(asked, answers, strict=True):
        known = addresses.plain(answer)
        # Names and addresses of a mailmap are as untrusted as any.
        if known != text and not addresses.problem(known):
            found[text] = known
    return People(found)


def name_key(address: str) -> str:
    """What makes two people with different addresses the same: a full name, else empty.

    A single word is too little to go by.
    """
    words = addresses.split(address)[0].casefold().split()
    return " ".join(words) if len(words) > 1 else ""
