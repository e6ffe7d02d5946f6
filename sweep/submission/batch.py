"""A sweep as a batch job: the command that runs on the cluster, and what the job is known by."""

from dataclasses import dataclass
from pathlib import Path

from sweep.errors import SweepError
from sweep.plan import Plan
from sweep.redaction import redacted
from sweep.studies import STUDIES

RESUME = "SWEEP_RESUME"
"""Environment variable of a job: the command line that submits it again after it was cut off."""

_SCHEMES = ("s3", "gs", "gcs", "abfs", "abfss", "hdfs", "file")


@dataclass(frozen=True)
class Batch:
    """One study's ``sweep run`` on a cluster. Raises SweepError for a secret in it, or a store of no known kind."""

    plan: Plan
    study: str
    """The name of a built-in study, or the user's own file."""

    store: str
    """The store as the job finds it."""

    arguments: tuple[str, ...]
    """Further arguments of ``sweep run``."""

    again: str
    """The command line that submits this batch."""

    def __post_init__(self) -> None:
        for value in (self.store, *self.arguments, self.again):
            if redacted(value) != value:
                raise SweepError(
                    "a user, key or password in an address or option would be shown to all who can see the job; leave "
                    "them out, and set them in the environment of the cluster (AWS_ACCESS_KEY_ID, "
                    "MLFLOW_TRACKING_USERNAME, ...)"
                )
        scheme, separator, _ = self.store.partition("://")
        if separator and scheme not in _SCHEMES:
            raise SweepError(f"--store has the scheme {scheme}, but takes a folder or one of {', '.join(_SCHEMES)}")

    @property
    def study_file(self) -> Path | None:
        """The user's own file, where the study is not a built-in one."""
        return None if self.study in STUDIES else Path(self.study)

    @property
    def name(self) -> str:
        """The study and the first digits of the sweep's identity, with which the names of its jobs begin."""
        return f"{self.plan.study}-{self.plan.sweep_id[:8]}"

    def command(self, study: str | None = None) -> list[str]:
        """Arguments of ``sweep`` in a job that runs in a Ray cluster, where `study` names the study if given."""
        return ["run", study or self.study, "--store", self.store, "--address", "auto", *self.arguments]
