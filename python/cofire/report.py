"""A self-contained page: what was found, figures, tables, parameters, what to cite.

One HTML file, no network, no script: readable on a phone and printed.
"""

from __future__ import annotations

import base64
import html
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cofire.plot.style import STYLE, freeze_layout

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_SVG_LIMIT = 600_000


@dataclass(frozen=True, slots=True)
class ReportFigure:
    """A figure of the page.

    Attributes
    ----------
    name : str
        File name without suffix.
    title, caption : str
    figure : matplotlib.figure.Figure
    function : str
        What makes it, for the table of figures.
    wide : bool
        Whether it takes the whole width.
    """

    name: str
    title: str
    caption: str
    figure: Figure
    function: str
    wide: bool = True


@dataclass(frozen=True, slots=True)
class ReportTable:
    """A table of the page, also written as csv.

    Attributes
    ----------
    name : str
        File name without suffix.
    title, caption : str
    table : DataFrame
    max_rows : int
        Rows shown on the page; the file holds all.
    """

    name: str
    title: str
    caption: str
    table: pd.DataFrame
    max_rows: int = 40


@dataclass(frozen=True, slots=True)
class Method:
    """A method and the paper to cite for it; `doi` is "" where there is none."""

    name: str
    reference: str
    doi: str


@dataclass(frozen=True, slots=True)
class Report:
    """Content of a page; :meth:`html` renders it, :meth:`write` stores it.

    Attributes
    ----------
    title, subtitle : str
    finding : str
        What was found in one sentence, with numbers and uncertainty.
    numbers : sequence of (value, label, detail)
        Key numbers, shown large.
    taken, dropped : sequence of str
        Which units, epochs, events were used; what was left out and why.
    figures, tables, methods : sequences
    parameters, provenance : mappings
    """

    title: str
    subtitle: str
    finding: str
    numbers: Sequence[tuple[str, str, str]] = ()
    taken: Sequence[str] = ()
    dropped: Sequence[str] = ()
    figures: Sequence[ReportFigure] = ()
    tables: Sequence[ReportTable] = ()
    methods: Sequence[Method] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    formats: Sequence[str] = ("png", "svg")

    def html(self) -> str:
        """The page as a string."""
        figures = reading_order(self.figures)
        parts = [
            _header(self),
            _selection(self),
            _figures(figures),
            _tables(self.tables),
            _files(figures, self.formats),
            _parameters(self.parameters),
            _methods(self.methods),
            _provenance(self.provenance),
        ]
        body = "\n".join(part for part in parts if part)
        return _PAGE.format(title=html.escape(self.title), style=_STYLE, body=body)

    def write(self, path: str | Path) -> Path:
        """Write the page and return its path."""
        target = Path(path)
        target.write_text(self.html(), encoding="utf-8")
        return target


def reading_order(figures: Sequence[ReportFigure]) -> list[ReportFigure]:
    """Figures as they are read: the second narrow one of a row comes right after the first.

    Otherwise the order stays; a narrow figure without a partner keeps its row to itself.
    """
    waiting, ordered = list(figures), []
    while waiting:
        ordered.append(waiting.pop(0))
        if not ordered[-1].wide:
            partner = next((i for i, item in enumerate(waiting) if not item.wide), None)
            if partner is not None:
                ordered.append(waiting.pop(partner))
    return ordered


def number(value: float, digits: int = 3) -> str:
    """A number as people write it; "n/a" for NaN."""
    if isinstance(value, float) and not math.isfinite(value):
        return "n/a"
    if isinstance(value, int):
        return f"{value:,}"
    if 1e3 <= abs(value) < 1e7:
        return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"
    if value != 0 and (abs(value) < 1e-3 or abs(value) >= 1e7):
        return f"{value:.{digits - 1}e}"
    return f"{value:.{digits}g}"


def _header(report: Report) -> str:
    cards = "".join(
        f'<div class="card"><div class="value">{html.escape(value)}</div>'
        f'<div class="label">{html.escape(label)}</div>'
        f'<div class="detail">{html.escape(detail)}</div></div>'
        for value, label, detail in report.numbers
    )
    return (
        f'<header><p class="brand">cofire</p><h1>{html.escape(report.title)}</h1>'
        f'<p class="subtitle">{html.escape(report.subtitle)}</p></header>'
        f'<p class="finding">{html.escape(report.finding)}</p>'
        + (f'<div class="cards">{cards}</div>' if cards else "")
    )


def _selection(report: Report) -> str:
    if not report.taken and not report.dropped:
        return ""
    taken = "".join(f"<li>{html.escape(t)}</li>" for t in report.taken)
    dropped = "".join(f"<li>{html.escape(d)}</li>" for d in report.dropped)
    left_out = f"<h3>Left out</h3><ul>{dropped}</ul>" if dropped else ""
    return (
        f'<section class="selection"><h2>What was analyzed</h2><ul>{taken}</ul>{left_out}</section>'
    )


def _figures(figures: Sequence[ReportFigure]) -> str:
    if not figures:
        return ""
    blocks = []
    for index, item in enumerate(figures, 1):
        kind = "wide" if item.wide else "narrow"
        blocks.append(
            f'<figure class="{kind}" id="{html.escape(item.name)}">'
            f"<h3>{html.escape(item.title)}</h3>"
            f'<div class="view"><img src="{_data_uri(item.figure)}" '
            f'alt="{html.escape(item.title)}" '
            f'style="max-width: {round(item.figure.get_figwidth() * 104)}px"></div>'
            f"<figcaption><b>Figure {index}.</b> {html.escape(item.caption)}</figcaption></figure>"
        )
    return f'<section><h2>Figures</h2><div class="figures">{"".join(blocks)}</div></section>'


def _tables(tables: Sequence[ReportTable]) -> str:
    blocks = []
    for item in tables:
        shown = item.table.head(item.max_rows)
        more = len(item.table) - len(shown)
        note = f" The first {len(shown)} of {len(item.table):,} rows." if more else ""
        blocks.append(
            f"<h3>{html.escape(item.title)}</h3>"
            f'<p class="caption">{html.escape(item.caption)}{note} '
            f"File: <code>tables/{html.escape(item.name)}.csv</code></p>"
            f'<div class="scroll">{_table_html(shown)}</div>'
        )
    return f"<section><h2>Tables</h2>{''.join(blocks)}</section>" if blocks else ""


def _table_html(table: pd.DataFrame) -> str:
    head = "".join(
        f'<th class="n">{html.escape(str(name))}</th>'
        if table.dtypes.iloc[i].kind in "iuf"
        else f"<th>{html.escape(str(name))}</th>"
        for i, name in enumerate(table.columns)
    )
    rows = []
    for values in table.itertuples(index=False):
        cells = "".join(_cell(v) for v in values)
        rows.append(f"<tr>{cells}</tr>")
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _cell(value: Any) -> str:
    import numpy as np

    if isinstance(value, (bool, np.bool_)):
        return f"<td>{'yes' if value else 'no'}</td>"
    if isinstance(value, (int, np.integer)):
        return f'<td class="n">{int(value):,}</td>'
    if isinstance(value, (float, np.floating)):
        return f'<td class="n">{number(float(value))}</td>'
    return f"<td>{html.escape(str(value))}</td>"


def _files(figures: Sequence[ReportFigure], formats: Sequence[str]) -> str:
    if not figures:
        return ""
    rows = "".join(
        f'<tr><td><a href="#{html.escape(f.name)}">{html.escape(f.title)}</a></td>'
        f"<td>{' '.join(f'<code>figures/{html.escape(f.name)}.{s}</code>' for s in formats)}</td>"
        f"<td><code>{html.escape(f.function)}</code></td></tr>"
        for f in figures
    )
    return (
        "<section><h2>Figures, files, functions</h2>"
        '<div class="scroll"><table><thead><tr><th>figure</th><th>file</th><th>made by</th></tr>'
        f"</thead><tbody>{rows}</tbody></table></div></section>"
    )


def _parameters(parameters: Mapping[str, Any]) -> str:
    if not parameters:
        return ""
    rows = "".join(
        f"<tr><td><code>{html.escape(str(k))}</code></td><td>{html.escape(_plain(v))}</td></tr>"
        for k, v in parameters.items()
    )
    return (
        "<section><h2>Parameters</h2>"
        f'<div class="scroll"><table class="parameters"><tbody>{rows}</tbody></table></div>'
        "</section>"
    )


def _methods(methods: Sequence[Method]) -> str:
    rows = "".join(
        f"<li><b>{html.escape(m.name)}</b>: {html.escape(m.reference)}{_doi(m.doi)}</li>"
        for m in methods
    )
    return f"<section><h2>How to cite</h2><ul>{rows}</ul></section>" if rows else ""


def _doi(doi: str) -> str:
    name = html.escape(doi)
    return f' <a href="https://doi.org/{name}">doi:{name}</a>' if doi else ""


def _provenance(provenance: Mapping[str, Any]) -> str:
    if not provenance:
        return ""
    rows = "".join(
        f"<div><dt>{html.escape(str(k))}</dt><dd>{html.escape(_plain(v))}</dd></div>"
        for k, v in provenance.items()
    )
    return f'<footer><h2>Provenance</h2><dl class="provenance">{rows}</dl></footer>'


def _plain(value: Any) -> str:
    if value is None:
        return "default"
    if isinstance(value, (list, tuple)):
        return ", ".join(_plain(v) for v in value) or "none"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)


def _data_uri(figure: Figure) -> str:
    """The figure as SVG, or as PNG where the vector form would be large."""
    import matplotlib as mpl

    with mpl.rc_context(STYLE):
        freeze_layout(figure)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None}, dpi=200)
        if buffer.tell() <= _SVG_LIMIT:
            kind = "image/svg+xml"
        else:
            buffer = io.BytesIO()
            figure.savefig(buffer, format="png", dpi=160)
            kind = "image/png"
    return f"data:{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body><main>
{body}
</main></body>
</html>
"""

_STYLE = """
:root { --ink: #23232b; --muted: #6b6b76; --line: #e2e2e8; --soft: #f6f6f9; --accent: #5b4b9a; }
* { box-sizing: border-box; }
body { margin: 0; background: #fff; color: var(--ink); line-height: 1.55;
  font: 16px/1.55 -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1020px; margin: 0 auto; padding: 36px 24px 64px; }
header { border-bottom: 1px solid var(--line); padding-bottom: 14px; }
.brand { margin: 0; color: var(--accent); font-weight: 700; letter-spacing: .04em; }
h1 { margin: 2px 0 0; font-size: 30px; line-height: 1.2; letter-spacing: -.01em; }
h2 { margin: 44px 0 10px; font-size: 21px; }
h3 { margin: 22px 0 6px; font-size: 16px; }
.subtitle { margin: 6px 0 0; color: var(--muted); overflow-wrap: anywhere; }
.finding { font-size: 20px; line-height: 1.45; margin: 26px 0 22px; padding: 2px 0 2px 18px;
  border-left: 4px solid var(--accent); }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; }
.card { background: var(--soft); border: 1px solid var(--line); border-radius: 10px;
  padding: 12px 14px; }
.card .value { font-size: 26px; font-weight: 700; line-height: 1.15; }
.card .label { font-size: 14px; font-weight: 600; margin-top: 2px; }
.card .detail { font-size: 13px; color: var(--muted); }
.selection ul { margin: 6px 0; padding-left: 20px; }
.figures { display: grid; grid-template-columns: 1fr 1fr;
  gap: 26px 22px; align-items: start; }
figure { margin: 0; break-inside: avoid; min-width: 0; }
figure.wide { grid-column: 1 / -1; }
figure h3 { margin: 0 0 8px; }
figure img { width: 100%; height: auto; display: block; }
figcaption, .caption { color: var(--muted); font-size: 14px; margin: 8px 0 0; }
figcaption b { color: var(--ink); }
.caption { margin: 0 0 8px; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 10px; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th { text-align: left; background: var(--soft); font-weight: 600; white-space: nowrap; }
th, td { padding: 6px 12px; border-bottom: 1px solid var(--line); vertical-align: top; }
tbody tr:last-child td { border-bottom: 0; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
code { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
a { color: var(--accent); }
.provenance { margin: 0; font-size: 14px; }
.provenance div { display: grid; grid-template-columns: 150px 1fr; gap: 12px; padding: 3px 0; }
.provenance dt { color: var(--muted); }
.provenance dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 640px) {
  main { padding: 22px 16px 40px; }
  h1 { font-size: 25px; }
  .finding { font-size: 18px; }
  .cards { grid-template-columns: 1fr 1fr; }
  .figures { grid-template-columns: minmax(0, 1fr); }
  .view { overflow-x: auto; }
  figure.wide img { width: 660px; }
  .provenance div { grid-template-columns: 1fr; gap: 0; }
}
@media print {
  main { max-width: none; padding: 0; }
  body { font-size: 11pt; }
  h2 { break-after: avoid; }
  .scroll { overflow: visible; border: 0; }
  tr { break-inside: avoid; }
  h3, .caption { break-after: avoid; }
  a { color: inherit; text-decoration: none; }
}
"""
