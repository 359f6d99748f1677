"""What assemblies say about the stimulus: repeats, clips, frames, gratings."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cofire import assemblies as asm
from cofire.assemblies import function
from cofire.errors import FileFormatError, InvalidArgumentError, RecordingNotFoundError
from reference import functional as reference


@st.composite
def repeated(draw):
    n_trials, length, n = draw(st.integers(2, 5)), draw(st.integers(2, 9)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    traces = rng.random((n_trials * length + 3, n))
    if draw(st.booleans()):
        traces = (traces < 0.2).astype(draw(st.sampled_from([bool, np.int8, np.float32])))
    return traces, np.arange(n_trials) * length + rng.integers(0, 4), length


@given(repeated())
def test_oracle_r_is_its_definition(case):
    traces, starts, length = case
    found = asm.oracle_score(traces, starts, length)
    expected = np.transpose([reference.oracle(t, starts, length) for t in traces.T])
    np.testing.assert_allclose(found.r, expected, atol=1e-7 if traces.dtype == np.float32 else 1e-9)
    np.testing.assert_array_equal(found.score, found.r.mean(axis=0))
    assert (np.abs(found.r[~np.isnan(found.r)]) <= 1).all()


@given(repeated(), st.floats(0.1, 10), st.floats(-5, 5), st.integers(0, 99))
def test_oracle_scores_ignore_scale_offset_and_the_order_of_trials(case, factor, shift, seed):
    traces, starts, length = case
    found = asm.oracle_score(traces, starts, length)
    moved = asm.oracle_score(traces.astype(float) * factor + shift, starts, length)
    np.testing.assert_allclose(moved.score, found.score, atol=1e-6)
    order = np.random.default_rng(seed).permutation(len(starts))
    mixed = asm.oracle_score(traces, starts[order], length)
    np.testing.assert_allclose(mixed.r, found.r[order], atol=1e-9)


def test_oracle_scores_do_not_depend_on_blocks_of_units(monkeypatch):
    traces = np.random.default_rng(0).random((90, 40)) < 0.2
    found = asm.oracle_score(traces, [0, 30, 60], 30)
    monkeypatch.setattr("cofire.assemblies.function.repeats._BLOCK_VALUES", 200)
    np.testing.assert_array_equal(asm.oracle_score(traces, [0, 30, 60], 30).r, found.r)


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e9])
def test_a_constant_trial_has_no_r_and_the_trace_no_score(constant):
    rng = np.random.default_rng(0)
    traces = np.tile(rng.random(10), 4)[:, None] + rng.normal(0, 0.01, (40, 3))
    traces[:10, 0] = constant
    traces[10:, 1] = constant  # the others of the first trial
    found = asm.oracle_score(traces, [0, 10, 20, 30], 10)
    assert np.isnan(found.r[:, 0]).tolist() == [True, False, False, False]
    assert np.isnan(found.r[:, 1]).all()
    assert np.isnan(found.score).tolist() == [True, True, False]
    assert found.score[2] > 0.95


def test_reliable_traces_score_high_and_noise_does_not():
    rng = np.random.default_rng(1)
    response = rng.random(300)
    noise = rng.normal(0, 1, (2700, 2))
    found = asm.oracle_score(
        np.column_stack([np.tile(response, 9), noise[:, 0], np.tile(response, 9) + noise[:, 1]]),
        np.arange(9) * 300,
    )
    assert found.score[0] == pytest.approx(1)
    assert abs(found.score[1]) < 0.1
    # Signal variance 1/12, noise 1: r of one trial with the mean of eight.
    expected = (1 / 12) / np.sqrt((1 / 12 + 1) * (1 / 12 + 1 / 8))
    assert found.score[2] == pytest.approx(expected, abs=0.06)


def test_trials_are_compared_within_their_condition():
    rng = np.random.default_rng(0)
    first, second = rng.random((2, 12))
    trace = np.concatenate([first, second, first, second, first])
    found = asm.oracle_score(trace, np.arange(5) * 12, 12, conditions=["a", "b", "a", "b", "a"])
    np.testing.assert_allclose(found.r, 1)
    assert found.by_condition.shape == (2, 1)
    assert asm.oracle_score(trace, np.arange(5) * 12, 12).score[0] < 0.9
    table = found.to_frame()
    assert table["condition"].tolist() == ["a", "b", "a", "b", "a"]
    assert repr(found) == "OracleScores(1 traces, 5 trials of 12 frames, 2 conditions, mean 1.000)"


def test_a_missing_value_is_missing_in_its_condition_only():
    traces = np.random.default_rng(0).random((40, 2))
    traces[3, 0] = np.nan
    found = asm.oracle_score(traces, [0, 10, 20, 30], 10, conditions=[0, 0, 1, 1])
    np.testing.assert_array_equal(np.isnan(found.r), [[1, 0], [1, 0], [0, 0], [0, 0]])


def test_first_frames_are_at_or_after():
    assert asm.first_frames([0.2, 0.21, -1], [0.0, 0.2, 0.4]).tolist() == [1, 2, 0]
    assert asm.first_frames([], []).shape == (0,)


@st.composite
def movies(draw):
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    n_rows, n_frames = draw(st.integers(0, 12)), draw(st.integers(0, 20))
    edges = np.cumsum(rng.integers(1, 4, 2 * n_rows)) / 4
    times = np.arange(n_frames) * 0.6
    return times, edges[::2], edges[1::2], rng.integers(0, 40, n_rows)


@given(movies())
def test_labels_are_of_the_first_row_that_ends_later(case):
    times, starts, ends, numbers = case
    options = {"clip_length": 3, "movie_length": 12}
    published = asm.clip_labels(*case, gaps="next", **options)
    strict = asm.clip_labels(*case, **options)
    for t, label, kept in zip(times, published, strict, strict=True):
        later = [i for i, end in enumerate(ends) if end > t]
        assert label == (numbers[later[0]] % 12 // 3 if later else -1)
        on = [i for i in later if starts[i] <= t]
        assert kept == (label if on else -1)


@given(movies())
def test_shown_frames_are_the_first_that_overlap(case):
    times, starts, ends, numbers = case
    found = asm.shown_frames(*case, period=0.6)
    for t, shown in zip(times, found, strict=True):
        on = [i for i, (a, b) in enumerate(zip(starts, ends, strict=True)) if b > t and a < t + 0.6]
        assert shown == (numbers[on[0]] if on else -1)


def test_a_clock_like_the_published_gives_equal_classes():
    # 12 clips of 300 frames at 30 Hz, shown 8 times with pauses, imaged at 6.05 Hz.
    starts = np.concatenate([50 + 150 * i + np.arange(3600) / 30 for i in range(8)])
    times = np.arange(0, 1300, 1 / 6.05)
    labels = asm.clip_labels(times, starts, starts + 1 / 30, np.tile(np.arange(3600), 8))
    counts = np.bincount(labels[labels >= 0])
    assert len(counts) == 12
    assert counts.min() >= 480
    assert counts.max() <= 488
    chosen = function.balanced_frames(labels)
    np.testing.assert_array_equal(np.bincount(labels[chosen]), counts.min())
    published = asm.clip_labels(
        times, starts, starts + 1 / 30, np.tile(np.arange(3600), 8), gaps="next"
    )
    assert np.bincount(published[published >= 0])[0] > 1000  # pauses count as the first clip
    assert function.presentations(labels)[-1] + 1 == 8 * 12 + 9


@given(st.lists(st.integers(-1, 4), max_size=40), st.integers(0, 99))
def test_balanced_frames_are_equally_many_and_distinct(labels, seed):
    labels = np.array(labels, dtype=np.int64)
    chosen = function.balanced_frames(labels, seed=seed)
    assert len(np.unique(chosen)) == len(chosen)
    counts = np.unique(labels[labels >= 0], return_counts=True)[1]
    assert len(chosen) == len(counts) * counts.min(initial=10**6 if len(counts) else 0)
    assert (labels[chosen] >= 0).all()


def test_inputs_stay_as_they_are():
    traces = np.random.default_rng(0).random((360, 4))
    labels = np.repeat(np.tile(np.arange(4), 6), 15)
    before = traces.copy()
    for array in (traces, labels):
        array.setflags(write=False)
    asm.ClipDecoder().fit(traces[:, ::-1], labels)
    asm.oracle_score(traces[::2], [0, 20, 40], 10)
    asm.tuning(traces, [0, 12], [0, 0])
    asm.trigger_frames(traces - traces.min(), np.ones((1, 2, 2)), 0 * labels)
    np.testing.assert_array_equal(traces, before)


@given(st.integers(0, 99))
def test_trigger_frames_are_means_over_peaks(seed):
    rng = np.random.default_rng(seed)
    traces = np.abs(rng.normal(size=(40, 2)))
    movie = rng.integers(0, 256, (9, 4, 5)).astype(np.uint8)
    shown = rng.integers(-1, 9, 40)
    found = asm.trigger_frames(traces, movie, shown)
    for k in range(2):
        mean, variance, n = reference.trigger_mean(traces[:, k], movie.astype(float), shown, 0.3)
        np.testing.assert_allclose(found.mean[k], mean, rtol=1e-12)
        np.testing.assert_allclose(found.variance[k], variance, rtol=1e-9, atol=1e-9)
        assert found.n_peaks[k] == n
    scaled = asm.trigger_frames(traces * 7, movie, shown)
    np.testing.assert_array_equal(scaled.mean, found.mean)
    fewer = asm.trigger_frames(traces, movie, shown, height=0.8)
    assert (fewer.n_peaks + fewer.n_skipped <= found.n_peaks + found.n_skipped).all()


def test_movies_are_read_from_files_frame_by_frame(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    movie = rng.integers(0, 256, (9, 4, 5)).astype(np.uint8)
    np.save(tmp_path / "movie.npy", movie)
    pages = [Image.fromarray(frame) for frame in movie]
    pages[0].save(tmp_path / "movie.tif", save_all=True, append_images=pages[1:])
    traces, shown = rng.random((60, 3)), rng.integers(-1, 9, 60)
    expected = asm.trigger_frames(traces, movie, shown)
    monkeypatch.setattr("cofire.assemblies.function.movie._CHUNK_VALUES", 45)
    for name in ("movie.npy", "movie.tif"):
        found = asm.trigger_frames(traces, tmp_path / name, shown)
        np.testing.assert_allclose(found.mean, expected.mean)
        np.testing.assert_allclose(found.variance, expected.variance)
    np.testing.assert_array_equal(found.minus(expected), found.mean - expected.mean)
    assert repr(found).startswith("TriggerFrames(3 traces, 4 x 5 pixels, ")
    assert found.to_frame()["n_peaks"].tolist() == found.n_peaks.tolist()


def test_traces_without_peaks_have_no_image():
    movie = np.ones((2, 2, 2))
    found = asm.trigger_frames(np.zeros((5, 1)), movie, [0, 1, 0, 1, 0])
    assert np.isnan(found.mean).all()
    assert (found.n_peaks.tolist(), found.n_skipped.tolist()) == ([0], [0])
    none = asm.trigger_frames([0, 1, 0], movie, [-1, -1, -1])
    assert none.n_skipped.tolist() == [1]
    assert asm.trigger_frames(np.zeros((0, 2)), movie, []).mean.shape == (2, 2, 2)


def gratings(n_trials=8, rng=0):
    """Traces that prefer 90 degrees, an axis, and nothing; the windowed ones do not respond."""
    generator = np.random.default_rng(rng)
    angles = np.tile(np.append(np.arange(0, 360, 30.0), np.nan), 2 * n_trials)
    fields = np.repeat(["full-field", "windowed"], 13 * n_trials)
    drive = np.column_stack([angles == 90, angles % 180 == 60, np.ones(len(angles))])
    drive = drive * (fields == "full-field")[:, None] * 1.0
    wave = 1 + np.sin(np.arange(12) / 2)
    traces = (drive[:, None, :] * wave[:, None]).reshape(-1, 3)
    traces += 0.001 * generator.random(traces.shape)
    return traces, np.arange(len(angles)) * 12, angles, fields


def test_tuning_finds_the_planted_preference():
    traces, starts, angles, fields = gratings()
    found = asm.tuning(traces, starts, angles, fields=fields)
    assert found.fields == ("full-field", "windowed")
    assert found.preferred[0, 0] == 90
    assert found.preferred[0, 1] in (60, 240)
    np.testing.assert_allclose(found.direction_selectivity[0], [1, 0, 0], atol=0.02)
    np.testing.assert_allclose(found.orientation_selectivity[0], [1, 1, 0], atol=0.02)
    assert found.mean.shape == (2, 12, 3)
    table = found.to_frame()
    assert len(table) == 2 * 13 * 8 * 3
    one = table[(table.assembly == 0) & (table.field == "full-field") & (table.orientation == 90)]
    assert one["trial"].tolist() == list(range(8))
    assert one["mean"].mean() == pytest.approx(found.mean[0, 3, 0])
    assert one["oracle"].min() > 0.99
    assert found.sem[0, 3, 0] == pytest.approx(one["mean"].std(ddof=1) / np.sqrt(8))
    blank = table[table.orientation.isna() & (table.field == "full-field") & (table.assembly == 2)]
    assert found.blank[0, 2] == pytest.approx(blank["mean"].mean())
    assert found.summary()["field"].tolist() == ["full-field"] * 3 + ["windowed"] * 3
    assert repr(found) == "Tuning(3 traces, 208 trials, 12 orientations, full-field and windowed)"


def test_tuning_turns_with_the_stimulus():
    traces, starts, angles, fields = gratings()
    found = asm.tuning(traces, starts, angles, fields=fields)
    turned = asm.tuning(traces, starts, (angles + 30) % 360, fields=fields)
    assert turned.preferred[0, 0] == 120
    np.testing.assert_allclose(turned.orientation_selectivity, found.orientation_selectivity)
    np.testing.assert_allclose(turned.mean, np.roll(found.mean, 1, axis=1))


def test_traces_without_response_have_no_preference():
    found = asm.tuning(np.zeros((48, 1)), np.arange(4) * 12, [0, 0, 90, 90])
    assert np.isnan(found.preferred).all()
    assert np.isnan(found.orientation_selectivity).all()
    assert np.isnan(found.blank).all()
    only_blank = asm.tuning(np.ones((24, 2)), [0, 12], [np.nan, np.nan])
    assert only_blank.mean.shape == (1, 0, 2)
    np.testing.assert_array_equal(only_blank.blank, 1)


TRACES, LABELS = np.random.default_rng(0).random((60, 2)), np.repeat([0, 1, 0, 1], 15)
ROWS = ([0.0, 1.0], [1.0, 2.0], [0, 1])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: asm.first_frames([9], [0, 1]), InvalidArgumentError, "the last is at 1 s"),
        (lambda: asm.first_frames([0], [1, 0]), InvalidArgumentError, "must not decrease"),
        (lambda: asm.oracle_score(TRACES, [0, 50], 20), InvalidArgumentError, "trial 1 needs"),
        (lambda: asm.oracle_score(TRACES, [-1, 5], 20), InvalidArgumentError, "trial 0 needs"),
        (lambda: asm.oracle_score(TRACES, [0.5, 5], 20), InvalidArgumentError, "integers"),
        (lambda: asm.oracle_score(TRACES, [0], 20), InvalidArgumentError, "one trial only"),
        (lambda: asm.oracle_score(TRACES, [], 20), InvalidArgumentError, "got none"),
        (lambda: asm.oracle_score(TRACES, [0, 9], 1), InvalidArgumentError, "at least 2"),
        (
            lambda: asm.oracle_score(TRACES, [0, 9], 5, conditions=[1]),
            InvalidArgumentError,
            "each of 2 trials",
        ),
        (lambda: asm.clip_labels([0], *ROWS, gaps="x"), InvalidArgumentError, "gaps"),
        (lambda: asm.clip_labels([0], [0, 1], [1], [0, 1]), InvalidArgumentError, "2, 1 and 2"),
        (lambda: asm.clip_labels([0], [1], [0.5], [0]), InvalidArgumentError, "before it starts"),
        (lambda: asm.clip_labels([0], [1], [2], [-1]), InvalidArgumentError, "no movie frame"),
        (lambda: asm.shown_frames([0], *ROWS), InvalidArgumentError, "period must be given"),
        (lambda: asm.ClipDecoder().fit(TRACES, LABELS[1:]), InvalidArgumentError, "each of 60"),
        (lambda: asm.ClipDecoder().fit(TRACES, 0 * LABELS), InvalidArgumentError, "two clips"),
        (lambda: asm.ClipDecoder(split="x").fit(TRACES, LABELS), InvalidArgumentError, "split"),
        (lambda: asm.ClipDecoder("slow").fit(TRACES, LABELS), InvalidArgumentError, "grid"),
        (
            lambda: asm.ClipDecoder({"depth": [1]}).fit(TRACES, LABELS),
            InvalidArgumentError,
            "grid has 'depth'",
        ),
        (
            lambda: asm.ClipDecoder({"alpha": []}).fit(TRACES, LABELS),
            InvalidArgumentError,
            "at least one value",
        ),
        (
            lambda: asm.ClipDecoder(test_size=1.5).fit(TRACES, LABELS),
            InvalidArgumentError,
            "test_size must lie between",
        ),
        (
            lambda: asm.ClipDecoder().fit(TRACES[:12], np.arange(12) % 2),
            InvalidArgumentError,
            "too few for 2 classes",
        ),
        (
            lambda: asm.ClipDecoder(split="blocked").fit(TRACES, np.sort(LABELS)),
            InvalidArgumentError,
            "one run of frames only",
        ),
        (
            lambda: asm.ClipDecoder({"alpha": [1, 2]}, "blocked").fit(TRACES, LABELS),
            InvalidArgumentError,
            "one presentation for training",
        ),
        (
            lambda: asm.ClipDecoder().fit(np.full((60, 1), np.nan), LABELS),
            InvalidArgumentError,
            "frame 0 of trace 0 is nan",
        ),
        (lambda: asm.ClipDecoder().predict(TRACES), asm.NotFittedError, "call fit"),
        (lambda: asm.compare_confusions([[1, 2]], [[1]]), InvalidArgumentError, "square"),
        (lambda: asm.compare_confusions([[1]], np.eye(2)), InvalidArgumentError, "same classes"),
        (lambda: asm.compare_confusions([[0]], [[1]]), InvalidArgumentError, "of class 0"),
        (lambda: asm.compare_confusions([[-1]], [[1]]), InvalidArgumentError, "counts >= 0"),
        (
            lambda: asm.trigger_frames([0, 1, 0], np.ones((1, 2, 2)), [0, 1, 0]),
            InvalidArgumentError,
            "movie frame 1, but the movie has frames 0 to 0",
        ),
        (
            lambda: asm.trigger_frames([0, 1], np.ones((1, 2, 2)), [0]),
            InvalidArgumentError,
            "each of 2 frames",
        ),
        (
            lambda: asm.trigger_frames([0, np.nan], np.ones((1, 2, 2)), [0, 0]),
            InvalidArgumentError,
            "trace 0 is not in frame 1",
        ),
        (lambda: asm.trigger_frames([0], np.ones((1, 2)), [0]), InvalidArgumentError, "stack"),
        (
            lambda: asm.trigger_frames([0], np.ones((1, 2, 2)), [0], height=2),
            InvalidArgumentError,
            "height",
        ),
        (lambda: asm.trigger_frames([0], "none.tif", [0]), RecordingNotFoundError, "no movie"),
        (lambda: asm.tuning(TRACES, [0], [0.0, 1.0]), InvalidArgumentError, "got 1, 2 and 1"),
        (lambda: asm.tuning(TRACES, [0], [np.inf]), InvalidArgumentError, "degrees"),
        (lambda: asm.tuning(TRACES, [0, 9], [0, 90.0]), InvalidArgumentError, "one trial only"),
    ],
)
def test_wrong_arguments_are_explained(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("name", ["broken.npy", "broken.tif"])
def test_files_that_are_no_movie_are_named(tmp_path, name):
    (tmp_path / name).write_bytes(b"no movie")
    with pytest.raises(FileFormatError, match=name):
        asm.trigger_frames([0], tmp_path / name, [0])


def test_frames_that_cannot_be_read_are_named(tmp_path):
    pages = [Image.fromarray(np.full((n, 9), 7, np.uint8)) for n in (9, 9, 4)]
    pages[0].save(tmp_path / "mixed.tif", save_all=True, append_images=pages[1:])
    peaks = [0, 1, 0, 1, 0]
    assert asm.trigger_frames(peaks, tmp_path / "mixed.tif", [0, 1, 0, 1, 0]).n_peaks[0] == 2
    with pytest.raises(FileFormatError, match=r"frame 2 of .*mixed.tif has shape \(4, 9\)"):
        asm.trigger_frames(peaks, tmp_path / "mixed.tif", [0, 2, 0, 1, 0])


def test_images_of_different_size_have_no_difference():
    small, large = (asm.trigger_frames([0, 1, 0], np.ones((1, n, n)), [0, 0, 0]) for n in (2, 3))
    with pytest.raises(InvalidArgumentError, match="equal images"):
        small.minus(large)
