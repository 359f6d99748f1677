#include "cofire/time_order.hpp"

#include <algorithm>
#include <limits>
#include <span>
#include <stdexcept>
#include <utility>

namespace cofire {

namespace {

// About as many spikes as sort inside the first-level cache.
constexpr index_t kSliceSize = 1024;
// Buckets up to this size are sorted by insertion.
constexpr std::size_t kSmallBucket = 16;

struct Spike {
  double time;
  std::int32_t unit;

  [[nodiscard]] friend bool operator<(const Spike& a, const Spike& b) noexcept {
    return a.time < b.time || (a.time == b.time && a.unit < b.unit);
  }
};

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

void sort_small(std::span<Spike> spikes) {
  for (std::size_t i = 1; i < spikes.size(); ++i) {
    const Spike spike = spikes[i];
    std::size_t j = i;
    for (; j > 0 && spike < spikes[j - 1]; --j) spikes[j] = spikes[j - 1];
    spikes[j] = spike;
  }
}

// Distribution over as many equal buckets as there are spikes, then each bucket by itself: linear
// for evenly spread times, n log n at worst.
void sort_slice(std::vector<Spike>& from, std::vector<Spike>& to, std::vector<std::size_t>& ends) {
  to.resize(from.size());
  if (from.size() <= kSmallBucket) {
    std::copy(from.begin(), from.end(), to.begin());
    sort_small(to);
    return;
  }
  const auto [low, high] = std::minmax_element(
      from.begin(), from.end(), [](const Spike& a, const Spike& b) { return a.time < b.time; });
  const double first = low->time;
  const double span = high->time - first;
  const double per_second = span > 0.0 ? static_cast<double>(from.size() - 1) / span : 0.0;
  // Subnormal spans make the scale infinite; one bucket is then as good as any.
  const double scale = per_second <= std::numeric_limits<double>::max() ? per_second : 0.0;
  const std::size_t last = from.size() - 1;
  const auto bucket_of = [first, scale, last](const Spike& spike) {
    return std::min(static_cast<std::size_t>((spike.time - first) * scale), last);
  };
  ends.assign(from.size() + 1, 0);
  for (const Spike& spike : from) ++ends[bucket_of(spike) + 1];
  for (std::size_t b = 1; b < ends.size(); ++b) ends[b] += ends[b - 1];
  for (const Spike& spike : from) to[ends[bucket_of(spike)]++] = spike;
  std::size_t begin = 0;
  for (std::size_t b = 0; b < from.size(); ++b) {
    const auto bucket = std::span(to).subspan(begin, ends[b] - begin);
    if (bucket.size() > kSmallBucket) {
      std::sort(bucket.begin(), bucket.end());
    } else {
      sort_small(bucket);
    }
    begin = ends[b];
  }
}

}  // namespace

TimeOrder time_order(const SpikeView& spikes, const Control& control) {
  const index_t n_units = spikes.n_rows();
  const auto n_spikes = spikes.values().size();
  if (n_units > std::numeric_limits<std::int32_t>::max()) {
    throw std::invalid_argument("more than 2^31 units");
  }
  TimeOrder order{std::vector<double>(n_spikes), std::vector<std::int32_t>(n_spikes)};
  const std::vector<double> borders = slice_borders(spikes.values());
  const auto n_slices = static_cast<index_t>(borders.size()) + 1;

  // A block of slices walks along all trains, so that only its first border is searched for.
  constexpr index_t kBlock = 256;
  parallel_blocks(n_slices, kBlock, control, [&](index_t begin, index_t end) {
    std::vector<std::span<const double>> rest(static_cast<std::size_t>(n_units));
    std::size_t out = 0;
    for (index_t u = 0; u < n_units; ++u) {
      auto& train = rest[static_cast<std::size_t>(u)];
      train = spikes.row(u);
      if (begin == 0) continue;
      const auto at = std::lower_bound(train.begin(), train.end(),
                                       borders[static_cast<std::size_t>(begin - 1)]);
      const auto skipped = static_cast<std::size_t>(at - train.begin());
      out += skipped;
      train = train.subspan(skipped);
    }
    std::vector<Spike> slice;
    std::vector<Spike> sorted;
    std::vector<std::size_t> scratch;
    for (index_t s = begin; s < end; ++s) {
      const double border = s < n_slices - 1 ? borders[static_cast<std::size_t>(s)]
                                             : std::numeric_limits<double>::infinity();
      slice.clear();
      for (index_t u = 0; u < n_units; ++u) {
        auto& train = rest[static_cast<std::size_t>(u)];
        std::size_t taken = 0;
        while (taken < train.size() && train[taken] < border) {
          slice.push_back({train[taken++], static_cast<std::int32_t>(u)});
        }
        train = train.subspan(taken);
      }
      sort_slice(slice, sorted, scratch);
      for (const Spike& spike : sorted) {
        order.times[out] = spike.time;
        order.units[out++] = spike.unit;
      }
    }
  });
  return order;
}

}  // namespace cofire
