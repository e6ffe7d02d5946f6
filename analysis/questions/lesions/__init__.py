"""Do networks survive the loss of a block? Blocks deleted and reordered (P2)."""
