"""Data only: the generic rules and the bundled campaigns.

The package exists so that ``importlib.resources`` finds the files in a wheel
and in an editable install alike.
"""
