// Checking, restricting and merging spike trains.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "cofire/parallel.hpp"
#include "cofire/view.hpp"

namespace cofire {

enum class TrainFault : int { not_finite, unsorted };

struct BadSpike {
  TrainFault fault;
  index_t unit;
  index_t index;  // within the unit; for `unsorted`, the spike that is earlier than its predecessor
};

// First spike (by unit, then position) that is NaN, infinite or earlier than the one before it.
[[nodiscard]] std::optional<BadSpike> find_bad_spike(const SpikeView& spikes,
                                                     const Control& control);

// Number of spikes of each unit inside disjoint sorted intervals [start, stop).
void count_inside(const SpikeView& spikes, const IntervalView& intervals, const Control& control,
                  std::span<std::int64_t> counts);

// Copies the spikes that count_inside counted; out_offsets are the cumulative counts.
void copy_inside(const SpikeView& spikes, const IntervalView& intervals,
                 std::span<const std::int64_t> out_offsets, const Control& control,
                 std::span<double> out);

}  // namespace cofire
