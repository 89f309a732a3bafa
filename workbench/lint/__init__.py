"""Checks of a policy, one file each."""
