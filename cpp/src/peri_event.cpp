#include "cofire/peri_event.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "cofire/simd.hpp"

namespace cofire {

namespace {

// Spikes looked at in one step: a short block without branches costs less than a loop that ends
// where nobody can predict.
constexpr index_t lanes = 8;

// Delays that wait to be turned into bins together, which vectorises; small enough for the
// first-level cache.
constexpr index_t batch = 1024;

// Delays whose bins are guessed, and if need be corrected, together.
constexpr index_t guesses = 128;

// The delay of a spike is t - origin(event). Its position, in bins from the start of the window,
// gives the bin by truncation, except closer than `tolerance` to an edge, where correct() decides.
struct ExactEdges {
  double start;
  double width;
  double end;
  double bins_per_second;
  double tolerance;

  COFIRE_INLINE double origin(double event) const { return event; }
  COFIRE_INLINE bool before(double t, double origin) const { return t - origin < start; }
  COFIRE_INLINE bool inside(double t, double origin) const { return t - origin < end; }
  COFIRE_INLINE double position(double delay) const { return (delay - start) * bins_per_second; }
  COFIRE_INLINE std::int32_t correct(double delay, std::int32_t k) const {
    while (delay < static_cast<double>(k) * width + start) --k;
    while (delay >= static_cast<double>(k + 1) * width + start) ++k;
    return k;
  }
};

struct Truncated {
  double start;
  double width;
  double length;

  static constexpr double tolerance = -1.0;

  COFIRE_INLINE double origin(double event) const { return event + start; }
  COFIRE_INLINE bool before(double t, double origin) const { return t < origin; }
  COFIRE_INLINE bool inside(double t, double origin) const { return t < origin + length; }
  COFIRE_INLINE double position(double delay) const { return delay / width; }
  COFIRE_INLINE std::int32_t correct(double /*delay*/, std::int32_t k) const { return k; }
};

// Histogram of one unit. `hist` has n_bins + 1 places, the last for what is outside after all.
template <typename Rule>
class Counter {
 public:
  COFIRE_INLINE Counter(std::span<const double> times, const Rule& rule, std::int64_t* hist)
      : t_(times.data()), n_(static_cast<index_t>(times.size())), rule_(rule), hist_(hist) {}

  // Events must come in order.
  COFIRE_INLINE void add(double event) {
    const double origin = rule_.origin(event);
    skip_before(origin);
    index_t i = first_;
    for (; i + lanes <= n_; i += lanes) {
      std::int64_t n_inside = 0;
#pragma GCC unroll 1
      for (index_t u = 0; u < lanes; ++u) {
        const double t = t_[i + u];
        delays_[n_delays_ + u] = t - origin;
        n_inside += rule_.inside(t, origin) ? 1 : 0;
      }
      // Times are sorted: those inside come first, the rest is overwritten.
      n_delays_ += static_cast<index_t>(n_inside);
      if (n_delays_ > batch) flush();
      if (n_inside < lanes) return;
    }
    for (; i < n_ && rule_.inside(t_[i], origin); ++i) delays_[n_delays_++] = t_[i] - origin;
    if (n_delays_ > batch) flush();
  }

  COFIRE_INLINE void flush() {
    for (index_t begin = 0; begin < n_delays_; begin += guesses) {
      guess(begin, std::min(begin + guesses, n_delays_));
    }
    for (index_t k = 0; k < n_delays_; ++k) ++hist_[bins_[k]];
    n_delays_ = 0;
  }

 private:
  COFIRE_INLINE void guess(index_t begin, index_t end) {
    std::int64_t n_close = 0;
    for (index_t k = begin; k < end; ++k) {
      const double x = rule_.position(delays_[k]);
      bins_[k] = static_cast<std::int32_t>(x);
      const double rest = x - static_cast<double>(static_cast<std::int32_t>(x));
      n_close += (rest < rule_.tolerance) | (rest > 1.0 - rule_.tolerance) ? 1 : 0;
    }
    if (n_close == 0) return;
    for (index_t k = begin; k < end; ++k) bins_[k] = rule_.correct(delays_[k], bins_[k]);
  }

  COFIRE_INLINE void skip_before(double origin) {
    while (first_ + lanes <= n_) {
      std::int64_t n_before = 0;
#pragma GCC unroll 1
      for (index_t u = 0; u < lanes; ++u) n_before += rule_.before(t_[first_ + u], origin) ? 1 : 0;
      first_ += static_cast<index_t>(n_before);
      if (n_before < lanes) return;
    }
    while (first_ < n_ && rule_.before(t_[first_], origin)) ++first_;
  }

  const double* t_;
  index_t n_;
  Rule rule_;
  std::int64_t* hist_;
  index_t first_ = 0;
  index_t n_delays_ = 0;
  double delays_[batch + 2 * lanes];
  std::int32_t bins_[batch + 2 * lanes];
};

template <typename Rule>
COFIRE_INLINE void add_events(std::span<const double> times, std::span<const double> events,
                              const Rule& rule, std::int64_t* hist) {
  Counter<Rule> counter(times, rule, hist);
  for (const double event : events) counter.add(event);
  counter.flush();
}

COFIRE_CLONES
void add_unit(std::span<const double> times, std::span<const double> events, const ExactEdges& rule,
              std::int64_t* hist) {
  add_events(times, events, rule, hist);
}

COFIRE_CLONES
void add_unit(std::span<const double> times, std::span<const double> events, const Truncated& rule,
              std::int64_t* hist) {
  add_events(times, events, rule, hist);
}

template <typename Rule>
void count_all(const SpikeView& spikes, std::span<const double> events, const Rule& rule,
               const Control& control, MatrixView<std::int64_t> counts) {
  const index_t n_bins = counts.n_cols();
  parallel_for(spikes.n_rows(), control, [&](index_t unit) {
    std::vector<std::int64_t> hist(static_cast<std::size_t>(n_bins + 1));
    add_unit(spikes.row(unit), events, rule, hist.data());
    std::copy_n(hist.begin(), n_bins, counts.row(unit).begin());
  });
}

template <typename Rule>
void count_each(const SpikeView& spikes, std::span<const double> events,
                std::span<const std::int64_t> rows, const Rule& rule, const Control& control,
                MatrixView<std::int32_t> counts) {
  const index_t n_bins = counts.n_cols();
  parallel_for(spikes.n_rows(), control, [&](index_t unit) {
    std::vector<std::int64_t> hist(static_cast<std::size_t>(n_bins + 1));
    Counter<Rule> counter(spikes.row(unit), rule, hist.data());
    for (std::size_t e = 0; e < events.size(); ++e) {
      std::fill(hist.begin(), hist.end(), 0);
      counter.add(events[e]);
      counter.flush();
      const auto row = counts.row(static_cast<index_t>(rows[e]) * spikes.n_rows() + unit);
      std::transform(hist.begin(), hist.begin() + n_bins, row.begin(),
                     [](std::int64_t c) { return static_cast<std::int32_t>(c); });
    }
  });
}

template <typename Body>
void with_rule(const LagBins& bins, LagRule rule, Body&& body) {
  const auto n_bins = static_cast<double>(bins.n_bins);
  if (rule == LagRule::exact_edges) {
    // Far more than the rounding of the position: a few ulp of it and of start / width.
    const double reach = n_bins + std::abs(bins.start / bins.width);
    const double tolerance = 1e-9 + 16.0 * std::numeric_limits<double>::epsilon() * reach;
    const double end = n_bins * bins.width + bins.start;
    body(ExactEdges{bins.start, bins.width, end, 1.0 / bins.width, tolerance});
  } else {
    body(Truncated{bins.start, bins.width, n_bins * bins.width});
  }
}

}  // namespace

void peri_event_counts(const SpikeView& spikes, std::span<const double> events, const LagBins& bins,
                       LagRule rule, const Control& control, MatrixView<std::int64_t> counts) {
  with_rule(bins, rule, [&](const auto& r) { count_all(spikes, events, r, control, counts); });
}

void peri_event_counts_each(const SpikeView& spikes, std::span<const double> events,
                            std::span<const std::int64_t> rows, const LagBins& bins, LagRule rule,
                            const Control& control, MatrixView<std::int32_t> counts) {
  with_rule(bins, rule,
            [&](const auto& r) { count_each(spikes, events, rows, r, control, counts); });
}

}  // namespace cofire
