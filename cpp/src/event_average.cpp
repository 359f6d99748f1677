#include "cofire/event_average.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "cofire/simd.hpp"

namespace cofire {

namespace {

// Sums of x - pivot and of its square. The pivot, a value of the data, keeps the variance of a
// signal with a large offset exact.
struct Sums {
  explicit Sums(std::size_t n) : pivot(n), sum(n), square(n), count(n) {}

  void clear() {
    std::fill(pivot.begin(), pivot.end(), 0.0);
    std::fill(sum.begin(), sum.end(), 0.0);
    std::fill(square.begin(), square.end(), 0.0);
    std::fill(count.begin(), count.end(), 0);
  }

  void add_unless_nan(std::size_t k, double x) {
    if (std::isnan(x)) return;
    if (count[k] == 0) pivot[k] = std::isfinite(x) ? x : 0.0;
    const double d = x - pivot[k];
    sum[k] += d;
    square[k] += d * d;
    ++count[k];
  }

  void write(std::size_t k, EventMoments& out, index_t lag, index_t signal) const {
    const auto n = static_cast<double>(count[k]);
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    out.counts(lag, signal) = count[k];
    out.mean(lag, signal) = count[k] > 0 ? pivot[k] + sum[k] / n : nan;
    const double spread = square[k] - sum[k] * (sum[k] / n);
    // Written so that NaN stays NaN.
    const double variance = spread < 0.0 ? 0.0 : spread / (n - 1.0);
    out.sem(lag, signal) = count[k] > 1 ? std::sqrt(variance / n) : nan;
  }

  std::vector<double> pivot;
  std::vector<double> sum;
  std::vector<double> square;
  std::vector<std::int64_t> count;
};

// Four events a pass: one load and one store of the accumulators for four samples.
template <typename T>
COFIRE_INLINE void add_four_of(const T* a, const T* b, const T* c, const T* d, index_t n,
                               const double* __restrict pivot, double* __restrict sum,
                               double* __restrict square) {
  for (index_t k = 0; k < n; ++k) {
    const double p = pivot[k];
    const double da = static_cast<double>(a[k]) - p;
    const double db = static_cast<double>(b[k]) - p;
    const double dc = static_cast<double>(c[k]) - p;
    const double dd = static_cast<double>(d[k]) - p;
    sum[k] += (da + db) + (dc + dd);
    square[k] += (da * da + db * db) + (dc * dc + dd * dd);
  }
}

COFIRE_CLONES
void add_four(const float* a, const float* b, const float* c, const float* d, index_t n,
              const double* pivot, double* sum, double* square) {
  add_four_of(a, b, c, d, n, pivot, sum, square);
}

COFIRE_CLONES
void add_four(const double* a, const double* b, const double* c, const double* d, index_t n,
              const double* pivot, double* sum, double* square) {
  add_four_of(a, b, c, d, n, pivot, sum, square);
}

template <typename T>
void add_one(const T* a, index_t n, const double* pivot, double* sum, double* square) {
  for (index_t k = 0; k < n; ++k) {
    const double d = static_cast<double>(a[k]) - pivot[k];
    sum[k] += d;
    square[k] += d * d;
  }
}

// Some lags of some signals, small enough that its sums stay in the cache. Memory of a
// tile is `n_rows` contiguous stretches of `row_length` samples, `row_step` apart.
template <typename T>
class Tile {
 public:
  Tile(const SignalView<T>& signal, index_t first_signal, index_t first_lag, index_t last_lag)
      : signal_(signal), first_signal_(first_signal), first_lag_(first_lag), last_lag_(last_lag) {}

  void average(std::span<const std::int64_t> full, MatrixView<const std::int64_t> partial,
               EventMoments& out) const {
    Sums sums(static_cast<std::size_t>(n_lags() * width()));
    if (full.empty() || !add_blindly(full, partial, sums)) add_carefully(full, partial, sums);
    std::size_t k = 0;
    for (index_t lag = first_lag_; lag < last_lag_; ++lag) {
      for (index_t s = 0; s < width(); ++s) sums.write(k++, out, lag, first_signal_ + s);
    }
  }

 private:
  [[nodiscard]] index_t n_lags() const { return last_lag_ - first_lag_; }
  [[nodiscard]] index_t width() const { return signal_.interleaved() ? signal_.n_signals : 1; }
  [[nodiscard]] const T* at(std::int64_t sample) const {
    return signal_.data + static_cast<index_t>(sample) * signal_.sample_stride +
           first_signal_ * signal_.signal_stride;
  }

  // Calls body(offset in memory, offset in the sums, length) for each contiguous stretch of lags.
  template <typename Body>
  void stretches(index_t lags, Body&& body) const {
    if (signal_.sample_stride == width()) {
      body(index_t{0}, index_t{0}, lags * width());
      return;
    }
    for (index_t lag = 0; lag < lags; ++lag) {
      body(lag * signal_.sample_stride, lag * width(), width());
    }
  }

  // Calls body(first sample, first lag within the tile, number of lags) for what is inside.
  template <typename Body>
  void pieces(MatrixView<const std::int64_t> partial, Body&& body) const {
    for (index_t p = 0; p < partial.n_rows(); ++p) {
      const auto lag = static_cast<index_t>(partial(p, 1));
      const index_t from = std::max(lag, first_lag_);
      const index_t to = std::min(lag + static_cast<index_t>(partial(p, 2)), last_lag_);
      if (from < to) body(partial(p, 0) + (from - lag), from - first_lag_, to - from);
    }
  }

  // Sums without looking at the values; false if a NaN came out, which makes the sums worthless.
  bool add_blindly(std::span<const std::int64_t> full, MatrixView<const std::int64_t> partial,
                   Sums& sums) const {
    const auto n_full = static_cast<index_t>(full.size());
    sums.clear();
    std::fill(sums.count.begin(), sums.count.end(), n_full);
    const auto start = [&](index_t e) {
      return at(full[static_cast<std::size_t>(e)] + first_lag_);
    };
    stretches(n_lags(), [&](index_t from, index_t to, index_t n) {
      for (index_t k = 0; k < n; ++k) {
        sums.pivot[static_cast<std::size_t>(to + k)] = static_cast<double>(start(0)[from + k]);
      }
    });
    double* const pivot = sums.pivot.data();
    double* const sum = sums.sum.data();
    double* const square = sums.square.data();
    index_t e = 0;
    for (; e + 4 <= n_full; e += 4) {
      stretches(n_lags(), [&](index_t from, index_t to, index_t n) {
        add_four(start(e) + from, start(e + 1) + from, start(e + 2) + from, start(e + 3) + from, n,
                 pivot + to, sum + to, square + to);
      });
    }
    for (; e < n_full; ++e) {
      stretches(n_lags(), [&](index_t from, index_t to, index_t n) {
        add_one(start(e) + from, n, pivot + to, sum + to, square + to);
      });
    }
    pieces(partial, [&](std::int64_t sample, index_t lag, index_t lags) {
      const index_t base = lag * width();
      stretches(lags, [&](index_t from, index_t to, index_t n) {
        add_one(at(sample) + from, n, pivot + base + to, sum + base + to, square + base + to);
        for (index_t k = 0; k < n; ++k) ++sums.count[static_cast<std::size_t>(base + to + k)];
      });
    });
    return std::none_of(sums.sum.begin(), sums.sum.end(), [](double s) { return std::isnan(s); });
  }

  void add_carefully(std::span<const std::int64_t> full, MatrixView<const std::int64_t> partial,
                     Sums& sums) const {
    sums.clear();
    const auto add = [&](std::int64_t sample, index_t lag, index_t lags) {
      stretches(lags, [&](index_t from, index_t to, index_t n) {
        const T* const x = at(sample) + from;
        const auto base = static_cast<std::size_t>(lag * width() + to);
        for (index_t k = 0; k < n; ++k) {
          sums.add_unless_nan(base + static_cast<std::size_t>(k), static_cast<double>(x[k]));
        }
      });
    };
    for (const std::int64_t first : full) add(first + first_lag_, 0, n_lags());
    pieces(partial, add);
  }

  SignalView<T> signal_;
  index_t first_signal_;
  index_t first_lag_;
  index_t last_lag_;
};

// Where a time lies between samples; left == -1 where it lies in no run.
struct Place {
  index_t left;
  index_t right;
  double weight;
};

class Locator {
 public:
  Locator(std::span<const double> times, MatrixView<const std::int64_t> runs)
      : times_(times), runs_(runs) {}

  // Places of event + lag for increasing lags.
  void locate(double event, std::span<const double> lags, std::span<Place> places) const {
    const auto n = static_cast<index_t>(times_.size());
    index_t right =
        std::lower_bound(times_.begin(), times_.end(), event + lags.front()) - times_.begin();
    index_t run = 0;
    for (std::size_t l = 0; l < lags.size(); ++l) {
      const double t = event + lags[l];
      while (right < n && time(right) < t) ++right;
      places[l] = {-1, -1, 0.0};
      if (right == n || std::isnan(t)) continue;
      const bool exact = time(right) == t;
      const index_t left = exact ? right : right - 1;
      if (left < 0) continue;
      if (l == 0) run = first_run_ending_after(right);
      while (run < runs_.n_rows() && runs_(run, 1) <= right) ++run;
      if (run == runs_.n_rows() || left < runs_(run, 0)) continue;
      const double weight = exact ? 0.0 : (t - time(left)) / (time(right) - time(left));
      places[l] = {left, right, weight};
    }
  }

 private:
  [[nodiscard]] double time(index_t i) const { return times_[static_cast<std::size_t>(i)]; }

  [[nodiscard]] index_t first_run_ending_after(index_t sample) const {
    index_t low = 0;
    index_t high = runs_.n_rows();
    while (low < high) {
      const index_t middle = (low + high) / 2;
      if (runs_(middle, 1) <= sample) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  std::span<const double> times_;
  MatrixView<const std::int64_t> runs_;
};

template <typename T>
void add_places(const SignalView<T>& signal, std::span<const Place> places, Sums& sums) {
  const auto add = [&](std::size_t lag, index_t s) {
    const Place& place = places[lag];
    if (place.left < 0) return;
    const T* const column = signal.data + s * signal.signal_stride;
    double x = static_cast<double>(column[place.left * signal.sample_stride]);
    // A neighbor without weight must not spoil the value (it may be NaN).
    if (place.weight != 0.0) {
      x += place.weight * (static_cast<double>(column[place.right * signal.sample_stride]) - x);
    }
    sums.add_unless_nan(
        lag * static_cast<std::size_t>(signal.n_signals) + static_cast<std::size_t>(s), x);
  };
  if (signal.interleaved()) {
    for (std::size_t lag = 0; lag < places.size(); ++lag) {
      for (index_t s = 0; s < signal.n_signals; ++s) add(lag, s);
    }
  } else {
    for (index_t s = 0; s < signal.n_signals; ++s) {
      for (std::size_t lag = 0; lag < places.size(); ++lag) add(lag, s);
    }
  }
}

// Lags of one tile when each lag holds `width` sums: sums, squares and pivots stay in 96 KiB, a
// part of the second-level cache. Smaller tiles read memory in pieces too short to be fetched
// ahead.
index_t lags_per_tile(index_t n_lags, index_t width) {
  constexpr index_t sums_per_tile = 4096;
  const index_t n_tiles = std::min(n_lags, (n_lags * width + sums_per_tile - 1) / sums_per_tile);
  return (n_lags + n_tiles - 1) / n_tiles;
}

}  // namespace

template <typename T>
void average_windows(const SignalView<T>& signal, std::span<const std::int64_t> full,
                     MatrixView<const std::int64_t> partial, const Control& control,
                     EventMoments out) {
  const index_t n_lags = out.mean.n_rows();
  if (n_lags == 0 || signal.n_signals == 0) return;
  const index_t width = signal.interleaved() ? signal.n_signals : 1;
  const index_t n_groups = signal.n_signals / width;
  const index_t step = lags_per_tile(n_lags, width);
  const index_t n_tiles = (n_lags + step - 1) / step;
  parallel_for(n_groups * n_tiles, control, [&](index_t item) {
    const index_t first = item % n_tiles * step;
    const Tile<T> tile(signal, item / n_tiles, first, std::min(first + step, n_lags));
    tile.average(full, partial, out);
  });
}

template <typename T>
void average_interpolated(const SignalView<T>& signal, std::span<const double> times,
                          MatrixView<const std::int64_t> runs, std::span<const double> events,
                          std::span<const double> lags, const Control& control, EventMoments out) {
  const auto n_lags = static_cast<index_t>(lags.size());
  if (n_lags == 0 || signal.n_signals == 0) return;
  const Locator locator(times, runs);
  const index_t step = lags_per_tile(n_lags, signal.n_signals);
  parallel_blocks(n_lags, step, control, [&](index_t first, index_t last) {
    const auto n = static_cast<std::size_t>(last - first);
    const auto tile_lags = lags.subspan(static_cast<std::size_t>(first), n);
    Sums sums(n * static_cast<std::size_t>(signal.n_signals));
    std::vector<Place> places(n);
    for (const double event : events) {
      locator.locate(event, tile_lags, places);
      add_places(signal, std::span<const Place>(places), sums);
    }
    std::size_t k = 0;
    for (index_t lag = first; lag < last; ++lag) {
      for (index_t s = 0; s < signal.n_signals; ++s) sums.write(k++, out, lag, s);
    }
  });
}

template void average_windows<float>(const SignalView<float>&, std::span<const std::int64_t>,
                                     MatrixView<const std::int64_t>, const Control&, EventMoments);
template void average_windows<double>(const SignalView<double>&, std::span<const std::int64_t>,
                                      MatrixView<const std::int64_t>, const Control&, EventMoments);
template void average_interpolated<float>(const SignalView<float>&, std::span<const double>,
                                          MatrixView<const std::int64_t>, std::span<const double>,
                                          std::span<const double>, const Control&, EventMoments);
template void average_interpolated<double>(const SignalView<double>&, std::span<const double>,
                                           MatrixView<const std::int64_t>, std::span<const double>,
                                           std::span<const double>, const Control&, EventMoments);

}  // namespace cofire
