#include "cofire/coactivity.hpp"

#include <algorithm>
#include <limits>
#include <mutex>
#include <numeric>
#include <stdexcept>
#include <utility>
#include <vector>

#include "cofire/rng.hpp"

namespace cofire {

void shuffled_coactivity(std::span<const std::int64_t> n_active, index_t n_frames,
                         std::uint64_t seed, index_t n_shuffles, const Control& control,
                         std::span<std::int64_t> histogram) {
  if (n_frames < 0 || n_frames >= static_cast<index_t>(std::numeric_limits<std::uint32_t>::max())) {
    throw std::invalid_argument("n_frames must be below 2^32 - 1");
  }
  if (histogram.size() != n_active.size() + 1) {
    throw std::invalid_argument("the histogram must have one place more than there are units");
  }
  for (const std::int64_t n : n_active) {
    if (n < 0 || n > n_frames) throw std::invalid_argument("n_active must be in [0, n_frames]");
  }
  std::ranges::fill(histogram, 0);
  std::mutex mutex;
  const auto size = static_cast<std::uint32_t>(n_frames);
  parallel_for(n_shuffles, control, [&](index_t d) {
    SmallIntegers integers(seed, static_cast<std::uint64_t>(d));
    std::vector<std::uint32_t> order(size);
    std::iota(order.begin(), order.end(), 0U);
    std::vector<std::uint32_t> coactivity(size, 0);
    for (const std::int64_t active : n_active) {
      // The first steps of a Fisher-Yates shuffle; any order is a valid start for the next unit.
      // Of a unit that is active most of the time, the silent frames are chosen.
      const bool rare = 2 * active <= n_frames;
      const auto n = static_cast<std::uint32_t>(rare ? active : n_frames - active);
      for (std::uint32_t k = 0; k < n; ++k) {
        std::swap(order[k], order[k + integers.below(size - k)]);
      }
      const std::uint32_t first = rare ? 0 : n;
      const std::uint32_t last = rare ? n : size;
      for (std::uint32_t k = first; k < last; ++k) ++coactivity[order[k]];
    }
    std::vector<std::int64_t> counts(histogram.size(), 0);
    for (const std::uint32_t c : coactivity) ++counts[c];
    const std::scoped_lock lock(mutex);
    for (std::size_t c = 0; c < counts.size(); ++c) histogram[c] += counts[c];
  });
}

}  // namespace cofire
