"""One change, many patches: files by maintainer, subsystem, directory or file.

Pure.  Who owns a file is told by the caller, who knows MAINTAINERS; which shard a file
was in before is told by the previous version, so that shards stay put.
"""

import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Shard:
    """Some files of one change: what they have in common, and their subject prefix."""

    label: str
    files: tuple[str, ...]
    prefix: str = ""

    @property
    def slug(self) -> str:
        """The label as a part of an id, a folder and a branch name."""
        return slug(self.label)


def slug(text: str) -> str:
    """``text`` in lower case letters, digits and dashes; never empty."""
    made = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return made[:48].rstrip("-") or "rest"


def shards(
    files: Iterable[str], owners: Mapping[str, str], previous: Sequence[Shard] = ()
) -> list[Shard]:
    """``files`` in shards: those of ``previous`` first and in its order, new ones by label.

    A file that was in a shard stays in it; others go where ``owners`` (a label
    for each file) says.
    """
    before = {file: shard.label for shard in previous for file in shard.files}
    found: dict[str, list[str]] = {}
    # Two labels with one slug would be one id: the first keeps it for both.
    labels = {slug(shard.label): shard.label for shard in previous}
    for file in sorted(files):
        label = before.get(file) or owners.get(file) or posixpath.dirname(file) or file
        label = labels.setdefault(slug(label), label)
        found.setdefault(label, []).append(file)
    order = {shard.label: at for at, shard in enumerate(previous)}
    ranked = sorted(found, key=lambda label: (order.get(label, len(order)), label))
    return [Shard(label, tuple(found[label])) for label in ranked]


def by_place(kind: str, files: Iterable[str]) -> dict[str, str]:
    """Labels for ``kind`` "directory" or "file"."""
    return {file: file if kind == "file" else posixpath.dirname(file) or "." for file in files}


# A subject prefix: words, slashes, commas and the like before a colon and a space.
_PREFIX = re.compile(r"((?:[A-Za-z0-9][\w.,/+*{}()&-]*(?: [\w.,/+*{}()&-]+)?: )+)")
_NO_PREFIX = re.compile(r"(?:Revert|Merge|treewide|tree-wide|Fixes?|Add|Linux)\b", re.IGNORECASE)


def prefix_of(subject: str) -> str:
    """The prefix of a commit's subject line ("drm/exynos" of "drm/exynos: do it"), or empty."""
    found = _PREFIX.match(subject)
    if not found or _NO_PREFIX.match(subject):
        return ""
    return found[1].removesuffix(": ")


def common_prefix(
    files: Sequence[str], subjects: Mapping[str, Sequence[str]], *, least: int = 2
) -> str:
    """The prefix that the history of ``files`` uses most, or empty.

    ``subjects`` are the subject lines by file, newest first.  One file's own
    prefix ("media: cec: pulse8") is cut down to what its neighbours share.
    """
    parts: list[tuple[str, ...]] = []
    for file in files:
        found = [
            tuple(part.strip() for part in prefix.split(": "))
            for subject in subjects.get(file, ())
            if (prefix := prefix_of(subject))
        ]
        if found:
            # The commonest, the newest of equals.
            parts.append(Counter(found).most_common(1)[0][0])
    if not parts or sum(len(subjects.get(file, ())) for file in files) < least:
        return ""
    shared = parts[0]
    for other in parts[1:]:
        same = 0
        while same < min(len(shared), len(other)) and shared[same] == other[same]:
            same += 1
        shared = shared[:same]
    if not shared:
        shared = Counter(parts).most_common(1)[0][0][:1]
    return ": ".join(shared)


# Directories that commit subjects leave out, and what they write instead.
_DROPPED = ("drivers/", "kernel/", "sound/")
_WRITTEN = (
    (re.compile(r"^drivers/gpu/drm/([^/]+)/.*"), r"drm/\1"),
    (re.compile(r"^drivers/gpu/drm\b.*"), "drm"),
    (re.compile(r"^drivers/(?:media)\b.*/([^/]+)/.*"), r"media: \1"),
    (re.compile(r"^drivers/media\b.*"), "media"),
    (re.compile(r"^drivers/net/wireless/(?:[^/]+/)*([^/]+)/.*"), r"wifi: \1"),
    (re.compile(r"^drivers/net/(?:ethernet/)?(?:[^/]+/)*([^/]+)/.*"), r"net: \1"),
    (re.compile(r"^drivers/(?:infiniband)/.*"), "RDMA"),
    (re.compile(r"^drivers/base\b.*"), "driver core"),
    (re.compile(r"^arch/([^/]+)/.*"), r"\1"),
    (re.compile(r"^sound/(?:soc)/.*"), "ASoC"),
    (re.compile(r"^sound/.*"), "ALSA"),
    (re.compile(r"^virt/kvm/.*"), "KVM"),
    (re.compile(r"^fs/([^/]+)/.*"), r"\1"),
    (re.compile(r"^(net|mm|lib|block|crypto|security|io_uring|ipc|init)/.*"), r"\1"),
)


def path_prefix(files: Sequence[str]) -> str:
    """A prefix made of what the paths of ``files`` have in common, for a tree without history.

    It follows the kernel's habits (Documentation/process/submitting-patches.rst asks
    for the subsystem): ``drivers/`` is left out, a single file gives its name.
    """
    sources = [file for file in files if not file.startswith(("include/", "Documentation/"))]
    sources = sources or list(files)
    known = {_known_prefix(file) for file in sources} if len(sources) < 200 else set()
    if len(known) == 1 and (only := known.pop()):
        return only
    heads = {head.split(": ")[0].split("/")[0] for head in known if head}
    if len(known) > 1 and len(heads) == 1 and None not in known and "" not in known:
        return heads.pop()
    return _plain_prefix(sources)


def _known_prefix(file: str) -> str:
    for pattern, written in _WRITTEN:
        if pattern.match(file):
            return pattern.sub(written, file)
    return ""


def _plain_prefix(files: Sequence[str]) -> str:
    if len(files) == 1:
        folder, name = posixpath.split(files[0])
        words = [*_words(folder), re.sub(r"\.[a-z]+$", "", name)]
        # "usb: class: usblp" rather than every directory on the way.
        return ": ".join(words[:1] + words[-1:] if len(words) > 2 else words)
    shared = posixpath.commonpath(files)
    return ": ".join(_words(shared)[:2]) or "treewide"


def _words(folder: str) -> list[str]:
    for dropped in _DROPPED:
        folder = folder.removeprefix(dropped)
    return [word for word in folder.split("/") if word]
