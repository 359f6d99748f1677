#include "cofire/peri_event.hpp"

#include <algorithm>
#include <vector>

#include "cofire/clones.hpp"

namespace cofire {

namespace {

// Spikes handled at once. Low-rate units have few spikes a window: a short fixed block without
// branches costs less than a loop whose end cannot be predicted.
constexpr index_t lanes = 8;

// The delay of a spike relative to an event, and its bin as a number in [0, n_bins]; n_bins and
// beyond is outside.
struct ExactEdges {
  double start;
  double width;
  double n_bins;
  double bins_per_second;

  COFIRE_INLINE double origin(double event) const { return event; }
  COFIRE_INLINE bool before(double t, double origin) const { return t - origin < start; }
  COFIRE_INLINE bool after(double t, double origin) const {
    return t - origin >= n_bins * width + start;
  }
  COFIRE_INLINE std::int32_t bin(double t, double origin) const {
    const double delay = t - origin;
    const double guess = std::min((delay - start) * bins_per_second, n_bins);
    const auto k = static_cast<std::int32_t>(guess);
    const auto edge = static_cast<double>(k);
    // Guess by multiplication, then correct against the exact edges.
    return k - static_cast<std::int32_t>(delay < edge * width + start) +
           static_cast<std::int32_t>(delay >= (edge + 1.0) * width + start);
  }
};

struct Truncated {
  double start;
  double width;
  double n_bins;

  COFIRE_INLINE double origin(double event) const { return event + start; }
  COFIRE_INLINE bool before(double t, double origin) const { return t < origin; }
  COFIRE_INLINE bool after(double t, double origin) const { return t >= origin + n_bins * width; }
  COFIRE_INLINE std::int32_t bin(double t, double origin) const {
    const double k = t < origin + n_bins * width ? (t - origin) / width : n_bins;
    return static_cast<std::int32_t>(std::min(k, n_bins));
  }
};

// Adds the spikes around one event to the histogram, which has `lanes` more places than bins: each
// lane drops its spikes outside into a place of its own. Returns the first spike at or after the
// start of the window; `first` is that of an earlier event.
template <typename Rule>
COFIRE_INLINE index_t add_event(const double* t, index_t n, index_t first, double event,
                                const Rule& rule, std::int32_t n_bins, std::int64_t* hist) {
  const double origin = rule.origin(event);
  while (first + lanes <= n) {
    std::int64_t n_before = 0;
    for (index_t u = 0; u < lanes; ++u) n_before += rule.before(t[first + u], origin) ? 1 : 0;
    first += static_cast<index_t>(n_before);
    if (n_before < lanes) break;
  }
  while (first < n && rule.before(t[first], origin)) ++first;

  index_t i = first;
  for (; i + lanes <= n; i += lanes) {
    std::int32_t bins[lanes];
    for (index_t u = 0; u < lanes; ++u) {
      const std::int32_t dropped = n_bins + static_cast<std::int32_t>(u);
      bins[u] = std::min(rule.bin(t[i + u], origin), dropped);
    }
    for (index_t u = 0; u < lanes; ++u) ++hist[bins[u]];
    if (rule.after(t[i + lanes - 1], origin)) return first;
  }
  for (; i < n && !rule.after(t[i], origin); ++i) ++hist[std::min(rule.bin(t[i], origin), n_bins)];
  return first;
}

template <typename Rule>
COFIRE_INLINE void add_events(std::span<const double> times, std::span<const double> events,
                              const Rule& rule, std::int32_t n_bins, std::int64_t* hist) {
  const auto n = static_cast<index_t>(times.size());
  index_t first = 0;
  for (const double event : events) {
    first = add_event(times.data(), n, first, event, rule, n_bins, hist);
  }
}

COFIRE_CLONES
void add_unit(std::span<const double> times, std::span<const double> events, const ExactEdges& rule,
              std::int32_t n_bins, std::int64_t* hist) {
  add_events(times, events, rule, n_bins, hist);
}

COFIRE_CLONES
void add_unit(std::span<const double> times, std::span<const double> events, const Truncated& rule,
              std::int32_t n_bins, std::int64_t* hist) {
  add_events(times, events, rule, n_bins, hist);
}

template <typename Rule>
void count_all(const SpikeView& spikes, std::span<const double> events, const Rule& rule,
               const Control& control, MatrixView<std::int64_t> counts) {
  const index_t n_bins = counts.n_cols();
  parallel_for(spikes.n_rows(), control, [&](index_t unit) {
    std::vector<std::int64_t> hist(static_cast<std::size_t>(n_bins + lanes));
    add_unit(spikes.row(unit), events, rule, static_cast<std::int32_t>(n_bins), hist.data());
    std::copy_n(hist.begin(), n_bins, counts.row(unit).begin());
  });
}

template <typename Rule>
void count_each(const SpikeView& spikes, std::span<const double> events,
                std::span<const std::int64_t> rows, const Rule& rule, const Control& control,
                MatrixView<std::int32_t> counts) {
  const index_t n_bins = counts.n_cols();
  parallel_for(spikes.n_rows(), control, [&](index_t unit) {
    const auto times = spikes.row(unit);
    const auto n = static_cast<index_t>(times.size());
    std::vector<std::int64_t> hist(static_cast<std::size_t>(n_bins + lanes));
    index_t first = 0;
    for (std::size_t e = 0; e < events.size(); ++e) {
      std::fill(hist.begin(), hist.end(), 0);
      first = add_event(times.data(), n, first, events[e], rule, static_cast<std::int32_t>(n_bins),
                        hist.data());
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
    body(ExactEdges{bins.start, bins.width, n_bins, 1.0 / bins.width});
  } else {
    body(Truncated{bins.start, bins.width, n_bins});
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
