// Spike time tiling: how many spikes of one unit lie close to a spike of another, for every pair,
// and how much time the tiles around a unit's spikes cover.
#pragma once

#include <cstdint>
#include <span>

#include "cofire/parallel.hpp"
#include "cofire/view.hpp"

namespace cofire {

// counts(i, j) = number of spikes a of unit i for which unit j has a spike b in the same epoch
// with |a - b| <= dt, evaluated as written on doubles. Epochs are disjoint, sorted, closed at both
// ends; spikes outside every epoch are ignored.
void count_close_spikes(const SpikeView& spikes, const IntervalView& epochs, double dt,
                        const Control& control, MatrixView<std::int64_t> counts);

// tiled[i] = length of the union of [t - dt, t + dt] over the spikes t of unit i, each tile clipped
// to the epoch of its spike.
void measure_tiles(const SpikeView& spikes, const IntervalView& epochs, double dt,
                   const Control& control, std::span<double> tiled);

// The same two numbers on a raster (units, frames): nonzero means active, the distance of frames
// is an integer and the whole raster is one epoch. How the pairs are counted changes the time, not
// the result.
enum class RasterMethod : int {
  transposed,  // one bit a unit, one row a frame: work grows with the number of active frames
  popcount,    // one bit a frame, one row a unit: the same work at any density
};

void count_close_frames(const MatrixView<const std::uint8_t>& raster, index_t dt_frames,
                        RasterMethod method, const Control& control,
                        MatrixView<std::int64_t> counts, std::span<std::int64_t> active,
                        std::span<std::int64_t> tiled);

}  // namespace cofire
