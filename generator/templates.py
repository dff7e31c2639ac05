"""Texts of a campaign are jinja2 templates over facts that the run found.

A campaign is untrusted input: templates run in jinja2's sandbox, cannot load
other files, and an unknown name is an error instead of an empty string.
"""

from collections.abc import Mapping

from generator.errors import CampaignError


def render(text: str, facts: Mapping[str, object], *, name: str) -> str:
    """``text`` rendered with ``facts``; ``name`` is what an error message calls it.

    Raises ``CampaignError`` for a syntax error (with its line), an unknown
    name (with the names there are) and anything the sandbox refuses.
    """
    if "{" not in text:
        return text
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # plain text and C, never HTML
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    try:
        return environment.from_string(text).render(facts)
    except jinja2.TemplateSyntaxError as error:
        raise CampaignError([f"{name}: template line {error.lineno}: {error.message}"]) from error
    except jinja2.UndefinedError as error:
        known = ", ".join(sorted(facts)) or "none"
        raise CampaignError([f"{name}: template: {error.message}; known names: {known}"]) from error
    except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise CampaignError([f"{name}: template: {error}"]) from error
    except (OverflowError, MemoryError, RecursionError) as error:
        raise CampaignError([f"{name}: template asks for too much: {error}"]) from error
