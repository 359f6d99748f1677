#include "cofire/smoothing.hpp"

#include <algorithm>
#include <cstddef>

#include "cofire/simd.hpp"

namespace cofire {

namespace {

constexpr index_t lanes = 4;
constexpr index_t row_tile = 2048;

// Adds count * taps at each position below `stop`; taps are padded to whole lanes. Returns the
// index of the first spike not added.
COFIRE_CLONES std::size_t scatter(const std::int32_t* positions, const std::int32_t* counts,
                                  std::size_t from, std::size_t size, index_t stop, index_t origin,
                                  const double* taps, index_t n_taps, double* buffer) {
  std::size_t i = from;
  for (; i < size && positions[i] < stop; ++i) {
    const double count = counts[i];
    double* COFIRE_RESTRICT to = buffer + (positions[i] - origin);
    for (index_t j = 0; j < n_taps; j += lanes) {
      for (index_t l = 0; l < lanes; ++l) to[j + l] += count * taps[j + l];
    }
  }
  return i;
}

COFIRE_CLONES void convolve(const double* raw, const double* taps, index_t radius, index_t n,
                            double* COFIRE_RESTRICT out) {
  const double* center = raw + radius;
  for (index_t t = 0; t < n; ++t) out[t] = taps[radius] * center[t];
  for (index_t j = 1; j <= radius; ++j) {
    const double tap = taps[radius + j];
    for (index_t t = 0; t < n; ++t) out[t] += tap * (center[t - j] + center[t + j]);
  }
}

std::size_t first_at_or_after(std::span<const std::int32_t> positions, index_t position) {
  return static_cast<std::size_t>(std::lower_bound(positions.begin(), positions.end(), position) -
                                  positions.begin());
}

std::size_t size_of(index_t n) { return static_cast<std::size_t>(n); }

}  // namespace

index_t SmoothingAxis::position_of(std::int64_t bin) const noexcept {
  const auto after = std::upper_bound(bin_offsets.begin(), bin_offsets.end(), bin);
  const auto epoch = static_cast<std::size_t>(after - bin_offsets.begin()) - 1;
  return static_cast<index_t>(epoch_positions[epoch] + bin - bin_offsets[epoch]);
}

PlacedUnit::PlacedUnit(std::span<const double> times, const BinGrid& grid,
                       const SmoothingAxis& axis)
    : positions_(std::make_unique_for_overwrite<std::int32_t[]>(times.size())),
      counts_(std::make_unique_for_overwrite<std::int32_t[]>(times.size())) {
  n_occupied_ =
      size_of(occupied_bins(times, grid, axis.epoch_positions, {positions_.get(), times.size()},
                            {counts_.get(), times.size()}));
  const List occupied = bins();
  for (const std::int32_t count : occupied.counts) n_spikes_ += count;
  for (std::size_t i = 0; i < axis.image_positions.size(); ++i) {
    const index_t source = axis.position_of(axis.image_bins[i]);
    const std::size_t at = first_at_or_after(occupied.positions, source);
    if (at < n_occupied_ && occupied.positions[at] == source) {
      image_positions_.push_back(static_cast<std::int32_t>(axis.image_positions[i]));
      image_counts_.push_back(occupied.counts[at]);
    }
  }
}

PlacedUnit::List PlacedUnit::bins() const noexcept {
  return {{positions_.get(), n_occupied_}, {counts_.get(), n_occupied_}};
}

TilePlan::TilePlan(const SmoothingAxis& axis, index_t tile_begin, index_t tile_end)
    : begin(tile_begin), end(tile_end) {
  const auto after =
      std::upper_bound(axis.epoch_positions.begin(), axis.epoch_positions.end(), begin);
  auto e = static_cast<std::size_t>(after - axis.epoch_positions.begin());
  if (e > 0) --e;
  bool found = false;
  for (; e < axis.epoch_positions.size() && axis.epoch_positions[e] < end; ++e) {
    const auto start = static_cast<index_t>(axis.epoch_positions[e]);
    const auto size = static_cast<index_t>(axis.bin_offsets[e + 1] - axis.bin_offsets[e]);
    const index_t from = std::max(start, begin);
    const index_t to = std::min(start + size, end);
    if (from >= to) continue;
    if (!found) first_bin = static_cast<index_t>(axis.bin_offsets[e]) + from - start;
    found = true;
    pieces.push_back({from - begin, to - from});
    n_bins += to - from;
  }
  const auto from = std::lower_bound(axis.edge_bins.begin(), axis.edge_bins.end(), first_bin);
  const auto to = std::lower_bound(from, axis.edge_bins.end(), first_bin + n_bins);
  const auto at = static_cast<std::size_t>(from - axis.edge_bins.begin());
  edge_bins = axis.edge_bins.subspan(at, static_cast<std::size_t>(to - from));
  edge_scale = axis.edge_scale.subspan(at, edge_bins.size());
}

Smoother::Smoother(const SmoothingAxis& axis)
    : axis_(axis), radius_(axis.radius()), padded_taps_(axis.taps.begin(), axis.taps.end()) {
  const auto n = static_cast<index_t>(padded_taps_.size());
  padded_taps_.resize(size_of((n + lanes - 1) / lanes * lanes), 0.0);
}

index_t Smoother::tile_size(index_t least) const noexcept {
  return std::max(least, std::min<index_t>(8 * radius_, 16 * least));
}

Cursor Smoother::seek(const PlacedUnit& unit, index_t begin) const {
  return {first_at_or_after(unit.bins().positions, begin - radius_),
          first_at_or_after(unit.images().positions, begin - radius_)};
}

bool Smoother::smooth(const PlacedUnit& unit, const TilePlan& plan, Cursor& cursor, double* out) {
  const index_t first = plan.begin - radius_;
  const index_t stop = plan.end + radius_;
  const auto advance = [first](std::span<const std::int32_t> positions, std::size_t& at) {
    while (at < positions.size() && positions[at] < first) ++at;
    return at < positions.size() ? static_cast<index_t>(positions[at]) : PTRDIFF_MAX;
  };
  const PlacedUnit::List bins = unit.bins();
  const PlacedUnit::List images = unit.images();
  const index_t next_bin = advance(bins.positions, cursor.bin);
  const index_t next_image = advance(images.positions, cursor.image);
  if (next_bin >= stop && next_image >= stop) return false;

  // Room for the whole kernel of a spike r before the tile to one r after it.
  const auto n_taps = static_cast<index_t>(padded_taps_.size());
  buffer_.assign(size_of(plan.end - plan.begin + 2 * radius_ + n_taps + lanes), 0.0);
  for (const auto& [list, from] : {std::pair{bins, cursor.bin}, std::pair{images, cursor.image}}) {
    (void)scatter(list.positions.data(), list.counts.data(), from, list.positions.size(), stop,
                  first, padded_taps_.data(), n_taps, buffer_.data());
  }
  collect(buffer_.data() + 2 * radius_, plan, out);
  return true;
}

void Smoother::smooth(std::span<const double> row, const TilePlan& plan, double* out) {
  const index_t n = plan.end - plan.begin;
  const index_t first = plan.begin - radius_;
  raw_.assign(size_of(n + 2 * radius_), 0.0);
  const TilePlan wide(axis_, first, plan.end + radius_);
  const double* from = row.data() + wide.first_bin;
  for (const auto& piece : wide.pieces) {
    std::copy_n(from, piece.size, raw_.data() + piece.from);
    from += piece.size;
  }
  const auto begin = axis_.image_positions.begin();
  const auto end = axis_.image_positions.end();
  for (auto at = std::lower_bound(begin, end, first); at != end && *at < wide.end; ++at) {
    const auto bin = static_cast<std::size_t>(axis_.image_bins[size_of(at - begin)]);
    raw_[size_of(static_cast<index_t>(*at) - first)] = row[bin];
  }
  buffer_.resize(size_of(n));
  convolve(raw_.data(), axis_.taps.data(), radius_, n, buffer_.data());
  collect(buffer_.data(), plan, out);
}

void Smoother::collect(const double* buffer, const TilePlan& plan, double* out) const {
  double* to = out;
  for (const auto& piece : plan.pieces) to = std::copy_n(buffer + piece.from, piece.size, to);
  for (std::size_t i = 0; i < plan.edge_bins.size(); ++i) {
    out[static_cast<index_t>(plan.edge_bins[i]) - plan.first_bin] *= plan.edge_scale[i];
  }
}

void smooth_rows(const MatrixView<const double>& x, const SmoothingAxis& axis,
                 const Control& control, MatrixView<double> out) {
  parallel_for(x.n_rows(), control, [&](index_t i) {
    Smoother smoother(axis);
    const index_t tile = smoother.tile_size(row_tile);
    for (index_t begin = 0; begin < axis.length; begin += tile) {
      const TilePlan plan(axis, begin, std::min(axis.length, begin + tile));
      smoother.smooth(x.row(i), plan, out.row(i).data() + plan.first_bin);
    }
  });
}

}  // namespace cofire
