"""Tests on real kernel sources; REROLL_LINUX names the git tree."""
