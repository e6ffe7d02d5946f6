"""Batch submission: a study's ``sweep run`` as a job of a batch system. A new one is one module and one line."""

from sweep.submission.backend import BACKENDS, DEFAULT_BACKEND, Backend, Job, backend_class
from sweep.submission.batch import RESUME, Batch

__all__ = ["BACKENDS", "DEFAULT_BACKEND", "RESUME", "Backend", "Batch", "Job", "backend_class"]
