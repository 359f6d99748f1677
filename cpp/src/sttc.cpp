#include "cofire/sttc.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <mutex>
#include <vector>

#include "cofire/bit_counters.hpp"

namespace cofire {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// Spikes a piece should hold: its sorted copy stays in the L2 cache.
constexpr std::size_t piece_spikes = 16384;
constexpr std::size_t sample_stride = 128;

// A stretch of an epoch. Spikes with core_begin <= t < core_end are counted; those up to dt beyond
// them are their possible neighbours.
struct Piece {
  double epoch_start;
  double epoch_stop;
  double core_begin;
  double core_end;
};

struct Spike {
  double time;
  std::uint32_t unit;
  bool is_core;
};

// Cuts epochs at times between which there are about piece_spikes spikes of all units, but not
// into pieces so short that neighbours outnumber counted spikes.
std::vector<Piece> cut_pieces(std::span<const double> times, const IntervalView& epochs,
                              double dt) {
  std::vector<double> sample;
  sample.reserve(times.size() / sample_stride);
  for (std::size_t k = sample_stride / 2; k < times.size(); k += sample_stride) {
    sample.push_back(times[k]);
  }
  std::sort(sample.begin(), sample.end());
  constexpr std::size_t step = piece_spikes / sample_stride;

  std::vector<Piece> pieces;
  std::size_t next = step;
  for (index_t e = 0; e < epochs.n_rows(); ++e) {
    const double start = epochs(e, 0);
    const double stop = epochs(e, 1);
    double begin = start;
    for (; next < sample.size() && sample[next] < stop; next += step) {
      if (sample[next] - begin < 16.0 * dt) continue;
      pieces.push_back({start, stop, begin, sample[next]});
      begin = sample[next];
    }
    pieces.push_back({start, stop, begin, infinity});
  }
  return pieces;
}

// Sorts almost uniformly spread times: one pass into as many buckets as spikes, then the few
// spikes of each bucket.
class BucketSorter {
 public:
  void sort(const std::vector<Spike>& in, std::vector<Spike>& out) {
    const std::size_t n = in.size();
    out.resize(n);
    if (n == 0) return;
    double first = in[0].time;
    double last = first;
    for (const Spike& s : in) {
      first = std::min(first, s.time);
      last = std::max(last, s.time);
    }
    const double scale = last > first ? static_cast<double>(n - 1) / (last - first) : 0.0;
    // A span so short that the scale overflows goes into one bucket.
    const double per_bucket = std::isfinite(scale) ? scale : 0.0;
    ends_.assign(n + 1, 0);
    for (const Spike& s : in) ++ends_[bucket(s.time, first, per_bucket, n) + 1];
    for (std::size_t b = 0; b < n; ++b) ends_[b + 1] += ends_[b];
    for (const Spike& s : in) out[ends_[bucket(s.time, first, per_bucket, n)]++] = s;
    std::uint32_t begin = 0;
    for (std::size_t b = 0; b < n; ++b) {
      sort_bucket(out, begin, ends_[b]);
      begin = ends_[b];
    }
  }

 private:
  static std::size_t bucket(double t, double first, double per_bucket, std::size_t n) noexcept {
    return std::min(static_cast<std::size_t>((t - first) * per_bucket), n - 1);
  }

  static void sort_bucket(std::vector<Spike>& spikes, std::uint32_t begin, std::uint32_t end) {
    if (end - begin > 32) {
      std::sort(spikes.begin() + begin, spikes.begin() + end,
                [](const Spike& a, const Spike& b) { return a.time < b.time; });
      return;
    }
    for (std::uint32_t k = begin + 1; k < end; ++k) {
      const Spike s = spikes[k];
      std::uint32_t to = k;
      for (; to > begin && spikes[to - 1].time > s.time; --to) spikes[to] = spikes[to - 1];
      spikes[to] = s;
    }
  }

  std::vector<std::uint32_t> ends_;
};

// What a thread needs to work through pieces.
class Sweeper {
 public:
  Sweeper(const SpikeView& spikes, double dt, index_t max_spikes)
      : spikes_(spikes),
        dt_(dt),
        counters_(spikes.n_rows(), spikes.n_rows(), max_spikes),
        cursor_(static_cast<std::size_t>(spikes.n_rows())),
        n_inside_(static_cast<std::size_t>(spikes.n_rows())),
        bits_(static_cast<std::size_t>(bit_words(spikes.n_rows()))) {}

  void run(std::span<const Piece> pieces) {
    for (std::size_t u = 0; u < cursor_.size(); ++u) {
      const auto train = spikes_.row(static_cast<index_t>(u));
      cursor_[u] = first_neighbour(train, train.begin(), pieces.front());
    }
    for (const Piece& piece : pieces) {
      gather(piece);
      sorter_.sort(gathered_, sorted_);
      sweep();
    }
  }

  [[nodiscard]] const BitCounters& counters() const noexcept { return counters_; }

 private:
  using Cursor = std::span<const double>::iterator;

  // Rounding is monotone, so c - t > dt for the first counted time c implies it for all others.
  Cursor first_neighbour(std::span<const double> train, Cursor from, const Piece& piece) const {
    return std::partition_point(from, train.end(), [&](double t) {
      return t < piece.epoch_start || piece.core_begin - t > dt_;
    });
  }

  void gather(const Piece& piece) {
    gathered_.clear();
    for (std::size_t u = 0; u < cursor_.size(); ++u) {
      const auto train = spikes_.row(static_cast<index_t>(u));
      Cursor spike = cursor_[u];
      while (spike != train.end() &&
             (*spike < piece.epoch_start || piece.core_begin - *spike > dt_)) {
        ++spike;
      }
      cursor_[u] = spike;
      for (; spike != train.end() && *spike <= piece.epoch_stop && *spike - piece.core_end <= dt_;
           ++spike) {
        const bool is_core = *spike >= piece.core_begin && *spike < piece.core_end;
        gathered_.push_back({*spike, static_cast<std::uint32_t>(u), is_core});
      }
    }
  }

  // Two pointers over the time-ordered spikes keep one bit a unit: it has a spike within dt of now.
  void sweep() {
    sorted_.push_back({infinity, 0, false});  // ends the leading loop
    std::size_t lead = 0;
    std::size_t trail = 0;
    for (std::size_t k = 0; k + 1 < sorted_.size(); ++k) {
      const Spike now = sorted_[k];
      if (!now.is_core) continue;
      for (; sorted_[lead].time - now.time <= dt_; ++lead) enter(sorted_[lead].unit);
      for (; now.time - sorted_[trail].time > dt_; ++trail) leave(sorted_[trail].unit);
      counters_.add(static_cast<index_t>(now.unit), bits_.data());
    }
    for (; trail < lead; ++trail) leave(sorted_[trail].unit);
  }

  void enter(std::uint32_t unit) noexcept {
    ++n_inside_[unit];
    bits_[unit / 64] |= std::uint64_t{1} << (unit % 64);
  }

  void leave(std::uint32_t unit) noexcept {
    const bool is_last = --n_inside_[unit] == 0;
    bits_[unit / 64] &= ~(static_cast<std::uint64_t>(is_last) << (unit % 64));
  }

  const SpikeView& spikes_;
  double dt_;
  BitCounters counters_;
  std::vector<Cursor> cursor_;
  std::vector<std::uint32_t> n_inside_;
  std::vector<std::uint64_t> bits_;
  std::vector<Spike> gathered_;
  std::vector<Spike> sorted_;
  BucketSorter sorter_;
};

// Sweepers that wait for work; at most one a thread is ever made.
class SweeperPool {
 public:
  SweeperPool(const SpikeView& spikes, double dt) : spikes_(spikes), dt_(dt) {
    for (index_t u = 0; u < spikes.n_rows(); ++u) {
      max_spikes_ = std::max(max_spikes_, static_cast<index_t>(spikes.row(u).size()));
    }
  }

  void run(std::span<const Piece> pieces) {
    Sweeper* const sweeper = take();
    sweeper->run(pieces);
    const std::scoped_lock lock(mutex_);
    idle_.push_back(sweeper);
  }

  void add_row_to(index_t unit, std::span<std::int64_t> out) const {
    for (const auto& sweeper : all_) sweeper->counters().add_row_to(unit, out);
  }

 private:
  Sweeper* take() {
    const std::scoped_lock lock(mutex_);
    if (idle_.empty()) {
      all_.push_back(std::make_unique<Sweeper>(spikes_, dt_, max_spikes_));
      return all_.back().get();
    }
    Sweeper* const sweeper = idle_.back();
    idle_.pop_back();
    return sweeper;
  }

  const SpikeView& spikes_;
  double dt_;
  index_t max_spikes_ = 0;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Sweeper>> all_;
  std::vector<Sweeper*> idle_;
};

}  // namespace

void count_close_spikes(const SpikeView& spikes, const IntervalView& epochs, double dt,
                        const Control& control, MatrixView<std::int64_t> counts) {
  const std::vector<Piece> pieces = cut_pieces(spikes.values(), epochs, dt);
  const auto n_pieces = static_cast<index_t>(pieces.size());
  SweeperPool pool(spikes, dt);
  // Finding the place in every train costs a search at the start of a block of pieces.
  const index_t block = std::max<index_t>(1, n_pieces / 64);
  parallel_blocks(n_pieces, block, control, [&](index_t begin, index_t end) {
    pool.run(std::span(pieces).subspan(static_cast<std::size_t>(begin),
                                       static_cast<std::size_t>(end - begin)));
  });
  parallel_for(spikes.n_rows(), control, [&](index_t unit) {
    const auto row = counts.row(unit);
    std::fill(row.begin(), row.end(), 0);
    pool.add_row_to(unit, row);
  });
}

void measure_tiles(const SpikeView& spikes, const IntervalView& epochs, double dt,
                   const Control& control, std::span<double> tiled) {
  parallel_for(spikes.n_rows(), control, [&](index_t unit) {
    const auto train = spikes.row(unit);
    auto spike = train.begin();
    double sum = 0.0;
    for (index_t e = 0; e < epochs.n_rows(); ++e) {
      const double stop = epochs(e, 1);
      spike = std::lower_bound(spike, train.end(), epochs(e, 0));
      if (spike == train.end()) break;
      if (*spike > stop) continue;
      sum += std::min(*spike - epochs(e, 0), dt);
      double last = *spike;
      for (++spike; spike != train.end() && *spike <= stop; ++spike) {
        sum += std::min(*spike - last, 2.0 * dt);
        last = *spike;
      }
      sum += std::min(stop - last, dt);
    }
    tiled[static_cast<std::size_t>(unit)] = sum;
  });
}

}  // namespace cofire
