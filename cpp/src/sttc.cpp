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

// A stretch of an epoch. Spikes with core_begin <= t < core_end are counted; load_begin <= t <=
// load_end includes all that can be within dt of one of those in the same epoch.
struct Piece {
  double core_begin;
  double core_end;
  double load_begin;
  double load_end;
};

struct Spike {
  double time;
  std::uint32_t unit;
};

// One rounding step outward, so that rounding in `t - core_end <= dt` cannot lose a neighbour.
[[nodiscard]] Piece make_piece(double start, double stop, double begin, double end, double dt) {
  const double reach = std::nextafter(dt, infinity);
  return {begin, end, std::max(start, std::nextafter(begin - reach, -infinity)),
          std::min(stop, std::nextafter(end + reach, infinity))};
}

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
      pieces.push_back(make_piece(start, stop, begin, sample[next], dt));
      begin = sample[next];
    }
    pieces.push_back(make_piece(start, stop, begin, infinity, dt));
  }
  return pieces;
}

// Sorts almost uniformly spread times: one pass into as many buckets as spikes, then insertion.
class BucketSorter {
 public:
  // All times of `in` lie between first and last.
  void sort(std::span<const Spike> in, double first, double last, std::vector<Spike>& out) {
    const std::size_t n = in.size();
    out.resize(n);
    const double scale = last > first ? static_cast<double>(n) / (last - first) : 0.0;
    // A span so short that the scale overflows goes into one bucket.
    const double per_bucket = std::isfinite(scale) ? scale : 0.0;
    const auto bucket = [=](double t) {
      return static_cast<std::uint32_t>((t - first) * per_bucket);
    };
    ends_.assign(n + 2, 0);
    for (const Spike& s : in) ++ends_[bucket(s.time) + 1];
    std::uint32_t fullest = 0;
    for (std::size_t b = 1; b < n + 2; ++b) {
      fullest = std::max(fullest, ends_[b]);
      ends_[b] += ends_[b - 1];
    }
    for (const Spike& s : in) out[ends_[bucket(s.time)]++] = s;
    if (fullest > 64) {
      std::sort(out.begin(), out.end(),
                [](const Spike& a, const Spike& b) { return a.time < b.time; });
    } else {
      insertion_sort(out);
    }
  }

 private:
  static void insertion_sort(std::vector<Spike>& spikes) {
    for (std::size_t k = 1; k < spikes.size(); ++k) {
      const Spike s = spikes[k];
      std::size_t to = k;
      for (; to > 0 && spikes[to - 1].time > s.time; --to) spikes[to] = spikes[to - 1];
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
      cursor_[u] = std::lower_bound(train.begin(), train.end(), pieces.front().load_begin);
    }
    for (const Piece& piece : pieces) {
      gather(piece);
      if (gathered_.empty()) continue;
      sorter_.sort(gathered_, first_, last_, sorted_);
      sweep(piece);
    }
  }

  [[nodiscard]] const BitCounters& counters() const noexcept { return counters_; }

 private:
  using Cursor = std::span<const double>::iterator;

  void gather(const Piece& piece) {
    gathered_.clear();
    first_ = infinity;
    last_ = -infinity;
    for (std::size_t u = 0; u < cursor_.size(); ++u) {
      const auto stop = spikes_.row(static_cast<index_t>(u)).end();
      Cursor begin = cursor_[u];
      while (begin != stop && *begin < piece.load_begin) ++begin;
      Cursor end = begin;
      while (end != stop && *end <= piece.load_end) ++end;
      cursor_[u] = begin;
      if (begin == end) continue;
      first_ = std::min(first_, *begin);
      last_ = std::max(last_, *(end - 1));
      std::size_t to = gathered_.size();
      gathered_.resize(to + static_cast<std::size_t>(end - begin));
      for (Cursor spike = begin; spike != end; ++spike) {
        gathered_[to++] = {*spike, static_cast<std::uint32_t>(u)};
      }
    }
  }

  // Two pointers over the time-ordered spikes keep one bit a unit: it has a spike within dt of now.
  void sweep(const Piece& piece) {
    const auto before = [](const Spike& s, double t) { return s.time < t; };
    auto now = std::lower_bound(sorted_.begin(), sorted_.end(), piece.core_begin, before);
    const auto end = std::lower_bound(now, sorted_.end(), piece.core_end, before);
    const auto n_core = end - now;
    const auto k0 = now - sorted_.begin();
    sorted_.push_back({infinity, 0});  // ends the leading loop
    const Spike* lead = sorted_.data();
    const Spike* trail = lead;
    const Spike* const first = lead + k0;
    for (const Spike* s = first; s != first + n_core; ++s) {
      const double t = s->time;
      // Usually zero to two spikes enter and leave: the first two without a branch to mispredict.
      for (int n = 0; n < 2; ++n) {
        const bool enters = lead->time - t <= dt_;
        enter(lead->unit, enters);
        lead += enters;
      }
      for (; lead->time - t <= dt_; ++lead) enter(lead->unit, true);
      for (int n = 0; n < 2; ++n) {
        const bool leaves = t - trail->time > dt_;
        leave(trail->unit, leaves);
        trail += leaves;
      }
      for (; t - trail->time > dt_; ++trail) leave(trail->unit, true);
      counters_.add(static_cast<index_t>(s->unit), bits_.data());
    }
    for (; trail != lead; ++trail) leave(trail->unit, true);
  }

  void enter(std::uint32_t unit, bool really) noexcept {
    n_inside_[unit] += really;
    bits_[unit / 64] |= static_cast<std::uint64_t>(really) << (unit % 64);
  }

  void leave(std::uint32_t unit, bool really) noexcept {
    n_inside_[unit] -= really;
    const bool is_last = really && n_inside_[unit] == 0;
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
  double first_ = 0.0;
  double last_ = 0.0;
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
