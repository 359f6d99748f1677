#include "cofire/surrogates.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "cofire/rng.hpp"

namespace cofire {

namespace {

// Uniform integers below a bound that fits 32 bits, two for each 64 random bits: half the cost of
// CounterRng::below, and without a division except in the rare rejections (Lemire 2019,
// doi:10.1145/3230636).
class SmallIntegers {
 public:
  explicit SmallIntegers(CounterRng& rng) noexcept : rng_(rng) {}

  [[nodiscard]] std::uint32_t below(std::uint32_t bound) noexcept {
    std::uint64_t product = std::uint64_t{next()} * bound;
    if (static_cast<std::uint32_t>(product) < bound) {
      const std::uint32_t threshold = (0U - bound) % bound;
      while (static_cast<std::uint32_t>(product) < threshold) {
        product = std::uint64_t{next()} * bound;
      }
    }
    return static_cast<std::uint32_t>(product >> 32U);
  }

 private:
  [[nodiscard]] std::uint32_t next() noexcept {
    has_half_ = !has_half_;
    if (!has_half_) return static_cast<std::uint32_t>(bits_ >> 32U);
    bits_ = rng_.next_u64();
    return static_cast<std::uint32_t>(bits_);
  }

  CounterRng& rng_;
  std::uint64_t bits_ = 0;
  bool has_half_ = false;
};

// Fisher-Yates.
template <typename T>
void permute(std::span<T> values, CounterRng& rng) {
  std::size_t n = values.size();
  for (; n > std::numeric_limits<std::uint32_t>::max(); --n) {
    std::swap(values[n - 1], values[rng.below(n)]);
  }
  SmallIntegers integers(rng);
  for (; n > 1; --n) {
    std::swap(values[n - 1], values[integers.below(static_cast<std::uint32_t>(n))]);
  }
}

// Where the intervals begin on the axis that joins them without gaps; the last entry is the total.
std::vector<double> joined_starts(const IntervalView& support) {
  std::vector<double> starts(static_cast<std::size_t>(support.n_rows()) + 1, 0.0);
  for (index_t e = 0; e < support.n_rows(); ++e) {
    const auto i = static_cast<std::size_t>(e);
    starts[i + 1] = starts[i] + (support(e, 1) - support(e, 0));
  }
  return starts;
}

// Rounding must not carry a spike over the end of [start, stop).
double clamp_into(double t, double start, double stop) {
  if (t < start) return start;
  return t < stop ? t : std::nextafter(stop, -std::numeric_limits<double>::infinity());
}

// Position on the joined axis back to a time.
double time_at(double position, const IntervalView& support, const std::vector<double>& starts) {
  // Epochs of zero length share their start with the next one: the last one wins.
  const auto after = std::upper_bound(starts.begin(), starts.end() - 1, position);
  const auto e = std::max<index_t>(after - starts.begin() - 1, 0);
  const double offset = position - starts[static_cast<std::size_t>(e)];
  return clamp_into(support(e, 0) + offset, support(e, 0), support(e, 1));
}

// Reflects t at both ends until it lies in [start, stop).
double reflect_into(double t, double start, double stop) {
  const double length = stop - start;
  double offset = std::fmod(std::abs(t - start), 2.0 * length);
  if (offset >= length) offset = 2.0 * length - offset;
  return clamp_into(start + offset, start, stop);
}

// Calls visit(epoch, first, last) with the positions in `train` of the spikes of each epoch that
// holds any. Fewer epochs than spikes or the other way round: each is searched from the last hit.
template <typename Visit>
void for_each_epoch(std::span<const double> train, const IntervalView& support, Visit&& visit) {
  auto from = train.begin();
  for (index_t e = 0; e < support.n_rows() && from != train.end(); ++e) {
    const auto first = std::lower_bound(from, train.end(), support(e, 0));
    const auto last = std::lower_bound(first, train.end(), support(e, 1));
    if (first != last) visit(e, first - train.begin(), last - train.begin());
    from = last;
  }
}

// Calls fill(train, out, rng) for each unit.
template <typename Fill>
void for_each_unit(const SpikeView& spikes, Draw draw, const Control& control,
                   std::span<double> out, Fill&& fill) {
  parallel_for(spikes.n_rows(), control, [&](index_t unit) {
    const auto train = spikes.row(unit);
    const auto first = static_cast<std::size_t>(spikes.offsets()[static_cast<std::size_t>(unit)]);
    CounterRng rng(draw.seed, static_cast<std::uint64_t>(unit), draw.number);
    fill(train, out.subspan(first, train.size()), rng);
  });
}

// Permutes the intervals between the sorted times of one epoch.
void permute_isis(std::span<const double> times, std::span<double> out, CounterRng& rng) {
  const std::size_t n = times.size();
  out[0] = times[0];
  if (n == 1) return;
  for (std::size_t i = 1; i < n; ++i) out[i] = times[i] - times[i - 1];
  permute(out.subspan(1), rng);
  for (std::size_t i = 1; i < n; ++i) out[i] = std::min(out[i] + out[i - 1], times[n - 1]);
  out[n - 1] = times[n - 1];
}

// Sorted times after a rotation by `shift` of the axis [0, length): `to_position` and `to_time`
// translate between times and that axis.
template <typename ToPosition, typename ToTime>
void rotate(std::span<const double> times, double shift, double length, std::span<double> out,
            ToPosition&& to_position, ToTime&& to_time) {
  // The spikes that pass the end come first, so the result needs no sorting.
  std::size_t n_kept = times.size();
  while (n_kept > 0 && to_position(times[n_kept - 1]) + shift >= length) --n_kept;
  std::size_t k = 0;
  for (std::size_t i = n_kept; i < times.size(); ++i) {
    out[k++] = to_time(std::max(to_position(times[i]) + shift - length, 0.0));
  }
  for (std::size_t i = 0; i < n_kept; ++i) out[k++] = to_time(to_position(times[i]) + shift);
}

}  // namespace

void jitter_spikes(const SpikeView& spikes, const IntervalView& support, double width, Draw draw,
                   const Control& control, std::span<double> out) {
  for_each_unit(spikes, draw, control, out, [&](auto train, auto to, CounterRng& rng) {
    for_each_epoch(train, support, [&](index_t e, index_t first, index_t last) {
      for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i) {
        const double moved = train[i] + width * (2.0 * rng.uniform() - 1.0);
        to[i] = reflect_into(moved, support(e, 0), support(e, 1));
      }
      std::sort(to.begin() + first, to.begin() + last);
    });
  });
}

void shuffle_isis(const SpikeView& spikes, const IntervalView& support, Draw draw,
                  const Control& control, std::span<double> out) {
  for_each_unit(spikes, draw, control, out, [&](auto train, auto to, CounterRng& rng) {
    for_each_epoch(train, support, [&](index_t /*e*/, index_t first, index_t last) {
      const auto from = static_cast<std::size_t>(first);
      const auto n = static_cast<std::size_t>(last - first);
      permute_isis(train.subspan(from, n), to.subspan(from, n), rng);
    });
  });
}

void rotate_spikes(const SpikeView& spikes, const IntervalView& support, bool within_epochs,
                   Draw draw, const Control& control, std::span<double> out) {
  const std::vector<double> starts = joined_starts(support);
  for_each_unit(spikes, draw, control, out, [&](auto train, auto to, CounterRng& rng) {
    if (within_epochs) {
      for_each_epoch(train, support, [&](index_t e, index_t first, index_t last) {
        const double start = support(e, 0);
        const double stop = support(e, 1);
        const auto from = static_cast<std::size_t>(first);
        const auto n = static_cast<std::size_t>(last - first);
        rotate(
            train.subspan(from, n), rng.uniform() * (stop - start), stop - start,
            to.subspan(from, n), [&](double t) { return t - start; },
            [&](double position) { return clamp_into(start + position, start, stop); });
      });
      return;
    }
    // Positions of all spikes first: `rotate` then knows nothing of epochs.
    std::vector<double> positions(train.size());
    for_each_epoch(train, support, [&](index_t e, index_t first, index_t last) {
      for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i) {
        positions[i] = starts[static_cast<std::size_t>(e)] + (train[i] - support(e, 0));
      }
    });
    rotate(
        std::span<const double>(positions), rng.uniform() * starts.back(), starts.back(), to,
        [](double position) { return position; },
        [&](double position) { return time_at(position, support, starts); });
  });
}

void scatter_spikes(const SpikeView& spikes, const IntervalView& support, Draw draw,
                    const Control& control, std::span<double> out) {
  const std::vector<double> starts = joined_starts(support);
  for_each_unit(spikes, draw, control, out, [&](auto /*train*/, auto to, CounterRng& rng) {
    for (double& t : to) t = time_at(rng.uniform() * starts.back(), support, starts);
    std::sort(to.begin(), to.end());
  });
}

template <typename T>
void shuffle_rows(const MatrixView<const T>& values, Draw draw, const Control& control,
                  MatrixView<T> out) {
  parallel_for(values.n_rows(), control, [&](index_t i) {
    const auto row = values.row(i);
    const auto to = out.row(i);
    std::copy(row.begin(), row.end(), to.begin());
    CounterRng rng(draw.seed, static_cast<std::uint64_t>(i), draw.number);
    permute(to, rng);
  });
}

template <typename T>
void rotate_rows(const MatrixView<const T>& values, Draw draw, const Control& control,
                 MatrixView<T> out) {
  if (values.n_cols() == 0) return;
  parallel_for(values.n_rows(), control, [&](index_t i) {
    const auto row = values.row(i);
    CounterRng rng(draw.seed, static_cast<std::uint64_t>(i), draw.number);
    const auto shift = static_cast<index_t>(rng.below(row.size()));
    std::rotate_copy(row.begin(), row.end() - shift, row.end(), out.row(i).begin());
  });
}

#define COFIRE_INSTANTIATE(T)                                                                     \
  template void shuffle_rows<T>(const MatrixView<const T>&, Draw, const Control&, MatrixView<T>); \
  template void rotate_rows<T>(const MatrixView<const T>&, Draw, const Control&, MatrixView<T>);

COFIRE_INSTANTIATE(std::uint8_t)
COFIRE_INSTANTIATE(std::uint16_t)
COFIRE_INSTANTIATE(std::uint32_t)
COFIRE_INSTANTIATE(std::uint64_t)

#undef COFIRE_INSTANTIATE

}  // namespace cofire
