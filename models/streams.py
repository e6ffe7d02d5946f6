"""Named streams of random numbers."""

import hashlib


def stream_seed(seed: int, name: str) -> int:
    """The 63-bit generator seed of stream `name` under a trial's seed, the same on every machine."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:8], "big") >> 1
