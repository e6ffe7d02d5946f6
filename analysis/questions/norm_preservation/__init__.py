"""Do blocks keep the gradient's norm? Ratios of norms by block and epoch, by depth, and over transitions (P4)."""
