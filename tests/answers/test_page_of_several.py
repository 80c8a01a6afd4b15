"""The page of several hyperparameters, its script run by node: sliders move the draws."""

import json
import re
import shutil
import subprocess

import numpy as np
import pytest

from sklearn_hti import HyperparameterTrajectoryRegressor

pytest.importorskip("plotly", reason="the page is drawn by plotly (extra `plot`)")
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="needs node on the PATH")

# enough of a browser: elements keep what is set on them, and their listeners can be called
BROWSER = """
const make = (tag) => ({ tag, style: {}, children: [], listeners: {},
  append(...more) { this.children.push(...more); }, add(one) { this.children.push(one); },
  setAttribute() {}, addEventListener(name, call) { this.listeners[name] = call; } });
const nodes = { data: { textContent: DATA } };
globalThis.document = { getElementById: (id) => (nodes[id] ??= make(id)), createElement: make };
globalThis.Option = function (text, value) { Object.assign(this, { text, value }); };
globalThis.requestAnimationFrame = (call) => call();
let shown;
globalThis.Plotly = { react: (_, traces, layout) => { shown = { traces, layout }; } };
const all = (node, tag) => node.children.flatMap((child) => child.tag === undefined ? []
  : [...(child.tag === tag ? [child] : []), ...all(child, tag)]);
const frames = [];
const note = () => frames.push({ ...shown, value: nodes.value.textContent,
  readout: nodes.readout.textContent, sliders: all(nodes.sliders, "input").map(
    (one) => [Number(one.value), Boolean(one.disabled)]),
  selects: all(nodes.controls, "select").map((one) => [one.id, one.children.map((o) => o.text)])});
const slide = (n, value) => {
  const slider = all(nodes.sliders, "input")[n];
  slider.value = value; slider.listeners.input(); note(); };
const choose = (n, value) => {
  const select = all(nodes.controls, "select")[n];
  select.value = value; select.listeners.change(); note(); };
"""


def run(path, steps):
    """Return what the page shows at first and after every step of a script."""
    text = path.read_text(encoding="utf-8")
    pattern = r'<script id="data" type="application/json">(.*?)</script>\s*<script>(.*?)</script>'
    ((data, script),) = re.findall(pattern, text, flags=re.DOTALL)
    code = BROWSER.replace("DATA", json.dumps(data)) + script
    code += f"note(); {steps}; console.log(JSON.stringify(frames));"
    done = subprocess.run(["node", "-"], input=code, capture_output=True, text=True, check=True)
    return json.loads(data), json.loads(done.stdout)


def fitted(lams, answer):
    """Return a surrogate of networks at trained values; inputs are 4 numbers."""
    X = np.linspace(-1, 1, 10)[:, None]
    networks = {tuple(lam): lambda X, lam=tuple(lam): answer(X[:, 0], *lam) for lam in lams}
    y = np.concatenate([network(X) for network in networks.values()])
    lam = np.repeat(np.array(lams, dtype=object), len(X), axis=0)
    model = HyperparameterTrajectoryRegressor(networks=networks, random_state=0)
    return model.fit(np.tile(X, (len(lams), 1)), y, lam)


X = np.array([[-0.5], [0.7]])


@pytest.fixture(scope="module")
def surface():
    rng = np.random.default_rng(0)
    lams = [
        [0.1, 0.0],
        [100.0, 0.0],
        [1.0, 2.0],
        *np.column_stack([10 ** rng.uniform(-0.5, 0.8, 8), rng.uniform(0.1, 1.0, 8)]).tolist(),
    ]
    return fitted(lams, lambda x, a, b: x * np.log10(a) + b**2)


@needs_node
def test_sliders_move_the_answers(surface, tmp_path):
    path = surface.to_html(tmp_path / "p.html", X, n_samples=3, lam_name=["<i>C", "b"])
    data, (first, pooled, *frames, known, outside) = run(
        path,
        "choose(2, -1); slide(1, 30); slide(0, 120); slide(1, 75); choose(0, 0); slide(1, 200)",
    )
    assert [trace.get("name") for trace in first["traces"]] == ["answer", None]  # of one row
    assert pooled["traces"][0]["name"] == "each of 2 rows"  # a line each, no band
    assert not any("fill" in trace and trace["fill"] == "tonexty" for trace in pooled["traces"])
    assert "(trained value)" in first["value"]
    assert first["layout"]["xaxis"]["title"]["text"] == "&lt;i&gt;C"
    assert first["layout"]["xaxis"]["type"] == "log"
    for frame in frames:
        places = np.array(frame["sliders"])[:, 0] / 240
        lam = [10 ** (-1 + 3 * places[0]), 2 * places[1]]
        y = surface.predict(X, [lam] * 2)
        low, high = (
            float(v.replace("−", "-"))
            for v in re.search(
                r"90 % of rows between (\S+) and (\S+)\.", frame["readout"]
            ).groups()
        )
        expected = np.quantile(y, [0.05, 0.95])
        np.testing.assert_allclose([low, high], expected, atol=0.06)
    cursor = frames[-1]["traces"][-2]["x"]
    np.testing.assert_allclose(cursor, 10**0.5)
    lam = data["lam"][0]
    assert known["value"] == f"<i>C = {lam[0]:.3g}, b = {lam[1]:.3g} (trained value)"
    assert len(known["traces"]) == len(outside["traces"]) + 1
    assert outside["readout"].startswith("Outside the trained values: no answer. The nearest is")


@needs_node
def test_categories_are_chosen(tmp_path):
    lams = [[a, k] for a in (0.0, 1.0, 2.0) for k in ("u", "v")]
    model = fitted(lams, lambda x, a, k: np.column_stack([x + a, x * a * (1 if k == "u" else -1)]))
    path = model.to_html(tmp_path / "p.html", X, n_samples=2)
    _, frames = run(path, "slide(0, 60); choose(0, 1); choose(0, 0)")
    assert frames[0]["selects"][0][1] == ["u", "v"]
    for frame, k in zip(frames[1:], "uvu", strict=True):
        assert frame["value"] == f"λ[0] = 0.5, λ[1] = {k}"
        dots = frame["traces"][2]
        expected = model.predict(X[:1], np.array([[0.5, k]], dtype=object))  # the first row
        np.testing.assert_allclose([dots["x"], dots["y"]], expected.T, atol=1e-2)


@needs_node
def test_weights_that_sum_to_one_follow(tmp_path):
    weights = np.random.default_rng(0).dirichlet(np.ones(3), 12).tolist()
    model = fitted([*weights, *np.eye(3).tolist()], lambda x, a, b, c: x + a - c)
    path = model.to_html(tmp_path / "p.html", X, n_samples=1)
    _, (_, _, frame) = run(path, "slide(0, 60); slide(1, 120)")
    assert frame["sliders"] == [[60, False], [120, False], [60, True]]
    assert frame["value"] == "λ[0] = 0.25, λ[1] = 0.5, λ[2] = 0.25"


def test_the_page_is_as_large_as_that_of_one(surface, tmp_path):
    path = surface.to_html(tmp_path / "p.html", X, n_samples=3)
    text = path.read_text(encoding="utf-8")
    own = re.sub(r"<script>/\*\*\n\* plotly\.js.*?</script>", "", text, count=1, flags=re.DOTALL)
    assert len(own) < 100_000
    assert not re.search(r"https?://|\bsrc=|\bhref=|@import|url\(", own)
    pattern = r'<script id="data" type="application/json">(.*?)</script>'
    data = json.loads(re.findall(pattern, text, flags=re.DOTALL)[0])
    assert data["lam"][: data["trained"]] == surface.anchors_.tolist()
    assert 40 < len(data["lam"]) - data["trained"] <= 125
    given = surface.to_html(tmp_path / "g.html", X, n_samples=3, lam_grid=[[1.0, 0.5]])
    data = json.loads(re.findall(pattern, given.read_text(encoding="utf-8"), flags=re.DOTALL)[0])
    assert data["lam"][data["trained"] :] == [[1.0, 0.5]]
    with pytest.raises(ValueError, match="outside the convex hull"):
        surface.to_html(path, X, lam_grid=[[0.1, 2.0]])
    with pytest.raises(ValueError, match=r"`lam_name` has 1 name\(s\) for 2"):
        surface.to_html(path, X, lam_name="C")
