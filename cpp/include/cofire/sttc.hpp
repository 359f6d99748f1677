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

// How the pairs of a raster are counted changes the time, not the result.
enum class RasterMethod : int {
  transposed,  // a row of unit bits per frame: work grows with the number of active frames
  popcount,    // a row of frame bits per unit: the same work at any density
};

// The same on a raster (units, frames) of one epoch: counts(i, j) = number of active frames of i
// with an active frame of j at most dt_frames away; active[i] = active frames of i; tiled[i] =
// frames at most dt_frames away from one.
void count_close_frames(const MatrixView<const bool>& raster, index_t dt_frames,
                        RasterMethod method, const Control& control,
                        MatrixView<std::int64_t> counts, std::span<std::int64_t> active,
                        std::span<std::int64_t> tiled);

}  // namespace cofire
