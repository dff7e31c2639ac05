"""One change, many patches: files by maintainer, subsystem, directory or file.

Pure.  Who owns a file is told by the caller, who knows MAINTAINERS; which shard a file
was in before is told by the previous version, so that shards stay put.
"""

import hashlib
import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Shard:
    """Some files of one change: what they have in common, and their subject prefix.

    ``name`` is the label as a part of an id, a folder and a branch name.
    """

    label: str
    files: tuple[str, ...]
    prefix: str = ""
    name: str = ""


_NAME = 48


def slug(text: str) -> str:
    """``text`` in lower case letters, digits and dashes; never empty.

    Where that is not all of it, a part of its hash keeps it apart from others.
    """
    made = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    if len(made) <= _NAME and text.isascii() and made:
        return made
    return f"{made[:_NAME].rstrip('-')}-{_digest(text)}".lstrip("-")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:6]


def shards(
    files: Iterable[str], owners: Mapping[str, str], previous: Sequence[Shard] = ()
) -> list[Shard]:
    """``files`` in shards: those of ``previous`` first and in its order, new ones by label.

    A file that was in a shard stays in it; others go where ``owners`` (a label
    for each file) says.  Names are unique, and stay what they were.
    """
    before = {file: shard.label for shard in previous for file in shard.files}
    found: dict[str, list[str]] = {}
    for file in sorted(files):
        label = before.get(file) or owners.get(file) or posixpath.dirname(file) or file
        found.setdefault(label, []).append(file)
    order = {shard.label: at for at, shard in enumerate(previous)}
    names = {shard.label: shard.name or slug(shard.label) for shard in previous}
    ranked = sorted(found, key=lambda label: (order.get(label, len(order)), label))
    for label in ranked:
        if label not in names:
            name = slug(label)
            names[label] = f"{name}-{_digest(label)}" if name in names.values() else name
    return [Shard(label, tuple(found[label]), name=names[label]) for label in ranked]


def by_place(kind: str, files: Iterable[str]) -> dict[str, str]:
    """Labels for ``kind`` "directory" or "file"."""
    return {file: file if kind == "file" else posixpath.dirname(file) or "." for file in files}


# A subject prefix: words, slashes, commas and the like before a colon and a space.
_PREFIX = re.compile(
    r"([A-Za-z0-9][\w.,/+*{}()&-]*(?: [\w.,/+*{}()&-]+)?: (?:[A-Za-z0-9][\w.,/+*{}()&-]*: )*)"
)
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
    shared = _common(parts) or list(Counter(parts).most_common(1)[0][0][:1])
    return ": ".join(shared)


# What commit subjects write for a directory, where that is not its own name.  Taken from
# the habits of the kernel's history; the first that fits counts.
_WRITTEN = (
    (r"drivers/gpu/drm/([^/]+)/.*", r"drm/\1"),
    (r"drivers/gpu/drm/.*", "drm"),
    (r"drivers/media/(?:[^/]+/)*([^/]+)/.*", r"media: \1"),
    (r"drivers/net/wireless/(?:[^/]+/)*([^/]+)/.*", r"wifi: \1"),
    (r"drivers/net/wireless/.*", "wifi"),
    (r"drivers/net/ethernet/[^/]+/([^/]+)/.*", r"net: \1"),
    (r"drivers/net/(?:ethernet/)?([^/]+)/.*", r"net: \1"),
    (r"drivers/infiniband/hw/([^/]+)/.*", r"RDMA/\1"),
    (r"drivers/infiniband/.*", "RDMA"),
    (r"drivers/base/power/.*", "PM"),
    (r"drivers/base/.*", "driver core"),
    (r"drivers/video/fbdev/.*", "fbdev"),
    (r"drivers/video/backlight/.*", "backlight"),
    (r"drivers/(?:char|misc|platform)/([^/]+)/.*", r"\1"),
    (r"drivers/(?:power/supply)/.*", "power: supply"),
    (r"net/core/.*", "net"),
    (r"include/net/.*", "net"),
    (r"net/([^/]+)/.*", r"\1"),
    (r"arch/([^/]+)/.*", r"\1"),
    (r"sound/soc/([^/]+)/.*", r"ASoC: \1"),
    (r"sound/.*", "ALSA"),
    (r"virt/kvm/.*", "KVM"),
    (r"fs/([^/]+)/.*", r"\1"),
    (r"(?:include/(?:linux|uapi/linux)|kernel)/([^/]+)/.*", r"\1"),
    (r"(?:include/(?:linux|net|uapi/linux)|fs|kernel)/([^/]+)\.[chS]", r"\1"),
)
_CAPITALS = ("hid", "pci", "mips", "acpi", "arm", "nfc", "nfs", "mips", "of")
# What says nothing in the name of a file.
_PLAIN_STEMS = ("core", "main", "drv", "driver", "base", "dev", "class", "sysfs", "")


def path_prefix(files: Sequence[str], label: str = "") -> str:
    """A prefix made of what the paths of ``files`` have in common, for a tree without history.

    ``label``, the title of their section in MAINTAINERS, stands in where they
    have nothing in common.  Documentation/process/submitting-patches.rst asks
    for the subsystem.
    """
    sources = [file for file in files if not file.startswith(("include/", "Documentation/"))]
    areas = [_area(file).split(": ") for file in sources or files]
    shared = _common(areas) or _common([[area[0].split("/")[0]] for area in areas])
    if len(files) == 1 and len(shared) == 1:
        shared = [*shared, *_stem(files[0], shared[0])]
    if len(files) == 1 and "/" not in files[0]:
        return files[0]
    return ": ".join(shared) or _of_title(label) or "treewide"


def distinct(prefixes: Sequence[str], groups: Sequence[Sequence[str]]) -> list[str]:
    """``prefixes`` with what their files add to each that stands more than once.

    Where that adds nothing, two titles are the same: so they are in the kernel.
    """
    counts = Counter(prefixes)
    return [
        _deeper(prefix, files) if counts[prefix] > 1 else prefix
        for prefix, files in zip(prefixes, groups, strict=True)
    ]


def _deeper(prefix: str, files: Sequence[str]) -> str:
    """``prefix`` with the last directory, or the one file, that ``files`` have in common."""
    if len(files) == 1:
        last = re.sub(r"\.\w+\Z", "", posixpath.basename(files[0]))
    else:
        last = posixpath.basename(posixpath.commonpath([posixpath.dirname(file) for file in files]))
    words = re.split(r"[:/ ]+", prefix.lower())
    return prefix if not last or last.lower() in words else f"{prefix}: {last}"


def _area(file: str) -> str:
    for pattern, written in _WRITTEN:
        if found := re.fullmatch(pattern, file):
            return _capital(found.expand(written))
    words = posixpath.dirname(file.removeprefix("drivers/")).split("/")[:2]
    return ": ".join(_capital(word) for word in words)


def _capital(word: str) -> str:
    return word.upper() if word in _CAPITALS else word


def _stem(file: str, area: str) -> list[str]:
    """What the name of one file adds to its directory's."""
    if not re.fullmatch(r"(?:drivers/)?[^/]+/[^/]+", file):
        return []
    stem = re.sub(r"\.\w+\Z", "", posixpath.basename(file))
    stem = re.sub(rf"\A{re.escape(area)}[-_]", "", stem, flags=re.IGNORECASE)
    return [] if stem in (*_PLAIN_STEMS, area) else [stem]


def _common(areas: Sequence[Sequence[str]]) -> list[str]:
    """The words that all begin with."""
    shared = list(areas[0])
    for other in areas[1:]:
        same = 0
        while same < min(len(shared), len(other)) and shared[same] == other[same]:
            same += 1
        shared = shared[:same]
    return [word for word in shared if word]


_PADDING = re.compile(
    r"\b(?:and|the|for|of|linux|kernel|subsystems?|drivers?|support|layer|core|framework|port|"
    r"architecture|infrastructure|devices?|system|class|interface)\b"
)


def _of_title(title: str) -> str:
    """The telling words of a section's title: "block" of "BLOCK LAYER"."""
    if "/" in title.split(" ")[0]:
        return ""
    words = re.sub(r"\(.*?\)|[:,].*", " ", title.lower())
    return "-".join(re.findall(r"[a-z0-9+]+", _PADDING.sub(" ", words))[:3])
