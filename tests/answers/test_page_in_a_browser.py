"""The page in headless Chromium: the slider moves the picture, and nothing is loaded."""

import json
import shutil

import numpy as np
import pytest

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.baselines import DisplacementInterpolationRegressor
from sklearn_hti.datasets import make_semicircles

pytest.importorskip("plotly", reason="the page is drawn by plotly (extra `plot`)")
pytest.importorskip("selenium", reason="selenium drives the browser (extra `browser`)")
from selenium import webdriver
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import Select, WebDriverWait

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None or DRIVER is None, reason="needs Chromium and chromedriver on the PATH"
)


@pytest.fixture(scope="module")
def browser():
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in (
        "headless=new",
        "no-sandbox",
        "disable-dev-shm-usage",
        "window-size=1100,800",
    ):
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


class Page:
    """What a test asks and does on a page."""

    def __init__(self, browser, path):
        self.browser = browser
        browser.get(path.as_uri())
        self.slider = browser.find_element("id", "lam")

    def text(self, name):
        return self.browser.find_element("id", name).text

    def traces(self, last):
        """Return x and y of the last traces, those that move."""
        return self.browser.execute_script(
            "return document.getElementById('plot').data.slice(-arguments[0])"
            ".map((trace) => [Array.from(trace.x), Array.from(trace.y)])",
            last,
        )

    def wait(self, condition):
        return WebDriverWait(self.browser, 20).until(lambda _: condition())

    def go_to(self, anchor):
        button = f"[aria-label$='= {anchor}'][aria-label^='Trained value']"
        self.browser.find_element("css selector", button).click()
        self.wait(lambda: f"= {anchor} (trained value)" in self.text("value"))


@pytest.fixture(scope="module")
def arcs():
    data = make_semicircles(n_samples=20, random_state=0)
    model = DisplacementInterpolationRegressor(
        lam_transform=None, categorical_features=[0], random_state=0
    )
    return model.fit(data.X, data.y, data.lam)


@pytest.fixture
def plane(browser, arcs, tmp_path):
    path = arcs.to_html(tmp_path / "plane.html", [[0], [3]], n_samples=15, random_state=0)
    page = Page(browser, path)
    select = Select(browser.find_element("id", "row"))
    select.select_by_visible_text("all 2 rows, one line or dot each")
    page.wait(lambda: len(page.traces(3)[0][0]) == 30)
    return page


@pytest.fixture
def line(browser, on_clouds, clouds, tmp_path):
    path = on_clouds.to_html(
        tmp_path / "line.html", clouds.X[:1], n_samples=50, lam_name="dose", random_state=0
    )
    return Page(browser, path)


def drawn(model, X, lam):
    """Return the dots of the page, row by row: (n * 15, D)."""
    along = model.trajectory(X, [lam], n_samples=15, random_state=0)[0]
    return np.moveaxis(along, 1, 0).reshape(-1, 2)


def test_keys_move_the_dots_to_the_draws_at_lambda(plane, arcs):
    X = [[0], [3]]
    assert plane.text("value") == "λ = 0 (trained value)"
    np.testing.assert_allclose(np.transpose(plane.traces(3)[0]), drawn(arcs, X, 0.0), atol=1e-4)
    before = plane.browser.find_element("id", "plot").screenshot_as_png
    plane.slider.send_keys(*[Keys.ARROW_RIGHT] * 60)  # of 240
    plane.wait(lambda: plane.text("value") == "λ = 0.25")
    np.testing.assert_allclose(np.transpose(plane.traces(3)[0]), drawn(arcs, X, 0.25), atol=1e-4)
    assert plane.slider.get_attribute("aria-valuetext") == "λ = 0.25"
    assert plane.browser.find_element("id", "plot").screenshot_as_png != before


def test_dragging_moves_the_dots(plane, arcs):
    width = plane.slider.size["width"]
    actions = ActionChains(plane.browser).move_to_element_with_offset(
        plane.slider, 8 - width // 2, 0
    )
    actions.click_and_hold().move_by_offset(width // 3, 0).move_by_offset(width // 3, 0)
    actions.release().perform()
    plane.wait(lambda: plane.text("value") != "λ = 0 (trained value)")
    lam = float(plane.text("value").split()[2])
    assert 0.6 < lam < 0.75
    expected = drawn(arcs, [[0], [3]], lam)
    np.testing.assert_allclose(np.transpose(plane.traces(3)[0]), expected, atol=0.02)  # of lam


def test_anchors_are_buttons_and_conditions_can_be_chosen(plane, arcs):
    plane.go_to(1)
    np.testing.assert_allclose(
        np.transpose(plane.traces(3)[0]), drawn(arcs, [[0], [3]], 1.0), atol=1e-4
    )
    select = Select(plane.browser.find_element("id", "row"))
    assert [o.text for o in select.options] == [
        "x = 0",
        "x = 3",
        "all 2 rows, one line or dot each",
    ]
    select.select_by_visible_text("x = 3")
    plane.wait(lambda: len(plane.traces(3)[0][0]) == 15)
    expected = drawn(arcs, [[0], [3]], 1.0)[15:]
    np.testing.assert_allclose(np.transpose(plane.traces(3)[0]), expected, atol=1e-4)


def test_one_output_has_a_cursor_and_a_histogram(line, on_clouds, clouds):
    line.go_to(2)
    (x, _), (shares, centers) = line.traces(2)
    assert x == [2.0, 2.0]
    assert sum(shares) == pytest.approx(1)
    y = on_clouds.trajectory(clouds.X[:1], [2.0], n_samples=50, random_state=0)
    assert np.dot(shares, centers) == pytest.approx(y.mean(), abs=0.1)
    low, middle, high = (
        np.format_float_positional(float(f"{v:.3g}"), trim="-")
        for v in np.quantile(y, [0.05, 0.5, 0.95])
    )
    text = f"output: median of draws {middle}, 90 % of draws between {low} and {high}."
    assert line.text("readout") == text.replace("-", "−")


def test_it_plays_to_the_end(line):
    line.browser.find_element("id", "play").click()
    line.wait(lambda: line.text("play") == "Pause")
    line.wait(lambda: line.text("value") == "dose = 2 (trained value)")
    line.wait(lambda: line.text("play") == "Play")


def test_several_hyperparameters_have_a_slider_each(browser, tmp_path):
    lams = [[a, b] for a in (0.0, 1.0) for b in (0.0, 2.0)]
    networks = {tuple(lam): lambda X, lam=lam: X[:, 0] * lam[0] + lam[1] for lam in lams}
    X = np.linspace(-1, 1, 10)[:, None]
    y = np.concatenate([network(X) for network in networks.values()])
    model = HyperparameterTrajectoryRegressor(networks=networks, random_state=0)
    model.fit(np.tile(X, (4, 1)), y, np.repeat(lams, 10, axis=0))
    browser.get(model.to_html(tmp_path / "page.html", X[:1], n_samples=2).as_uri())
    sliders = browser.find_elements("css selector", "#sliders input")
    assert len(sliders) == 2
    for slider in sliders:
        slider.send_keys(Keys.HOME, *[Keys.ARROW_RIGHT] * 60)  # of 240
    wait = WebDriverWait(browser, 20)
    wait.until(lambda _: browser.find_element("id", "value").text == "λ[0] = 0.25, λ[1] = 0.5")
    assert "0.25" in browser.find_element("id", "readout").text
    assert browser.get_log("browser") == []


def test_nothing_is_loaded_and_nothing_goes_wrong(browser, plane):
    plane.go_to("0.5")
    messages = [
        json.loads(entry["message"])["message"] for entry in browser.get_log("performance")
    ]
    asked = [m for m in messages if m["method"] == "Network.requestWillBeSent"]
    urls = {m["params"]["request"]["url"].partition(":")[0] for m in asked}
    assert urls <= {"file", "data", "blob"}
    assert sum(m["params"]["request"]["url"] == browser.current_url for m in asked) == 1
    assert browser.get_log("browser") == []  # by all pages so far
