"""Helpers that every room may use, on the standard library and NumPy alone: files, checks, words, tables, versions."""
