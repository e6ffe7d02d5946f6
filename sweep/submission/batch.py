"""A sweep as a batch job: the command that runs on the cluster, and what identifies the job."""

from dataclasses import dataclass
from pathlib import Path

from sweep.errors import SweepError
from sweep.own_code import SEARCHED, OwnModule
from sweep.planning import Plan
from sweep.redaction import redacted
from sweep.studies import STUDIES

RESUME = "SWEEP_RESUME"
"""Environment variable of a job: the command line that submits it again after it was cut off."""

_SCHEMES = ("s3", "gs", "gcs", "abfs", "abfss", "hdfs", "file")


@dataclass(frozen=True)
class Batch:
    """One study's ``sweep run`` on a cluster. Raises SweepError for a secret in it, or a store of an unknown kind."""

    plan: Plan
    study: str
    """The name of a built-in study, or the user's own file."""

    store: str
    """The store as the job finds it."""

    arguments: tuple[str, ...]
    """Further arguments of ``sweep run``."""

    again: str
    """The command line that submits this batch."""

    imports: tuple[Path, ...] = ()
    """The user's own files to be imported."""

    modules: tuple[OwnModule, ...] = ()
    """All of the user's own modules that the plan needs, including those files."""

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

    def own_files(self) -> dict[str, Path]:
        """The user's own files that the job needs, by their names in a folder that is sent."""
        study = {self.study_file.name: self.study_file} if self.study_file else {}
        return study | {module.file: Path(module.path) for module in self.modules}

    def command(self, sent: str | None = None) -> list[str]:
        """Arguments of ``sweep`` in a job that runs in a Ray cluster.

        `sent` is the folder there that has `own_files`; without one they have the same paths as here.
        """
        study, imports = self.study, [path.absolute() for path in self.imports]
        if self.study_file:
            study = f"{sent}/{self.study_file.name}" if sent else str(self.study_file.absolute())
        if sent:
            imports = [Path(sent, path.name) for path in imports]
        named = [f"--import={path}" for path in imports]
        return ["run", study, "--store", self.store, "--address", "auto", *named, *self.arguments]

    def environment(self, sent: str | None = None) -> dict[str, str]:
        """Variables of the job."""
        return {RESUME: self.again} | ({SEARCHED: sent or str(Path.cwd())} if self.modules else {})
