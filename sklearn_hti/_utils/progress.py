"""One progress bar over a whole fit: its stages, and the steps of each."""

import multiprocessing
import sys
import threading
from contextlib import contextmanager
from contextvars import ContextVar

_DELAY = 2.0  # seconds before a bar appears by itself

_bar = ContextVar("bar", default=None)  # of the fit that runs


@contextmanager
def progress_bar(verbose, stages):
    """Show the progress of what runs inside, unless it should be silent.

    Parameters
    ----------
    verbose : "auto" or int
        "auto" shows a bar after two seconds, on a terminal or in a notebook; never in a worker
        process or thread. 0 is silent, and 1 and more show a bar at once, on stderr.
    stages : sequence of str
        Names of the stages in their order; each takes an equal part of the bar.
    """
    auto = isinstance(verbose, str) and verbose == "auto"
    if not (_is_watched() if auto else verbose):
        yield
        return
    bar = _Bar(stages, _DELAY if auto else 0.0)
    token = _bar.set(bar)
    try:
        yield
        bar.finish()
    finally:
        _bar.reset(token)
        bar.close()


def begin(stage):
    """Go on to a stage; one that the fit does not list is not shown."""
    if (bar := _bar.get()) is not None:
        bar.begin(stage)


def step(done, total, note=""):
    """Show how many steps of the stage are done, with a note such as the loss."""
    if (bar := _bar.get()) is not None:
        bar.step(done, total, note)


def counted(items):
    """Yield items, each of which is a step of the stage."""
    items = list(items)
    for done, item in enumerate(items):
        step(done, len(items))
        yield item


class _Bar:
    """A bar of tqdm that counts stages, and fractions of them."""

    def __init__(self, stages, delay):
        self.stages = list(stages)
        self.delay = delay
        self.place = 0
        self.bar = None

    def begin(self, stage):
        if self.bar is None:
            self.bar = self._open()
        if stage in self.stages:
            self.place = self.stages.index(stage)
            self._show(self.place, "")

    def _open(self):
        from tqdm.auto import tqdm  # finds out whether this is a notebook

        return tqdm(
            total=len(self.stages),
            bar_format="{desc} {percentage:3.0f}%|{bar}| {elapsed}",
            delay=self.delay,
            mininterval=0,
            miniters=0,
            leave=self.delay == 0,
            dynamic_ncols=True,
        )

    def step(self, done, total, note):
        at = f": step {done} of {total}" + (f", {note}" if note else "")
        self._show(self.place + done / max(1, total), at)

    def _show(self, n, at):
        number = f"Stage {self.place + 1} of {len(self.stages)}"
        self.bar.set_description_str(f"{number}, {self.stages[self.place]}{at}", refresh=False)
        self.bar.update(max(0.0, n - self.bar.n))

    def finish(self):
        if self.bar is None:
            return
        self.bar.set_description_str("Fitted", refresh=False)
        self.bar.update(len(self.stages) - self.bar.n)
        self.bar.close()

    def close(self):
        if self.bar is not None:
            self.bar.close()


def _is_watched():
    """Tell whether a user sees stderr: a terminal or notebook, in the main process and thread."""
    if threading.current_thread() is not threading.main_thread():
        return False
    if multiprocessing.current_process().name != "MainProcess":
        return False
    return _in_notebook() or bool(getattr(sys.stderr, "isatty", bool)())


def _in_notebook():
    """Tell whether this is a kernel of Jupyter."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return "IPKernelApp" in getattr(shell, "config", ())
