"""Parts that the report pages of all studies share."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from cofire import plot
from cofire.report import Report, ReportFigure, ReportTable
from cofire.types import save


def write_table(entry: ReportTable, folder: Path) -> None:
    """Write a table as csv and, where pyarrow is installed, as parquet."""
    folder.mkdir(exist_ok=True)
    entry.table.to_csv(folder / f"{entry.name}.csv", index=False)
    if find_spec("pyarrow") is not None:
        entry.table.to_parquet(folder / f"{entry.name}.parquet", index=False)


def read_provenance(out: Path) -> dict[str, Any]:
    """Where the results of a run come from, as rows of its page; {} without provenance.json."""
    file = out / "provenance.json"
    if not file.is_file():
        return {}
    content = json.loads(file.read_text(encoding="utf-8"))
    source = content["input"]
    shown = {
        "cofire": content["cofire"],
        "command": content["command"],
        "input": source.get("path") or source.get("kind"),
        "size": f"{source['bytes']:,} bytes" if "bytes" in source else "in memory",
        "SHA-256": source.get("sha256_names_and_contents", "none"),
        "written": content["written"],
        "threads": content["threads"],
        "libraries": ", ".join(f"{k} {v}" for k, v in content["libraries"].items()),
    }
    if "others" in source:
        shown["other inputs"] = ", ".join(part["path"] for part in source["others"])
    return shown


def write_folder(
    out: Path,
    *,
    figures: Sequence[ReportFigure],
    tables: Sequence[ReportTable],
    results: Any,
    formats: Sequence[str],
    **page: Any,
) -> Path:
    """Write figures, tables, results and the report page; return the path of the page.

    Tables with ``max_rows=0`` are files only. `page` are the other fields of the report.
    """
    out.mkdir(parents=True, exist_ok=True)
    for item in figures:
        plot.save_figure(item.figure, out / "figures", item.name, tuple(formats))
    for entry in tables:
        write_table(entry, out / "tables")
    save(results, out / "results")
    report = Report(
        figures=figures,
        tables=[entry for entry in tables if entry.max_rows],
        provenance=read_provenance(out),
        formats=tuple(formats),
        **page,
    )
    return report.write(out / "report.html")
