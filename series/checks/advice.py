"""Hints that several checks give: where what they found is put right."""

IN_CODE = "change the rule or step that writes it, or correct it on the branch"
IN_MESSAGE = "change the message in series.toml"
# Said once, behind everything that was found.
AFTERWARDS = (
    "correct series.toml, its rules or messages, then 'reroll generate'; "
    "or the commits of the branch, then 'reroll absorb'"
)
