import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cofire as cf
from cofire.assemblies import SGC, select_affinity
from cofire.assemblies.sgc import joint_aic
from cofire.assemblies.sgc.affinity import membership_groups
from cofire.errors import InvalidArgumentError
from reference import sgc as reference


def recording():
    return cf.datasets.make_calcium_recording(5, 4, 900.0, rng=1)


def search(made, **change):
    arguments = {
        "affinities": (0.1, 0.2, 0.4, 0.9),
        "detector": SGC(steps=300),
        "n_components": 5,
        "n_neighbors": 12,
        **change,
    }
    return select_affinity(made.dff, made.fluorescence, **arguments)


@given(st.integers(2, 25), st.integers(1, 4), st.integers(0, 99))
@settings(max_examples=30)
def test_the_joint_aic_is_a_sum_of_least_squares_fits(n, n_groups, seed):
    rng = np.random.default_rng(seed)
    points, correlation = rng.normal(size=(n, 3)), rng.uniform(-1, 1, (n, n))
    groups = rng.integers(0, n_groups, n)
    expected, infinite = reference.joint_aic(points.tolist(), correlation.tolist(), groups.tolist())
    found = joint_aic(points, correlation, groups)
    assert found.aic == pytest.approx(expected, rel=1e-8, abs=1e-8)
    assert found.n_infinite == infinite


def test_the_joint_aic_does_not_depend_on_names_and_blocks(monkeypatch):
    rng = np.random.default_rng(0)
    points, correlation = rng.normal(size=(30, 4)), rng.uniform(-1, 1, (30, 30))
    groups = rng.integers(0, 3, 30)
    whole = joint_aic(points, correlation, groups)
    renamed = joint_aic(points, correlation, np.array(["c", "x", "a"])[groups])
    assert renamed.aic == pytest.approx(whole.aic)
    monkeypatch.setattr("cofire.assemblies.sgc.affinity._BLOCK_PAIRS", 70)
    assert joint_aic(points, correlation, groups).aic == pytest.approx(whole.aic)


def test_a_perfect_line_is_left_out():
    points = np.arange(6.0)[:, None]
    correlation = 1 - np.abs(points - points.T) / 10
    assert joint_aic(points, correlation, np.zeros(6)).n_infinite == 1


def test_each_unit_has_one_group():
    largest, middle, small = [0, 1, 2, 3, 4], [3, 4, 5, 6], [4, 6, 7]
    groups = membership_groups([np.array(x) for x in (small, largest, middle)], 9)
    same = [sorted(np.flatnonzero(groups == g).tolist()) for g in np.unique(groups)]
    assert sorted(same) == [[0, 1, 2], [3], [4], [5], [6], [7], [8]]
    assert (membership_groups([], 3) == -1).all()
    # Of three assemblies (but not the three largest together) the first two count.
    four = [np.arange(9), np.arange(8), np.array([8, 9, 10]), np.array([8, 11])]
    groups = membership_groups(four, 12)
    assert len(np.unique(groups)) == 4
    assert (groups[:8] == groups[0]).all()


def test_the_affinity_with_the_lowest_score_wins_and_is_fitted():
    made = recording()
    found = search(made)
    assert found.best == found.affinities[found.aic.argmin()]
    assert found.detector.affinity == found.best
    alone = SGC(steps=300, affinity=found.best).fit(made.dff)
    np.testing.assert_array_equal(found.detector.labels_, alone.labels_)
    assert found.aic.min() < found.whole_aic
    assert len(found.to_frame()) == 4
    assert found.n_assemblies[3] < found.n_assemblies[1]
    assert f"best {found.best:g} of 4" in repr(found)


def test_threads_do_not_change_the_search():
    made = recording()
    one, two = (search(made, threads=n) for n in (1, 2))
    np.testing.assert_array_equal(one.aic, two.aic)


def test_a_search_goes_on_where_it_was(tmp_path, monkeypatch):
    made = recording()
    first = search(made, path=tmp_path / "search")

    def never(*_):
        raise AssertionError

    monkeypatch.setattr("cofire.assemblies.sgc.affinity._isomap", never)
    monkeypatch.setattr("cofire._core.block_model_advance", never)
    again = search(made, path=tmp_path / "search", affinities=(0.2, 0.3))
    assert again.aic[0] == first.aic[1]
    with pytest.raises(InvalidArgumentError, match="holds the search of other data"):
        search(made, path=tmp_path / "search", n_components=4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"affinities": ()}, "affinities must be numbers"),
        ({"affinities": (0.5, 1.0)}, "affinities must be numbers"),
        ({"n_components": 91}, "n_components must be below the number of units"),
        ({"n_neighbors": 0}, "n_neighbors must be at least 1"),
    ],
)
def test_wrong_parameters_are_named(change, message):
    with pytest.raises(InvalidArgumentError, match=message):
        search(recording(), **change)


def test_recordings_of_different_units_are_refused():
    made = recording()
    with pytest.raises(InvalidArgumentError, match="dff has 90 units, fluorescence has 91"):
        select_affinity(made.dff[:, 1:], made.fluorescence, detector=SGC(steps=1), n_components=3)
