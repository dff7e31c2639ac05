"""Texts of a campaign are jinja2 templates over facts that the run found.

A campaign is untrusted input: templates run in jinja2's sandbox, cannot load
other files, and an unknown name is an error instead of an empty string.
"""

import functools
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from generator.errors import CampaignError
from generator.suggestion import ending

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment


# Characters that a message, a cover letter or a rule may have.
_LIMIT = 1_000_000


@functools.cache
def _environment() -> "SandboxedEnvironment":
    import jinja2
    from jinja2.exceptions import SecurityError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Sandbox(ImmutableSandboxedEnvironment):
        """jinja2's sandbox, in which products cannot eat the memory."""

        intercepted_binops = frozenset({"*", "**", "%"})

        def call_binop(
            self, context: jinja2.runtime.Context, operator: str, left: Any, right: Any
        ) -> Any:
            if operator == "%":
                if isinstance(left, str) and re.search(r"\d{4}|\*", left):
                    raise SecurityError("a width in '%' may be too large")
                return super().call_binop(context, operator, left, right)
            sizes = [len(item) if hasattr(item, "__len__") else abs(item) for item in (left, right)]
            if operator == "**" or sizes[0] * sizes[1] > _LIMIT:
                raise SecurityError(f"the result of '{operator}' may be too large")
            return super().call_binop(context, operator, left, right)

    def fail(message: str) -> str:
        raise jinja2.TemplateRuntimeError(str(message))

    environment = Sandbox(
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # plain text and C, never HTML
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # What a rule may ask of its parameters, and how it refuses them.
    environment.globals["fail"] = fail
    environment.tests["identifier"] = lambda value: bool(
        isinstance(value, str) and re.fullmatch(r"[A-Za-z_]\w*", value, re.ASCII)
    )
    return environment


def render(text: str, facts: Mapping[str, object], *, name: str) -> str:
    """``text`` rendered with ``facts``; ``name`` is what an error message calls it.

    Raises ``CampaignError`` for a syntax error (with its line), an unknown
    name (with the names there are) and anything the sandbox refuses.
    """
    if "{" not in text:
        return text
    import jinja2

    try:
        parts = []
        size = 0
        for part in _environment().from_string(text).generate(facts):
            parts.append(part)
            size += len(part)
            if size > _LIMIT:
                raise CampaignError([f"{name}: template: makes more than {_LIMIT} characters"])
        return "".join(parts)
    except jinja2.TemplateSyntaxError as error:
        raise CampaignError([f"{name}: template line {error.lineno}: {error.message}"]) from error
    except jinja2.UndefinedError as error:
        known = ", ".join(sorted(facts)) or "none"
        said = str(error.message)
        found = re.fullmatch(r"'(\w+)' is undefined", said)
        near = ending(found[1], facts) if found else ""
        problem = f"{name}: template: {said}; known names: {known}{near}"
        raise CampaignError([problem]) from error
    except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise CampaignError([f"{name}: template: {error}"]) from error
    except (OverflowError, MemoryError, RecursionError) as error:
        raise CampaignError([f"{name}: template asks for too much: {error}"]) from error


def literal(text: str) -> str:
    """``text`` as a template that gives it back as it is."""
    return re.sub(r"\{(?=[{%#])", "{{ '{' }}", text)


def names(text: str) -> set[str]:
    """The names that a template asks its caller for; none where it cannot be read."""
    import jinja2
    from jinja2.meta import find_undeclared_variables

    environment = _environment()
    try:
        return find_undeclared_variables(environment.parse(text)) - set(environment.globals)
    except jinja2.TemplateSyntaxError:
        return set()


# Controls but tab and line end, marks that reorder text, and halves of characters.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def render_text(text: str, facts: Mapping[str, object], *, name: str) -> str:
    """``render`` for a message: no control characters, and no blank lines around it."""
    made = re.sub(r"\A(?:[ \t]*\n)+", "", render(text, facts, name=name)).rstrip()
    if found := _UNPRINTABLE.search(made):
        escaped = found[0].encode("unicode_escape").decode()
        raise CampaignError([f"{name}: has the control character {escaped}"])
    return made


def render_line(text: str, facts: Mapping[str, object], *, name: str) -> str:
    """``render_text`` for a title: one line that is not empty, and that git am leaves whole."""
    made = render_text(text, facts, name=name).strip()
    if not made or "\n" in made:
        raise CampaignError([f"{name}: must be one line of text"])
    if re.match(r"\[|re:", made, re.IGNORECASE):
        raise CampaignError([f"{name}: git am would cut off its beginning, '{made.split()[0]}'"])
    return made
