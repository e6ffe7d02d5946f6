"""Are sequential and parallel networks equivalent? What matched pairs say (P1)."""
