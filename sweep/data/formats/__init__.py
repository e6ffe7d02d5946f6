"""Readers of the file formats of data sets. They trust nothing in a file."""
