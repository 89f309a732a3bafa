"""Indicators, objectives, budgets, burn rates."""
