"""Do repeated transformations come to give similar features? States before and after training (P5)."""
