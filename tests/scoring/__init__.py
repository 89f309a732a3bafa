"""Tests of alert scoring."""
