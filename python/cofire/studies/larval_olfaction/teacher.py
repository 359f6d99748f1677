"""The rate model that a spiking network starts from: receptors to decoder in a few products."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cofire._validate import AnyArray
from cofire.errors import InvalidArgumentError

MATRICES = {
    "orn_pn": "orn_to_pn_ad",
    "orn_ln": "orn_to_ln_ad",
    "ln_pn": "ln_to_pn_ad",
    "pn_kc": "pn_to_kc_ad",
    "kc_apl": "kc_to_apl_ad",
    "apl_kc": "apl_to_kc_ad",
}
"""Pathways of the teacher and the count matrices behind them."""

PUBLISHED = {
    "or_gains": "or_to_orn.or_gains",
    "pn_threshold": "antennal_lobe.pn_threshold",
    "kc_threshold": "kc_layer.kc_threshold",
    "apl_gain": "kc_layer.apl.apl_gain",
    "strength_orn_pn": "antennal_lobe.orn_pn.strengths",
    "strength_ln_pn": "antennal_lobe.ln_pn.strengths",
    "strength_orn_ln": "antennal_lobe.orn_ln.strengths",
    "strength_pn_kc": "kc_layer.pn_kc.strengths",
    "strength_kc_apl": "kc_layer.apl.kc_apl.strengths",
    "strength_apl_kc": "kc_layer.apl.apl_kc.strengths",
    "decoder_weight": "decoder.weight",
    "decoder_bias": "decoder.bias",
}
"""Parameters of the teacher and their names in published files."""

_INHIBITION_STEPS = 3
_TARGET_ACTIVITY = 0.10
_SPARSITY_WEIGHT = 2.0


class Teacher(nn.Module):
    """Rate model of the olfactory pathway with one strength per pathway.

    With ``o`` the receptors' drive (twice, left and right), ``N`` count matrices divided by their
    maximum and ``sp`` the softplus::

        ln = relu(o W_orn_ln),  pn = relu(o W_orn_pn - ln W_ln_pn - pn_threshold),  e = pn W_pn_kc
        k = e; three times: k = e - relu(relu(k - kc_threshold) W_kc_apl) sp(apl_gain) W_apl_kc
        logits = decoder(relu(k - kc_threshold)),   W = sp(strength) N

    Parameters
    ----------
    matrices : mapping of str to ndarray
        Contact counts, rows presynaptic, by the names in :data:`MATRICES`.
    n_odors : int
    receptors : ndarray (n_orn,), optional
        Receptor of each ORN; default 0, 0, 1, 1, ...
    generator : torch.Generator, optional
        Draws the decoder as torch's linear layer would.
    dtype : torch.dtype
    """

    def __init__(
        self,
        matrices: Mapping[str, AnyArray],
        n_odors: int,
        *,
        receptors: AnyArray | None = None,
        generator: torch.Generator | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        for name, source in MATRICES.items():
            counts = np.asarray(matrices[source], dtype=np.float64)
            if not counts.max(initial=0) > 0:
                raise InvalidArgumentError(f"matrix {source} holds no contact")
            self.register_buffer(
                f"counts_{name}", torch.as_tensor(counts / counts.max(), dtype=dtype)
            )
        n_orn, n_pn = np.shape(matrices["orn_to_pn_ad"])
        n_kc = np.shape(matrices["pn_to_kc_ad"])[1]
        pairs = np.arange(n_orn) // 2 if receptors is None else np.asarray(receptors)
        self.register_buffer("receptors", torch.as_tensor(pairs, dtype=torch.int64))
        self.or_gains = nn.Parameter(torch.ones(int(pairs.max()) + 1, dtype=dtype))
        for name in MATRICES:
            self.register_parameter(
                f"strength_{name}", nn.Parameter(torch.tensor(0.1, dtype=dtype))
            )
        self.pn_threshold = nn.Parameter(torch.zeros(n_pn, dtype=dtype))
        self.kc_threshold = nn.Parameter(torch.zeros(n_kc, dtype=dtype))
        self.apl_gain = nn.Parameter(torch.tensor(1.0, dtype=dtype))
        bound = 1.0 / math.sqrt(n_kc)
        self.decoder_weight, self.decoder_bias = (
            nn.Parameter(
                torch.empty(shape, dtype=dtype).uniform_(-bound, bound, generator=generator)
            )
            for shape in ((n_odors, n_kc), (n_odors,))
        )

    def forward(self, odors: Tensor) -> tuple[Tensor, Tensor]:
        """Run the model on receptor responses.

        Parameters
        ----------
        odors : Tensor (batch, n_receptors)

        Returns
        -------
        (Tensor (batch, n_odors), Tensor (batch, n_kc))
            Logits and KC rates.
        """
        drive = (odors * F.softplus(self.or_gains))[:, self.get_buffer("receptors")]
        ln = F.relu(self._through("orn_ln", drive))
        pn = F.relu(self._through("orn_pn", drive) - self._through("ln_pn", ln) - self.pn_threshold)
        excitation = self._through("pn_kc", pn)
        to_apl = self._weights("kc_apl")
        from_apl = self._weights("apl_kc") * F.softplus(self.apl_gain)
        kc = excitation
        for _ in range(_INHIBITION_STEPS):
            apl = F.relu(F.relu(kc - self.kc_threshold) @ to_apl)
            kc = excitation - apl @ from_apl
        kc = F.relu(kc - self.kc_threshold)
        return F.linear(kc, self.decoder_weight, self.decoder_bias), kc

    def _weights(self, name: str) -> Tensor:
        return self.get_buffer(f"counts_{name}") * self._strength(name)

    def _through(self, name: str, rates: Tensor) -> Tensor:
        return (rates @ self.get_buffer(f"counts_{name}")) * self._strength(name)

    def _strength(self, name: str) -> Tensor:
        return F.softplus(self.get_parameter(f"strength_{name}"))

    def published_parameters(self) -> dict[str, nn.Parameter]:
        """Parameters by the names of published files, in a fixed order."""
        return {name: getattr(self, own) for own, name in PUBLISHED.items()}

    def load_published(self, values: Mapping[str, AnyArray]) -> None:
        """Take over parameters by the names of published files."""
        own = self.published_parameters()
        missing = [name for name in own if name not in values]
        if missing:
            raise InvalidArgumentError(f"teacher parameters are missing: {', '.join(missing)}")
        with torch.no_grad():
            for name, parameter in own.items():
                array = np.asarray(values[name])
                if array.shape != tuple(parameter.shape):
                    raise InvalidArgumentError(
                        f"{name} must have shape {tuple(parameter.shape)}, got {array.shape}"
                    )
                parameter.copy_(torch.as_tensor(array))


def teacher_loss(logits: Tensor, kc: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy and ``2 (mean sigmoid(10 kc) - 0.10)^2``.

    The sigmoid of a silent cell is 0.5, so the second term can only push activity down.
    """
    activity = torch.sigmoid(10.0 * kc).mean()
    penalty = _SPARSITY_WEIGHT * (activity - _TARGET_ACTIVITY) ** 2
    return F.cross_entropy(logits, labels) + penalty
