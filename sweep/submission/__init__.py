"""Batch submission: a study's ``sweep run`` as a job of a Ray cluster or of Slurm."""

from sweep.submission.batch import RESUME, Batch, store_on_cluster, submit_to_ray
from sweep.submission.jobs import DEFAULT_ADDRESS, Head, Job

__all__ = ["DEFAULT_ADDRESS", "RESUME", "Batch", "Head", "Job", "store_on_cluster", "submit_to_ray"]
