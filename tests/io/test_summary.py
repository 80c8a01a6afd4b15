"""The notebook shows what was fitted; before that, scikit-learn's diagram alone."""

from html.parser import HTMLParser

import numpy as np
import pytest
from sklearn import config_context

import sklearn_hti
from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.baselines import DisplacementInterpolationRegressor
from sklearn_hti.io.summary import summarise, summary_as_html


class Table(HTMLParser):
    """The cells of the table, by the head of their row; all tags must be closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.cells, self.name = [], {}, None
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] == ["th"]:
            self.name = data
        elif self.open[-1:] == ["td"]:
            self.cells[self.name] = data


@pytest.fixture
def squares():
    networks = {v: lambda X, v=v: v**2 * X[:, 0] for v in (0.0, 1.0, 2.0, 4.0)}
    X = np.linspace(-1, 1, 10)[:, None]
    y = np.concatenate([network(X) for network in networks.values()])
    model = HyperparameterTrajectoryRegressor(networks=networks, random_state=0)
    return model.fit(np.tile(X, (4, 1)), y, np.repeat(list(networks), 10))


def test_lines_have_no_error_but_rounding():
    networks = {v: lambda X, v=v: v * X[:, 0] for v in (0.1, 0.5, 1.0, 2.0)}
    X = np.random.default_rng(0).normal(size=(10, 1))
    y = np.concatenate([network(X) for network in networks.values()])
    model = HyperparameterTrajectoryRegressor(networks=networks, random_state=0)
    model.fit(np.tile(X, (4, 1)), y, np.repeat(list(networks), 10))
    assert model.validation_["straight_line"].max() > 0  # of rounding
    assert summarise(model)["Left-out values"].endswith("no error above the noise floor")


def test_what_was_fitted_is_shown(squares):
    cells = Table(summary_as_html(squares)).cells
    assert cells == summarise(squares)
    assert cells["Trained values"] == "0, 1, 2, 4"
    assert cells["Rows"] == "40"
    assert cells["Outputs"] == "1 per row"
    assert cells["Answers"].startswith("the trained networks are asked")
    records = squares.validation_
    ratio = np.sqrt(records["interpolate"].mean() / records["straight_line"].mean())
    assert cells["Left-out values"] == f"2; error {ratio:.2g} times that of the straight line"
    shown = squares._repr_html_()
    assert shown.endswith(summary_as_html(squares))
    assert squares._repr_mimebundle_()["text/html"].endswith(summary_as_html(squares))
    with config_context(display="text"):
        assert "text/html" not in squares._repr_mimebundle_()


def test_nothing_before_the_fit():
    assert "hti-fitted" not in HyperparameterTrajectoryRegressor()._repr_html_()


def test_warnings_and_names_are_no_markup(tmp_path):
    lam = np.repeat([0.0, 1.0, 2.0], 20)
    y = np.random.default_rng(0).normal(lam)
    y[0] = 1e12
    X = np.zeros((60, 1))
    model = DisplacementInterpolationRegressor(lam_transform=None)
    with pytest.warns(UserWarning) as caught:
        model.fit(X, y, lam)
    assert summarise(model)["Warnings"] in str(caught[0].message).replace("\nAlso: ", " ")
    model.save(tmp_path / "model.hti")
    assert summarise(sklearn_hti.load(tmp_path / "model.hti")) == summarise(model)
    model._state = model._state.__class__(
        **{**vars(model._state), "warnings": ("<script>alert(1)</script>",)}
    )
    assert "<script>alert" not in summary_as_html(model)
    assert "&lt;script&gt;alert(1)" in summary_as_html(model)


def test_several_hyperparameters(plane):
    model = HyperparameterTrajectoryRegressor(base=None).fit(plane.X, plane.y, plane.lam)
    cells = summarise(model)
    assert cells["Trained values"] == "6 of 2 hyperparameters: λ[0] 0 to 2; λ[1] 0 to 1"
    assert cells["λ scale"] == "λ[0] linear, λ[1] linear"


def test_simple_answers_are_named(plane):
    model = DisplacementInterpolationRegressor(random_state=0).fit(plane.X, plane.y, plane.lam)
    assert summarise(model)["Answers"].startswith("straight lines between trained values")
