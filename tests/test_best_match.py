import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cofire.assemblies import best_match
from cofire.errors import InvalidArgumentError
from reference import sgc as reference

sets = st.lists(st.lists(st.integers(0, 12), max_size=6, unique=True), min_size=1, max_size=5)


@given(sets, sets)
def test_best_match_is_its_formula(a, b):
    assert best_match(a, b) == pytest.approx(reference.best_match(a, b), abs=1e-12)


@given(sets, sets, st.randoms())
def test_best_match_is_symmetric_bounded_and_blind_to_order_and_names(a, b, random):
    score = best_match(a, b)
    assert 0 <= score <= 1 + 1e-12
    assert best_match(b, a) == pytest.approx(score, abs=1e-12)
    names = random.sample(range(40), 13)
    moved = [[names[u] for u in random.sample(x, len(x))] for x in random.sample(a, len(a))]
    assert best_match(moved, [[names[u] for u in x] for x in b]) == pytest.approx(score, abs=1e-12)
    assert best_match(a, a) == 1


@given(sets, sets)
def test_masks_say_the_same_as_lists(a, b):
    mask = np.zeros((len(a), 13), dtype=bool)
    for row, units in zip(mask, a, strict=True):
        row[units] = True
    assert best_match(mask, b) == best_match(a, b)


def test_best_match_is_nan_without_assemblies():
    assert np.isnan(best_match([], [[1]]))
    assert np.isnan(best_match([[1]], []))
    assert np.isnan(best_match([], [], chance=True, n_units=3))


@given(
    st.lists(st.integers(0, 8), min_size=1, max_size=3),
    st.lists(st.integers(0, 8), min_size=1, max_size=3),
)
@settings(max_examples=10)
def test_the_chance_level_is_the_mean_over_independent_overlaps(sizes, others):
    rng = np.random.default_rng(0)
    n, total = 20_000, 9
    p, q = np.array(sizes)[:, None], np.array(others)
    common = rng.hypergeometric(p, total - p, q, (n, len(sizes), len(others)))
    union = p + q - common
    distance = 1 - np.divide(common, union, out=np.ones(common.shape), where=union > 0)
    score = 1 - (distance.min(2).sum(1) + distance.min(1).sum(1)) / (len(sizes) + len(others))
    found = best_match(
        [range(k) for k in sizes], [range(k) for k in others], chance=True, n_units=total
    )
    assert found == pytest.approx(score.mean(), abs=5 * score.std() / np.sqrt(n) + 1e-9)


def test_the_chance_level_is_exact_for_one_pair():
    # Overlap 0 or 1 with probability 1/2 each: Jaccard similarity 0 or 1.
    assert best_match([[0]], [[1]], chance=True, n_units=2) == pytest.approx(0.5)
    assert best_match([[0, 1]], [[0, 1]], chance=True, n_units=2) == 1


def test_what_is_no_assembly_is_refused():
    with pytest.raises(InvalidArgumentError, match=r"a\[1\] must be a 1-D array of unit indices"):
        best_match([[1], [-1]], [[1]])
    with pytest.raises(InvalidArgumentError, match=r"b\[0\] must be"):
        best_match([[1]], [[0.5]])
    with pytest.raises(InvalidArgumentError, match="pass n_units"):
        best_match([[1]], [[1]], chance=True)
    with pytest.raises(InvalidArgumentError, match="n_units is 3, but an assembly has unit 5"):
        best_match([[5]], [[1]], n_units=3)
