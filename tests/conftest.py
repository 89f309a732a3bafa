"""Settings of the whole suite."""

from hypothesis import settings

# The same examples on every run: a failure is a fact about the code, never about the day.
settings.register_profile("workbench", derandomize=True, deadline=None)
settings.load_profile("workbench")
