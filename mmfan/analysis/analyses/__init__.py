"""Analyses, one a file: how each is run and drawn; the catalogue has their options."""
