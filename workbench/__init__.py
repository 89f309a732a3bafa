"""A simulation and policy-testing workbench for service levels.

The world is simulated; everything after the telemetry is real. `docs/architecture.md` says how the rooms fit together.
"""

__version__ = "0.1.0"
