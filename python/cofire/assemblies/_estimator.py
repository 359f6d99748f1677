"""What makes a detector an estimator: parameters, cloning, a one-line repr."""

from __future__ import annotations

import inspect
from typing import Any, Self

import numpy as np

from cofire._validate import AnyArray, FloatArray, matrix
from cofire.errors import CofireError, InvalidArgumentError


class NotFittedError(CofireError, ValueError, AttributeError):
    """A learned attribute was asked for before ``fit``."""


class Estimator:
    """Base of detectors, cloneable by scikit-learn without importing it.

    Parameters appear in ``__init__`` only and are stored unchanged; what ``fit`` learns ends with
    an underscore.
    """

    @classmethod
    def _parameter_names(cls) -> tuple[str, ...]:
        return tuple(inspect.signature(cls).parameters)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters as a dictionary; `deep` is there for scikit-learn and changes nothing."""
        return {name: getattr(self, name) for name in self._parameter_names()}

    def set_params(self, **params: Any) -> Self:
        """Set parameters by name."""
        names = self._parameter_names()
        for name, value in params.items():
            if name not in names:
                raise InvalidArgumentError(
                    f"{type(self).__name__} has no parameter {name!r}; it has {', '.join(names)}"
                )
            setattr(self, name, value)
        return self

    def _learned(self, name: str) -> Any:
        """Return the attribute `name` that ``fit`` sets, or say that ``fit`` comes first."""
        if name not in self.__dict__:
            raise NotFittedError(
                f"this {type(self).__name__} has no {name} yet; call fit(...) first"
            )
        return self.__dict__[name]

    def __repr__(self) -> str:
        defaults = inspect.signature(type(self)).parameters
        changed = [
            f"{name}={value!r}"
            for name, value in self.get_params().items()
            if not _same(value, defaults[name].default)
        ]
        return f"{type(self).__name__}({', '.join(changed)})"


def _same(a: Any, b: Any) -> bool:
    return a is b or (type(a) is type(b) and isinstance(a, (int, float, str)) and a == b)


def as_bins(x: Any, name: str = "X") -> FloatArray:
    """Rows of binned activity (n_units, n_bins) as float64, from an array or BinnedSpikes."""
    values: AnyArray = matrix(getattr(x, "counts", x), name)
    # One pass in the common case; a sum may also overflow, then every value is looked at.
    with np.errstate(over="ignore", invalid="ignore"):
        suspicious = not np.isfinite(values.sum())
    if suspicious and not np.isfinite(values).all():
        raise InvalidArgumentError(
            f"{name} must be finite; replace NaN and infinite bins or leave those units out"
        )
    return values
