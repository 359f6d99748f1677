"""
Compiled kernels of cofire. Strict about dtype and layout; use the public functions.
"""
from __future__ import annotations
import numpy
import numpy.typing
import typing
def bin_spikes_f32(times: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], starts: numpy.typing.NDArray[numpy.float64], stops: numpy.typing.NDArray[numpy.float64], steps: numpy.typing.NDArray[numpy.float64], bin_offsets: numpy.typing.NDArray[numpy.int64], n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.float32]:
    """
    Spike counts (units, bins) on a bin grid.
    """
def bin_spikes_f64(times: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], starts: numpy.typing.NDArray[numpy.float64], stops: numpy.typing.NDArray[numpy.float64], steps: numpy.typing.NDArray[numpy.float64], bin_offsets: numpy.typing.NDArray[numpy.int64], n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.float64]:
    """
    Spike counts (units, bins) on a bin grid.
    """
def bin_spikes_i32(times: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], starts: numpy.typing.NDArray[numpy.float64], stops: numpy.typing.NDArray[numpy.float64], steps: numpy.typing.NDArray[numpy.float64], bin_offsets: numpy.typing.NDArray[numpy.int64], n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.int32]:
    """
    Spike counts (units, bins) on a bin grid.
    """
def bin_spikes_u8(times: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], starts: numpy.typing.NDArray[numpy.float64], stops: numpy.typing.NDArray[numpy.float64], steps: numpy.typing.NDArray[numpy.float64], bin_offsets: numpy.typing.NDArray[numpy.int64], n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.uint8]:
    """
    Spike counts (units, bins) on a bin grid.
    """
def correlogram(times: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], bin_width: typing.SupportsFloat | typing.SupportsIndex, half: typing.SupportsInt | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.int64]:
    """
    Lag counts (units, units, 2 * half + 1) of all pairs of units.
    """
def correlogram_pairs(times: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], pairs: numpy.typing.NDArray[numpy.int64], bin_width: typing.SupportsFloat | typing.SupportsIndex, half: typing.SupportsInt | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.int64]:
    """
    Lag counts (pairs, 2 * half + 1).
    """
def cross_corr(t1: numpy.typing.NDArray[numpy.float64], t2: numpy.typing.NDArray[numpy.float64], bin_width: typing.SupportsFloat | typing.SupportsIndex, n_bins: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.int64]:
    """
    Lag counts (n_bins,) of two sorted trains by neuro_py's rule.
    """
def find_bad_spike(times: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], n_threads: typing.SupportsInt | typing.SupportsIndex) -> tuple[str, int, int] | None:
    """
    None, or (fault, unit, index) of the first spike that is not finite or out of order.
    """
def restrict(times: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], intervals: numpy.typing.NDArray[numpy.float64], n_threads: typing.SupportsInt | typing.SupportsIndex) -> tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.int64]]:
    """
    (times, offsets) of the spikes inside disjoint sorted intervals [start, stop).
    """
def skew_bias(times: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], units: numpy.typing.NDArray[numpy.int64], n_units: typing.SupportsInt | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.float64]:
    """
    Skew-bias matrix (events, units, units) of the sorted spikes of each event.
    """
__version__: str = '0.1.0'
