"""Runs packs one after another in this process, without Ray."""

from sweep.result import Setting
from sweep.schedule.book import PackBook
from sweep.schedule.executor import ExecutorOptions, Listener
from sweep.schedule.processors import cpu_count
from sweep.schedule.work import best_device, work


def run(book: PackBook, listener: Listener, options: ExecutorOptions) -> None:
    """An `Executor`."""
    setting = Setting(
        options.device or best_device(),
        options.workers or cpu_count(),
        options.data_cache,
        listener.checkpoint,
        options.save_seconds,
        kernel=options.kernel,
    )
    while (attempt := book.next()) is not None:
        listener.started(attempt)
        trials = attempt.pack.trials
        for report in work(lambda trials=trials: trials, options.engine, setting):
            listener.heard(attempt, report)
