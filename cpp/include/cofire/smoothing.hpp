// Gaussian smoothing of binned spikes along an axis with gaps, tile by tile.
//
// Bins are put on an axis of integer positions that also has room for missing bins and for mirror
// images beyond the ends. Gaps longer than the kernel are shortened to its radius, which changes
// nothing and keeps the axis short. The convolution on that axis is linear, so a spike adds one
// scaled kernel; the few bins near a gap are then divided by the weight of the bins that exist.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "cofire/binning.hpp"
#include "cofire/parallel.hpp"
#include "cofire/view.hpp"

namespace cofire {

struct SmoothingAxis {
  std::span<const double> taps;                   // (2 r + 1,), sum 1; {1} does not smooth
  std::span<const std::int64_t> bin_offsets;      // epoch e has bins [e] to [e + 1]
  std::span<const std::int64_t> epoch_positions;  // of the first bin of each epoch, >= r
  std::span<const std::int64_t> image_positions;  // of mirrored bins, increasing
  std::span<const std::int64_t> image_bins;       // the bin that is seen there
  std::span<const std::int64_t> edge_bins;        // bins near a gap, increasing
  std::span<const double> edge_scale;             // their factor
  index_t length;                                 // >= last bin's position + r + 1

  [[nodiscard]] index_t radius() const noexcept { return static_cast<index_t>(taps.size() / 2); }
  [[nodiscard]] index_t n_bins() const noexcept { return static_cast<index_t>(bin_offsets.back()); }
  [[nodiscard]] index_t position_of(std::int64_t bin) const noexcept;
};

// Spikes of one unit on the axis: occupied positions in order, and the images of occupied bins.
class PlacedUnit {
 public:
  struct List {
    std::span<const std::int32_t> positions;
    std::span<const std::int32_t> counts;
  };

  PlacedUnit() = default;
  PlacedUnit(std::span<const double> times, const BinGrid& grid, const SmoothingAxis& axis);

  [[nodiscard]] List bins() const noexcept;
  [[nodiscard]] List images() const noexcept { return {image_positions_, image_counts_}; }
  [[nodiscard]] std::int64_t n_spikes() const noexcept { return n_spikes_; }

 private:
  std::unique_ptr<std::int32_t[]> positions_;
  std::unique_ptr<std::int32_t[]> counts_;
  std::size_t n_occupied_ = 0;
  std::vector<std::int32_t> image_positions_;
  std::vector<std::int32_t> image_counts_;
  std::int64_t n_spikes_ = 0;
};

// What a tile [begin, end) of the axis holds; the same for all units.
class TilePlan {
 public:
  TilePlan(const SmoothingAxis& axis, index_t begin, index_t end);

  struct Piece {
    index_t from;  // relative to begin
    index_t size;
  };
  index_t begin;
  index_t end;
  index_t first_bin = 0;
  index_t n_bins = 0;
  std::vector<Piece> pieces;
  std::span<const std::int64_t> edge_bins;
  std::span<const double> edge_scale;
};

// Where a sweep over consecutive tiles stands in a unit's lists.
struct Cursor {
  std::size_t bin = 0;
  std::size_t image = 0;
};

class Smoother {
 public:
  explicit Smoother(const SmoothingAxis& axis);

  // Positions of a tile that makes the halo cheap, at least `least`.
  [[nodiscard]] index_t tile_size(index_t least) const noexcept;
  // The cursor for a sweep that starts at position `begin`.
  [[nodiscard]] Cursor seek(const PlacedUnit& unit, index_t begin) const;
  // Writes the smoothed bins of a tile, plan.n_bins values. Returns false, and writes nothing, if
  // no spike reaches the tile: all values are 0. Tiles must come in order from `cursor`.
  [[nodiscard]] bool smooth(const PlacedUnit& unit, const TilePlan& plan, Cursor& cursor,
                            double* out);
  // The same for a row of numbers, one a bin.
  void smooth(std::span<const double> row, const TilePlan& plan, double* out);

 private:
  void collect(const double* buffer, const TilePlan& plan, double* out) const;

  const SmoothingAxis& axis_;
  index_t radius_;
  std::vector<double> padded_taps_;
  std::vector<double> buffer_;
  std::vector<double> raw_;
};

// Smooths each row of x (n_rows, n_bins) into out.
void smooth_rows(const MatrixView<const double>& x, const SmoothingAxis& axis,
                 const Control& control, MatrixView<double> out);

}  // namespace cofire
