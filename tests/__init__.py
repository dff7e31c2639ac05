"""Tests of reroll, with real programs on real repositories."""
