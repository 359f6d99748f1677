#include "cofire/time_order.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <span>
#include <stdexcept>
#include <utility>

namespace cofire {

namespace {

// About as many spikes as sort inside the first-level cache.
constexpr index_t kSliceSize = 1024;
// Slices with larger buckets are not sorted by insertion.
constexpr std::uint32_t kSmallBucket = 16;

// Times that cut the recording into slices of similar numbers of spikes, however these are spread.
std::vector<double> slice_borders(std::span<const double> times) {
  constexpr index_t kSamplesPerSlice = 16;
  constexpr index_t kStep = kSliceSize / kSamplesPerSlice;
  const auto n = static_cast<index_t>(times.size());
  std::vector<double> sample;
  sample.reserve(static_cast<std::size_t>(n / kStep + 1));
  for (index_t i = 0; i < n; i += kStep) sample.push_back(times[static_cast<std::size_t>(i)]);
  std::sort(sample.begin(), sample.end());
  std::vector<double> borders;
  for (std::size_t i = kSamplesPerSlice; i < sample.size(); i += kSamplesPerSlice) {
    if (borders.empty() || sample[i] > borders.back()) borders.push_back(sample[i]);
  }
  return borders;
}

void insertion_sort(std::span<OrderedSpike> spikes) {
  for (std::size_t i = 1; i < spikes.size(); ++i) {
    const OrderedSpike spike = spikes[i];
    std::size_t j = i;
    for (; j > 0 && spike < spikes[j - 1]; --j) spikes[j] = spikes[j - 1];
    spikes[j] = spike;
  }
}

// Distribution over as many equal buckets as there are spikes, which leaves little to do for evenly
// spread times; n log n at worst.
void sort_slice(const std::vector<OrderedSpike>& from, std::vector<OrderedSpike>& to,
                std::vector<std::uint32_t>& ends) {
  to.resize(from.size());
  if (from.empty()) return;
  const auto [low, high] = std::minmax_element(
      from.begin(), from.end(),
      [](const OrderedSpike& a, const OrderedSpike& b) { return a.time < b.time; });
  const double first = low->time;
  const auto last = static_cast<double>(from.size() - 1);
  const double scale = last / (high->time - first);
  // Slices of one time, and of times too near or too far for the scale to be a number.
  if (!(scale > 0.0 && scale <= std::numeric_limits<double>::max())) {
    std::copy(from.begin(), from.end(), to.begin());
    std::sort(to.begin(), to.end());
    return;
  }
  const auto bucket_of = [first, scale](const OrderedSpike& spike) {
    return static_cast<std::size_t>(static_cast<std::int64_t>((spike.time - first) * scale));
  };
  ends.assign(from.size() + 2, 0);
  for (const OrderedSpike& spike : from) ++ends[bucket_of(spike) + 1];
  const std::uint32_t largest = *std::max_element(ends.begin(), ends.end());
  std::partial_sum(ends.begin(), ends.end(), ends.begin());
  for (const OrderedSpike& spike : from) to[ends[bucket_of(spike)]++] = spike;
  if (largest > kSmallBucket) {
    std::sort(to.begin(), to.end());
  } else {
    insertion_sort(to);
  }
}

}  // namespace

void visit_time_order(const SpikeView& spikes, const Control& control, const SliceVisitor& visit) {
  const index_t n_units = spikes.n_rows();
  if (n_units > std::numeric_limits<std::int32_t>::max()) {
    throw std::invalid_argument("more than 2^31 units");
  }
  if (spikes.values().size() > std::numeric_limits<std::uint32_t>::max()) {
    throw std::invalid_argument("more than 2^32 spikes");
  }
  const std::vector<double> borders = slice_borders(spikes.values());
  const auto n_slices = static_cast<index_t>(borders.size()) + 1;

  // A block of slices walks along all trains, so that only its first border is searched for.
  constexpr index_t kBlock = 256;
  parallel_blocks(n_slices, kBlock, control, [&](index_t begin, index_t end) {
    std::vector<std::span<const double>> rest(static_cast<std::size_t>(n_units));
    index_t out = 0;
    for (index_t u = 0; u < n_units; ++u) {
      auto& train = rest[static_cast<std::size_t>(u)];
      train = spikes.row(u);
      if (begin == 0) continue;
      const auto at = std::lower_bound(train.begin(), train.end(),
                                       borders[static_cast<std::size_t>(begin - 1)]);
      out += at - train.begin();
      train = {at, train.end()};
    }
    std::vector<OrderedSpike> slice;
    std::vector<OrderedSpike> sorted;
    std::vector<std::uint32_t> scratch;
    for (index_t s = begin; s < end; ++s) {
      const double border = s < n_slices - 1 ? borders[static_cast<std::size_t>(s)]
                                             : std::numeric_limits<double>::infinity();
      slice.clear();
      for (index_t u = 0; u < n_units; ++u) {
        auto& train = rest[static_cast<std::size_t>(u)];
        auto source = static_cast<std::uint32_t>(train.data() - spikes.values().data());
        std::size_t taken = 0;
        while (taken < train.size() && train[taken] < border) {
          slice.push_back({train[taken++], static_cast<std::int32_t>(u), source++});
        }
        train = train.subspan(taken);
      }
      sort_slice(slice, sorted, scratch);
      visit(out, sorted);
      out += static_cast<index_t>(sorted.size());
    }
  });
}

}  // namespace cofire
