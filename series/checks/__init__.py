"""Checks of each patch of a version: what it makes worse than its parent was."""
