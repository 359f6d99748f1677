"""How fast does a table of synapses become a connectome, and in how much memory?"""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cofire as cf
from peers import compare, optional, scale, within

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("COFIRE_DATA", ROOT.parent / "shared"))

# As a whole fly brain: 139,000 neurons, and three synapses a pair.
N_ROWS, N_CELLS = scale(50_000_000, 300_000), scale(139_000, 2_000)
N_PAIRS = 3 * N_ROWS // 10
ROW_GROUP = 1_000_000
COLUMNS = ["pre_pt_root_id", "post_pt_root_id", "size"]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Rows in random order, 64-bit ids, sizes in voxels; parquet with snappy."""
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    rng = np.random.default_rng(0)
    ids = 720_575_940_596_125_868 + np.sort(rng.choice(4 * 10**9, N_CELLS, replace=False))
    ends = rng.integers(0, N_CELLS, (2, N_PAIRS), dtype=np.int32)
    file = tmp_path_factory.mktemp("synapses") / "synapses.parquet"
    types = [("id", "int64"), *zip(COLUMNS, ("int64", "int64", "int32"), strict=True)]
    schema = arrow.schema([(name, arrow.type_for_alias(kind)) for name, kind in types])
    with parquet.ParquetWriter(file, schema) as writer:
        for first in range(0, N_ROWS, ROW_GROUP):
            n = min(ROW_GROUP, N_ROWS - first)
            pre, post = ids[ends[:, rng.integers(0, N_PAIRS, n)]]
            sizes = rng.lognormal(6.0, 1.0, n).astype(np.int32)
            columns = [np.arange(first, first + n), pre, post, sizes]
            writer.write_table(arrow.table(columns, schema=schema))
    return file


def by_cofire(path, threads=1):
    made = cf.io.read_synapses(path, threads=threads)
    return made.count, made.psd


def matrices(keys, count, size):
    """Sums by pair, in ascending order, as matrices [pre, post]."""
    from scipy import sparse

    ids = np.unique(np.concatenate(keys))
    place = tuple(np.searchsorted(ids, key) for key in keys)
    shape = (len(ids), len(ids))
    return tuple(
        sparse.csr_array((np.asarray(values), place), shape=shape) for values in (count, size)
    )


def by_pandas(path):
    table = pd.read_parquet(path, columns=COLUMNS)
    table = table[table[COLUMNS[0]] != table[COLUMNS[1]]]
    sums = table.groupby(COLUMNS[:2], sort=True)["size"].agg(["size", "sum"])
    keys = [sums.index.get_level_values(k).to_numpy() for k in (0, 1)]
    return matrices(keys, sums["size"], sums["sum"])


def by_pyarrow(path):
    from pyarrow import compute, parquet

    table = parquet.read_table(path, columns=COLUMNS)
    table = table.filter(compute.not_equal(table[COLUMNS[0]], table[COLUMNS[1]]))
    sums = table.group_by(COLUMNS[:2]).aggregate([("size", "count"), ("size", "sum")])
    keys = [sums[name].to_numpy() for name in COLUMNS[:2]]
    return matrices(keys, sums["size_count"], sums["size_sum"])


def by_polars(path):
    polars = optional("polars")
    size = polars.col("size")
    sums = (
        polars.scan_parquet(path)
        .filter(polars.col(COLUMNS[0]) != polars.col(COLUMNS[1]))
        .group_by(COLUMNS[:2])
        .agg(size.len().alias("n"), size.cast(polars.Int64).sum().alias("sum"))
        .collect()
    )
    return matrices([sums[name].to_numpy() for name in COLUMNS[:2]], sums["n"], sums["sum"])


def same(ours, theirs):
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a.indptr, b.indptr)
        np.testing.assert_array_equal(a.indices, b.indices)
        np.testing.assert_array_equal(a.data, b.data)


def test_synapse_table(benchmark, path):
    benchmark.group = (
        f"synapses of a parquet file summed by pair, {N_ROWS} rows, {N_CELLS} cells, "
        f"about {N_PAIRS} pairs"
    )
    implementations = {
        "cofire": lambda: by_cofire(path),
        "cofire, two threads": lambda: by_cofire(path, 2),
        "pandas groupby, whole table": lambda: by_pandas(path),
        "pyarrow group_by, whole table": lambda: by_pyarrow(path),
    }
    if optional("polars"):
        implementations["polars group_by"] = lambda: by_polars(path)
    compare(benchmark, implementations, same)
    benchmark.extra_info["rows"] = N_ROWS


def test_ids(benchmark):
    """Positions of ids among known ones, by a hash table."""
    from cofire.connectome._lookup import Cells

    rng = np.random.default_rng(1)
    known = 720_575_940_596_125_868 + rng.choice(4 * 10**9, N_CELLS, replace=False)
    wanted = rng.choice(known, scale(10_000_000, 300_000))
    order, index = np.argsort(known), pd.Index(known)
    benchmark.group = f"positions of {len(wanted)} ids among {N_CELLS}"

    def hashed():
        out = np.empty(len(wanted), dtype=np.int32)
        Cells(known, "rows").positions(wanted, "table", out)
        return out

    implementations = {
        "cofire": hashed,
        "pandas Index.get_indexer": lambda: index.get_indexer(wanted),
        "numpy.searchsorted": lambda: order[np.searchsorted(known, wanted, sorter=order)],
    }
    compare(benchmark, implementations, np.testing.assert_array_equal)


def winding() -> Path:
    file = SHARED / "data" / "winding2023" / "Supplementary-Data-S1.zip"
    if not file.is_file():
        pytest.skip(f"no {file}; set COFIRE_DATA to the folder that holds data/")
    return file


def by_read_csv(path):
    """Each matrix by pandas, aligned by id, added up."""
    total = None
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if "MACOSX" not in name]
        for kind in ("aa", "ad", "da", "dd"):
            name = next(n for n in names if n.endswith(f"/{kind}_connectivity_matrix.csv")
                        or n == f"{kind}_connectivity_matrix.csv")  # fmt: skip
            frame = pd.read_csv(io.BytesIO(archive.read(name)), index_col=0)
            frame.columns = frame.columns.astype(np.int64)
            ids = np.sort(frame.index) if total is None else total.index
            frame = frame.loc[ids, ids]
            total = frame if total is None else total + frame
    return total.to_numpy()


def test_winding_supplement(benchmark):
    file = winding()
    benchmark.group = "Winding 2023, Supplementary Data S1 as downloaded (zip)"
    implementations = {
        "cofire (with the all-all matrix checked)": lambda: cf.io.read_winding2023(
            file
        ).count.toarray(),
        "pandas.read_csv of the four matrices": lambda: by_read_csv(file),
    }
    compare(benchmark, implementations, np.testing.assert_array_equal)


@pytest.mark.parametrize("method", ["block", "weight", "label"])
def test_shuffles(benchmark, method):
    n, density = scale(2952, 200), 0.0127
    made = cf.datasets.make_connectome(n, density=density, n_assemblies=0).connectome
    benchmark.group = f"one {method} shuffle of {n} cells, {made.count.nnz} pairs"
    rng = np.random.default_rng(0)

    def plain():
        """The same null in dense matrices."""
        dense = made.count.toarray()
        if method == "label":
            order = rng.permutation(n)
            return dense[order][:, order]
        places = np.flatnonzero(dense if method == "weight" else ~np.eye(n, dtype=bool))
        out = np.zeros(n * n, dtype=dense.dtype)
        values = rng.permutation(dense[dense > 0])
        out[places if method == "weight" else rng.choice(places, len(values), False)] = values
        return out.reshape(n, n)

    def equal(ours, theirs):
        within(0)(np.sort(ours.count.data), np.sort(theirs[theirs > 0]))

    implementations = {"cofire": lambda: made.shuffle(method), "numpy, dense": plain}
    compare(benchmark, implementations, equal)


def test_made_connectome(benchmark):
    n = scale(5_000, 300)
    benchmark.group = f"a connectome of {n} cells wired by type and distance"

    def dense():
        """Every pair drawn."""
        rng = np.random.default_rng(0)
        xyz = rng.uniform(-300, 300, (n, 3))
        p = np.exp(-np.linalg.norm(xyz[:, None] - xyz[None], axis=2) / 300)
        return (rng.random((n, n)) < p * 0.01 / p.mean()).sum()

    def equal(ours, theirs):
        assert 0.8 < ours.connectome.count.nnz / theirs < 1.25

    implementations = {
        "cofire": lambda: cf.datasets.make_connectome(n, density=0.01, n_assemblies=0),
        "numpy, every pair drawn": dense,
    }
    compare(benchmark, implementations, equal)
