"""Can the strengths of pathways be read from spikes? Known ones, and training from elsewhere."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from cofire._optional import plotter
from cofire._validate import BoolArray, FloatArray, integer, positive
from cofire.errors import InvalidArgumentError, TrainingError
from cofire.nn import NetworkPlan, OlfactoryNetwork, SpikingNetwork
from cofire.studies.larval_olfaction.data import OdorPanel, noisy_inputs
from cofire.studies.larval_olfaction.open_loop import open_loop, open_loop_drive, open_loop_spike

if TYPE_CHECKING:
    import pandas as pd

AMPLITUDES = {
    "synapse": "strength",
    "gap": "conductance",
    "release": "conductance",
    "rate": "gain",
    "depolarization": "gain",
    "divisive": "gain",
}
"""The quantity of each kind of pathway that is recovered."""

FACTOR = 1.5
"""Change of one value by which its sensitivity is measured."""


@dataclass(frozen=True, slots=True)
class ParameterRecovery:
    """Amplitudes of pathways that made spikes, and what training made of other ones.

    Attributes
    ----------
    pathways : tuple of str
    quantities : tuple of str
        "strength" (A), "conductance" (S) or "gain" of each pathway.
    true : ndarray (n,)
        In the network that made the data.
    start, recovered : ndarray (n_starts, n)
        Before and after training.
    loss : ndarray (n_starts, n_updates)
        Relative squared error of the filtered spikes of the training samples, 1 for silence.
    held_out, held_out_start : ndarray (n_starts,)
        The same of samples that were not trained on, after and before training.
    held_out_true : float
        The same with the true values: 0 without noise, else what noise alone leaves.
    sensitivity : ndarray (n,)
        By how much the held-out error of the true values grows when this one alone is multiplied
        or divided by 1.5 (mean of both).
    identifiable : ndarray (n,) bool
        Whether this is more than the best fit's error exceeds that of the true values, and more
        than twice its standard error over samples. Necessary, not sufficient: values may still
        compensate for each other; then starts end in different places.
    n_train, n_held_out : int
        Samples.
    noise : bool
        Whether the data were made with the noise of the plan.
    """

    pathways: tuple[str, ...]
    quantities: tuple[str, ...]
    true: FloatArray
    start: FloatArray
    recovered: FloatArray
    loss: FloatArray
    held_out: FloatArray
    held_out_start: FloatArray
    held_out_true: float
    sensitivity: FloatArray
    identifiable: BoolArray
    n_train: int
    n_held_out: int
    noise: bool

    @property
    def best(self) -> int:
        """Start with the smallest held-out error."""
        return int(np.argmin(self.held_out))

    @property
    def relative_error(self) -> FloatArray:
        """``recovered / true - 1``, (n_starts, n)."""
        error: FloatArray = self.recovered / self.true - 1.0
        return error

    @property
    def share(self) -> float:
        """Share of the start's squared log deviation that training removed.

        ``1 - sum(log(recovered / true)^2) / sum(log(start / true)^2)`` over all starts and the
        identifiable values: 1 if they are found, 0 if nothing is gained; NaN without any.
        """
        chosen = self.identifiable
        before = np.log(self.start / self.true)[:, chosen]
        after = np.log(self.recovered / self.true)[:, chosen]
        if not before.size:
            return float("nan")
        return float(1.0 - (after**2).sum() / (before**2).sum())

    def to_frame(self) -> pd.DataFrame:
        """Table with a row a pathway.

        Columns: pathway, quantity, true, start and recovered (of the best start), relative_error,
        spread (sd of the logarithm over starts), sensitivity, identifiable.
        """
        import pandas as pd

        logs = np.log(self.recovered)
        return pd.DataFrame(
            {
                "pathway": self.pathways,
                "quantity": self.quantities,
                "true": self.true,
                "start": self.start[self.best],
                "recovered": self.recovered[self.best],
                "relative_error": self.relative_error[self.best],
                "spread": logs.std(axis=0, ddof=1) if len(logs) > 1 else np.nan,
                "sensitivity": self.sensitivity,
                "identifiable": self.identifiable,
            }
        )

    def plot(self, **kwargs: Any) -> Any:
        """See :func:`cofire.plot.plot_parameter_recovery`."""
        return plotter("plot_parameter_recovery")(self, **kwargs)

    def __repr__(self) -> str:
        chosen = self.identifiable
        error = np.abs(self.relative_error[self.best, chosen])
        median = f", median error {np.median(error):.1%}" if chosen.any() else ""
        return (
            f"ParameterRecovery({chosen.sum()} of {len(chosen)} values identifiable{median}, "
            f"{len(self.start)} starts)"
        )


def recover_parameters(
    network: SpikingNetwork,
    drive: Tensor,
    *,
    n_steps: int,
    n_starts: int = 3,
    spread: float = 3.0,
    n_updates: int = 150,
    learning_rate: float = 0.05,
    held_out: float = 0.25,
    noise: bool = False,
    spike: str = "superspike",
    tau: float = 0.010,
    rng: int = 0,
    threads: int | None = None,
) -> ParameterRecovery:
    """Make spikes with a network, then find its amplitudes again from elsewhere.

    The data are the spikes of all neurons under a known drive. In training every neuron receives
    the recorded spikes (see :func:`open_loop`), its own are compared with the recorded ones after
    an exponential filter: per population, the squared difference relative to the squared data,
    averaged over the populations that pathways reach (van Rossum 2001). One amplitude per pathway
    is learned, on a logarithmic scale, by Adam with a cosine schedule; everything else is known.

    Parameters
    ----------
    network : SpikingNetwork
        Its present values are the true ones.
    drive : tensor (n_samples, n_all) or (n_samples, n_steps, n_all)
        As of :meth:`SpikingNetwork.forward`; the last samples are held out.
    n_steps : int
    n_starts : int
        Trainings, each from other values.
    spread : float, > 1
        Starts are the true values times ``spread**u``, u uniform from -1 to 1.
    n_updates : int
    learning_rate : float
        Of the logarithms.
    held_out : float, 0 to 1
        Share of samples.
    noise : bool
        Make the data with the noise of the plan; the trained model has none.
    spike : str
        Spike function in training, see :mod:`cofire.nn.surrogates`.
    tau : float, s
        Of the filter.
    rng : int
        Seed of starts and noise.
    threads : int, optional

    Returns
    -------
    ParameterRecovery

    Raises
    ------
    InvalidArgumentError
        Too few samples, a network that is silent under this drive, or strengths by edge.
    TrainingError
        The loss is not finite.

    References
    ----------
    van Rossum 2001, doi:10.1162/089976601300014321; Zenke & Ganguli 2018,
    doi:10.1162/neco_a_01086
    """
    n_test = round(positive(held_out, "held_out") * len(drive))
    if not 0 < n_test < len(drive):
        raise InvalidArgumentError(
            f"held_out leaves {len(drive) - n_test} samples to train on and {n_test} to test; "
            "both need at least one"
        )
    if not positive(spread, "spread") > 1:
        raise InvalidArgumentError(f"spread must be above 1, got {spread!r}")
    data = _Data(network, drive, n_steps, tau, spike, rng if noise else None, threads)
    train, test = slice(0, len(drive) - n_test), slice(len(drive) - n_test, len(drive))
    with torch.no_grad():
        at_truth = data.errors(data.model(), test)
        changes = torch.stack([_change(data, k, test) for k in range(len(data.pathways))])
    changes = changes - at_truth
    generator = np.random.default_rng(rng)
    shifts = generator.uniform(-1.0, 1.0, (integer(n_starts, "n_starts", 1), len(data.pathways)))
    starts = [data.model(shift * math.log(spread)) for shift in shifts]
    first = np.array([data.values(model) for model in starts])
    before = _mean_errors(data, starts, test)
    loss = np.array([_train(data, model, train, n_updates, learning_rate) for model in starts])
    after = _mean_errors(data, starts, test)
    truth = float(at_truth.mean())
    sensitivity = changes.mean(1).double().numpy()
    uncertain = 2 * changes.double().std(1).numpy() / math.sqrt(n_test) if n_test > 1 else 0.0
    return ParameterRecovery(
        pathways=data.pathways,
        quantities=data.quantities,
        true=data.values(data.model()),
        start=first,
        recovered=np.array([data.values(model) for model in starts]),
        loss=loss,
        held_out=after,
        held_out_start=before,
        held_out_true=truth,
        sensitivity=sensitivity,
        identifiable=sensitivity > np.maximum(after.min() - truth, uncertain),
        n_train=len(drive) - n_test,
        n_held_out=n_test,
        noise=noise,
    )


def recover_olfactory_parameters(
    network: OlfactoryNetwork,
    panel: OdorPanel,
    *,
    n_trials: int = 4,
    input_noise: float = 0.3,
    n_steps: int = 30,
    rng: int = 0,
    **options: Any,
) -> ParameterRecovery:
    """Recover the amplitudes of an olfactory network from its spikes during noisy odors.

    Parameters
    ----------
    network : OlfactoryNetwork
        Trained or not; its values are the true ones.
    panel : OdorPanel
    n_trials : int
        Of each odor; the last ones are held out.
    input_noise : float
        Relative sd of the receptor responses.
    n_steps : int
        Of 1 ms.
    rng : int
    **options
        Of :func:`recover_parameters`.

    Returns
    -------
    ParameterRecovery
    """
    inputs = noisy_inputs(panel.responses, n_trials, input_noise, np.random.default_rng(rng))
    by_trial = torch.from_numpy(inputs.swapaxes(0, 1).reshape(-1, inputs.shape[-1]).copy())
    with torch.no_grad():
        drive = network.drive(by_trial)
    return recover_parameters(network.network, drive, n_steps=n_steps, rng=rng, **options)


class _Data:
    """Recorded spikes, and models that predict them."""

    def __init__(
        self,
        network: SpikingNetwork,
        drive: Tensor,
        n_steps: int,
        tau: float,
        spike: str,
        seed: int | None,
        threads: int | None,
    ) -> None:
        closed: NetworkPlan = network.trained_plan()
        each = [w.name for w in closed.pathways if w.per_edge]
        if each:
            raise InvalidArgumentError(
                f"pathways {', '.join(each)} have a strength for each edge; recovery is of one "
                "value a pathway"
            )
        with torch.no_grad():
            made = network(drive, n_steps=n_steps, seed=seed, record=("spikes",), threads=threads)
        self._plan = open_loop(closed)
        self._drive = open_loop_drive(closed, drive, made.spikes)
        self._spike = open_loop_spike(closed, spike)
        self._n_steps, self._threads = n_steps, threads
        lag = torch.arange(n_steps)[:, None] - torch.arange(n_steps)
        decay = torch.exp(-lag.clamp(min=0) * (closed.dt / positive(tau, "tau", "s")))
        self._filter = torch.tril(decay).to(drive.dtype)
        self._target = self._filter @ made.spikes
        reached = {w.post for w in closed.pathways}
        reached |= {w.pre for w in closed.pathways if w.kind == "gap"}
        self._parts = [
            (slice(s.start, s.stop), float(power))
            for s in closed.spike_layout
            if s.owner in reached
            and (power := (self._target[..., s.start : s.stop] ** 2).mean()) > 0
        ]
        if not self._parts:
            raise InvalidArgumentError(
                "no population that pathways reach fires under this drive; make it stronger"
            )
        self._dtype = drive.dtype
        self.pathways = tuple(w.name for w in closed.pathways)
        self.quantities = tuple(AMPLITUDES[w.kind] for w in closed.pathways)

    def model(self, shift: FloatArray | None = None) -> SpikingNetwork:
        """Open loop whose amplitudes are the true ones times ``exp(shift)``."""
        exp = dict.fromkeys(self.pathways, "exp")
        model = SpikingNetwork(self._plan, transforms=exp, dtype=self._dtype)
        if shift is not None:
            with torch.no_grad():
                for parameter, by in zip(self.parameters(model), shift, strict=True):
                    parameter.add_(float(by))
        return model

    def parameters(self, model: SpikingNetwork) -> list[Tensor]:
        """Logarithms of the amplitudes."""
        pairs = zip(self.pathways, self.quantities, strict=True)
        return [model.parameter(name, quantity) for name, quantity in pairs]

    def values(self, model: SpikingNetwork) -> FloatArray:
        """(n,) amplitudes."""
        return np.array([math.exp(float(p.detach())) for p in self.parameters(model)])

    def errors(self, model: SpikingNetwork, samples: slice) -> Tensor:
        """(n_samples,) relative squared error of the filtered spikes."""
        out = model(
            self._drive[samples],
            n_steps=self._n_steps,
            spike=self._spike,
            record=("spikes",),
            threads=self._threads,
        )
        assert out.spikes is not None
        own = out.spikes[..., -self._target.shape[-1] :]
        squares = (self._filter @ own - self._target[samples]) ** 2
        parts = [squares[..., part].mean((1, 2)) / power for part, power in self._parts]
        return torch.stack(parts).mean(0)


def _change(data: _Data, k: int, samples: slice) -> Tensor:
    """Mean error of each sample when amplitude k is multiplied or divided by the factor."""
    shift = np.zeros(len(data.pathways))
    shift[k] = math.log(FACTOR)
    return 0.5 * sum(
        (data.errors(data.model(sign * shift), samples) for sign in (1, -1)), torch.zeros(())
    )


def _mean_errors(data: _Data, models: list[SpikingNetwork], samples: slice) -> FloatArray:
    with torch.no_grad():
        return np.array([float(data.errors(model, samples).mean()) for model in models])


def _train(
    data: _Data, model: SpikingNetwork, samples: slice, n_updates: int, learning_rate: float
) -> list[float]:
    """Loss before each update."""
    parameters = data.parameters(model)
    optimizer = torch.optim.Adam(parameters, lr=learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
        optimizer, integer(n_updates, "n_updates", 1)
    )
    history = []
    for update in range(n_updates):
        optimizer.zero_grad()
        loss = data.errors(model, samples).mean()
        if not bool(torch.isfinite(loss)):
            raise TrainingError(f"loss is {loss.item():g} in update {update + 1} of the recovery")
        loss.backward()  # type: ignore[no-untyped-call]
        # A rare large gradient, where a spike comes or goes, would spoil Adam's averages.
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        schedule.step()
        history.append(loss.item())
    return history
