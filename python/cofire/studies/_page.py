"""Parts that the report pages of all studies share."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from cofire.report import ReportTable


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
