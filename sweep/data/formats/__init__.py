"""Readers of the file formats that data sets are handed round in. They trust nothing in a file."""
