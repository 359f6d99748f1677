import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import cofire as cf
from cofire import _core
from reference import sttc as reference

rasters = hnp.arrays(
    np.bool_, st.tuples(st.integers(1, 6), st.integers(1, 150)), elements=st.booleans()
)
reaches = st.sampled_from([0, 1, 5, 63, 64, 70, 200])


def random_raster(n_units, n_frames, density, seed=0):
    return np.random.default_rng(seed).random((n_units, n_frames)) < density


@given(rasters, reaches)
def test_sttc_raster_equals_the_definition(raster, reach):
    np.testing.assert_allclose(
        cf.sttc_raster(raster, reach), reference.sttc_raster(raster, reach), rtol=1e-12, atol=1e-14
    )


@pytest.mark.parametrize(
    ("n_units", "n_frames", "reach", "density"),
    [
        (1, 1, 0, 0.5),
        (3, 64, 1, 0.2),
        (5, 65, 70, 0.1),
        (70, 1000, 5, 0.9),
        (257, 200, 64, 0.02),
        (600, 131, 3, 0.5),
        (3, 140_001, 129, 0.01),
    ],
)
@pytest.mark.parametrize("transposed", [True, False])
def test_both_ways_of_counting_equal_a_matrix_product(
    n_units, n_frames, reach, density, transposed
):
    raster = random_raster(n_units, n_frames, density)
    near = np.zeros_like(raster)
    for shift in range(min(reach, n_frames - 1) + 1):
        near[:, shift:] |= raster[:, : n_frames - shift]
        near[:, : n_frames - shift] |= raster[:, shift:]
    for threads in (1, 3):
        counts, active, tiled = _core.sttc_raster_counts(raster, reach, transposed, threads)
        assert np.array_equal(counts, (raster.astype(float) @ near.T.astype(float)).astype(int))
        assert np.array_equal(active, raster.sum(axis=1))
        assert np.array_equal(tiled, near.sum(axis=1))


@given(rasters, reaches)
def test_ways_of_counting_agree(raster, reach):
    first = _core.sttc_raster_counts(raster, reach, True, 1)
    second = _core.sttc_raster_counts(raster, reach, False, 2)
    for a, b in zip(first, second, strict=True):
        assert np.array_equal(a, b)


@given(rasters, reaches, st.integers(2, 5), st.randoms(use_true_random=False))
def test_sttc_raster_is_symmetric_bounded_and_follows_the_order_of_units(
    raster, reach, threads, random
):
    matrix = cf.sttc_raster(raster, reach, threads=1)
    assert np.array_equal(matrix, matrix.T, equal_nan=True)
    assert (np.abs(matrix[~np.isnan(matrix)]) <= 1 + 1e-12).all()
    assert (matrix.diagonal()[raster.any(axis=1)] == 1).all()
    order = list(range(len(raster)))
    random.shuffle(order)
    permuted = cf.sttc_raster(raster[order], reach, threads=threads)
    assert np.array_equal(permuted, matrix[np.ix_(order, order)], equal_nan=True)
    assert np.array_equal(cf.sttc_raster(raster[:, ::-1], reach), matrix, equal_nan=True)


def test_independent_rasters_have_a_mean_near_zero():
    raster = random_raster(40, 20_000, 0.02, seed=5)
    for transposed in (True, False):
        counts, active, tiled = _core.sttc_raster_counts(raster, 3, transposed, 1)
        share, chance = counts / active[:, None], tiled / raster.shape[1]
        z = (share - chance) / np.sqrt(chance * (1 - chance) / active[:, None])
        # The standard deviation of 1 is that of independent frames.
        assert abs(z[~np.eye(40, dtype=bool)].mean()) < 4 / np.sqrt(40 * 39)
    assert abs(cf.sttc_raster(raster, 3)[np.triu_indices(40, 1)].mean()) < 0.01


@pytest.mark.parametrize(("n_units", "density"), [(10, 0.5), (10, 0.001), (600, 0.001)])
def test_the_choice_by_density_does_not_change_the_result(n_units, density):
    raster = random_raster(n_units, 500, density, seed=4)
    raster[:, 0] = True  # no unit is silent
    np.testing.assert_allclose(
        cf.sttc_raster(raster, 2)[:5, :5], reference.sttc_raster(raster[:5], 2), rtol=1e-12
    )


def test_raster_and_spikes_agree_inside_the_recording():
    raster = random_raster(6, 400, 0.05, seed=1)
    raster[:, :10] = raster[:, -10:] = False
    # A frame is a spike in its middle; frames up to 2 away have tiles of 2.5 frames.
    trains = [np.flatnonzero(row) + 0.5 for row in raster]
    np.testing.assert_allclose(
        cf.sttc_raster(raster, 2), cf.sttc(trains, 2.5, support=[[0, 400]]), rtol=1e-12
    )


def test_nonzero_integers_mean_active():
    raster = random_raster(4, 100, 0.1)
    expected = cf.sttc_raster(raster, 3)
    for dtype in (np.uint8, np.int64):
        assert np.array_equal(cf.sttc_raster(raster.astype(dtype) * 7, 3), expected)
    assert np.array_equal(cf.sttc_raster(raster[:, ::-1], 3), expected)


def test_silent_units_give_nan_or_zero():
    raster = np.array([[1, 0, 0], [0, 0, 0]])
    assert np.isnan(cf.sttc_raster(raster, 1)).tolist() == [[False, True], [True, True]]
    assert cf.sttc_raster(raster, 1, empty="zero").tolist() == [[1, 0], [0, 0]]


def test_no_units_and_no_frames_are_legal():
    assert cf.sttc_raster(np.zeros((0, 5), bool), 1).shape == (0, 0)
    assert np.isnan(cf.sttc_raster(np.zeros((2, 0), bool), 1)).all()


def test_one_frame_and_a_reach_beyond_the_raster_are_legal():
    assert cf.sttc_raster([[1]], 0).tolist() == [[1]]
    assert cf.sttc_raster([[1, 0, 0], [0, 0, 1]], 10**12).tolist() == [[1, 1], [1, 1]]


def test_read_only_and_strided_input_is_left_alone():
    raster = random_raster(3, 50, 0.2)
    before = raster.copy()
    raster.flags.writeable = False
    expected = cf.sttc_raster(before[:, ::2].copy(), 1)
    np.testing.assert_array_equal(cf.sttc_raster(raster[:, ::2], 1), expected)
    np.testing.assert_array_equal(raster, before)


def test_wrong_rasters_are_refused():
    with pytest.raises(TypeError, match="raster must be boolean or integer, got float64"):
        cf.sttc_raster(np.zeros((2, 3)), 1)
    with pytest.raises(ValueError, match="raster must be 2-D"):
        cf.sttc_raster(np.zeros(3, bool), 1)
    with pytest.raises(ValueError, match="dt_frames must be at least 0"):
        cf.sttc_raster(np.zeros((2, 3), bool), -1)
    with pytest.raises(TypeError, match="dt_frames must be an integer"):
        cf.sttc_raster(np.zeros((2, 3), bool), 1.5)
    with pytest.raises(ValueError, match="empty must be one of"):
        cf.sttc_raster(np.zeros((2, 3), bool), 1, empty="nil")


def test_the_binding_refuses_other_dtypes_shapes_and_reaches():
    raster = np.zeros((2, 3), bool)
    for wrong in (raster.astype(np.uint8), np.zeros((2, 6), bool)[:, ::2]):
        with pytest.raises(TypeError):
            _core.sttc_raster_counts(wrong, 1, False, 1)
    with pytest.raises(ValueError, match="raster must be 2-D, got 1-D"):
        _core.sttc_raster_counts(raster[0], 1, False, 1)
    with pytest.raises(ValueError, match="dt_frames must not be negative"):
        _core.sttc_raster_counts(raster, -1, False, 1)
    with pytest.raises(ValueError, match="n_threads must be at least 1"):
        _core.sttc_raster_counts(raster, 1, False, 0)
