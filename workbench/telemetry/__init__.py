"""Labelled series; recorded histories in, Parquet out."""
