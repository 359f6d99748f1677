"""What can go wrong, as exception classes.

Everything cofire raises on purpose is a :class:`CofireError`. Errors about arguments are also
``ValueError`` or ``TypeError``, so code written for NumPy-like libraries keeps working.
Messages name the argument, the place and the remedy.
"""

from __future__ import annotations


class CofireError(Exception):
    """Base class of every error that cofire raises on purpose."""


class InvalidArgumentError(CofireError, ValueError):
    """An argument has the wrong value or shape."""


class InvalidTypeError(CofireError, TypeError):
    """An argument has a type that cannot be converted."""


class MissingExtraError(CofireError, ImportError):
    """An optional dependency is not installed; the message holds the pip line."""


class TrainingError(CofireError):
    """Training cannot go on; the message names the step and the parameters."""


class ConvergenceWarning(UserWarning):
    """An iterative method stopped at its iteration limit."""


class DataWarning(UserWarning):
    """Data are legal but look wrong (for example times that look like samples)."""


class NoAssemblyWarning(UserWarning):
    """The activity holds no significant assembly; the result is empty."""


class RecordingError(CofireError):
    """A recording, or a file that should hold one, cannot be used."""


class RecordingNotFoundError(RecordingError, FileNotFoundError):
    """There is no such file or folder."""


class FileFormatError(RecordingError):
    """Not the file format that was expected, or a truncated file."""


class UnsupportedVersionError(RecordingError):
    """A version of a file format that cofire does not read."""


class MissingDataError(RecordingError):
    """The recording lacks what was asked for; the message lists what it has."""


class RaggedIndexError(RecordingError):
    """The index of a ragged column does not fit its data."""


class SpikeTimeError(RecordingError, ValueError):
    """Spike times are not finite, not sorted or not plausible."""


class DuplicateIdError(RecordingError, ValueError):
    """Two units (or electrodes) carry the same id."""


class ConnectomeError(RecordingError, ValueError):
    """Synapses, cells or matrices of a connectome hold values that cannot be right."""


class JoinError(RecordingError):
    """A row refers to an id that does not exist."""


class SeriesError(RecordingError):
    """A time series has timestamps that do not increase or do not fit its data."""


class TrialError(RecordingError):
    """A trial contradicts itself."""


class IdPrecisionError(RecordingError, ValueError):
    """64-bit ids went through floating point and lost digits."""


class TooLargeError(RecordingError, ValueError):
    """The result or the data set declared by a file would not fit into memory."""


class ExternalDataError(RecordingError):
    """A file points to data outside itself, which is refused unless allowed."""
