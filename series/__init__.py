"""Commits become mail and versions: patches, recipients, cover letters, sending."""
