"""Formulas of queues and of reliability, each against the package: what the tests check and `docs/validation.md` shows."""
