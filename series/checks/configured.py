"""Options of checks: what the command line gives, else what git config says."""

from collections.abc import Mapping
from types import MappingProxyType

from generator.tree import Tree, read_settings
from series.settings import CHECK_OPTIONS

# Options that are there or not; of these git config has reroll.checkStrict.
_FLAGS = ("strict", "allow-scripts", "build-all-users")
_NOTHING: Mapping[str, object] = MappingProxyType({})


def configured(tree: Tree, given: Mapping[str, object] = _NOTHING) -> dict[str, tuple[str, ...]]:
    """The options of checks on ``tree``: as ``given`` (by name, with "_"), else git config's."""
    found = read_settings("reroll", cwd=tree.path)
    chosen: dict[str, tuple[str, ...]] = {}
    for name in CHECK_OPTIONS:
        values = given.get(name.replace("-", "_"))
        said = tuple(map(str, values)) if isinstance(values, list | tuple) else ()
        if known := said or found.get(f"check{name.replace('-', '')}", ()):
            chosen[name] = tuple(known)
    strict = found.get("checkstrict", ("false",))[-1].lower() in ("true", "yes", "on", "1")
    for name in _FLAGS:
        if given.get(name.replace("-", "_")) or (name == "strict" and strict):
            chosen[name] = ("true",)
    return chosen
