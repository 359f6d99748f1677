import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cofire.assemblies import (
    CORE,
    assembly_activation,
    romano_raster,
    spike_probability,
    spike_raster,
)
from cofire.assemblies.detectors._deconvolution import deconvolve
from cofire.assemblies.detectors._density import (
    adaptive_density,
    binned_density,
    default_bandwidth,
    kernel_density,
    penalized_smooth,
)
from cofire.assemblies.detectors.rasters import raster_of
from cofire.assemblies.detectors.romano import fit_noise, noise_of, quadrant_correlation
from cofire.assemblies.sgc import activity_raster
from cofire.errors import InvalidArgumentError, NoAssemblyWarning
from cofire.types import Traces
from reference import detectors as reference

RNG = np.random.default_rng(0)


def calcium(n_frames=400, n_units=3, seed=0, gamma=0.7, noise=0.1):
    """dF/F of sparse spikes, and the spikes."""
    rng = np.random.default_rng(seed)
    spikes = rng.random((n_frames, n_units)) < 0.03
    trace = np.zeros(spikes.shape)
    for t in range(n_frames):
        trace[t] = gamma * trace[t - 1] * (t > 0) + spikes[t]
    return trace + rng.normal(0, noise, trace.shape), spikes


# Densities ---------------------------------------------------------------------------------------


@given(st.integers(1, 20), st.floats(0.05, 3), st.integers(0, 99))
def test_the_density_sums_kernels(n, bandwidth, seed):
    x = np.random.default_rng(seed).normal(size=n)
    at = np.linspace(-3, 3, 7)
    expected = reference.kernel_density(x, at, bandwidth)
    np.testing.assert_allclose(kernel_density(x, at, bandwidth), expected, rtol=1e-12)


def test_the_binned_density_is_within_a_percent_of_the_peak():
    x = np.concatenate([RNG.normal(size=800), RNG.normal(4, 0.5, 200)])
    h = default_bandwidth(x)
    at, density = binned_density(x, h)
    np.testing.assert_allclose(density, kernel_density(x, at, h), atol=0.01 * density.max())
    np.testing.assert_allclose(density.sum() * (at[1] - at[0]), 1, atol=2e-3)


def test_the_bandwidth_is_the_one_for_normal_data():
    x = RNG.normal(2, 3, 100_000)
    np.testing.assert_allclose(default_bandwidth(x), 3 * (4 / 3e5) ** 0.2, rtol=0.02)
    np.testing.assert_allclose(default_bandwidth(3 * x + 1), 3 * default_bandwidth(x))
    assert default_bandwidth(np.ones(5)) == 0
    assert default_bandwidth(np.array([0.0] * 9 + [1])) > 0


@given(st.integers(1, 7), st.integers(1, 6), st.floats(0, 60), st.integers(0, 99))
def test_the_adaptive_density_is_a_mean_over_the_smallest_sufficient_square(m, n, least, seed):
    grid = np.random.default_rng(seed).poisson(1.0, (m, n)).astype(float)
    found = adaptive_density(grid, least)
    np.testing.assert_allclose(found, reference.adaptive_density(grid, least), atol=1e-12)


@given(st.integers(3, 8), st.floats(0.1, 20), st.integers(0, 99))
def test_the_smoother_solves_its_equations_and_keeps_the_sum(m, strength, seed):
    grid = np.random.default_rng(seed).random((m, m + 1))
    found = penalized_smooth(grid, strength)
    np.testing.assert_allclose(found, reference.penalized_smooth(grid, strength), rtol=1e-8)
    np.testing.assert_allclose(found.sum(), grid.sum())


# Romano's raster ---------------------------------------------------------------------------------


@given(st.floats(-3, 3), st.floats(0.1, 5), st.integers(0, 20))
@settings(max_examples=8)
def test_noise_is_the_left_flank(center, spread, seed):
    rng = np.random.default_rng(seed)
    trace = rng.normal(center, spread, 20_000)
    trace[:2000] += rng.exponential(6 * spread, 2000)
    mean, std = noise_of(trace)
    assert abs(mean - center) < 0.4 * spread
    assert abs(std - spread) < 0.3 * spread


@given(st.floats(-0.8, 0.9))
@settings(max_examples=10)
def test_the_correlation_is_found_in_a_quadrant(rho):
    x, y = np.random.default_rng(3).normal(size=(2, 50_000))
    y = rho * x + np.sqrt(1 - rho**2) * y
    here = (x < 0) & (y < 0)
    x, y = x[here], y[here]
    found = quadrant_correlation((x * y).mean(), 0.5 * (x**2 + y**2).mean())
    assert abs(found - rho) < 0.08


def test_the_correlation_stays_in_bounds():
    assert quadrant_correlation(0, 0) == 0
    assert quadrant_correlation(1, 1) == 0.99
    assert quadrant_correlation(-1, 1) == -0.99


def test_romanos_raster_is_two_significant_transitions_in_a_row():
    values, _ = calcium(2500)
    model = fit_noise(values, 2.0)
    found = romano_raster(values, 2.0)
    np.testing.assert_array_equal(found, reference.romano_raster(values, model))
    assert 0.01 < found.mean() < 0.3


def test_transitions_that_calcium_cannot_make_are_not_significant():
    values, _ = calcium(2000, noise=0.05)
    model = fit_noise(values, 2.0, half_life=1.0)
    at = 0.5 * (model.edges[1:] + model.edges[:-1])
    impossible = at < 2**-0.5 * (at[:, None] - 1.5) - 1.5
    assert impossible.any()
    assert not model.significant[impossible].any()


def test_romanos_raster_does_not_depend_on_scale_offset_and_order_of_units():
    values, _ = calcium(2500)
    found = romano_raster(values, 2.0)
    other = romano_raster(values[:, ::-1] * 4 + 2, 2.0)  # a power of 2: no rounding
    assert (found[:, ::-1] == other).mean() > 0.999


def test_noise_is_seldom_active():
    values = np.random.default_rng(1).normal(size=(4000, 4))
    assert romano_raster(values, 2.0).mean() < 0.02


# Deconvolution -----------------------------------------------------------------------------------


@given(st.integers(0, 99), st.floats(0.3, 0.95), st.floats(0.1, 1))
@settings(max_examples=20)
def test_spikes_have_the_least_cost(seed, gamma, sigma):
    rng = np.random.default_rng(seed)
    f = rng.random(25) * 2
    expected = reference.spikes(f, gamma, 0.8, 0.2, sigma, 1.5)
    found = deconvolve(f, gamma, 0.8, 0.2, sigma, 1.5, 1e-13)
    assert (found > 0).all()
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_the_kernel_runs_without_compilation():
    f = np.random.default_rng(0).random(40)
    arguments = (f, 0.7, 0.5, 0.1, 0.2, 2.0, 1e-13)
    np.testing.assert_allclose(deconvolve._function(*arguments), deconvolve(*arguments), rtol=1e-9)


def test_deconvolution_finds_the_spikes():
    values, spikes = calcium(2000, 4, noise=0.05)
    found = spike_raster(values, 2.0, 2.0 * -np.log(2) / np.log(0.7) / 4)
    assert found[spikes].mean() > 0.9
    assert found[~spikes].mean() < 0.01


@given(st.floats(0.01, 100), st.floats(-5, 5), st.floats(-0.01, 0.01))
@settings(max_examples=10)
def test_spikes_do_not_depend_on_scale_offset_and_trend(scale, offset, slope):
    values, _ = calcium(200, 2)
    plain = spike_probability(values, 2.0)
    trend = slope * np.arange(200)[:, None]
    found = spike_probability(values * scale + offset + trend * scale, 2.0)
    np.testing.assert_allclose(found, plain, atol=0.02)
    assert found.min() >= 0
    np.testing.assert_array_equal(found.max(axis=0), 1)


def test_spikes_do_not_depend_on_threads_and_leave_the_input_alone():
    values = calcium(300, 5)[0].astype(np.float32)
    values.setflags(write=False)
    one = spike_probability(values, 2.0, threads=1)
    np.testing.assert_array_equal(spike_probability(values, 2.0, threads=2), one)
    np.testing.assert_array_equal(spike_probability(np.asfortranarray(values), 2.0), one)


@pytest.mark.parametrize("kind", ["deconvolved", "romano", "threshold"])
@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (5, 0), (1, 2), (2, 2), (3, 1)])
def test_tiny_recordings_have_rasters(kind, shape):
    values = np.random.default_rng(0).random(shape)
    made = raster_of(values, kind, rate=2.0)
    assert made.shape == shape
    assert made.dtype == bool


@pytest.mark.parametrize("kind", ["deconvolved", "romano", "threshold"])
def test_constant_units_are_never_active(kind):
    values, _ = calcium(4000, 4)
    values[:, 1] = 0.3
    values[:, 2] = 0.0
    made = raster_of(values, kind, rate=2.0)
    assert not made[:, [1, 2]].any()
    assert made[:, [0, 3]].any(axis=0).all()


def test_the_simple_raster_is_the_one_of_similarity_graph_clustering():
    values, _ = calcium()
    made = raster_of(values, "threshold", n_std=1.5)
    np.testing.assert_array_equal(made, activity_raster(values, 1.5))


def test_rasters_that_depend_on_time_ask_for_the_frame_rate():
    values, _ = calcium()
    with pytest.raises(InvalidArgumentError, match=r"depends on the frame rate: pass rate= \(Hz\)"):
        CORE().fit(values)
    with pytest.raises(InvalidArgumentError, match="rate must be positive"):
        spike_raster(values, 0)
    with pytest.raises(InvalidArgumentError, match="half_life must be positive"):
        romano_raster(values, 2.0, 0)
    with pytest.raises(InvalidArgumentError, match="raster must be one of"):
        CORE("other").fit(values)
    model = CORE(shuffles=10)
    with pytest.warns(NoAssemblyWarning, match="no assembly by CORE"):
        model.fit(Traces(values, rate=2.0))
    np.testing.assert_array_equal(model.raster_, spike_raster(values, 2.0))


def test_a_raster_may_be_given_for_all_frames_or_those_without_nan():
    values, _ = calcium(100)
    raster = np.random.default_rng(0).random(values.shape) < 0.3
    values[5, 0] = np.nan
    for given_raster in (raster, np.delete(raster, 5, axis=0), raster.astype(int)):
        model = CORE(given_raster, shuffles=10)
        with pytest.warns(NoAssemblyWarning, match="CORE"):
            model.fit(values)
        assert model.n_dropped_ == 1
        np.testing.assert_array_equal(model.raster_, np.delete(raster, 5, axis=0))
    with pytest.raises(InvalidArgumentError, match=r"raster has shape \(98, 3\), but dff has 100"):
        CORE(raster[:98]).fit(values)
    with pytest.raises(InvalidArgumentError, match="True and False"):
        CORE(raster * 2).fit(values)


# Activation --------------------------------------------------------------------------------------


@given(st.integers(1, 9), st.integers(0, 99))
def test_activation_is_its_definition(n_units, seed):
    rng = np.random.default_rng(seed)
    raster = rng.random((6, n_units)) < 0.5
    assemblies = [np.flatnonzero(rng.random(n_units) < 0.5) for _ in range(2)]
    found = assembly_activation(assemblies, raster, p=0.3)
    for k, units in enumerate(assemblies):
        for t, frame in enumerate(raster):
            matching, p = reference.activation(units.tolist(), frame, n_units)
            np.testing.assert_allclose(found.matching[k, t], matching)
            np.testing.assert_allclose(found.p[k, t], p, rtol=1e-9)
    np.testing.assert_array_equal(found.active, found.p <= 0.3)
    assert ((found.matching >= 0) & (found.matching <= 1)).all()


def test_activation_by_chance_has_its_level():
    rng = np.random.default_rng(0)
    raster = rng.random((5000, 60)) < 0.2
    found = assembly_activation([np.arange(15)], raster, p=0.05)
    assert 0.01 < found.active.mean() < 0.06  # discrete: below the level


def test_activation_of_nothing():
    found = assembly_activation([], np.zeros((4, 3), bool))
    assert found.matching.shape == (0, 4)
    empty = assembly_activation([[0, 1]], np.zeros((4, 3), bool))
    assert not empty.active.any()
    assert (empty.p == 1).all()
    assert len(empty.to_frame()) == 0
    assert "0 with an active one" in repr(empty)


def test_activation_checks_its_input():
    with pytest.raises(InvalidArgumentError, match="an assembly has unit 3"):
        assembly_activation([[3]], np.zeros((4, 3), bool))
    with pytest.raises(InvalidArgumentError, match="p must lie between 0 and 1"):
        assembly_activation([[0]], np.zeros((4, 3), bool), p=1)
    with pytest.raises(InvalidArgumentError, match="raster must have shape"):
        assembly_activation([[0]], np.zeros(4, bool))
