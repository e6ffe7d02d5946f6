"""How much memory training takes on a GPU, and how many networks fit; known without torch."""

from sweep.trial import Trial

PROCESS_BYTES = 1 << 30
"""What a process takes of a GPU beside its networks: the CUDA context, libraries and images. A guess, not measured."""

_FUSED_SHARE = 0.6
_BYTES_PER_ELEMENT = 3 * 4
"""Forward value, gradient, and a working copy, float32."""


def network_bytes(trial: Trial) -> float:
    """Estimated memory of training one network: its activations for a batch, and four values a parameter."""
    shape = trial.shape
    return _BYTES_PER_ELEMENT * trial.batch_size * shape.activation_elements + 4 * 4 * shape.parameters


def fused_width(trial: Trial, memory: float) -> int:
    """How many networks of a trial's shape are trained as one in so many bytes: at least one, else an even number."""
    width = max(1, int(_FUSED_SHARE * memory / network_bytes(trial)))
    return width - width % 2 if width > 1 else width
