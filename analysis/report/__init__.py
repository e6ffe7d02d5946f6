"""The report on a study: all its numbers, its figures, and one page that opens anywhere."""
