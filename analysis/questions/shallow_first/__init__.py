"""Do shallow subnetworks learn first? Paths, subnetworks and truncations over the epochs of a training (P3)."""
