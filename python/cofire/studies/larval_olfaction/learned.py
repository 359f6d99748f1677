"""What did training change? Scalar parameters and thresholds with their start and their bounds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from cofire._validate import AnyArray, FloatArray, IntArray
from cofire.studies.larval_olfaction._plotted import Plotted
from cofire.studies.larval_olfaction.comparison import GROUPS, in_units, scalar_table
from cofire.studies.larval_olfaction.setup import Setup

if TYPE_CHECKING:
    import pandas as pd

_POPULATIONS = ("orn", "ln", "pn", "kc")


@dataclass(frozen=True, slots=True)
class LearnedParameters(Plotted):
    """Parameters of models of one training.

    Attributes
    ----------
    seeds : ndarray (n_models,) int64
    names : tuple of str
        Published names of the scalar parameters.
    values : ndarray (n_models, n), SI
    initial : ndarray (n,), SI
        Before training; of gains that come from the teacher, before the transfer.
    low, high : ndarray (n,), SI
        Bounds; 0 and inf where there are none.
    thresholds : dict of str to ndarray (n_models, n_neurons), V
        Of "orn", "ln", "pn", "kc".
    threshold_bounds : ndarray (2,), V
    """

    seeds: IntArray
    names: tuple[str, ...]
    values: FloatArray
    initial: FloatArray
    low: FloatArray
    high: FloatArray
    thresholds: dict[str, FloatArray]
    threshold_bounds: FloatArray

    def to_frame(self) -> pd.DataFrame:
        """Table of the scalars: name, initial, mean, population sd, bounds."""
        import pandas as pd

        return pd.DataFrame(
            {
                "parameter": self.names,
                "initial": self.initial,
                "mean": self.values.mean(axis=0),
                "sd": self.values.std(axis=0),
                "low": self.low,
                "high": self.high,
            }
        )

    def __repr__(self) -> str:
        return f"LearnedParameters({len(self.seeds)} models, {len(self.names)} scalars)"


def learned_parameters(
    setup: Setup, models: Mapping[int, Mapping[str, AnyArray]]
) -> LearnedParameters:
    """Gather the parameters of trained models, with their start and bounds.

    Parameters
    ----------
    setup : Setup
        Of the training; gives the untrained network.
    models : mapping of int to mapping of str to ndarray
        Parameters by published names, by seed; at least one.
    """
    names, values = scalar_table(list(models.values()))
    network = setup.network()
    parameters = network.published_parameters()

    def snapshot() -> tuple[FloatArray, float]:
        raw = [float(parameters[name].detach()) for name in names]
        threshold = float(parameters[GROUPS["kc"]].detach().ravel()[0])
        return np.array([in_units(n, v) for n, v in zip(names, raw, strict=True)]), threshold

    initial, _ = snapshot()
    bounds = []
    for extreme in (-math.inf, math.inf):
        with torch.no_grad():
            for parameter in parameters.values():
                parameter.fill_(extreme)
        network.clamp_()
        bounds.append(snapshot())
    (low, lowest), (high, highest) = bounds
    return LearnedParameters(
        np.array(list(models), dtype=np.int64),
        names,
        values,
        initial,
        low,
        high,
        {
            name: np.array([np.ravel(m[GROUPS[name]]) for m in models.values()], dtype=np.float64)
            for name in _POPULATIONS
        },
        np.array([lowest, highest]),
    )
