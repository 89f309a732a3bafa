"""Checks of a policy, one file each: arithmetic that the schema cannot see. `registry` finds them."""
