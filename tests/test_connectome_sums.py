"""Sums over the synapses of pairs: compiled, in pieces and on threads, the same to the last bit."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections import defaultdict

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cofire.connectome._lookup as lookup
import cofire.connectome._pairs as pairs
from cofire.connectome import Connectome
from cofire.errors import ConnectomeError, InvalidArgumentError

BIG = 864_691_135_302_123_457

ids = st.integers(0, 8).map(lambda i: BIG - 4 + i)
sizes = st.floats(0, 1e6, allow_subnormal=False)
tables = st.lists(st.tuples(ids, ids, sizes), max_size=60)


def frame(rows) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["pre", "post", "size"])
    return table.astype({"pre": "int64", "post": "int64", "size": "float64"})


def left_to_right(rows) -> dict:
    sums = defaultdict(lambda: [0, 0.0])
    for pre, post, size in rows:
        if pre != post:
            sums[pre, post][0] += 1
            sums[pre, post][1] += size
    return dict(sums)


def as_dict(made: Connectome) -> dict:
    table = made.to_frame()
    return {
        (pre, post): [count, psd]
        for pre, post, count, psd in zip(
            table["pre"], table["post"], table["count"], table["psd"], strict=True
        )
    }


@pytest.fixture
def compiled(monkeypatch):
    """The kernels also for small tables, merging after every 7 synapses."""

    def use(gather=7, block=5):
        monkeypatch.setattr(lookup, "SMALL", 0)
        monkeypatch.setattr(pairs, "SMALL", 0)
        monkeypatch.setattr(pairs, "GATHER", gather)
        monkeypatch.setattr(pairs, "_BLOCK", block)

    use()
    return use


@given(tables, st.integers(1, 70), st.integers(1, 3), st.integers(1, 30), st.integers(1, 20))
def test_pieces_merges_and_threads_change_no_bit(rows, chunk_rows, threads, gather, block):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lookup, "SMALL", 0)
        patch.setattr(pairs, "SMALL", 0)
        patch.setattr(pairs, "GATHER", gather)
        patch.setattr(pairs, "_BLOCK", block)
        made = Connectome.from_synapses(frame(rows), chunk_rows=chunk_rows, threads=threads)
    plain = Connectome.from_synapses(frame(rows))
    assert as_dict(made) == as_dict(plain) == left_to_right(rows)
    assert made.ids.tolist() == plain.ids.tolist() == sorted({c for r in rows for c in r[:2]})
    assert made.count.has_canonical_format
    assert made.dropped == plain.dropped


@given(tables, st.permutations(range(9)), st.permutations(range(9)), st.data())
def test_given_cells_in_any_order(rows, row_order, column_order, data):
    row_ids = [BIG - 4 + i for i in row_order[: data.draw(st.integers(0, 9))]]
    column_ids = [BIG - 4 + i for i in column_order[: data.draw(st.integers(0, 9))]]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lookup, "SMALL", 0)
        patch.setattr(pairs, "SMALL", 0)
        patch.setattr(pairs, "GATHER", 5)
        made = Connectome.from_synapses(frame(rows), row_ids, column_ids, autapses="keep")
    plain = Connectome.from_synapses(frame(rows), row_ids, column_ids, autapses="keep")
    np.testing.assert_array_equal(made.count.toarray(), plain.count.toarray())
    np.testing.assert_array_equal(made.psd.toarray(), plain.psd.toarray())
    assert made.dropped == plain.dropped
    assert made.n_synapses + sum(made.dropped.values()) == len(rows)


def test_against_pandas_groupby(compiled):
    compiled(gather=3_000, block=500)
    rng = np.random.default_rng(0)
    known = BIG + rng.choice(10**9, 300, replace=False)
    table = pd.DataFrame(
        {
            "pre": rng.choice(known, 20_000),
            "post": rng.choice(known, 20_000),
            "size": rng.integers(1, 900, 20_000, dtype=np.int32),
        }
    )
    made = Connectome.from_synapses(table, size_scale=0.5, chunk_rows=1_700, threads=2)
    other = table[table["pre"] != table["post"]]
    sums = other.groupby(["pre", "post"])["size"].agg(["size", "sum", "mean"]).reset_index()
    found = made.to_frame()
    np.testing.assert_array_equal(found[["pre", "post"]], sums[["pre", "post"]])
    np.testing.assert_array_equal(found["count"], sums["size"])
    np.testing.assert_array_equal(found["psd"], sums["sum"] * 0.5)
    np.testing.assert_allclose(made.mean_psd.data, sums["mean"] * 0.5, rtol=1e-15)


def test_extreme_ids_have_places(compiled):
    cells = [-(2**63), 2**63 - 1, -1, 0, 1]
    table = pd.DataFrame({"pre": cells, "post": cells[1:] + cells[:1]})
    made = Connectome.from_synapses(table)
    assert made.ids.tolist() == sorted(cells)
    assert made.n_synapses == 5


def test_text_ids_use_the_same_sums(compiled):
    table = {"pre": list("abcabc"), "post": list("bcabca"), "size": [1.0, 2, 3, 4, 5, 6]}
    made = Connectome.from_synapses(table, chunk_rows=2)
    assert made.psd.toarray().tolist() == [[0, 5, 0], [0, 0, 7], [9, 0, 0]]


def test_no_rows_no_pairs(compiled):
    made = Connectome.from_synapses(frame([]), rows=[3, 1])
    assert made.count.toarray().tolist() == [[0, 0], [0, 0]]
    only = Connectome.from_synapses(frame([(5, 5, 1.0)]))
    assert (only.ids.tolist(), only.n_synapses) == ([5], 0)


def test_read_only_columns_are_read(compiled):
    pre, post, size = np.array([1, 2, 1]), np.array([2, 1, 2]), np.array([1.0, 2.0, 4.0])
    for array in (pre, post, size):
        array.flags.writeable = False
    table = pd.DataFrame({"pre": pre, "post": post, "size": size}, copy=False)
    assert Connectome.from_synapses(table).psd.toarray().tolist() == [[0, 5], [2, 0]]
    strided = pd.DataFrame(np.arange(24).reshape(6, 4)[::2, ::2], columns=["pre", "post"])
    assert Connectome.from_synapses(strided).n_synapses == 3


def test_progress_tells_rows_and_their_rate(tmp_path):
    table = frame([(1, 2, 1.0)] * 25)
    table.to_csv(tmp_path / "s.csv", index=False)
    for source, total in ((table, 25), (tmp_path / "s.csv", None)):
        calls = []
        Connectome.from_synapses(
            source, chunk_rows=10, progress=lambda *call, calls=calls: calls.append(call)
        )
        assert [rows for rows, _, _ in calls] == [10, 20, 25]
        assert {n for _, n, _ in calls} == {total}
        assert all(rate > 0 for _, _, rate in calls)


@pytest.mark.filterwarnings("ignore:Feather V1:DeprecationWarning")
@pytest.mark.parametrize("version", [1, 2])
def test_feather_is_read_batch_by_batch(tmp_path, version):
    feather = pytest.importorskip("pyarrow.feather")
    rng = np.random.default_rng(1)
    table = pd.DataFrame(
        {"x": 1.0, "post": BIG + rng.integers(0, 9, 1_000), "pre": BIG + rng.integers(0, 9, 1_000)}
    )
    options = {"chunksize": 64} if version == 2 else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of the first version
        feather.write_feather(table, tmp_path / "s.feather", version=version, **options)
    expected = Connectome.from_synapses(table)
    for chunk_rows in (1, 50, 64, 150, 5_000):
        calls = []
        made = Connectome.from_synapses(
            tmp_path / "s.feather",
            chunk_rows=chunk_rows,
            progress=lambda *call, calls=calls: calls.append(call),
        )
        np.testing.assert_array_equal(made.count.toarray(), expected.count.toarray())
        assert calls[-1][:2] == (1_000, 1_000)
        assert np.diff([0, *(rows for rows, _, _ in calls)]).max() <= chunk_rows


def test_an_error_in_a_later_piece_stops_the_reading(tmp_path):
    table = frame([(1, 2, 1.0)] * 30)
    table.loc[17, "size"] = -1.0
    table.to_csv(tmp_path / "s.csv", index=False)
    with pytest.raises(ConnectomeError, match=r"s\.csv.*row 17 \(pre 1, post 2\) holds -1"):
        Connectome.from_synapses(tmp_path / "s.csv", chunk_rows=5)


def test_rows_and_columns_can_be_queries():
    cells = pd.DataFrame(
        {"status_axon": ["extended", "non", "extended"], "kind": ["E", "E", "I"]}, index=[3, 1, 2]
    )
    table = frame([(3, 1, 1.0), (1, 3, 2.0), (2, 3, 4.0), (3, 2, 8.0), (1, 2, 16.0)])
    proofread = Connectome.from_synapses(table, "status_axon == 'extended'", cells=cells)
    assert proofread.row_ids.tolist() == [3, 2]
    assert proofread.psd.toarray().tolist() == [[0, 8], [4, 0]]
    assert proofread.dropped == {"autapses": 0, "other_cells": 3}
    onto = Connectome.from_synapses(
        table, "status_axon == 'extended'", "kind == 'E' and cell_id > 0", cells=cells
    )
    assert (onto.row_ids.tolist(), onto.column_ids.tolist()) == ([3, 2], [3, 1])
    assert onto.psd.toarray().tolist() == [[0, 1], [4, 0]]
    with pytest.raises(InvalidArgumentError, match=r"rows is a query.*pass cells="):
        Connectome.from_synapses(table, "kind == 'E'")
    with pytest.raises(InvalidArgumentError, match="columns: status_axon, kind"):
        Connectome.from_synapses(table, "color == 3", cells=cells)


def test_kernels_run_without_compiling():
    script = """
import numpy as np, pandas as pd
import cofire.connectome._lookup as lookup, cofire.connectome._pairs as pairs
from cofire.connectome import Connectome
lookup.SMALL = pairs.SMALL = 0
pairs.GATHER, pairs._BLOCK = 9, 6
rng = np.random.default_rng(0)
table = pd.DataFrame({"pre": 2**60 + rng.integers(0, 6, 50), "post": 2**60 + rng.integers(0, 6, 50),
                      "size": rng.random(50), "count": rng.integers(0, 3, 50)})
made = Connectome.from_synapses(table)
other = table[table["pre"] != table["post"]].groupby(["pre", "post"])["size"]
assert (made.to_frame()["count"].to_numpy() == other.size().to_numpy()).all()
assert np.allclose(made.psd.data, other.sum().to_numpy(), rtol=1e-14)
edges = Connectome.from_edges(table, psd="size")
assert edges.n_synapses == table["count"].sum()
"""
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    subprocess.run([sys.executable, "-W", "ignore", "-c", script], env=environment, check=True)
