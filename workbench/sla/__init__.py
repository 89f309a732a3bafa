"""Tiers, promises, credits."""
