"""The page is one file, needs no network and shows what it was given."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from cofire import plot
from cofire.report import Method, Report, ReportFigure, ReportTable, number, reading_order


class Page(HTMLParser):
    """Collects sources, links and text; fails on unbalanced tags."""

    VOID = ("meta", "img", "br", "link")

    def __init__(self, text):
        super().__init__()
        self.open, self.sources, self.links, self.words = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag not in self.VOID:
            self.open.append(tag)
        if "src" in attributes:
            self.sources.append(attributes["src"])
        if "href" in attributes:
            self.links.append(attributes["href"])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture
def report():
    figure, _ = plot.plot_eigenvalues(eigenvalues=[2.0, 1.0], threshold=1.5)
    return Report(
        title="A & B",
        subtitle="x.nwb",
        finding="Two <assemblies> were found.",
        numbers=[("2", "assemblies", "null: mp")],
        taken=["Units: 5 (all)."],
        dropped=["3 events"],
        figures=[ReportFigure("eig", "Spectrum", "Above the null.", figure, "cofire.plot.x")],
        tables=[
            ReportTable(
                "t", "Table", "Numbers.", pd.DataFrame({"k": range(5), "v": [0.1234567] * 5}), 3
            )
        ],
        methods=[Method("ICA", "Someone 1999", "10.1/x")],
        parameters={"seed": 0, "units": None, "window": [-0.5, 0.5]},
        provenance={"cofire": "0.1"},
    )


def test_page_is_self_contained_and_well_formed(report, tmp_path):
    page = Page(report.write(tmp_path / "report.html").read_text())
    assert page.open == []
    assert len(page.sources) == 1
    assert all(source.startswith("data:image/") for source in page.sources)
    assert [link for link in page.links if not link.startswith("#")] == ["https://doi.org/10.1/x"]


def test_page_shows_everything_escaped(report):
    text = report.html()
    assert "Two &lt;assemblies&gt; were found." in text
    words = " ".join(Page(text).words)
    for part in (
        "A & B", "Units: 5 (all).", "3 events", "Above the null.", "figures/eig.svg",
        "cofire.plot.x", "The first 3 of 5 rows.", "tables/t.csv", "0.123", "-0.5, 0.5", "default",
    ):  # fmt: skip
        assert part in words, part


def test_page_adapts_to_phones_and_print(report):
    text = report.html()
    assert 'name="viewport"' in text
    assert "@media print" in text
    assert "@media (max-width" in text


def test_empty_parts_leave_no_heading():
    text = Report(title="t", subtitle="s", finding="f").html()
    assert "<h2>" not in text


def test_large_figures_become_bitmaps():
    figure, axes = plot.style.make_axes(figsize=(4, 3))
    rng = np.random.default_rng(0)
    axes[0, 0].vlines(rng.uniform(0, 1, 8000), 0, rng.uniform(0, 1, 8000))
    page = Report(
        title="t", subtitle="s", finding="f",
        figures=[ReportFigure("f", "F", "c", figure, "x")],
    ).html()  # fmt: skip
    assert "data:image/png" in page


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (1234, "1,234"),
        (float("nan"), "n/a"),
        (1e-5, "1.00e-05"),
        (2850.04, "2,850.0"),
        (0.12345, "0.123"),
    ],
)
def test_numbers_read_well(value, text):
    assert number(value) == text


def test_figures_are_numbered_as_they_are_read():
    figure, _ = plot.plot_eigenvalues(eigenvalues=[2.0, 1.0], threshold=1.5)
    items = [
        ReportFigure(name, name, "", figure, "f", wide=name.isupper()) for name in "AbCdEfGhIj"
    ]
    ordered = reading_order([item for item in items if item.name != "j"])
    assert [item.name for item in ordered] == ["A", "b", "d", "C", "E", "f", "h", "G", "I"]
    alone = reading_order([*items, *items[1:2]])
    assert [item.name for item in alone][-3:] == ["I", "j", "b"]
    page = Report(title="t", subtitle="s", finding="f", figures=items).html()
    positions = [page.index(f'id="{item.name}"') for item in reading_order(items)]
    assert positions == sorted(positions)
    assert [page.index(f"Figure {k + 1}.") > positions[k] for k in range(10)] == [True] * 10
