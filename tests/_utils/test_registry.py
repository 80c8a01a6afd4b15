"""What files may hold: classes that are registered, by names that are theirs alone."""

import subprocess
import sys

import numpy as np
import pytest

import sklearn_hti
from sklearn_hti._utils.registry import storable, storable_classes
from sklearn_hti.baselines import DisplacementInterpolationRegressor
from sklearn_hti.clocks.clock import Clock


def test_a_name_belongs_to_one_class():
    with pytest.raises(ValueError, match="Clock is the name of"):
        storable(type("Clock", (), {}))
    assert storable_classes()["Clock"] is Clock
    assert storable(Clock) is Clock


def test_derived_classes_are_not_registered():
    derived = type("Derived", (Clock,), {})
    assert derived not in storable_classes().values()


def test_the_copy_that_is_returned_registers_nothing():
    storable_classes()["object"] = object
    assert "object" not in storable_classes()


def test_files_of_modules_that_are_not_imported_yet(tmp_path):
    path = tmp_path / "model.safetensors"
    lam = np.repeat([0.0, 1.0], 20)
    DisplacementInterpolationRegressor(lam_transform=None).fit(None, 4 * lam, lam).save(path)
    program = f"""
import sys, sklearn_hti
assert "sklearn_hti.baselines" not in sys.modules
print(type(sklearn_hti.load({str(path)!r})).__name__)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.split() == [b"DisplacementInterpolationRegressor"]


def test_baselines_are_there_when_asked_for():
    program = "import sklearn_hti; sklearn_hti.baselines.NearestAnchorRegressor()"
    subprocess.run([sys.executable, "-c", program], check=True)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        sklearn_hti.nothing  # noqa: B018
