"""Unit tests for `promtool test rules`, written from simulated incidents."""
