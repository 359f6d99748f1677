"""Run the benchmarks and write bench/RESULTS.md.

    python bench/report.py [--scale full|small] [--only TOPIC ...] [--json FILE]

Each row is one question: the implementations were first shown to agree, then timed in turn in one
process. Ratios compare medians of that one run. With ``--json`` an earlier run is formatted again;
rows of a partial run (``--only``) replace the rows of the same files and keep the others. The
profiles in ``notes.md`` follow the tables.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

BENCH = Path(__file__).resolve().parent
RESULTS = BENCH / "RESULTS.md"
STORE = BENCH / "results.json"
NOTES = BENCH / "notes.md"
PEERS = (
    "numpy", "scipy", "scikit-learn", "numba", "pynapple", "elephant", "phylib", "torch", "pynwb",
    "h5py", "pyarrow", "snntorch", "norse", "spikingjelly", "networkx", "bctpy", "igraph",
)  # fmt: skip

WORKLOADS = (
    "- Full size: spikes with log-normal rates (sigma 1, mean 5 Hz) on a 30 kHz clock for 3600 s,",
    "  1000 units with 18.0 M spikes or 200 units with 3.6 M; 5000 uniform events; 500 epochs over",
    "  half of the time; signals of 10 M samples at 1250 Hz; rasters of 40,000 frames; assemblies:",
    "  75 units at 5.1 Hz, 23,817.7 s in 2.38 M bins of 10 ms, 18.6 min of theta in 120 epochs;",
    "  networks: steps of 1 ms, float32; olfactory: 368 neurons, trained parameters, noisy odors,",
    "  all noise on; recurrent: a learned weight for each edge, depression, spikes 1 mV soft;",
    "  graphs: random ones of 312 nodes; the larval brain (Winding et al. 2023), 2952 nodes and",
    "  110,140 edges without self-loops; random ones of 20,000 nodes and 500,000 edges.",
)


def run(scale: str, only: list[str]) -> dict[str, object]:
    """Run pytest-benchmark and return its machine-readable output."""
    files = [str(BENCH / f"bench_{topic}.py") for topic in only] or [str(BENCH)]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        command = [
            sys.executable, "-m", "pytest", *files, "-q", "-p", "no:cacheprovider",
            "-o", "python_files=bench_*.py", "--benchmark-columns=median",
            f"--benchmark-json={out}",
        ]  # fmt: skip
        environment = {**os.environ, "COFIRE_BENCH_SCALE": scale}
        environment.setdefault("COFIRE_NUM_THREADS", "1")
        environment.setdefault("OMP_NUM_THREADS", "1")
        environment.setdefault("OPENBLAS_NUM_THREADS", "1")
        subprocess.run(command, check=True, cwd=BENCH.parent, env=environment)
        return json.loads(out.read_text())


def machine() -> str:
    """One line about the machine."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"{model}, {os.cpu_count()} cores, {pages / 2**30:.0f} GiB, {platform.system()}"


def versions() -> str:
    """Versions of Python, cofire and the peers that are installed."""
    found = [
        f"Python {platform.python_version()}",
        f"cofire {importlib.metadata.version('cofire')}",
    ]
    for name in PEERS:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            found.append(f"{name} absent")
    return ", ".join(found)


def rows_of(output: dict[str, object], scale: str) -> list[dict[str, object]]:
    """Keep what the table needs of each benchmark."""
    rows = []
    for entry in output["benchmarks"]:  # type: ignore[attr-defined]
        info = entry["extra_info"]
        if "seconds" not in info:
            continue
        rows.append(
            {
                "file": Path(entry["fullname"].split("::")[0]).stem.removeprefix("bench_"),
                "question": entry["group"] or entry["name"],
                "scale": scale,
                "date": datetime.date.today().isoformat(),
                "load": info["load"],
                "seconds": info["seconds"],
                "peak_mb": info["peak_mb"],
            }
        )
    return rows


def table(rows: list[dict[str, object]]) -> list[str]:
    """Markdown lines for the rows of one file."""
    lines = [
        "| question | implementation | median | min .. max | peak memory | cofire is |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for row in rows:
        seconds: dict[str, list[float]] = row["seconds"]  # type: ignore[assignment]
        ours = statistics.median(next(iter(seconds.values())))
        for i, (name, values) in enumerate(seconds.items()):
            median = statistics.median(values)
            peak = row["peak_mb"][name]  # type: ignore[index]
            lines.append(
                f"| {row['question'] if i == 0 else ''} | {name} | {_time(median)} "
                f"| {_time(min(values))} .. {_time(max(values))} "
                f"| {'' if peak is None else f'{peak:.0f} MB'} "
                f"| {'' if i == 0 else _ratio(median / ours)} |"
            )
    return lines


def _ratio(ratio: float) -> str:
    return f"{ratio:.1f}x faster" if ratio >= 1.0 else f"{1 / ratio:.1f}x slower"


def _time(seconds: float) -> str:
    if seconds >= 1.0:
        return f"{seconds:.2f} s"
    if seconds >= 1e-3:
        return f"{seconds * 1e3:.1f} ms"
    return f"{seconds * 1e6:.0f} us"


def write(rows: list[dict[str, object]]) -> None:
    """Write RESULTS.md and the numbers behind it."""
    loads = [float(row["load"]) for row in rows]  # type: ignore[arg-type]
    lines = [
        "# Benchmark results",
        "",
        "Written by `python bench/report.py`; do not edit. In each row implementations were shown",
        "to give the same result (exact for counts, else within a stated tolerance), then",
        "timed in turn in one process on the same input, one thread unless the row says so,",
        "5 rounds; 3 where a call takes more than 5 s; 25 where all calls take less than 0.1 s.",
        "",
        f"- Machine: {machine()}",
        f"- Versions: {versions()}",
        f"- Dates: {min(str(r['date']) for r in rows)} to {max(str(r['date']) for r in rows)}; "
        f"load average at the start of a row {min(loads):.1f} to {max(loads):.1f}",
        f"- Sizes: {', '.join(sorted({str(r['scale']) for r in rows}))} "
        "(`small` only checks that the rows work)",
        *WORKLOADS,
        "",
    ]
    for file in sorted({str(row["file"]) for row in rows}):
        lines += [
            f"## {file.replace('_', ' ')}",
            "",
            *table([r for r in rows if r["file"] == file]),
            "",
        ]
    lines.append(NOTES.read_text())
    RESULTS.write_text("\n".join(lines))
    STORE.write_text(json.dumps(rows, indent=1) + "\n")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", choices=("full", "small"), default="full")
    parser.add_argument("--only", nargs="*", default=[], metavar="TOPIC")
    parser.add_argument("--json", type=Path, help="format this pytest-benchmark file, run nothing")
    options = parser.parse_args()
    output = (
        json.loads(options.json.read_text()) if options.json else run(options.scale, options.only)
    )
    rows = rows_of(output, options.scale)
    replaced = {row["file"] for row in rows}
    if STORE.exists():
        rows += [row for row in json.loads(STORE.read_text()) if row["file"] not in replaced]
    write(sorted(rows, key=lambda row: str(row["file"])))
    print(f"wrote {RESULTS}")


if __name__ == "__main__":
    main()
