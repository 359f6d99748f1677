"""The figure of each result, by name: results know no plotting library."""

from __future__ import annotations

from typing import Any

from cofire._optional import plotter

_PLOTTERS = {
    "ConcentrationSeries": "plot_concentration",
    "Consistency": "plot_model_agreement",
    "Decorrelation": "plot_odor_similarity",
    "Evaluation": "plot_confusion",
    "LearnedParameters": "plot_learned_parameters",
    "MixtureCoding": "plot_mixtures",
    "ThresholdScaling": "plot_threshold_scaling",
    "TrainingHistory": "plot_training",
}


class Plotted:
    """A result that draws its figure."""

    __slots__ = ()

    def plot(self, **kwargs: Any) -> Any:
        """Draw it by its function in :mod:`cofire.plot`; returns (fig, axes)."""
        return plotter(_PLOTTERS[type(self).__name__])(self, **kwargs)
