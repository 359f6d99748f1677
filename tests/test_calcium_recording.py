import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cofire.datasets import make_calcium_recording
from cofire.datasets.calcium_assemblies import OVERLAPS, SIZES, honeycomb
from cofire.datasets.calcium_baseline import baseline_of, local_regression
from cofire.datasets.calcium_recording import _calcium, _events
from cofire.errors import InvalidArgumentError


def test_the_honeycomb_begins_as_published():
    points = honeycomb(2)
    h = np.sqrt(3) / 2
    np.testing.assert_allclose(
        points[:9],
        [[0, 0], [0, 1], [-h, 0.5], [-h, -0.5], [0, -1], [h, -0.5], [h, 0.5], [0, 2], [-h, 1.5]],
        atol=1e-12,
    )


@given(st.integers(0, 9))
def test_the_honeycomb_is_a_hexagonal_lattice(degree):
    points = honeycomb(degree)
    assert len(points) == 3 * degree * (degree + 1) + 1
    distance = np.hypot(*(points[:, None] - points).transpose(2, 0, 1))
    np.fill_diagonal(distance, np.inf)
    if degree:
        np.testing.assert_allclose(distance.min(axis=1), 1, atol=1e-9)
        inside = np.hypot(*points.T) < (degree - 0.5) * np.sqrt(3) / 2
        assert ((np.abs(distance - 1) < 1e-9).sum(axis=1)[inside] == 6).all()


def test_the_same_seed_gives_the_same_recording():
    first, again = (make_calcium_recording(4, 3, 60.0, rng=5) for _ in range(2))
    np.testing.assert_array_equal(first.dff, again.dff)
    other = make_calcium_recording(4, 3, 60.0, rng=6)
    assert not np.array_equal(first.dff, other.dff)


@given(st.sampled_from(list(SIZES)), st.sampled_from(list(OVERLAPS)), st.integers(0, 20))
@settings(max_examples=12)
def test_families_have_their_sizes_and_overlaps(size, overlap, seed):
    made = make_calcium_recording(12, 4, 1.0, size=size, overlap=overlap, rng=seed)
    low, high = SIZES[size].size
    assert all(low <= len(units) <= high for units in made.assemblies)
    low, high = OVERLAPS[overlap]
    assert low <= made.overlap <= high
    assert all((np.diff(units) > 0).all() for units in made.assemblies)


def test_ranges_are_drawn_from():
    made = [
        make_calcium_recording((4, 6), (1, 3), 2.0, size=(3, 6), overlap=(0, 1), rng=seed)
        for seed in range(12)
    ]
    assert {r.n_units for r in made} == {61, 91, 127}
    assert {r.n_assemblies for r in made} == {1, 2, 3}
    assert all(3 <= len(units) <= 6 for r in made for units in r.assemblies)


def test_calcium_is_the_convolution_at_a_millisecond():
    dt, half_life = 0.25, 0.4
    counts = np.random.default_rng(1).poisson(0.8, (60, 3))
    found = _calcium(counts, dt, half_life, np.random.default_rng(7))
    # The same spike times on a grid of 1 ms.
    where = np.repeat(np.arange(counts.size), counts.ravel())
    age = np.random.default_rng(7).integers(0, 250, len(where))
    step, unit = np.divmod(where, 3)
    grid = np.zeros((60 * 250, 3))
    np.add.at(grid, (step * 250 + 249 - age, unit), 1.0)
    kernel = 2.0 ** (-np.arange(0, 3 * 1000 + 1) / 400)  # ceil(6.64 * 0.4) = 3 s
    slow = np.array([np.convolve(column, kernel)[: len(grid)] for column in grid.T]).T
    np.testing.assert_allclose(found, slow[249::250], rtol=1e-12)


def test_without_decay_calcium_counts_the_spikes():
    counts = np.random.default_rng(1).poisson(0.8, (20, 3))
    np.testing.assert_array_equal(_calcium(counts, 0.5, 0.0, np.random.default_rng(0)), counts)


@pytest.mark.parametrize(("dt", "mean"), [(0.5, 1.0), (1.0, 1.0), (0.1, 5.0), (0.2, 2.5)])
def test_events_last_half_a_second_or_a_step(dt, mean):
    on = _events(40_000, 3, 0.02, dt, np.random.default_rng(0))
    begins = on[1:] & ~on[:-1]
    # Runs are longer than single events where two of them touch.
    assert on[1:].sum() / begins.sum() == pytest.approx(mean / (1 - 0.01 * mean), rel=0.08)


def test_members_fire_faster_while_their_assembly_is_on():
    made = make_calcium_recording(5, 3, 2000.0, event_gain=6.0, rng=1)
    for k, units in enumerate(made.assemblies):
        only = [u for u in units if made.members[:, u].sum() == 1]
        on, off = made.events[:, k], ~made.events[:, k]
        gain = made.spike_counts[on][:, only].mean() / made.spike_counts[off][:, only].mean()
        assert gain == pytest.approx(6, rel=0.15)
    assert 1 <= made.rates.min() < made.rates.max() <= 6
    assert made.events.mean() == pytest.approx(0.01 * 0.5, rel=0.4)


def test_noise_and_saturation_change_the_fluorescence_alone():
    plain = make_calcium_recording(3, 2, 100.0, resting=0.0, rng=3)
    bent = make_calcium_recording(3, 2, 100.0, resting=0.0, saturation=4.0, rng=3)
    np.testing.assert_array_equal(plain.spike_counts, bent.spike_counts)
    c = plain.fluorescence
    np.testing.assert_allclose(bent.fluorescence, 4 * c / (4 + c), rtol=1e-12)
    noisy = make_calcium_recording(3, 2, 100.0, resting=0.0, noise=2.0, rng=3)
    np.testing.assert_array_equal(plain.spike_counts, noisy.spike_counts)
    assert noisy.fluorescence.min() == 0
    assert 1 < (noisy.fluorescence - c).std() < 2


def test_dff_is_relative_to_the_baseline_below_it():
    made = make_calcium_recording(3, 2, 200.0, rng=0)
    np.testing.assert_allclose(made.dff, made.fluorescence / made.baseline - 1, atol=1e-12)
    assert (made.baseline > 0).all()
    assert (made.dff > -0.5).all()
    assert len(made.traces) == len(made.dff) == 400
    assert made.traces.rate == 2


def test_a_silent_cell_has_a_finite_dff():
    made = make_calcium_recording(2, 0, 60.0, background=(0.0, 0.0), resting=0.0)
    np.testing.assert_array_equal(made.dff, -1.0)
    assert made.n_assemblies == 0
    assert len(made.to_frame()) == 0


@pytest.mark.parametrize("degree", [1, 2])
def test_local_regression_is_weighted_least_squares(degree):
    rng = np.random.default_rng(0)
    y = rng.normal(size=(40, 2)).cumsum(axis=0)
    found = local_regression(y, 6, degree)
    for t in (0, 3, 20, 39):
        at = np.arange(max(0, t - 6), min(40, t + 7))
        x = (at - t) / 7.0
        root = np.sqrt((1 - np.abs(x) ** 3) ** 3)
        design = np.stack([x**p for p in range(degree + 1)], axis=1)
        fit = np.linalg.lstsq(design * root[:, None], y[at] * root[:, None], rcond=None)[0]
        np.testing.assert_allclose(found[t], fit[0], atol=1e-9)


def test_robust_regression_ignores_an_outlier_and_keeps_a_parabola():
    t = np.linspace(-1, 1, 61)[:, None]
    y = 2 + t + 3 * t**2 + 0.01 * np.sin(40 * t)
    spoiled = y.copy()
    spoiled[30] += 50
    np.testing.assert_allclose(local_regression(spoiled, 8, 2, 5)[30], y[30], atol=0.05)


def test_the_robust_baseline_lies_low_and_follows_drift():
    made = make_calcium_recording(3, 1, 600.0, rng=2)
    drift = np.linspace(0, 5, len(made.dff))[:, None]
    for method in ("minimum", "robust"):
        f0 = baseline_of(made.fluorescence + drift, made.dt, method)
        assert np.median(f0 - drift) < np.median(made.fluorescence)
        assert np.polyfit(np.arange(len(f0)), f0.mean(axis=1), 1)[0] * len(f0) == pytest.approx(
            5, rel=0.25
        )


def test_the_truth_as_a_table():
    made = make_calcium_recording(5, 2, 300.0, rng=0)
    table = made.to_frame()
    assert table["n_units"].tolist() == [len(units) for units in made.assemblies]
    assert list(table["units"][0]) == made.assemblies[0].tolist()
    assert repr(made) == "CalciumRecording(91 units, 2 assemblies, 5.0 min at 2 Hz)"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dt": 0.0005}, "multiple of 0.001"),
        ({"duration": 0.1}, "duration must hold a frame"),
        ({"half_life": -1}, "half_life must not be negative"),
        ({"event_rate": 3.0}, "probability"),
        ({"background": 3.0}, "background must be"),
        ({"saturation": 0.0}, "saturation must be positive"),
        ({"size": "huge"}, "size must be one of"),
        ({"size": (5, 3)}, "low <= high"),
        ({"size": 7}, "name or a range"),
        ({"overlap": (0.0, 2.0)}, r"overlap must lie in \[0, 1\]"),
        ({"baseline": "flat"}, "baseline must be one of"),
        ({"degree": (5, 2)}, "degree must be"),
        ({"degree": 1, "size": "large"}, "no assembly of 21 to 40 cells found on 7 cells"),
        ({"degree": 3, "overlap": (0.9, 0.95)}, "no 10 assemblies with a mean overlap"),
    ],
)
def test_wrong_parameters_are_named(change, message):
    arguments = {"degree": 4, "duration": 10.0, **change}
    with pytest.raises(InvalidArgumentError, match=message):
        make_calcium_recording(**arguments)
