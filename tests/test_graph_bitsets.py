"""Clustering and paths of graphs held as bits, and null graphs drawn as bits."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cofire.graph._adjacency import as_graph
from cofire.graph._bitsets import (
    binary_digits,
    bit_rows,
    clustering_of,
    density_nulls,
    path_sums,
    study_nulls,
    wired_nulls,
)
from reference import graph_nulls as reference

EDGE, LOOP = binary_digits(0.18), binary_digits(0.3)
sizes = st.sampled_from([1, 2, 3, 7, 31, 63, 64, 65])
densities = st.sampled_from([0.0, 0.02, 0.1, 0.5, 1.0])


def random_graph(n, density, seed):
    upper = np.triu(np.random.default_rng(seed).random((n, n)) < density, 1)
    return upper | upper.T


def unpack(bits):
    """Rows of bits as a Boolean matrix, padding included."""
    return np.unpackbits(bits.view(np.uint8), axis=1, bitorder="little").astype(bool)


def pack(matrix):
    n = len(matrix)
    padded = np.zeros((n, -(-n // 64) * 64), dtype=np.uint8)
    padded[:, :n] = matrix
    return np.ascontiguousarray(np.packbits(padded, axis=1, bitorder="little").view(np.uint64))


def seeds(n, seed=0):
    return np.random.SeedSequence(seed).generate_state(n, np.uint64)


@given(sizes, densities, st.integers(0, 99))
def test_bits_are_the_entries_of_the_adjacency(n, density, seed):
    wiring = random_graph(n, density, seed)
    unpacked = unpack(bit_rows(as_graph(wiring, directed=False)))
    np.testing.assert_array_equal(unpacked[:, :n], wiring)
    assert not unpacked[:, n:].any()


@given(sizes, densities, st.integers(0, 99), st.booleans())
def test_clustering_equals_the_definition_with_self_loops_too(n, density, seed, loops):
    wiring = random_graph(n, density, seed)
    if loops:
        np.fill_diagonal(wiring, np.random.default_rng(seed).random(n) < 0.3)
    np.testing.assert_allclose(
        clustering_of(pack(wiring)), reference.clustering(wiring), rtol=1e-12
    )


@given(sizes, densities, st.integers(0, 99), st.booleans())
def test_path_sums_equal_the_definition_and_ignore_self_loops(n, density, seed, loops):
    wiring = random_graph(n, density, seed)
    expected = reference.path_sums(wiring)
    if loops:
        np.fill_diagonal(wiring, True)
    np.testing.assert_allclose(path_sums(pack(wiring), 0, n), expected, rtol=1e-12)


@given(sizes, densities, st.integers(0, 99))
def test_measures_do_not_depend_on_the_order_of_nodes(n, density, seed):
    wiring = random_graph(n, density, seed)
    order = np.random.default_rng(seed).permutation(n)
    moved = pack(wiring[np.ix_(order, order)])
    np.testing.assert_array_equal(clustering_of(moved), clustering_of(pack(wiring))[order])
    np.testing.assert_allclose(path_sums(moved, 0, n), path_sums(pack(wiring), 0, n), rtol=1e-12)


@given(sizes, densities, st.integers(0, 99))
def test_clustering_is_a_share_and_pairs_are_at_most_all(n, density, seed):
    bits = pack(random_graph(n, density, seed))
    clustering = clustering_of(bits)
    assert ((clustering >= 0) & (clustering <= 1)).all()
    inverse, total, pairs = path_sums(bits, 0, n)
    assert inverse <= pairs <= total
    assert pairs <= n * (n - 1)


def test_a_long_path_is_searched_to_its_end():
    n = 200
    line = np.diag(np.ones(n - 1), 1) + np.diag(np.ones(n - 1), -1)
    expected = reference.path_sums(line)
    graph = as_graph(line, directed=False)
    np.testing.assert_allclose(path_sums(bit_rows(graph), 0, n), expected, rtol=1e-12)


@pytest.mark.parametrize("p", [0.18, 0.3, 0.5, 0.75, 0.001, 0.0, np.nextafter(1.0, 0.0), 1e-300])
def test_binary_digits_are_all_of_a_probability(p):
    digits = binary_digits(p)
    assert sum(int(digit) * 2.0 ** -(k + 1) for k, digit in enumerate(digits)) == p


def test_study_nulls_are_the_published_graphs():
    """Mean and SD of clustering and efficiency against graphs made as the study makes them."""
    n, n_null = 60, 1500
    rng = np.random.default_rng(11)
    made = study_nulls(n, seeds(n_null), EDGE, LOOP)
    graphs = [reference.study_null(n, rng) for _ in range(200)]
    clustering = np.array([reference.clustering(graph).mean() for graph in graphs])
    efficiency = np.array([path_sums(pack(g), 0, n)[0] / (n * (n - 1)) for g in graphs])
    for ours, theirs in ((made[:, 0], clustering), (made[:, 1], efficiency)):
        error = np.hypot(ours.std() / np.sqrt(n_null), theirs.std() / np.sqrt(len(theirs)))
        assert abs(ours.mean() - theirs.mean()) < 4 * error
        assert abs(ours.std() / theirs.std() - 1) < 0.2


def test_study_nulls_at_the_size_of_the_study():
    """The expected clustering follows from binomial degrees; the spread is the published one."""
    from scipy.stats import binom

    k = np.arange(2, 312)
    alone = 0.18 + 0.3 / (k - 1)
    looped = (0.18 * k * (k - 1) + 2.3 * k + 1) / (k * (k + 1))
    expected = (binom.pmf(k, 311, 0.18) * (0.7 * alone + 0.3 * looped)).sum()
    made = study_nulls(312, seeds(1000), EDGE, LOOP)
    assert abs(made[:, 0].mean() - expected) < 4 * made[:, 0].std() / np.sqrt(1000)
    assert made[:, 0].std() == pytest.approx(0.0023, rel=0.1)
    assert made[:, 1].mean() == pytest.approx(0.5900, abs=1e-4)
    assert made[:, 1].std() == pytest.approx(0.0009, rel=0.1)


@pytest.mark.parametrize("n", [2, 63, 64, 65])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.4, 0.6, 1.0])
def test_density_nulls_have_the_edges_of_a_uniform_set_of_pairs(n, share):
    n_edges = round(share * n * (n - 1) / 2)
    made = density_nulls(n, seeds(400), n_edges)
    if n_edges in (0, n * (n - 1) // 2):
        assert np.ptp(made, axis=0)[:2].max() == 0
    # Of graphs with efficiency (1 + density) / 2, all pairs are one or two steps apart.
    density = n_edges / (n * (n - 1) / 2)
    if n > 2 and density in (0.4, 0.6, 1.0):
        np.testing.assert_allclose(made[:, 1], (1 + density) / 2, atol=0.01)
    if n > 2:
        error = 4 * made[:, 0].std() / np.sqrt(len(made)) + 1e-3
        assert abs(made[:, 0].mean() - density) < error + 0.05 * (density == 0.1)


def test_wired_nulls_measure_each_row_of_targets():
    wiring = random_graph(70, 0.2, 5)
    graph = as_graph(wiring, directed=False)
    (found,) = wired_nulls(graph.indptr, graph.indices[None])
    inverse, total, pairs = reference.path_sums(wiring)
    expected = [reference.clustering(wiring).mean(), inverse / (70 * 69), total / pairs]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_null_depends_on_its_seed_alone():
    made = study_nulls(100, seeds(5), EDGE, LOOP)
    again = study_nulls(100, seeds(5)[3:4], EDGE, LOOP)
    np.testing.assert_array_equal(made[3:4], again)
    assert len(np.unique(made[:, 0])) == 5


WITHOUT_JIT = """
import numpy as np
np.seterr(over="ignore")
from cofire import graph
from cofire.graph._bitsets import (
    binary_digits, density_nulls, study_nulls,
)
np.set_printoptions(precision=12)
ring = np.roll(np.eye(66), 1, 1) + np.roll(np.eye(66), 2, 1)
seeds = np.arange(2, dtype=np.uint64)
for each in (
    study_nulls(66, seeds, binary_digits(0.18), binary_digits(0.3)),
    density_nulls(66, seeds, 1800),
    graph.small_worldness(ring + ring.T, n_null=1, null="degree").null_clustering,
    graph.rewire(ring, connected=True)[0].indices,
    graph.rewire(ring + ring.T, directed=False, weights="strength")[0].indices,
    graph.rewire((ring + ring.T) * np.where(np.arange(66) % 2, 1, -1), weights="strength")[0].data,
    graph.lattice(ring)[0].indices,
    graph.weight_entropy(ring),
    graph.small_world_propensity(ring + ring.T, n_null=1, weighted=False).value,
):
    print(np.round(each, 12))
"""


def test_kernels_give_the_same_without_compilation():
    outputs = []
    for disable in ("0", "1"):
        environment = os.environ | {"NUMBA_DISABLE_JIT": disable}
        outputs.append(
            subprocess.run(
                [sys.executable, "-c", WITHOUT_JIT],
                env=environment,
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        )
    assert outputs[0] == outputs[1]
    assert len(outputs[0]) > 500


def test_importing_graph_modules_compiles_nothing():
    code = """
import importlib, pkgutil
from numba.core import event
import cofire.graph
with event.install_recorder("numba:compile") as recorder:
    for module in pkgutil.iter_modules(cofire.graph.__path__, "cofire.graph."):
        importlib.import_module(module.name)
assert not recorder.buffer, recorder.buffer
from cofire.graph._jit import kernels
every = list(kernels())
assert len(every) >= 9
assert all(kernel._compiled is None for kernel in every)
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
