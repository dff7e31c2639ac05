"""Where a rule is: in the series folder, among those that come with reroll, or in the tree."""

from importlib.resources import files
from pathlib import Path

from generator.errors import UsageError
from generator.suggestion import meant

_SUFFIXES = ("", ".cocci", ".cocci.j2")


def bundled_folder() -> Path:
    """The folder of the rules that come with reroll."""
    return Path(str(files("semantic_patches")))


def bundled_names() -> list[str]:
    """The names of the rules that come with reroll, such as ``generic/rename-function.cocci``."""
    root = bundled_folder()
    found = [*root.rglob("*.cocci"), *root.rglob("*.cocci.j2")]
    return sorted(str(path.relative_to(root)) for path in found)


def find_bundled(name: str) -> Path | None:
    """The bundled rule called ``name``, with or without its suffix; ``None`` for no rule."""
    root = bundled_folder()
    for suffix in _SUFFIXES:
        path = root / f"{name}{suffix}"
        if path.is_file() and path.name.endswith((".cocci", ".j2")) and root in path.parents:
            return path
    return None


def find_rule(name: str, folder: Path) -> Path:
    """The rule called ``name``: a file below ``folder``, else one that comes with reroll.

    Raises ``UsageError`` with the nearest name there is.
    """
    own = folder / name
    if own.is_file():
        return own
    if found := find_bundled(name):
        return found
    generic = [known for known in bundled_names() if known.startswith("generic/")]
    raise UsageError(
        f"there is no rule {name} in {folder}, and none of that name comes with reroll",
        hint=nearest(name) or f"there are: {', '.join(generic)}",
    )


def nearest(name: str) -> str:
    """A question that names the bundled rule most like ``name``, or empty."""
    return meant(name, bundled_names())
