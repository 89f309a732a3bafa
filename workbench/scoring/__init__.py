"""Alerts against the ground truth."""
