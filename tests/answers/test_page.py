"""The page holds the draws of the surrogate and needs nothing else."""

import base64
import html
import json
import os
import re
import shutil
import subprocess
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from sklearn_hti.baselines import DisplacementInterpolationRegressor
from sklearn_hti.pipeline import make_trajectory_pipeline

pytest.importorskip("plotly", reason="the page is drawn by plotly (extra `plot`)")


def read(path):
    """Return the data of a page and its draws (L, n, n_samples, D)."""
    pattern = r'<script id="data" type="application/json">(.*?)</script>'
    (text,) = re.findall(pattern, path.read_text(encoding="utf-8"), flags=re.DOTALL)
    data = json.loads(text)
    values = np.frombuffer(base64.b64decode(data["values"]), dtype="<u2").astype(float)
    return data, data["low"] + np.array(data["step"]) * values.reshape(data["shape"])


def own_part(path):
    """Return the page without plotly."""
    text = path.read_text(encoding="utf-8")
    pattern = r"<script>/\*\*\n\* plotly\.js.*?</script>"
    return re.sub(pattern, "", text, count=1, flags=re.DOTALL)


def rounding(data):
    """Return half a level of the outputs, and a little for the arithmetic."""
    return 0.51 * np.max(data["step"])


@pytest.fixture
def path(tmp_path):
    return tmp_path / "page.html"


def test_draws_are_those_of_the_surrogate(path, on_networks, networks):
    X = networks.X[:3]
    assert on_networks.to_html(path, X, n_samples=4, random_state=0) == path
    data, draws = read(path)
    assert data["anchors"] == [0.0, 1.0, 2.0]
    assert set(data["anchors"]) <= set(data["lam"])
    expected = on_networks.trajectory(X, data["lam"], n_samples=4, random_state=0)
    assert not data["draws"]  # every input has one answer
    np.testing.assert_allclose(draws, np.moveaxis(expected, 1, 2)[:, :, :1], atol=rounding(data))


@pytest.mark.parametrize(("unit", "shift"), [(1.0, 1.7e9), (1e40, 0.0), (1e-60, 0.0)])
def test_draws_far_from_zero(path, rng, unit, shift):
    """All that plain numbers in single precision would make of them is one value, or none."""
    lam = np.repeat([0.0, 1.0], 50)
    model = DisplacementInterpolationRegressor(lam_transform=None)
    model.fit(None, shift + unit * rng.normal(lam), lam)
    model.to_html(path, n_samples=30, random_state=0)
    data, draws = read(path)
    expected = model.trajectory(None, data["lam"], n_samples=30, random_state=0)
    np.testing.assert_allclose(
        draws[:, 0, :, 0], expected[..., 0], rtol=1e-15, atol=rounding(data)
    )


def test_given_names_and_lambdas(path, on_clouds, clouds):
    on_clouds.to_html(
        str(path),
        clouds.X[[0, 60]],
        lam_grid=[0.2, 1.0],
        n_samples=2,
        labels=["sober", "drunk"],
        output_names=["reaction"],
        lam_name="dose",
        title="One </script> & <b>two</b>",
        random_state=0,
    )
    data, draws = read(path)
    assert data["lam"] == [0.2, 0.5, 1.0]  # the anchor between
    assert data["anchors"] == [0.5]
    assert draws.shape == (3, 2, 2, 1)
    assert (data["labels"], data["outputs"]) == (["sober", "drunk"], ["reaction"])
    assert (data["lam_name"], data["title"]) == ("dose", "One </script> & <b>two</b>")
    text = path.read_text(encoding="utf-8")
    assert "<title>One &lt;/script&gt; &amp; &lt;b&gt;two&lt;/b&gt;</title>" in text


def test_the_file_refers_to_nothing_outside(path, on_clouds, clouds):
    on_clouds.to_html(path, clouds.X[:1], n_samples=2, random_state=0)
    text, own = path.read_text(encoding="utf-8"), own_part(path)
    assert len(own) < 100_000 < len(text) < 7_000_000
    assert "default-src 'none'" in own  # the browser refuses whatever would be loaded
    assert not re.search(r"https?://|\bsrc=|\bhref=|@import|url\(", own)


def test_no_condition_and_a_logarithmic_lambda(path, rng):
    lam = np.repeat([0.01, 0.1, 1.0], 20)
    y = rng.normal(size=(60, 3)) + np.log(lam)[:, None]
    model = DisplacementInterpolationRegressor(lam_transform="log").fit(None, y, lam)
    model.to_html(path, n_samples=5, random_state=0)
    data, draws = read(path)
    assert data["log"]
    assert draws.shape == (61, 1, 5, 3)
    steps = np.diff(np.log(data["lam"]))
    np.testing.assert_allclose(steps, steps[0], rtol=1e-6)


def test_a_pipeline_writes_what_its_surrogate_would(path, networks, tmp_path):
    X = networks.X[:2]
    scaler, model = StandardScaler(), DisplacementInterpolationRegressor(random_state=0)
    pipe = make_trajectory_pipeline(scaler, model).fit(networks.X, networks.y, networks.lam)
    pipe.to_html(path, X, n_samples=3, random_state=0)
    other = model.to_html(tmp_path / "m.html", scaler.transform(X), n_samples=3, random_state=0)
    np.testing.assert_array_equal(read(path)[1], read(other)[1])
    assert read(path)[0]["labels"][0] == f"x = {X[0, 0]:.3g}, x' = {X[0, 1]:.3g}"


# enough of a browser for the script of a page: Plotly tells what it is given
BROWSER = """
const none = () => {};
const node = () => ({
  style: {}, append: none, add: none, setAttribute: none, addEventListener: none });
const nodes = { data: { textContent: DATA }, lam: Object.assign(node(), { max: "240" }) };
globalThis.document = {
  getElementById: (id) => (nodes[id] ??= node()), createElement: node };
globalThis.Option = function () {};
globalThis.Plotly = { react: (_, ...given) => console.log(JSON.stringify(given.slice(0, 2))) };
"""
HOSTILE = '<a href="https://example.com">x</a> &lt;b&gt; %{y} \x1b[2J\u202e \udc80'


needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="needs node on the PATH")


def run(path, more=""):
    """Return the data of a page, and what its script gives to plotly, run by node."""
    text = path.read_text(encoding="utf-8")
    pattern = r'<script id="data" type="application/json">(.*?)</script>\s*<script>(.*?)</script>'
    ((data, script),) = re.findall(pattern, text, flags=re.DOTALL)
    code = BROWSER.replace("DATA", json.dumps(data)) + more + script
    done = subprocess.run(["node", "-"], input=code, capture_output=True, text=True, check=True)
    return json.loads(data), *json.loads(done.stdout.splitlines()[-1])


@needs_node
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_names_are_no_markup(path, clouds, n_outputs):
    """Plotly makes links of tags and values of %{...}; a name is shown as it is."""
    X, y = clouds.X, np.column_stack([clouds.y] * n_outputs)
    model = DisplacementInterpolationRegressor(lam_transform=None).fit(X, y, clouds.lam)
    names = {"lam_name": HOSTILE, "title": HOSTILE, "labels": [HOSTILE]}
    model.to_html(path, X[:1], n_samples=2, output_names=[HOSTILE] * n_outputs, **names)
    text = path.read_text(encoding="utf-8")
    assert not set("\x1b\u202e") & set(text)
    data, traces, layout = run(path)
    shown = [layout["xaxis"]["title"]["text"], layout["yaxis"]["title"]["text"]]
    shown += [trace.get("name", "") for trace in traces]
    templates = [trace.get("hovertemplate", "") for trace in traces]
    shown += [re.sub(r"%{[xy]:[^}]*}|<extra></extra>", "", template) for template in templates]
    assert sum("example.com" in text for text in shown) >= 3
    assert not any(re.search("[<>]|%{", text) for text in shown)
    printed = data["title"]
    assert html.unescape(shown[0]) == printed
    assert printed.endswith(r"%{y} \x1b[2J\u202e \udc80")


@pytest.fixture
def line(rng):
    """A surrogate of one output: 442 inputs, three trained values that are close to each other."""
    X = rng.normal(size=(442, 2))
    lam = np.repeat([0.0, 0.02, 0.04, 1.0], len(X))
    y = np.tile(X[:, 0], 4) * (1 + lam)
    model = DisplacementInterpolationRegressor(lam_transform=None, random_state=0)
    return model.fit(np.tile(X, (4, 1)), y, lam), X


def test_many_rows_make_no_large_page(path, line, rng):
    model, X = line
    model.to_html(path, X, random_state=0)
    data, draws = read(path)
    assert len(own_part(path).encode()) < 1_000_000
    assert (data["given"], len(data["labels"])) == (442, 50)
    assert data["labels"][0] == f"x = {X[0, 0]:.3g}, x' = {X[0, 1]:.3g}"
    rows = np.linspace(0, 441, 50).round().astype(int)
    expected = model.trajectory(X[rows], data["lam"], n_samples=draws.shape[2], random_state=0)
    np.testing.assert_allclose(draws[..., 0], np.moveaxis(expected, 1, 2), atol=rounding(data))
    wide = DisplacementInterpolationRegressor(lam_transform=None, random_state=0)
    wide.fit(np.tile(X[:50], (2, 1)), rng.normal(size=(100, 20, 30)), np.repeat([0.0, 1.0], 50))
    wide.to_html(path, X, random_state=0)
    data, draws = read(path)
    assert len(own_part(path).encode()) < 1_000_000
    assert draws.shape[3] == len(data["outputs"]) == 100
    assert draws.shape[2] >= 48


@needs_node
def test_one_row_first_and_rows_are_no_uncertainty(path, line):
    model, X = line
    model.to_html(path, X[:3], n_samples=40, random_state=0)
    _, traces, layout = run(path)
    names = [trace.get("name") for trace in traces if trace.get("showlegend")]
    assert names == ["90 % of draws", "50 % of draws", "median of draws", "trained value"]
    assert layout["showlegend"]
    assert layout["xaxis2"]["title"]["text"] == "share of draws"
    # a page on which all rows are chosen
    text = path.read_text(encoding="utf-8").replace("row: 0, x: 0", "row: -1, x: 0")
    path.write_text(text, encoding="utf-8")
    _, traces, layout = run(path)
    assert traces[0]["name"] == "each of 3 rows"
    assert traces[0]["x"].count(None) == 3  # ends of lines
    assert not any(trace.get("fill") == "tonexty" for trace in traces)
    assert layout["xaxis2"]["title"]["text"] == "share of draws of all rows"


@needs_node
@pytest.mark.parametrize("night", [True, False])
def test_a_phone_by_night(path, line, night):
    """360 pixels: no histogram beside the picture, and names of ticks do not meet."""
    model, X = line
    model.to_html(path, X[:1], n_samples=40, random_state=0)
    phone = f"""
    nodes.plot = Object.assign(node(), {{ clientWidth: 340 }});
    const made = [];
    nodes.ticks = Object.assign(node(), {{ clientWidth: 324, append: (one) => made.push(one) }});
    globalThis.matchMedia = () => ({{ matches: {json.dumps(night)} }});
    const react = Plotly.react;
    Plotly.react = (plot, traces, layout) => react(plot, traces, {{ ...layout,
      ticks: made.map((one) => [one.style.left, one.textContent]) }});
    """
    _, traces, layout = run(path, phone)
    assert layout["xaxis"]["domain"] == [0, 1]
    assert not any(trace.get("xaxis") == "x2" for trace in traces)
    assert layout["paper_bgcolor"] == ("#15191e" if night else "#fff")
    ticks = [(float(left.rstrip("%")) * 3.24, name) for left, name in layout["ticks"]]
    named = [(left, name) for left, name in ticks if name.strip()]
    assert len(ticks) == 4
    assert [name for _, name in named] == ["0", "1"]
    for (here, name), (there, other) in pairwise(named):
        assert there - here > 4 * (len(name) + len(other))


class Checked(HTMLParser):
    """Tells whether all tags of a page are closed, in their order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "input"):
            self.open.append(tag)
        self.ids += [value for name, value in attrs if name == "id"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_sound_html(path, line):
    model, X = line
    model.to_html(path, X[:2], n_samples=3, random_state=0)
    page = Checked(own_part(path))
    assert not page.open
    assert len(set(page.ids)) == len(page.ids)
    assert {"lam", "ticks", "plot", "readout", "note", "controls", "value"} <= set(page.ids)
    assert "prefers-color-scheme: dark" in own_part(path)


def test_a_private_page_stays_private(path, on_clouds, clouds):
    path.touch(mode=0o600)
    given = os.fsencode(path)
    assert on_clouds.to_html(given, clouds.X[:1], n_samples=2, random_state=0) == path
    assert path.stat().st_mode & 0o777 == 0o600


def test_refusals(path, on_clouds, clouds, monkeypatch):
    X = clouds.X[:1]
    with pytest.raises(ValueError, match="not fitted"):
        DisplacementInterpolationRegressor().to_html(path, X)
    with pytest.raises(ValueError, match="outside the anchors"):
        on_clouds.to_html(path, X, lam_grid=[0.0, 3.0])
    with pytest.raises(ValueError, match="at least two lambdas"):
        on_clouds.to_html(path, X, lam_grid=[0.5])
    with pytest.raises(ValueError, match="`labels` has 2 entries for 1"):
        on_clouds.to_html(path, X, labels=["a", "b"])

    def no_plotly(name, *args, **kwargs):
        raise ImportError(name)

    monkeypatch.setattr("importlib.import_module", no_plotly)
    with pytest.raises(ImportError, match=r"to_html needs plotly.*sklearn-hti\[plot\]"):
        on_clouds.to_html(path, X)
    assert not path.exists()
