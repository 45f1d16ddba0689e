"""Thin: parse, call assembly, print."""
