"""Participation and within-module degree."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from cofire import errors
from cofire.graph import module_zscore, participation, roles
from graph_goldens import assert_golden, each_golden
from graph_networks import (
    directed,
    random_network,
    relabelled,
    seeds,
    signed,
    undirected,
    without_compilation,
)
from reference import graph_local as reference

CHAIN = np.diag(np.ones(3), 1) + np.diag(np.ones(3), -1)
flags = st.booleans()


def modules(n, seed):
    return np.random.default_rng(seed).integers(-1, 3, n)


@each_golden
def test_goldens(golden, forms):
    ci = golden["ci"]
    for kind, form in (("und", "WU"), ("in", "WD"), ("out", "WD")):
        found = participation(forms[form], ci, kind=kind, weighted=True)
        assert_golden(found, golden, f"part_{kind}")
    for flag, form in enumerate(("WU", "WD", "WD", "WD")):
        found = module_zscore(forms[form], ci, flag=flag, weighted=True)
        assert_golden(found, golden, f"modz_flag{flag}")


@given(directed, seeds, flags, st.sampled_from(["in", "out"]))
def test_participation_equals_the_definition(adjacency, seed, weighted, kind):
    ci = modules(len(adjacency), seed)
    found = participation(adjacency, ci, kind=kind, weighted=weighted)
    expected = reference.participation(adjacency, ci, kind, weighted)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)
    assert (found >= 0).all()
    assert (found < 1).all()


@given(undirected, seeds, flags)
def test_the_three_kinds_are_one_for_a_symmetric_matrix(adjacency, seed, weighted):
    ci = modules(len(adjacency), seed)
    expected = reference.participation(adjacency, ci, "out", weighted)
    for kind in ("und", "in", "out"):
        found = participation(adjacency, ci, kind=kind, weighted=weighted)
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


@given(signed, seeds, flags, st.sampled_from([1, 2, 3]), st.sampled_from([0, 1]))
def test_module_zscore_equals_the_definition(adjacency, seed, weighted, flag, ddof):
    ci = modules(len(adjacency), seed)
    found = module_zscore(adjacency, ci, flag=flag, weighted=weighted, ddof=ddof)
    expected = reference.module_zscore(adjacency, ci, flag, weighted, ddof)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


@given(undirected, seeds)
def test_zscores_have_mean_0_and_population_variance_1_or_0_in_every_module(adjacency, seed):
    ci = modules(len(adjacency), seed)
    z = module_zscore(adjacency, ci, weighted=True)
    for c in np.unique(ci):
        assert z[ci == c].mean() == pytest.approx(0, abs=1e-12)
        assert z[ci == c].std() == pytest.approx(1) or not z[ci == c].any()


@given(directed, seeds)
def test_names_of_nodes_and_modules_do_not_matter(adjacency, seed):
    ci = modules(len(adjacency), seed)
    other, order = relabelled(adjacency, seed)
    names = np.array(["V1", "AL", "RL", "LM"])[ci + 1] if len(ci) else ci
    for measure, options in ((participation, {"kind": "out"}), (module_zscore, {"flag": 3})):
        found = measure(adjacency, ci, weighted=True, **options)
        renamed = measure(other, names[order], weighted=True, **options)
        np.testing.assert_allclose(renamed, found[order], rtol=1e-10, atol=1e-12)
        listed = measure(adjacency, list(ci), weighted=True, **options)
        np.testing.assert_array_equal(listed, found)


def test_even_spread_over_modules_gives_one_minus_one_over_their_number():
    star = np.zeros((7, 7))
    star[0, 1:] = star[1:, 0] = 2.5
    found = participation(star, [0, 1, 1, 2, 2, 3, 3], weighted=True)
    np.testing.assert_allclose(found, [2 / 3, 0, 0, 0, 0, 0, 0])
    assert not participation(star, np.zeros(7)).any()


def test_rounding_is_no_difference_between_nodes():
    """0.1 + 0.2 and 0.3 differ in the last digit; divided by an SD of that size they would not."""
    a = np.zeros((4, 4))
    a[0, [1, 2]] = 0.1, 0.2
    a[1, [2, 3]] = 0.15, 0.15
    a[2, 3] = 0.3
    a[3, [0, 1, 2]] = 0.1
    assert np.ptp(a.sum(axis=1)) > 0
    assert not module_zscore(a, [0] * 4, flag=1, weighted=True).any()


def test_sample_sd_is_larger_and_a_module_of_one_has_none():
    population = module_zscore(CHAIN, [1, 1, 1, 1])
    sample = module_zscore(CHAIN, [1, 1, 1, 1], ddof=1)
    np.testing.assert_allclose(sample, population * np.sqrt(3 / 4))
    assert not module_zscore(CHAIN, [0, 1, 2, 3], ddof=1).any()


@pytest.mark.parametrize("n", [0, 1, 3])
def test_networks_without_edges(n):
    ci = np.arange(n)
    for kind in ("und", "in", "out"):
        assert participation(np.eye(n), ci, kind=kind).tolist() == [0.0] * n
    for flag in range(4):
        assert module_zscore(np.eye(n), ci, flag=flag).tolist() == [0.0] * n


def test_any_layout_of_memory_and_20000_nodes_in_as_many_modules():
    adjacency, ci = random_network(9, 0.5, 6), np.arange(18)[::2] % 3
    expected = participation(adjacency, ci, kind="in", weighted=True)
    ci.flags.writeable = False
    for form in (np.asfortranarray(adjacency), sparse.coo_matrix(adjacency)):
        found = participation(form, ci, kind="in", weighted=True)
        np.testing.assert_array_equal(found, expected)
    n = 20_000
    ring = sparse.eye_array(n, k=1) + sparse.eye_array(n, k=-1)
    np.testing.assert_allclose(participation(ring, np.arange(n))[1:-1], 0.5)


def test_kernels_run_without_compilation(monkeypatch):
    adjacency, ci = random_network(12, 0.4, 7), modules(12, 1)
    expected = participation(adjacency, ci, kind="out", weighted=True)
    without_compilation(monkeypatch, roles)
    found = participation(adjacency, ci, kind="out", weighted=True)
    np.testing.assert_allclose(found, expected, rtol=1e-14)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: participation(CHAIN, [0, 1]), r"one module for each of 4 nodes.*\(2,\)"),
        (lambda: participation(CHAIN, [0, 1, np.nan, 1]), r"ci\[2\] is nan.*module of their own"),
        (lambda: participation(CHAIN, ["a", "b", None, "a"]), r"ci\[2\] is None"),
        (lambda: participation(-CHAIN, [0] * 4, weighted=True), r"np\.maximum\(-A, 0\)"),
        (lambda: participation(np.triu(CHAIN), [0] * 4), "symmetric"),
        (lambda: participation(CHAIN, [0] * 4, kind="total"), "kind must be one of"),
        (lambda: module_zscore(CHAIN, [0] * 4, flag=4), r"flag must be 0 \(undirected\).*got 4"),
        (lambda: module_zscore(np.triu(CHAIN), [0] * 4), "symmetric for flag=0.*or another flag"),
        (lambda: module_zscore(CHAIN, [0] * 4, ddof=-1), "ddof must be at least 0"),
    ],
)
def test_errors_name_what_is_wrong(call, message):
    with pytest.raises(errors.InvalidArgumentError, match=message):
        call()


def test_modules_are_integers_or_names():
    with pytest.raises(errors.InvalidTypeError, match="integers or names, got complex"):
        participation(CHAIN, np.ones(4) * 1j)
