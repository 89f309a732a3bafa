"""Tests of promises and credits."""
