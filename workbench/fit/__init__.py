"""Worlds from histories."""
