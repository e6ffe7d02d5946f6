"""Batch submission: a study's ``sweep run`` as a job of a Ray cluster or of Slurm."""

from sweep.submission.batch import RESUME, Batch, store_on_cluster, submit_to_ray, submit_to_slurm
from sweep.submission.jobs import DEFAULT_ADDRESS, Head, Job
from sweep.submission.slurm import Allocation, Submitted

__all__ = [
    "DEFAULT_ADDRESS",
    "RESUME",
    "Allocation",
    "Batch",
    "Head",
    "Job",
    "Submitted",
    "store_on_cluster",
    "submit_to_ray",
    "submit_to_slurm",
]
