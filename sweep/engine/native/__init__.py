"""Trains stacks by a kernel that is compiled on the machine at hand."""
