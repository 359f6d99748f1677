#include "cofire/trains.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "cofire/simd.hpp"

namespace cofire {

namespace {

// Number of times that are not at or after the one before; NaN counts. Counting in 64 bits keeps
// the lanes as wide as the times, so the loop vectorizes without packing.
COFIRE_CLONES std::int64_t count_falls(const double* times, std::size_t n) {
  std::int64_t n_bad = 0;
  for (std::size_t i = 1; i < n; ++i) n_bad += times[i] >= times[i - 1] ? 0 : 1;
  return n_bad;
}

std::optional<BadSpike> find_bad_in_unit(std::span<const double> times, index_t unit) {
  // One branch-free pass decides; only a faulty unit is read again to say where.
  const std::int64_t n_bad = count_falls(times.data(), times.size());
  const bool finite_ends =
      times.empty() || (std::isfinite(times.front()) && std::isfinite(times.back()));
  if (n_bad == 0 && finite_ends) return std::nullopt;
  for (std::size_t i = 0; i < times.size(); ++i) {
    const auto position = static_cast<index_t>(i);
    if (!std::isfinite(times[i])) return BadSpike{TrainFault::not_finite, unit, position};
    if (i > 0 && times[i] < times[i - 1]) return BadSpike{TrainFault::unsorted, unit, position};
  }
  return std::nullopt;
}

// Calls visit(first, last) with the positions of the spikes inside each interval.
template <typename Visit>
void for_each_slice(std::span<const double> times, const IntervalView& intervals, Visit&& visit) {
  auto from = times.begin();
  for (index_t k = 0; k < intervals.n_rows() && from != times.end(); ++k) {
    const auto first = std::lower_bound(from, times.end(), intervals(k, 0));
    const auto last = std::lower_bound(first, times.end(), intervals(k, 1));
    visit(first, last);
    from = last;
  }
}

}  // namespace

std::optional<BadSpike> find_bad_spike(const SpikeView& spikes, const Control& control) {
  std::vector<std::optional<BadSpike>> faults(static_cast<std::size_t>(spikes.n_rows()));
  parallel_for(spikes.n_rows(), control, [&](index_t unit) {
    faults[static_cast<std::size_t>(unit)] = find_bad_in_unit(spikes.row(unit), unit);
  });
  const auto first =
      std::find_if(faults.begin(), faults.end(), [](const auto& f) { return f.has_value(); });
  return first == faults.end() ? std::nullopt : *first;
}

void count_inside(const SpikeView& spikes, const IntervalView& intervals, const Control& control,
                  std::span<std::int64_t> counts) {
  parallel_for(spikes.n_rows(), control, [&](index_t unit) {
    std::int64_t n = 0;
    for_each_slice(spikes.row(unit), intervals, [&](auto first, auto last) { n += last - first; });
    counts[static_cast<std::size_t>(unit)] = n;
  });
}

void copy_inside(const SpikeView& spikes, const IntervalView& intervals,
                 std::span<const std::int64_t> out_offsets, const Control& control,
                 std::span<double> out) {
  parallel_for(spikes.n_rows(), control, [&](index_t unit) {
    auto to = out.begin() + out_offsets[static_cast<std::size_t>(unit)];
    for_each_slice(spikes.row(unit), intervals,
                   [&](auto first, auto last) { to = std::copy(first, last, to); });
  });
}

}  // namespace cofire
