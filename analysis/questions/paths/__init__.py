"""Which paths does the gradient take? Norms by path length, and what each length carries (P2)."""
