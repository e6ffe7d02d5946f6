"""Options of ``sweep plan`` that say which devices it is about, and what these are."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cyclopts import Parameter

from sweep.errors import SweepError
from sweep.pack import Pack
from sweep.result import Setting
from sweep.schedule.forecast import Survey
from sweep.schedule.placement import CPUS_FILLING_A_GPU, KINDS, CostModels, Devices
from sweep.schedule.work import best_device, cpu_count


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class DeviceOptions:
    """Devices to plan for, instead of this machine's."""

    address: str | None = None
    """Ray cluster to plan for, as HEAD:6379; its devices are counted, and measured by short trainings on them."""

    gpus: int | None = None
    """Plan for so many GPUs."""

    cpus: int | None = None
    """Plan for so many CPUs; by default eight a GPU, as each pack on a GPU takes one."""

    gpu_memory: float | None = None
    """Memory of the smallest GPU in gigabytes, which says how many packs share one; by default that of GPUs at hand."""

    def survey(self, packs: Sequence[Pack], calibrated: bool) -> Survey:
        """The devices, measured if `calibrated`. Raises SweepError for options that cannot be met."""
        self._check()
        if self.address is not None:
            # Ray takes seconds to import.
            from sweep.schedule.probe import survey_cluster

            cache = os.environ.get("SWEEP_DATA")
            return survey_cluster(self.address, packs, calibrated, self.gpu_memory, cache)
        here = _measure_here(packs) if calibrated else Survey(Devices(0, cpu_count()))
        return replace(here, devices=self._devices(here.devices))

    def _devices(self, here: Devices) -> Devices:
        """Those that the options name, or those of this machine."""
        gpus, cpus = here.gpus, here.cpus
        if self.gpus is not None or self.cpus is not None:
            gpus = self.gpus or 0
            cpus = CPUS_FILLING_A_GPU * gpus if self.cpus is None else self.cpus
        memory = here.gpu_bytes if self.gpu_memory is None else 1e9 * self.gpu_memory
        return Devices(gpus, cpus or cpu_count(), memory)

    def _check(self) -> None:
        if self.address is not None and (self.gpus is not None or self.cpus is not None):
            raise SweepError("--address counts the devices of a cluster; leave --gpus and --cpus out")
        if self.gpus is not None and self.gpus < 0:
            raise SweepError(f"--gpus is {self.gpus}, but takes an integer of at least 0")
        if self.cpus is not None and self.cpus < 1:
            raise SweepError(f"--cpus is {self.cpus}, but takes an integer of at least 1")
        check_gpu_memory(self.gpu_memory)
        if self.gpu_memory is not None and self.address is None and not self._may_have_gpus:
            raise SweepError("--gpu-memory is for GPUs, and there are none to plan for; add --gpus, or leave it out")

    @property
    def _may_have_gpus(self) -> bool:
        if self.gpus is None:
            return self.cpus is None and best_device() != "cpu"
        return self.gpus > 0


THIS_MACHINE = DeviceOptions()


def check_gpu_memory(gigabytes: float | None) -> None:
    """Raises SweepError for what is no size of memory."""
    if gigabytes is not None and not 0 < gigabytes < 1e6:
        raise SweepError(f"--gpu-memory is {gigabytes:g}, but takes gigabytes, such as 24")


def _measure_here(packs: Sequence[Pack]) -> Survey:
    """This machine's devices."""
    # SciPy and torch take seconds to import, which no other command needs to wait for.
    import torch

    from sweep.calibration import calibrate, calibrate_gpu

    cpu = calibrate(packs, Setting("cpu", 1))
    if best_device() == "cpu":
        return Survey(Devices(0, cpu_count()), CostModels(cpu), frozenset({"cpu"}))
    sizes = [torch.cuda.mem_get_info(number)[1] for number in range(torch.cuda.device_count())]
    gpu = calibrate_gpu(packs, Setting("cuda", cpu_count()))
    return Survey(Devices(len(sizes), cpu_count(), min(sizes)), CostModels(cpu, gpu), frozenset(KINDS))
