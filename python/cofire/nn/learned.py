"""Modules that keep learnable raw parameters and speak of physical values."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from cofire._validate import positive
from cofire.errors import InvalidArgumentError
from cofire.nn.packing import Raw, raw_of


class Learned(nn.Module):
    """Module with raw parameters for physical values."""

    def __init__(self, dt: float, dtype: torch.dtype | None) -> None:
        super().__init__()
        self.dt = positive(dt, "dt", "s")
        self._dtype = dtype or torch.get_default_dtype()
        self._raws: dict[str, Raw] = {}

    def learn(self, field: str, value: Any) -> None:
        """Keep a field of theta as a raw parameter that starts at a physical value.

        Parameters
        ----------
        field : str
            For example "decay".
        value : float or array
        """
        raw = raw_of(field)
        data = torch.from_numpy(np.array(raw.inverse(value, type(self).__name__)))
        self.register_parameter(raw.name, nn.Parameter(data.to(self._dtype)))
        self._raws[raw.quantity] = raw

    def value(self, quantity: str) -> Tensor:
        """Physical value of a parameter (s, V, A, S), differentiable.

        Parameters
        ----------
        quantity : str
            For example "tau_m".
        """
        if quantity not in self._raws:
            raise InvalidArgumentError(
                f"{type(self).__name__} has no {quantity!r}; it has {', '.join(self._raws)}"
            )
        raw = self._raws[quantity]
        return raw.physical(self.get_parameter(raw.name))

    def values(self) -> dict[str, Any]:
        """Physical values by quantity, as numbers and arrays."""
        arrays = {q: self.value(q).detach().to("cpu", torch.float64).numpy() for q in self._raws}
        return {q: array if array.ndim else float(array) for q, array in arrays.items()}
