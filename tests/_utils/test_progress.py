"""One bar over a fit, where a user can see it."""

import sys
import threading

import pytest

from sklearn_hti._utils import progress

STAGES = ("couplings", "flow map")


class Terminal:
    """A stream that says that it is one."""

    def __init__(self):
        self.text = ""
        self.encoding = "utf-8"

    def isatty(self):
        return True

    def write(self, text):
        self.text += text

    def flush(self):
        pass


def watch(monkeypatch):
    """Return a terminal in the place of stderr; in the test, as pytest has its own before it."""
    found = Terminal()
    monkeypatch.setattr(sys, "stderr", found)
    return found


def fit(verbose):
    with progress.progress_bar(verbose, STAGES):
        progress.begin("couplings")
        progress.begin("flow map")
        assert list(progress.counted("abcd")) == list("abcd")
        progress.step(3, 4, "loss 0.1")


def test_a_bar_appears_once_a_fit_takes_long(monkeypatch):
    terminal = watch(monkeypatch)
    fit("auto")
    assert terminal.text == ""
    monkeypatch.setattr(progress, "_DELAY", 1e-9)
    fit("auto")
    assert "Stage 2 of 2, flow map: step 3 of 4, loss 0.1  88%|" in terminal.text
    fit(verbose=0)
    assert terminal.text.endswith("\r")  # the line is empty again


def test_no_bar_without_a_terminal(capfd, monkeypatch):
    monkeypatch.setattr(progress, "_DELAY", 1e-9)
    fit("auto")
    assert capfd.readouterr() == ("", "")
    fit(verbose=1)
    assert "Stage 1 of 2, couplings   0%|" in capfd.readouterr().err


@pytest.mark.parametrize("where", ["thread", "process"])
def test_workers_are_silent(monkeypatch, where):
    terminal = watch(monkeypatch)
    monkeypatch.setattr(progress, "_DELAY", 1e-9)
    if where == "process":
        monkeypatch.setattr(progress.multiprocessing.current_process(), "_name", "LokyProcess-1")
        fit("auto")
    else:
        worker = threading.Thread(target=fit, args=("auto",))
        worker.start()
        worker.join()
    assert terminal.text == ""


def test_a_fit_that_is_interrupted_closes_its_bar(monkeypatch):
    terminal = watch(monkeypatch)
    with pytest.raises(KeyboardInterrupt), progress.progress_bar(1, STAGES):
        progress.begin("couplings")
        raise KeyboardInterrupt
    shown = terminal.text
    assert shown.endswith("\n")
    assert "Fitted" not in shown
    progress.step(1, 2)  # outside of a fit
    assert terminal.text == shown
