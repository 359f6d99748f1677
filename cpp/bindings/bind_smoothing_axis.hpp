// The smoothing axis as it crosses from Python: the arrays made by cofire.spikes.SmoothingAxis.
#pragma once

#include <pybind11/stl.h>

#include <algorithm>
#include <limits>
#include <tuple>

#include "cofire/smoothing.hpp"
#include "numpy_views.hpp"

namespace cofire::python {

// taps, bin_offsets, epoch_positions, image_positions, image_bins, edge_bins, edge_scale, length.
using AxisArrays =
    std::tuple<Array<double>, Array<std::int64_t>, Array<std::int64_t>, Array<std::int64_t>,
               Array<std::int64_t>, Array<std::int64_t>, Array<double>, index_t>;

// Checks what an out-of-bounds write would follow from.
[[nodiscard]] inline SmoothingAxis axis_of(const AxisArrays& arrays) {
  const SmoothingAxis axis{span_of(std::get<0>(arrays), "taps"),
                           span_of(std::get<1>(arrays), "bin_offsets"),
                           span_of(std::get<2>(arrays), "epoch_positions"),
                           span_of(std::get<3>(arrays), "image_positions"),
                           span_of(std::get<4>(arrays), "image_bins"),
                           span_of(std::get<5>(arrays), "edge_bins"),
                           span_of(std::get<6>(arrays), "edge_scale"),
                           std::get<7>(arrays)};
  const auto require = [](bool condition, const char* message) {
    if (!condition) throw std::invalid_argument(message);
  };
  require(axis.taps.size() % 2 == 1, "taps must have an odd length");
  require(axis.length >= 0 && axis.length <= std::numeric_limits<std::int32_t>::max(),
          "the smoothing axis is longer than 2^31 positions");
  require(axis.bin_offsets.size() == axis.epoch_positions.size() + 1,
          "bin_offsets and epoch_positions disagree in length");
  require(axis.bin_offsets.front() == 0, "bin_offsets must start with 0");
  index_t free_from = axis.radius();
  for (std::size_t e = 0; e < axis.epoch_positions.size(); ++e) {
    require(axis.bin_offsets[e + 1] > axis.bin_offsets[e] && axis.epoch_positions[e] >= free_from,
            "epochs of a smoothing axis must hold bins and not overlap");
    free_from = static_cast<index_t>(axis.epoch_positions[e] + axis.bin_offsets[e + 1] -
                                     axis.bin_offsets[e]);
  }
  require(free_from + axis.radius() <= axis.length, "the smoothing axis is too short");
  require(axis.image_positions.size() == axis.image_bins.size() &&
              axis.edge_bins.size() == axis.edge_scale.size(),
          "images or edges disagree in length");
  const auto increasing = [&](std::span<const std::int64_t> values, std::int64_t stop) {
    std::int64_t least = 0;
    for (const std::int64_t value : values) {
      if (value < least || value >= stop) return false;
      least = value + 1;
    }
    return true;
  };
  const auto n_bins = static_cast<std::int64_t>(axis.n_bins());
  require(increasing(axis.image_positions, axis.length) && increasing(axis.edge_bins, n_bins),
          "image_positions and edge_bins must increase within the axis");
  for (const std::int64_t bin : axis.image_bins) {
    require(bin >= 0 && bin < n_bins, "image_bins must be bins");
  }
  return axis;
}

// The same for an axis that belongs to a grid.
[[nodiscard]] inline SmoothingAxis axis_on(const AxisArrays& arrays, const BinGrid& grid) {
  const SmoothingAxis axis = axis_of(arrays);
  if (!std::ranges::equal(axis.bin_offsets, grid.offsets)) {
    throw std::invalid_argument("the grid and the smoothing axis disagree in their bins");
  }
  return axis;
}

}  // namespace cofire::python
