"""What the program ``reroll`` starts with."""

import signal

# While modules are imported there is nothing to tidy up, and ^C shall print no traceback; the
# command line takes it over (series.cli).  Where it is ignored, it stays so.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def main() -> int:
    """Run the command line; returns the exit code."""
    from series.cli import main as run

    return run()
