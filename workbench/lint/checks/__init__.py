"""One module a check: `NAME`, a docstring that says what is checked and why, and `check(policy, world)`."""
