"""Hands checkpoints and data sets from the driver to workers on any node of a Ray cluster."""

import contextlib
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from sweep.data import cached, install


class ObjectCache:
    """Holds checkpoints and data sets for workers, which need access to neither the store nor the internet.

    It saves work and holds no results. If its actor is lost, trainings start from the beginning and workers download
    their data themselves.
    """

    def __init__(self) -> None:
        self.name = f"object-cache-{uuid.uuid4().hex}"
        self._started: Any = None
        self._offered: set[str] = set()

    def put(self, training_id: str, content: bytes) -> None:
        """Offer a checkpoint to the worker that trains this next."""
        with contextlib.suppress(RayError):
            ray.get(self._actor().put.remote(training_id, content))

    def drop(self, training_ids: set[str]) -> None:
        """Forget the checkpoints of a pack that has ended."""
        if self._started is not None:
            self._started.drop.remote(training_ids)

    def offer(self, datasets: Iterable[str], cache: str | None) -> None:
        """Offer data sets to nodes that lack them, if the driver's cache at the path `cache` has them."""
        for name in set(datasets) - self._offered:
            self._offered.add(name)
            path = cached(name, Path(cache) if cache else None)
            if path is not None:
                with contextlib.suppress(RayError):
                    # In a list the reference stays one: the images go from node to node, not through the actor.
                    ray.get(self._actor().offer.remote(name, [ray.put(np.fromfile(path, np.uint8))]))

    @staticmethod
    def reader(name: str) -> Callable[[str], bytes | None]:
        """A function for workers that returns the checkpoint of a training from the cache `name`, or None."""
        return lambda training_id: _ask(name, "get", training_id)

    @staticmethod
    def bring(name: str, datasets: Iterable[str], cache: str | None) -> None:
        """Copy offered data sets to this worker's node where it lacks them.

        Raises SweepError where they cannot be written to the path `cache`.
        """
        folder = Path(cache) if cache else None
        for dataset in sorted(set(datasets)):
            if cached(dataset, folder) is None and (offered := _ask(name, "offered", dataset)) is not None:
                with contextlib.suppress(RayError):
                    install(dataset, memoryview(ray.get(offered[0])), folder)

    def _actor(self) -> Any:
        if self._started is None:
            # Beside the driver, as other nodes may go.
            here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
            self._started = ray.remote(_Held).options(name=self.name, num_cpus=0, scheduling_strategy=here).remote()
        return self._started


def _ask(cache: str, method: str, *arguments: str) -> Any:
    try:
        return ray.get(getattr(ray.get_actor(cache), method).remote(*arguments))
    except (ValueError, RayError):
        # There is no actor before there is anything to hold.
        return None


class _Held:
    """The actor."""

    def __init__(self) -> None:
        self._contents: dict[str, bytes] = {}
        self._offers: dict[str, list[Any]] = {}

    def put(self, training_id: str, content: bytes) -> None:
        self._contents[training_id] = content

    def drop(self, training_ids: set[str]) -> None:
        for training_id in training_ids:
            self._contents.pop(training_id, None)

    def get(self, training_id: str) -> bytes | None:
        return self._contents.get(training_id)

    def offer(self, dataset: str, reference: list[Any]) -> None:
        self._offers[dataset] = reference

    def offered(self, dataset: str) -> list[Any] | None:
        return self._offers.get(dataset)
