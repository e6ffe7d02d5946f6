"""What verdicts do where the truth is known: errors, coverage and power of `analysis.assess`.

`generator` draws losses of both arms, `scenarios` says in which ways and where nominal rates are not claimed, `judge`
hands them to the rules, `cells` counts.
"""
