"""What is left of a trained network without its higher-order terms? Truncations, and what fine-tuning mends (P1)."""
