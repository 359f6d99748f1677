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
def find_bad_spike(times: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], n_threads: typing.SupportsInt | typing.SupportsIndex) -> tuple[str, int, int] | None:
    """
    None, or (fault, unit, index) of the first spike that is not finite or out of order.
    """
def jitter_spikes(times: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], support: numpy.typing.NDArray[numpy.float64], width: typing.SupportsFloat | typing.SupportsIndex, seed: typing.SupportsInt | typing.SupportsIndex, draw: typing.SupportsInt | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.float64]:
    """
    Times of spikes moved by up to width, reflected in their epoch.
    """
def restrict(times: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], intervals: numpy.typing.NDArray[numpy.float64], n_threads: typing.SupportsInt | typing.SupportsIndex) -> tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.int64]]:
    """
    (times, offsets) of the spikes inside disjoint sorted intervals [start, stop).
    """
def rotate_rows_u16(values: numpy.typing.NDArray[numpy.uint16], seed: typing.SupportsInt | typing.SupportsIndex, draw: typing.SupportsInt | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.uint16]:
    """
    Each row rolled to the right by a uniform number of columns.
    """
def rotate_rows_u32(values: numpy.typing.NDArray[numpy.uint32], seed: typing.SupportsInt | typing.SupportsIndex, draw: typing.SupportsInt | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.uint32]:
    """
    Each row rolled to the right by a uniform number of columns.
    """
def rotate_rows_u64(values: numpy.typing.NDArray[numpy.uint64], seed: typing.SupportsInt | typing.SupportsIndex, draw: typing.SupportsInt | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.uint64]:
    """
    Each row rolled to the right by a uniform number of columns.
    """
def rotate_rows_u8(values: numpy.typing.NDArray[numpy.uint8], seed: typing.SupportsInt | typing.SupportsIndex, draw: typing.SupportsInt | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.uint8]:
    """
    Each row rolled to the right by a uniform number of columns.
    """
def rotate_spikes(times: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], support: numpy.typing.NDArray[numpy.float64], within_epochs: bool, seed: typing.SupportsInt | typing.SupportsIndex, draw: typing.SupportsInt | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.float64]:
    """
    Times of spikes rotated along the support.
    """
def scatter_spikes(times: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], support: numpy.typing.NDArray[numpy.float64], seed: typing.SupportsInt | typing.SupportsIndex, draw: typing.SupportsInt | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.float64]:
    """
    As many spike times, uniform on the support.
    """
def shuffle_isis(times: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], support: numpy.typing.NDArray[numpy.float64], seed: typing.SupportsInt | typing.SupportsIndex, draw: typing.SupportsInt | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.float64]:
    """
    Times of spikes with the intervals between them permuted in each epoch.
    """
def shuffle_rows_u16(values: numpy.typing.NDArray[numpy.uint16], seed: typing.SupportsInt | typing.SupportsIndex, draw: typing.SupportsInt | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.uint16]:
    """
    Each row permuted independently; elements are copied as they are.
    """
def shuffle_rows_u32(values: numpy.typing.NDArray[numpy.uint32], seed: typing.SupportsInt | typing.SupportsIndex, draw: typing.SupportsInt | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.uint32]:
    """
    Each row permuted independently; elements are copied as they are.
    """
def shuffle_rows_u64(values: numpy.typing.NDArray[numpy.uint64], seed: typing.SupportsInt | typing.SupportsIndex, draw: typing.SupportsInt | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.uint64]:
    """
    Each row permuted independently; elements are copied as they are.
    """
def shuffle_rows_u8(values: numpy.typing.NDArray[numpy.uint8], seed: typing.SupportsInt | typing.SupportsIndex, draw: typing.SupportsInt | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.uint8]:
    """
    Each row permuted independently; elements are copied as they are.
    """
__version__: str = '0.1.0'
