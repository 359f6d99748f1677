"""Can the clip on the screen be read from the co-activity of assemblies?"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._optional import plotter
from cofire._validate import AnyArray, FloatArray, IntArray, integer, one_of
from cofire.assemblies._blas import one_blas_thread
from cofire.assemblies._estimator import Estimator
from cofire.assemblies.function._inputs import frame_indices, traces_of
from cofire.assemblies.function.clips import balanced_frames, presentations, split_frames
from cofire.errors import InvalidArgumentError

if TYPE_CHECKING:
    import pandas as pd

SPLITS = ("random", "blocked")
PUBLISHED_GRID: dict[str, tuple[Any, ...]] = {
    "hidden_layer_sizes": ((50, 50, 50), (50, 100, 50), (100,), (50, 50, 100), (100, 100)),
    "solver": ("sgd", "adam"),
    "alpha": (1e-4, 1e-3, 0.01, 0.05, 0.1),
    "learning_rate": ("constant", "adaptive", "invscaling"),
    "batch_size": (64, 128, 256, 512, 1024),
}
"""The published search: 750 networks, each fitted once for every fold."""
FAST_GRID: dict[str, tuple[Any, ...]] = {
    "hidden_layer_sizes": ((100, 100),),
    "solver": ("adam",),
    "alpha": (1e-3,),
    "learning_rate": ("constant",),
    "batch_size": (64,),
}
"""One network of the published search: nothing to search for, no cross-validation."""
_GRIDS = {"fast": FAST_GRID, "published": PUBLISHED_GRID}
Progress = Callable[[int, int], None]


class ClipDecoder(Estimator):
    """Decode which clip was shown from single frames of co-activity, by a multilayer perceptron.

    Classes are balanced by leaving frames out, a part of the frames is kept for the test, the rest
    is standardized; a network is chosen by cross-validation where the grid has several, and fitted
    with early stopping. Networks are scikit-learn's.

    Parameters
    ----------
    grid : {"fast", "published"} or mapping
        Networks to choose from: one; the published 750; or values to combine of
        ``hidden_layer_sizes``, ``solver``, ``alpha`` (L2 penalty), ``learning_rate`` and
        ``batch_size`` (others as of the fast one).
    split : {"random", "blocked"}
        Test frames at random, as published: neighbors in time of training frames, which activity
        that outlasts a frame makes easy. Or whole presentations of clips, which tells whether a
        clip is recognized the next time it is shown.
    test_size : float in (0, 1)
        Share of frames (of presentations) for the test.
    n_folds : int, >= 2
        Of the cross-validation; with the blocked split whole presentations too.
    max_iter : int, >= 1
        Passes through the data at most.
    patience : int, >= 1
        Stop after as many passes without a better score on a tenth of the training frames.
    seed : int
        Of the choice of frames, the split and the networks.
    threads : int, optional
        Processes that fit networks of the grid; default :func:`cofire.get_num_threads`. Results do
        not depend on it.
    progress : callable, optional
        Called with (networks done, networks).

    Attributes
    ----------
    classes_ : ndarray (n_classes,) int64
    confusion_ : ndarray (n_classes, n_classes) int64
        Test frames by true (rows) and decoded (columns) class.
    accuracy_ : float
        Share of test frames decoded correctly.
    chance_ : float
        1 / n_classes.
    best_params_ : dict
        The chosen network.
    cv_scores_ : ndarray (n_candidates,) float64
        Mean accuracy over folds of every network; NaN if there was only one.
    candidates_ : list of dict
    n_unconverged_ : int
        Fits that ended at `max_iter`.
    train_frames_, test_frames_ : ndarray of int64
    n_per_class_ : int
        Frames of each class after balancing.
    mean_, scale_ : ndarray (K,) float64
        What traces are standardized by.
    weights_, biases_ : list of ndarray
        Of the layers of the network.

    References
    ----------
    Wagner-Carena et al. 2025, doi:10.1101/2025.04.24.649900

    Examples
    --------
    >>> import numpy as np
    >>> from cofire.assemblies import ClipDecoder
    >>> rng = np.random.default_rng(0)
    >>> labels = np.repeat(np.tile([0, 1, 2], 8), 20)
    >>> traces = rng.normal(0, 0.3, (480, 4)) + np.eye(3, 4)[labels] * 2
    >>> decoder = ClipDecoder(split="blocked").fit(traces, labels)
    >>> decoder.accuracy_ > 0.9
    True
    """

    def __init__(
        self,
        grid: str | Mapping[str, Any] = "fast",
        split: str = "random",
        *,
        test_size: float = 0.2,
        n_folds: int = 5,
        max_iter: int = 500,
        patience: int = 10,
        seed: int = 747,
        threads: int | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.grid = grid
        self.split = split
        self.test_size = test_size
        self.n_folds = n_folds
        self.max_iter = max_iter
        self.patience = patience
        self.seed = seed
        self.threads = threads
        self.progress = progress

    def fit(self, traces: Any, labels: Any) -> ClipDecoder:
        """Choose, fit and test a network.

        Parameters
        ----------
        traces : array_like (n_frames, K) or Traces
            Co-activity. Not changed.
        labels : array_like (n_frames,) of int
            Clip of each frame, in order of time; negative for frames without one
            (:func:`clip_labels`).

        Returns
        -------
        ClipDecoder
            Itself.

        Raises
        ------
        InvalidArgumentError
            Labels of another length, fewer than two classes, NaN, too few frames, or a parameter
            out of range.
        """
        values, label = self._check(traces, labels)
        self.candidates_ = candidates(self.grid)
        frames = balanced_frames(label, seed=self.seed)
        classes = np.unique(label[frames])
        train, test = split_frames(
            label[frames], presentations(label)[frames], self.split, self.test_size, self.seed
        )
        self.classes_ = classes
        self.n_per_class_ = len(frames) // len(classes)
        self.train_frames_, self.test_frames_ = frames[train], frames[test]
        _enough(len(train), len(classes))
        code = np.searchsorted(classes, label)
        folds = self._folds(code, presentations(label)) if len(self.candidates_) > 1 else []
        scores = self._search(values, code, folds)
        self.cv_scores_ = scores
        best = int(np.nanargmax(scores)) if folds else 0
        self.best_params_ = self.candidates_[best]
        here = self.train_frames_
        network = _fit(values[here], code[here], self.best_params_, *self._options())
        self.mean_, self.scale_, self.weights_, self.biases_, converged = network
        self.n_unconverged_ += not converged
        found = self._decode(values[self.test_frames_])
        self.confusion_ = confusion_counts(code[self.test_frames_], found, len(classes))
        self.accuracy_ = float(np.trace(self.confusion_) / max(self.confusion_.sum(), 1))
        self.chance_ = 1.0 / len(classes)
        return self

    def predict(self, traces: Any) -> IntArray:
        """Decode the class of each frame.

        Parameters
        ----------
        traces : array_like (n_frames, K)

        Returns
        -------
        ndarray (n_frames,) int64
        """
        mean = self._learned("mean_")
        values = _finite(traces)
        if values.shape[1] != len(mean):
            raise InvalidArgumentError(
                f"traces must have {len(mean)} columns as in fit, got {values.shape[1]}"
            )
        decoded: IntArray = self.classes_[self._decode(values)]
        return decoded

    @property
    def percentages_(self) -> FloatArray:
        """Confusion in percent of each true class, not rounded."""
        return confusion_percentages(self._learned("confusion_"))

    def to_frame(self) -> pd.DataFrame:
        """Table with a row for each network of the grid and its mean accuracy over folds."""
        import pandas as pd

        scores = self._learned("cv_scores_")
        table = pd.DataFrame(self.candidates_)
        table["cv_accuracy"] = scores
        return table

    def plot(self, **kwargs: Any) -> Any:
        """Confusion matrix; see :func:`cofire.plot.plot_clip_confusion`."""
        return plotter("plot_clip_confusion")(
            self._learned("confusion_"), labels=self.classes_, **kwargs
        )

    def _check(self, traces: Any, labels: Any) -> tuple[FloatArray, IntArray]:
        one_of(self.split, "split", SPLITS)
        integer(self.n_folds, "n_folds", 2)
        integer(self.max_iter, "max_iter", 1)
        integer(self.patience, "patience", 1)
        integer(self.seed, "seed", 0)
        values = _finite(traces)
        label = frame_indices(labels, "labels")
        if len(label) != len(values):
            raise InvalidArgumentError(
                f"labels must name a clip (or -1) for each of {len(values)} frames of traces, got "
                f"{len(label)}"
            )
        n_classes = len(np.unique(label[label >= 0]))
        if n_classes < 2:
            raise InvalidArgumentError(
                f"labels must hold at least two clips to tell apart, got {n_classes}"
            )
        return values, label

    def _options(self) -> tuple[int, int, int]:
        return self.max_iter, self.patience, self.seed

    def _folds(self, code: IntArray, groups: IntArray) -> list[tuple[IntArray, IntArray]]:
        from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

        here = self.train_frames_
        runs = [len(np.unique(groups[here][code[here] == c])) for c in range(len(self.classes_))]
        if self.split == "blocked":
            if min(runs) < 2:
                raise InvalidArgumentError(
                    "a class is left with one presentation for training, which cannot be split "
                    'into folds; use grid="fast" (no cross-validation) or split="random"'
                )
            maker = StratifiedGroupKFold(min(self.n_folds, min(runs)))
            parts = maker.split(here, code[here], groups[here])
        else:
            parts = StratifiedKFold(self.n_folds).split(here, code[here])
        return [(here[a], here[b]) for a, b in parts]

    def _search(
        self, values: FloatArray, code: IntArray, folds: list[tuple[IntArray, IntArray]]
    ) -> FloatArray:
        """Mean accuracy of each candidate over the folds."""
        self.n_unconverged_ = 0
        scores = np.full(len(self.candidates_), np.nan)
        if not folds:
            return scores
        work = [(values, code, folds, params, *self._options()) for params in self.candidates_]
        for i, (score, n_unconverged) in enumerate(_spread(work, self.threads)):
            scores[i] = score
            self.n_unconverged_ += n_unconverged
            if self.progress is not None:
                self.progress(i + 1, len(work))
        return scores

    def _decode(self, values: FloatArray) -> IntArray:
        """Position of the most probable class: the network run forward."""
        layer = (values - self.mean_) / self.scale_
        for weights, bias in zip(self.weights_[:-1], self.biases_[:-1], strict=True):
            layer = np.maximum(layer @ weights + bias, 0.0)
        layer = layer @ self.weights_[-1] + self.biases_[-1]
        if layer.shape[1] == 1:  # two classes share one output
            return (layer[:, 0] > 0).astype(np.int64)
        best: IntArray = layer.argmax(axis=1).astype(np.int64)
        return best


def candidates(grid: str | Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every combination of a grid, the last parameter changing fastest."""
    if isinstance(grid, str):
        chosen: Mapping[str, Any] = _GRIDS[one_of(grid, "grid", tuple(_GRIDS))]
    else:
        unknown = set(grid) - set(FAST_GRID)
        if unknown:
            raise InvalidArgumentError(
                f"grid has {', '.join(sorted(map(repr, unknown)))}, but only "
                f"{', '.join(FAST_GRID)} can be chosen"
            )
        chosen = {**FAST_GRID, **grid}
    names = list(chosen)
    if any(len(chosen[name]) == 0 for name in names):
        raise InvalidArgumentError("grid must list at least one value of each parameter")
    return [dict(zip(names, values, strict=True)) for values in product(*chosen.values())]


def confusion_counts(truth: IntArray, decoded: IntArray, n_classes: int) -> IntArray:
    """Frames by true (rows) and decoded (columns) class, (n_classes, n_classes) int64."""
    flat = np.bincount(truth * n_classes + decoded, minlength=n_classes**2)
    return flat.reshape(n_classes, n_classes).astype(np.int64)


def confusion_percentages(confusion: Any) -> FloatArray:
    """Percent of each row; NaN for a class without frames."""
    counts = np.asarray(confusion, dtype=np.float64)
    total = counts.sum(axis=1, keepdims=True)
    percent: FloatArray = np.full(counts.shape, np.nan)
    np.divide(100.0 * counts, total, out=percent, where=total > 0)
    return percent


def _fit(
    values: FloatArray,
    code: IntArray,
    params: Mapping[str, Any],
    max_iter: int,
    patience: int,
    seed: int,
) -> tuple[FloatArray, FloatArray, list[FloatArray], list[FloatArray], bool]:
    """Standardize and fit: mean, scale, weights, biases, whether it converged."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    mean, scale = values.mean(axis=0), values.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    # Batches larger than what early stopping leaves would only make scikit-learn warn.
    batch = {"batch_size": max(1, min(params["batch_size"], int(0.9 * len(values))))}
    network = MLPClassifier(
        **{**params, **batch},
        activation="relu",
        max_iter=max_iter,
        early_stopping=True,
        n_iter_no_change=patience,
        random_state=seed,
    )
    with warnings.catch_warnings(), one_blas_thread():
        warnings.simplefilter("ignore", ConvergenceWarning)
        network.fit((values - mean) / scale, code)
    return mean, scale, network.coefs_, network.intercepts_, network.n_iter_ < max_iter


def _cross_validate(
    values: FloatArray,
    code: IntArray,
    folds: list[tuple[IntArray, IntArray]],
    params: Mapping[str, Any],
    max_iter: int,
    patience: int,
    seed: int,
) -> tuple[float, int]:
    """Mean accuracy over folds, and how many fits did not converge."""
    accuracy, n_unconverged = [], 0
    reader = ClipDecoder()
    for train, test in folds:
        network = _fit(values[train], code[train], params, max_iter, patience, seed)
        reader.mean_, reader.scale_, reader.weights_, reader.biases_, converged = network
        n_unconverged += not converged
        accuracy.append(float((reader._decode(values[test]) == code[test]).mean()))
    return float(np.mean(accuracy)), n_unconverged


def _spread(work: list[Any], threads: int | None) -> Any:
    """Results of the cross-validations in order, computed in a few processes."""
    from cofire._threads import resolve_threads

    n_jobs = min(resolve_threads(threads), len(work))
    if n_jobs == 1:
        return (_cross_validate(*item) for item in work)
    # scikit-learn brings joblib; its networks hold the interpreter, so that threads would wait.
    from joblib import Parallel, delayed

    return Parallel(n_jobs=n_jobs, return_as="generator")(
        delayed(_cross_validate)(*item) for item in work
    )


def _enough(n_train: int, n_classes: int) -> None:
    if 0.1 * n_train < n_classes:
        raise InvalidArgumentError(
            f"{n_train} training frames are too few for {n_classes} classes: early stopping keeps "
            "a tenth of them, which must hold every class; record more or merge clips"
        )


def _finite(traces: Any) -> FloatArray:
    values: AnyArray = traces_of(traces).astype(np.float64)
    if not np.isfinite(values).all():
        t, k = np.argwhere(~np.isfinite(values))[0]
        raise InvalidArgumentError(
            f"traces must be finite: frame {t} of trace {k} is {values[t, k]}; leave out such "
            "frames, and assemblies without units"
        )
    return values
