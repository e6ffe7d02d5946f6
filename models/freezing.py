"""Training some blocks of a network while the others stay frozen."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from torch import nn

from models.blocks import BlockNetwork


@contextmanager
def frozen(network: BlockNetwork, blocks: Collection[int], outside: bool = False) -> Iterator[None]:
    """A context that freezes the branches of `blocks`; gradients still pass through them.

    With `outside`, everything outside the branches is frozen too: stem, skip connections, transitions and head. The
    second iteration of ResidualDroppath (P5, 2411.09475) is ``frozen(network, undropped, outside=True)``.

    The gradient of frozen parameters is None, so an optimiser changes neither them nor their state, not even by weight
    decay or momentum. In training mode frozen batch norms still normalise by the batch's statistics, but keep their
    running ones (our choice: the paper does not say).
    """
    modules = _modules(network, set(blocks), outside)
    norms = [module for module in modules if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)]
    parameters = [parameter for module in modules for parameter in module.parameters(recurse=False)]
    tracked, trained = [norm.track_running_stats for norm in norms], [p.requires_grad for p in parameters]
    for norm in norms:
        norm.track_running_stats = False
    for parameter in parameters:
        parameter.requires_grad_(False).grad = None
    try:
        yield
    finally:
        for norm, value in zip(norms, tracked, strict=True):
            norm.track_running_stats = value
        for parameter, value in zip(parameters, trained, strict=True):
            parameter.requires_grad_(value)


def _modules(network: BlockNetwork, blocks: set[int], outside: bool) -> list[nn.Module]:
    branches = [list(network.block(number).branch.modules()) for number in range(len(network.blocks))]
    if not outside:
        return [module for number in sorted(blocks) for module in branches[number]]
    free = {module for number, branch in enumerate(branches) if number not in blocks for module in branch}
    return [module for module in network.modules() if module not in free]
