"""Passes checkpoints and data sets from the driver to workers on any node of a Ray cluster."""

import contextlib
import functools
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from sweep.data import cached, install

_DATASET = "data set "
"""Distinguishes the keys of data sets from those of trainings."""


class ObjectCache:
    """Holds checkpoints and data sets for workers, which then need neither the store nor the internet.

    It saves work and holds no results. If its actor is lost, trainings start over and workers download their data.
    """

    def __init__(self) -> None:
        self.name = f"object-cache-{uuid.uuid4().hex}"
        self._started: Any = None
        self._offered: set[str] = set()

    def put(self, training_id: str, content: bytes) -> None:
        """Offer a checkpoint to the worker that trains this next."""
        self._put(training_id, content)

    def drop(self, training_ids: set[str]) -> None:
        """Forget the checkpoints of a pack that has ended."""
        if self._started is not None:
            self._started.drop.remote(training_ids)

    def offer(self, datasets: Iterable[str], cache: str | None) -> None:
        """Offer data sets to nodes that lack them, as far as the driver's cache at the path `cache` has them."""
        for name in set(datasets) - self._offered:
            self._offered.add(name)
            path = cached(name, Path(cache) if cache else None)
            if path is not None:
                # The list keeps Ray from resolving the reference: the images go from node to node, not by the actor.
                self._put(_DATASET + name, [ray.put(np.fromfile(path, np.uint8))])

    @staticmethod
    def reader(name: str) -> Callable[[str], bytes | None]:
        """A function for workers that returns a training's checkpoint from the cache `name`, or None."""
        return functools.partial(_held, name)

    @staticmethod
    def bring(name: str, datasets: Iterable[str], cache: str | None) -> None:
        """Copy offered data sets that this worker's node lacks to the path `cache`. Raises SweepError on failure."""
        folder = Path(cache) if cache else None
        for dataset in sorted(set(datasets)):
            if cached(dataset, folder) is None and (offered := _held(name, _DATASET + dataset)) is not None:
                with contextlib.suppress(RayError):
                    install(dataset, memoryview(ray.get(offered[0])), folder)

    def _put(self, key: str, value: Any) -> None:
        with contextlib.suppress(RayError):
            if self._started is None:
                # On the driver's node, as other nodes may disappear.
                here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
                options: dict[str, Any] = {"name": self.name, "num_cpus": 0, "scheduling_strategy": here}
                self._started = ray.remote(_Held).options(**options).remote()
            ray.get(self._started.put.remote(key, value))


def _held(cache: str, key: str) -> Any:
    try:
        return ray.get(ray.get_actor(cache).get.remote(key))
    except (ValueError, RayError):
        # The actor starts with the first thing to hold.
        return None


class _Held:
    """The actor."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}

    def put(self, key: str, value: Any) -> None:
        self._values[key] = value

    def get(self, key: str) -> Any:
        return self._values.get(key)

    def drop(self, keys: set[str]) -> None:
        for key in keys:
            self._values.pop(key, None)
