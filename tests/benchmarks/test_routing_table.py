"""lambda through scikit-learn's tools, every tool in every way: the page says what happens."""

from pathlib import Path

import pytest

from benchmarks.routing import (
    BEGIN,
    END,
    SCORERS,
    TOOLS,
    WAYS,
    as_markdown,
    outcome,
    routing_table,
    write_page,
)

PAGE = Path(__file__).parents[2] / "docs" / "routing.md"
RIGHT = [way for way in WAYS if way.right]


@pytest.fixture(scope="module")
def table():
    """What the page says."""
    lines = PAGE.read_text().split(BEGIN)[1].split(END)[0].splitlines()
    cells = [[c.strip() for c in line.strip("|").split("|")] for line in lines if "|" in line]
    return {name: row for name, *row in cells}


@pytest.mark.parametrize("name", [*TOOLS, *SCORERS])
def test_the_page_is_of_today(table, name):
    tools, ways = (TOOLS, WAYS) if name in TOOLS else (SCORERS, RIGHT)
    assert routing_table({name: tools[name]}, ways) == {name: table[name]}


@pytest.mark.parametrize("name", TOOLS)
def test_a_right_way_works(table, name):
    routed, *columns = table[name][: len(RIGHT)]
    assert columns == ["yes", "yes"]
    assert routed == ("error" if name == "`cross_val_predict`" else "yes")


def test_scorers_that_ask_for_lam_work(table):
    for name in list(SCORERS)[:3]:
        assert table[name] == ["yes"] * 3


def test_nothing_is_wrong_in_silence(table):
    cells = [(name, cell) for name, row in table.items() for cell in row]
    assert not [name for name, cell in cells if cell == "wrong numbers"]
    # scikit-learn's own: this tool alone keeps the errors of fit to itself
    assert {name for name, cell in cells if "silence" in cell} <= {"`validation_curve`"}


def test_with_error_score_raise_what_was_nan_is_an_error(table):
    """What is an error with `error_score=nan` is one with "raise" all the more."""
    cells = [
        (tools[name], way)
        for tools, ways in ((TOOLS, WAYS), (SCORERS, RIGHT))
        for name in tools
        for way, cell in zip(ways, table[name], strict=True)
        if cell.startswith("nan")
    ]
    assert {outcome(tool, way, "raise") for tool, way in cells} == {"error"}


def test_the_page_is_written_between_its_marks(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    lines = as_markdown({"a tool": ["yes"] * len(WAYS)}, WAYS, "tool")
    write_page(lines, page)
    assert page.read_text().splitlines() == ["before", BEGIN, "", *lines, "", END, "after"]
    assert lines[1].count("---") == len(WAYS) + 1
