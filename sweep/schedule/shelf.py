"""Hands checkpoints from the driver to workers on any node of a Ray cluster."""

import contextlib
import uuid
from collections.abc import Callable
from typing import Any

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy


class Shelf:
    """Holds checkpoints, which the driver reads from the store, for workers, which may not see it.

    Checkpoints save work and are no results: where the actor is lost, trainings begin anew.
    """

    def __init__(self) -> None:
        self.name = f"checkpoints-{uuid.uuid4().hex}"
        self._actor: Any = None

    def put(self, training_id: str, content: bytes) -> None:
        """Have a checkpoint ready for whoever trains this next."""
        if self._actor is None:
            # Beside the driver, as other nodes may go.
            here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
            self._actor = ray.remote(_Held).options(name=self.name, num_cpus=0, scheduling_strategy=here).remote()
        with contextlib.suppress(RayError):
            ray.get(self._actor.put.remote(training_id, content))

    def drop(self, training_ids: set[str]) -> None:
        """Let go of the checkpoints of a pack that is over."""
        if self._actor is not None:
            self._actor.drop.remote(training_ids)

    @staticmethod
    def reader(name: str) -> Callable[[str], bytes | None]:
        """What a worker asks for a checkpoint."""

        def read(training_id: str) -> bytes | None:
            try:
                held: Any = ray.get_actor(name)
                return ray.get(held.get.remote(training_id))
            except (ValueError, RayError):
                # There is no actor before there is a checkpoint.
                return None

        return read


class _Held:
    """The actor."""

    def __init__(self) -> None:
        self._contents: dict[str, bytes] = {}

    def put(self, training_id: str, content: bytes) -> None:
        self._contents[training_id] = content

    def drop(self, training_ids: set[str]) -> None:
        for training_id in training_ids:
            self._contents.pop(training_id, None)

    def get(self, training_id: str) -> bytes | None:
        return self._contents.get(training_id)
