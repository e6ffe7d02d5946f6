"""The statistics of equivalence: pure functions from arrays to numbers.

Values are parallel - sequential, of log losses (log ratios) or of losses. What cannot be computed is NaN; malformed
arrays raise ValueError. `design` has the means that verdicts stand on, with their two targets.
"""
