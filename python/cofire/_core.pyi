"""
Compiled kernels of cofire. Strict about dtype and layout; use the public functions.
"""
from __future__ import annotations
import numpy
import numpy.typing
import typing
def activation_f32(patterns: numpy.typing.NDArray[numpy.float32], z: numpy.typing.NDArray[numpy.float32], remove_diagonal: bool, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.float32]:
    """
    Activation (patterns, bins) of a z matrix (units, bins).
    """
def activation_f64(patterns: numpy.typing.NDArray[numpy.float64], z: numpy.typing.NDArray[numpy.float64], remove_diagonal: bool, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.float64]:
    """
    Activation (patterns, bins) of a z matrix (units, bins).
    """
def activation_of_spikes_f32(patterns: numpy.typing.NDArray[numpy.float32], times: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], starts: numpy.typing.NDArray[numpy.float64], stops: numpy.typing.NDArray[numpy.float64], steps: numpy.typing.NDArray[numpy.float64], bin_offsets: numpy.typing.NDArray[numpy.int64], axis: tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.float64], int], remove_diagonal: bool, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.float32]:
    """
    Activation (bins, patterns) of spikes, z-scored over all bins.
    """
def activation_of_spikes_f64(patterns: numpy.typing.NDArray[numpy.float64], times: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], starts: numpy.typing.NDArray[numpy.float64], stops: numpy.typing.NDArray[numpy.float64], steps: numpy.typing.NDArray[numpy.float64], bin_offsets: numpy.typing.NDArray[numpy.int64], axis: tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.float64], int], remove_diagonal: bool, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.float64]:
    """
    Activation (bins, patterns) of spikes, z-scored over all bins.
    """
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
def bin_spikes_sparse(times: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], starts: numpy.typing.NDArray[numpy.float64], stops: numpy.typing.NDArray[numpy.float64], steps: numpy.typing.NDArray[numpy.float64], bin_offsets: numpy.typing.NDArray[numpy.int64], n_threads: typing.SupportsInt | typing.SupportsIndex) -> tuple[numpy.typing.NDArray[numpy.int32], numpy.typing.NDArray[numpy.int32], numpy.typing.NDArray[numpy.int64]]:
    """
    (data, indices, indptr) of the spike counts in compressed rows.
    """
def bin_spikes_u8(times: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], starts: numpy.typing.NDArray[numpy.float64], stops: numpy.typing.NDArray[numpy.float64], steps: numpy.typing.NDArray[numpy.float64], bin_offsets: numpy.typing.NDArray[numpy.int64], n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.uint8]:
    """
    Spike counts (units, bins) on a bin grid.
    """
def find_bad_spike(times: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], n_threads: typing.SupportsInt | typing.SupportsIndex) -> tuple[str, int, int] | None:
    """
    None, or (fault, unit, index) of the first spike that is not finite or out of order.
    """
def restrict(times: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], intervals: numpy.typing.NDArray[numpy.float64], n_threads: typing.SupportsInt | typing.SupportsIndex) -> tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.int64]]:
    """
    (times, offsets) of the spikes inside disjoint sorted intervals [start, stop).
    """
def smooth_rows(x: numpy.typing.NDArray[numpy.float64], axis: tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.float64], int], n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.float64]:
    """
    Rows convolved with a kernel on an axis with gaps.
    """
def zscore_rows_f32(x: numpy.typing.NDArray[numpy.float64], ddof: typing.SupportsInt | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.float32]:
    """
    z-scores of each row; constant rows and rows with NaN give 0.
    """
def zscore_rows_f64(x: numpy.typing.NDArray[numpy.float64], ddof: typing.SupportsInt | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.float64]:
    """
    z-scores of each row; constant rows and rows with NaN give 0.
    """
def zscore_spikes_f32(times: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], starts: numpy.typing.NDArray[numpy.float64], stops: numpy.typing.NDArray[numpy.float64], steps: numpy.typing.NDArray[numpy.float64], bin_offsets: numpy.typing.NDArray[numpy.int64], axis: tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.float64], int], ddof: typing.SupportsInt | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.float32]:
    """
    z-scores (units, bins) of smoothed spike counts.
    """
def zscore_spikes_f64(times: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], starts: numpy.typing.NDArray[numpy.float64], stops: numpy.typing.NDArray[numpy.float64], steps: numpy.typing.NDArray[numpy.float64], bin_offsets: numpy.typing.NDArray[numpy.int64], axis: tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.float64], int], ddof: typing.SupportsInt | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.float64]:
    """
    z-scores (units, bins) of smoothed spike counts.
    """
__version__: str = '0.1.0'
