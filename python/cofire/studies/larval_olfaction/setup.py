"""What one training starts from: odors, contact counts, settings, seed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cofire._validate import AnyArray
from cofire.errors import InvalidArgumentError
from cofire.io import larval_olfactory_matrices, read_winding2023
from cofire.nn import OlfactoryNetwork
from cofire.nn.olfactory_wiring import PAPER_NOISE, olfactory_plan, read_counts, receptor_of_orn
from cofire.studies.larval_olfaction.conditions import Condition
from cofire.studies.larval_olfaction.config import OlfactionConfig
from cofire.studies.larval_olfaction.data import (
    Float32Array,
    OdorPanel,
    draw_odors,
    load_panel,
    noisy_inputs,
    read_panel,
)
from cofire.studies.larval_olfaction.teacher import Teacher
from cofire.studies.larval_olfaction.wiring import shuffled_counts, shuffled_gaps


@dataclass(frozen=True, slots=True)
class Material:
    """Odors and contact counts as they were read.

    Attributes
    ----------
    panel : OdorPanel
    counts : mapping of str to ndarray (n_pre, n_post)
    """

    panel: OdorPanel
    counts: Mapping[str, AnyArray]

    @classmethod
    def load(cls, folder: str | Path, config: OlfactionConfig | None = None) -> Material:
        """Read the prepared data set, or what the settings name in place of its parts.

        Raises
        ------
        RecordingError
            A file is missing or damaged.
        InvalidArgumentError
            An odor is not in the panel.
        """
        chosen = config or OlfactionConfig()
        panel = load_panel(folder)
        if chosen.panel is not None:
            panel = read_panel(chosen.panel, panel.receptors, units=chosen.panel_units)
        if chosen.odors is not None:
            unknown = [name for name in chosen.odors if name not in panel.odors]
            if unknown:
                raise InvalidArgumentError(
                    f"odors: {unknown[0]!r} is not in the panel; it has {', '.join(panel.odors)}"
                )
            kept = [i for i, name in enumerate(panel.odors) if not i or name in chosen.odors]
            panel = panel.select(kept)
            if panel.n_odors < 2:
                raise InvalidArgumentError("odors: name at least one beside the baseline")
        if chosen.connectome is None:
            return cls(panel, read_counts(folder))
        matrices = larval_olfactory_matrices(read_winding2023(chosen.connectome))
        return cls(panel, {name: m for name, m in matrices.items() if "_to_" in name})

    def __repr__(self) -> str:
        return f"Material({self.panel!r}, {len(self.counts)} matrices)"


@dataclass(frozen=True, slots=True)
class Setup:
    """One training or evaluation: what is trained, on what, from which seed.

    Attributes
    ----------
    panel : OdorPanel
        Of this task.
    counts : mapping of str to ndarray
        Of this wiring.
    condition : Condition
    seed : int
    config : OlfactionConfig
    """

    panel: OdorPanel
    counts: Mapping[str, AnyArray]
    condition: Condition
    seed: int
    config: OlfactionConfig

    @classmethod
    def make(
        cls, material: Material, condition: Condition, seed: int, config: OlfactionConfig
    ) -> Setup:
        """Draw the odors and shuffle the wiring as the condition says."""
        panel, counts = material.panel, material.counts
        if condition.n_odors is not None:
            panel = draw_odors(panel, condition.n_odors, seed)
        if condition.shuffled:
            counts = shuffled_counts(counts, seed, kind=config.shuffle)
        return cls(panel, counts, condition, seed, config)

    @property
    def label(self) -> str:
        """Condition and seed, for messages."""
        return f"{self.condition.name} seed {self.seed}"

    def teacher(self, generator: torch.Generator | None = None) -> Teacher:
        """Make the rate model."""
        return Teacher(
            self.counts,
            self.panel.n_odors,
            receptors=receptor_of_orn(self.config.receptor_map),
            generator=generator,
        )

    def network(
        self,
        parameters: Mapping[str, AnyArray] | None = None,
        *,
        noise: Mapping[str, float] = PAPER_NOISE,
    ) -> OlfactoryNetwork:
        """Make the spiking network (float32).

        Parameters
        ----------
        parameters : mapping of str to ndarray, optional
            By published names; default untrained.
        noise : mapping of str to float
            Levels of the noise sources.
        """
        plan = olfactory_plan(
            self.counts,
            quantile=self.condition.quantile,
            ln_orn="registered" if self.config.registered else "asused",
            noise=noise,
        )
        if self.condition.shuffled and self.config.shuffle == "older":
            plan = shuffled_gaps(plan, self.seed)
        network = OlfactoryNetwork(
            plan,
            or_map=self.config.receptor_map,
            n_odors=self.panel.n_odors,
            dtype=torch.float32,
        )
        if parameters is not None:
            network.load_published(parameters)
        return network

    def noisy(self, n_trials: int, rng: np.random.Generator) -> Float32Array:
        """Noisy trials of every odor (n_odors, n_trials, n_receptors)."""
        return noisy_inputs(self.panel.responses, n_trials, self.config.input_noise, rng)

    def evaluated(self, config: OlfactionConfig) -> Setup:
        """Return the same with other settings."""
        return replace(self, config=config)

    def key(self) -> dict[str, Any]:
        """Everything that decides the trained parameters, as plain values."""
        return {
            "condition": self.condition.to_dict(),
            "seed": self.seed,
            "settings": self.config.training(),
            "odors": _digest({"responses": self.panel.responses}),
            "wiring": _digest(self.counts),
        }


def _digest(arrays: Mapping[str, AnyArray]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.shape} {array.dtype.str}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
