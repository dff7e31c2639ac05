"""Measurements that fail on no figure; ``make bench`` runs them."""
