"""Can a spiking network with the wiring of the larval olfactory pathway tell odors apart?

Receptor responses drive receptor neurons; local and projection neurons of the antennal lobe, then
Kenyon cells with a feedback loop through APL follow; a linear readout of the Kenyon cells' spike
counts names the odor. 449 values of the network and the readout are learned.
"""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cofire._validate import AnyArray, integer, one_of, real
from cofire.errors import InvalidArgumentError, InvalidTypeError
from cofire.io.kreher2008 import RECEPTORS
from cofire.nn import olfactory_wiring as wiring
from cofire.nn.layout import Slot
from cofire.nn.network import SpikingNetwork
from cofire.nn.packing import softplus
from cofire.nn.plan import NetworkPlan

MODES = ("eval", "soft", "superspike", "slayer", "fast_sigmoid", "arctan")
ABLATIONS = ("apl", "gaps", "std", "nonad")

BOUNDS: dict[str, tuple[float, float]] = {
    "orn.tau_m": (0.005, 0.050),
    "ln.tau_m": (0.005, 0.050),
    "pn.tau_m": (0.005, 0.050),
    "apl.tau_m": (0.010, 0.050),
    "v_th": (-0.055, -0.030),
    "g_soma": (1e-9, 20e-9),
    "strength": (1e-12, 1e-7),
    "kc_kc_aa.strength": (1e-12, 1e-8),
    "kc_kc_ad.strength": (1e-12, 1e-8),
    "pn_kc_nonad.strength": (1e-12, 1e-8),
    "tau_rec": (0.020, 2.0),
    "use": (0.05, 0.8),
}
"""Limits of the learned physical values (s, V, S, A)."""

_TRANSFORMS: dict[str, str | tuple[str, float]] = {
    "kc_kc_dd": ("softplus", wiring.RELEASE_SCALE),
    "kc_kc_da": ("softplus", wiring.RELEASE_SCALE),
    "kc_apl": "exp",
}


class OlfactoryOutput(NamedTuple):
    """What the network makes of a batch of odors.

    Attributes
    ----------
    logits : tensor (batch, n_odors)
    kc_count, pn_count, orn_count, ln_count : tensor (batch, n)
        Spikes over all steps.
    sparsity : tensor ()
        Share of Kenyon cells with any spike, over the batch.
    n_steps : int
    spikes : dict of str to tensor (batch, n_steps, n), or None
        By population ("orn", "ln", "pn", "kc"), if recorded.
    voltages : dict of str to tensor (batch, n_steps, n), or None
        V, after reset: "orn", "ln", "pn", "kc_dendrite", "kc_axon"; "apl" is its activity.
    """

    logits: Tensor
    kc_count: Tensor
    pn_count: Tensor
    orn_count: Tensor
    ln_count: Tensor
    sparsity: Tensor
    n_steps: int
    spikes: dict[str, Tensor] | None = None
    voltages: dict[str, Tensor] | None = None


class OlfactoryNetwork(nn.Module):
    """Spiking model of the larval olfactory pathway.

    Parameters
    ----------
    plan : NetworkPlan
        Of :func:`cofire.nn.olfactory_wiring.olfactory_plan`.
    or_map : {"positional", "identity"}
        Which receptor drives which neuron: as published, or by the identity of the pairs.
    n_odors : int
        Number of classes of the readout.
    dtype : torch.dtype

    Attributes
    ----------
    network : SpikingNetwork
        Time constants, thresholds, strengths, conductances, gains.
    or_gains : Parameter (21,)
        Softplus of it multiplies the response of each receptor.
    log_or_gain : Parameter ()
        Logarithm of the current (A) per unit of response.
    decoder : torch.nn.Linear
        Readout of the spike counts per step.

    References
    ----------
    Winding et al. 2023, doi:10.1126/science.add9330; Kreher et al. 2008,
    doi:10.1016/j.neuron.2008.06.010
    """

    def __init__(
        self,
        plan: NetworkPlan,
        *,
        or_map: str = "positional",
        n_odors: int = 28,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        self.network = SpikingNetwork(plan, transforms=_TRANSFORMS, bounds=BOUNDS, dtype=dtype)
        n_receptors = len(RECEPTORS)
        self.or_gains = nn.Parameter(torch.ones(n_receptors, dtype=dtype))
        self.log_or_gain = nn.Parameter(torch.tensor(math.log(5e-10), dtype=dtype))
        n_kc = plan.population("kc").n
        self.decoder = nn.Linear(n_kc, integer(n_odors, "n_odors", 1), dtype=dtype)
        receptor = torch.from_numpy(wiring.receptor_of_orn(or_map))
        self.register_buffer("_receptor", receptor, persistent=False)
        self._ablated: dict[frozenset[str], SpikingNetwork] = {}

    @classmethod
    def from_data(
        cls,
        folder: str | os.PathLike[str] | None,
        dtype: torch.dtype = torch.float64,
        *,
        quantile: float = 0.33,
        or_map: str = "positional",
        ln_orn: str = "asused",
        counts: Mapping[str, AnyArray] | None = None,
        noise: Mapping[str, float] = wiring.PAPER_NOISE,
        n_odors: int = 28,
    ) -> OlfactoryNetwork:
        """Make an untrained network with the wiring of the prepared data set.

        Parameters
        ----------
        folder : path or None
            Folder with ``larval_olfaction.npz``; None: all matrices are in `counts`.
        dtype : torch.dtype
            float32 is faster, float64 follows published numbers to all digits.
        quantile : float
            Of the excitatory share of local neurons, see
            :func:`cofire.io.larval_olfaction.excitatory_local_neurons`.
        or_map : {"positional", "identity"}
        ln_orn : {"asused", "registered"}
            See :func:`cofire.nn.olfactory_wiring.olfactory_plan`.
        counts : mapping of str to array, optional
            Matrices that replace those of the folder, for example shuffled ones, or those that
            :func:`cofire.io.larval_olfactory_matrices` makes from the whole connectome.
        noise : mapping of str to float
            Levels of the noise sources.
        n_odors : int
            Number of classes of the readout.

        Raises
        ------
        RecordingNotFoundError
            There is no such data set; the message says where to get it.
        """
        read = {} if folder is None else wiring.read_counts(folder)
        matrices = {**read, **(counts or {})}
        plan = wiring.olfactory_plan(matrices, quantile=quantile, ln_orn=ln_orn, noise=noise)
        return cls(plan, or_map=or_map, n_odors=n_odors, dtype=dtype)

    def forward(
        self,
        or_input: Tensor,
        mode: str = "eval",
        noise: bool | Tensor = False,
        seed: int = 0,
        n_steps: int = 30,
        ablate: Collection[str] = (),
        kc_inject: float = 0.0,
        apl_inject: float = 0.0,
        *,
        record: Collection[str] = (),
        threads: int | None = None,
    ) -> OlfactoryOutput:
        """Run the network on a batch of odors.

        Parameters
        ----------
        or_input : tensor (batch, 21)
            Normalized responses of the receptors, constant over the steps.
        mode : {"eval", "soft", "superspike", "slayer", "fast_sigmoid", "arctan"}
            "eval" fires without a gradient; in the others receptor, local and projection neurons
            are soft and the Kenyon cells have the named spike function.
        noise : bool or tensor (batch, n_steps, n_noise)
            True draws the noise of `seed`.
        seed : int
        n_steps : int
            Of 1 ms.
        ablate : collection of {"apl", "gaps", "std", "nonad"}
            No division by APL; no gap junctions; no short-term depression; no synapses of other
            types than axon to dendrite.
        kc_inject : float, A
            Into the dendrites of all Kenyon cells.
        apl_inject : float
            Added to the activity of APL in each step.
        record : collection of {"spikes", "voltages"}
        threads : int, optional
        """
        one_of(mode, "mode", MODES)
        plan = self.network.plan
        simulated = self._variant(ablate)(
            self.drive(or_input, kc_inject, apl_inject),
            n_steps=n_steps,
            spike=_spike(mode),
            noise=noise if isinstance(noise, Tensor) else None,
            seed=seed if noise is True else None,
            record=record,
            threads=threads,
        )
        count = _by_population(simulated.counts, plan.spike_layout)
        return OlfactoryOutput(
            logits=self.decoder(count["kc"] / n_steps),
            **{f"{name}_count": value for name, value in count.items()},
            sparsity=(count["kc"] > 0).to(count["kc"].dtype).mean(),
            n_steps=n_steps,
            spikes=_by_population(simulated.spikes, plan.spike_layout),
            voltages=_by_population(simulated.voltages, plan.voltage_layout),
        )

    def drive(self, or_input: Tensor, kc_inject: float = 0.0, apl_inject: float = 0.0) -> Tensor:
        """Input of all neurons during odors, as :attr:`network` takes it.

        Parameters
        ----------
        or_input : tensor (batch, 21)
        kc_inject : float, A
        apl_inject : float

        Returns
        -------
        tensor (batch, n_all)
        """
        _check_input(or_input, self.or_gains)
        plan = self.network.plan
        response = or_input.to(self.or_gains.dtype) * softplus(self.or_gains)
        receptor: Tensor = self.get_buffer("_receptor")
        drive = {"orn": response[:, receptor] * torch.exp(self.log_or_gain)}
        for name, current in (("kc", kc_inject), ("apl", apl_inject)):
            if real(current, f"{name}_inject"):
                shape = len(or_input), plan.population(name).n
                drive[name] = response.new_full(shape, float(current))
        return self.network.join_drive(drive)

    def published_parameters(self) -> dict[str, nn.Parameter]:
        """Parameters by the names of the published model."""
        return {
            name: getattr(self, place) if isinstance(place, str) else self._look_up(*place)
            for name, place in _PUBLISHED.items()
        } | {
            "decoder.weight": self.decoder.weight,
            "decoder.bias": self.decoder.bias,
        }

    @torch.no_grad()
    def load_published(self, values: Mapping[str, Any]) -> None:
        """Take the parameters of a published model.

        Parameters
        ----------
        values : mapping of str to array or tensor
            Every name of :meth:`published_parameters`, with its shape.

        Raises
        ------
        InvalidArgumentError
            A name is missing or unknown, a shape differs, or a value is not finite.
        """
        wanted = self.published_parameters()
        missing, unknown = sorted(set(wanted) - set(values)), sorted(set(values) - set(wanted))
        if missing or unknown:
            raise InvalidArgumentError(
                f"published parameters do not fit: missing {', '.join(missing) or 'none'}; "
                f"unknown {', '.join(unknown) or 'none'}"
            )
        tensors = {name: torch.as_tensor(value) for name, value in values.items()}
        for name, value in tensors.items():
            if value.shape != wanted[name].shape:
                raise InvalidArgumentError(
                    f"{name} must have shape {tuple(wanted[name].shape)}, got {tuple(value.shape)}"
                )
            if not bool(torch.isfinite(value).all()):
                raise InvalidArgumentError(f"{name} must be finite")
        for name, value in tensors.items():
            wanted[name].copy_(value)

    def clamp_(self) -> None:
        """Bring all parameters back into the bounds of the published study."""
        self.network.clamp_()

    def parameter_groups(
        self, lr: float, multipliers: Mapping[str, float] | None = None
    ) -> list[dict[str, Any]]:
        """Parameter groups for an optimizer, with the learning rates of the published study.

        Parameters
        ----------
        lr : float
            Of a multiplier 1.
        multipliers : mapping of str to float, optional
            Other multipliers, by published name or the beginning of one (``"kc_layer.apl"``).

        Returns
        -------
        list of dict
            One group per learning rate: params, lr, names.
        """
        parameters = self.published_parameters()
        chosen = {name: _multiplier(name) for name in parameters}
        for beginning, multiplier in (multipliers or {}).items():
            hit = [name for name in parameters if name.startswith(beginning)]
            if not hit:
                raise InvalidArgumentError(f"no parameter begins with {beginning!r}")
            chosen |= dict.fromkeys(hit, real(multiplier, f"multipliers[{beginning!r}]"))
        groups: dict[float, dict[str, Any]] = {}
        for name, multiplier in chosen.items():
            empty = {"params": [], "lr": lr * multiplier, "names": []}
            group = groups.setdefault(multiplier, empty)
            group["params"].append(parameters[name])
            group["names"].append(name)
        return list(groups.values())

    def _look_up(self, owner: str, quantity: str) -> nn.Parameter:
        return self.network.parameter(owner, quantity)

    def _variant(self, ablate: Collection[str]) -> SpikingNetwork:
        """The network, or an ablated one that shares its parameters."""
        if isinstance(ablate, str):
            raise InvalidTypeError(f"ablate must be a tuple of names, got {ablate!r}")
        names = frozenset(ablate)
        for name in names:
            one_of(name, "ablate", ABLATIONS)
        if not names:
            return self.network
        if names not in self._ablated:
            self._ablated[names] = self.network.with_plan(_ablated(self.network.plan, names))
        return self._ablated[names]


def olfactory_loss(out: OlfactoryOutput, labels: Tensor, sparsity_weight: float = 0.0) -> Tensor:
    """Cross-entropy plus a penalty on the activity of the Kenyon cells.

    ``CE + sparsity_weight * (mean sigmoid(50 (count / n_steps - 0.02)) - 0.05)^2``, the mean over
    batch and cells.

    Parameters
    ----------
    out : OlfactoryOutput
    labels : tensor (batch,) int64
    sparsity_weight : float

    Returns
    -------
    tensor ()
    """
    loss = F.cross_entropy(out.logits, labels)
    if sparsity_weight == 0:
        return loss
    active = torch.sigmoid(50 * (out.kc_count / out.n_steps - 0.02)).mean()
    return loss + sparsity_weight * (active - 0.05) ** 2


def _published_places() -> dict[str, str | tuple[str, str]]:
    """Published name of each parameter: where it is kept here (owner and quantity)."""
    places: dict[str, str | tuple[str, str]] = {"or_to_orn.or_gains": "or_gains"}
    places |= {f"antennal_lobe.log_g_{gap}": (gap, "conductance") for gap in wiring.GAPS}
    places["antennal_lobe.log_or_gain"] = "log_or_gain"
    for name in ("orn", "ln", "pn"):
        places[f"antennal_lobe.{name}_neurons.log_tau_m"] = (name, "tau_m")
        places[f"antennal_lobe.{name}_neurons.v_th"] = (name, "v_th")
    for name in wiring.SYNAPSES:
        layer = "kc_layer" if name in wiring.KC_SYNAPSES else "antennal_lobe"
        places[f"{layer}.{name}.log_strength"] = (name, "strength")
        places[f"{layer}.{name}.log_tau_rec"] = (name, "tau_rec")
        places[f"{layer}.{name}.logit_U"] = (name, "use")
    return places | {
        "kc_layer.kc_neurons.v_th": ("kc", "v_th"),
        "kc_layer.kc_neurons.log_g_soma": ("kc", "g_soma"),
        "kc_layer.kc_kc_dd_gain": ("kc_kc_dd", "conductance"),
        "kc_layer.kc_kc_da_gain": ("kc_kc_da", "conductance"),
        "kc_layer.apl.kc_apl_log_strength": ("kc_apl", "gain"),
        "kc_layer.apl.kc_dend_gain": ("kc_apl_da", "gain"),
        "kc_layer.apl.apl_gain": (wiring.DIVISION, "gain"),
        "kc_layer.apl.log_tau_apl": ("apl", "tau_m"),
    }


_PUBLISHED = _published_places()
_MULTIPLIERS = {
    "or_gains": 0.5,
    "v_th": 0.01,
    "log_or_gain": 0.2,
    "log_tau_m": 0.2,
    "log_g_gap_ln": 0.2,
    "log_g_gap_pn": 0.2,
    "log_g_gap_eln_pn": 0.2,
    "log_tau_rec": 0.1,
    "logit_U": 0.1,
    "log_g_soma": 0.1,
    "kc_kc_dd_gain": 0.1,
    "kc_kc_da_gain": 0.1,
    "kc_apl_log_strength": 4.0,
    "kc_dend_gain": 4.0,
    "apl_gain": 4.0,
    "log_tau_apl": 0.05,
    "weight": 1.0,
    "bias": 1.0,
}
_STRENGTH_MULTIPLIERS = {"pn_kc": 4.0, "kc_kc_aa": 0.1, "kc_kc_ad": 0.1}


def _multiplier(name: str) -> float:
    """Learning rate of a parameter relative to that of the decoder."""
    *_, owner, leaf = name.split(".")
    if leaf != "log_strength":
        return _MULTIPLIERS[leaf]
    return _STRENGTH_MULTIPLIERS.get(owner, 0.05 if owner.endswith("_nonad") else 0.2)


def _spike(mode: str) -> str | dict[str, str]:
    if mode == "eval":
        return "hard"
    return {"orn": "soft", "ln": "soft", "pn": "soft", "kc": mode}


def _ablated(plan: NetworkPlan, names: Collection[str]) -> NetworkPlan:
    dropped: list[str] = []
    if "apl" in names:
        dropped.append(wiring.DIVISION)
    if "gaps" in names:
        dropped += wiring.GAPS
    if "nonad" in names:
        dropped += [name for name in wiring.SYNAPSES if name.endswith("_nonad")]
    plan = plan.without(*dropped)
    if "std" in names:
        plan = plan.without_depression()
    return plan


def _by_population(values: Any, slots: list[Slot]) -> Any:
    """Split the last axis; names as in :class:`OlfactoryOutput`."""
    if values is None:
        return None
    return {
        s.owner + s.field.removeprefix("v") if s.field.startswith("v_") else s.owner: values[
            ..., s.start : s.stop
        ]
        for s in slots
    }


def _check_input(or_input: Tensor, like: Tensor) -> None:
    if not isinstance(or_input, Tensor):
        raise InvalidTypeError(f"or_input must be a tensor, got {type(or_input).__name__}")
    if or_input.ndim != 2 or or_input.shape[1] != len(like):
        raise InvalidArgumentError(
            f"or_input must be (batch, {len(like)}), got {tuple(or_input.shape)}"
        )
    if or_input.device != like.device:
        raise InvalidArgumentError(
            f"or_input is on {or_input.device} and the network on {like.device}; move one with "
            ".to(device)"
        )
    if not bool(torch.isfinite(or_input).all()):
        row, column = (~torch.isfinite(or_input)).nonzero()[0].tolist()
        raise InvalidArgumentError(
            f"or_input must be finite: [{row}, {column}] is {or_input[row, column].item()}"
        )
