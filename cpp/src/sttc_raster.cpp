#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <numeric>
#include <vector>

#include "cofire/bit_counters.hpp"
#include "cofire/simd.hpp"
#include "cofire/sttc.hpp"

namespace cofire {

namespace {

using Word = std::uint64_t;
constexpr index_t word_bits = 64;

// Bits of units by frames, frames running fastest.
class BitMatrix {
 public:
  BitMatrix(index_t n_rows, index_t n_bits)
      : n_words_((n_bits + word_bits - 1) / word_bits),
        words_(static_cast<std::size_t>(n_rows * n_words_)) {}

  [[nodiscard]] index_t n_words() const noexcept { return n_words_; }
  [[nodiscard]] std::span<Word> row(index_t i) noexcept {
    return std::span(words_).subspan(static_cast<std::size_t>(i * n_words_),
                                     static_cast<std::size_t>(n_words_));
  }
  [[nodiscard]] std::span<const Word> row(index_t i) const noexcept {
    return std::span(words_).subspan(static_cast<std::size_t>(i * n_words_),
                                     static_cast<std::size_t>(n_words_));
  }

 private:
  index_t n_words_;
  std::vector<Word> words_;
};

void pack(std::span<const bool> frames, std::span<Word> bits) {
  const std::size_t n_whole = frames.size() / 8 * 8;
  for (std::size_t t = 0; t < n_whole; t += 8) {
    Word eight;
    std::memcpy(&eight, frames.data() + t, sizeof eight);
    if constexpr (std::endian::native == std::endian::little) {
      // Gathers the lowest bits of eight bytes in the top byte of the product.
      bits[t / 64] |= ((eight * 0x0102040810204080U) >> 56U) << (t % 64);
    } else {
      for (std::size_t k = 0; k < 8; ++k) bits[t / 64] |= Word{frames[t + k]} << ((t + k) % 64);
    }
  }
  for (std::size_t t = n_whole; t < frames.size(); ++t) bits[t / 64] |= Word{frames[t]} << (t % 64);
}

// bits |= bits moved by `shift` frames to later times.
void spread_later(std::span<Word> bits, index_t shift) {
  const auto whole = static_cast<std::size_t>(shift / word_bits);
  const auto part = static_cast<unsigned>(shift % word_bits);
  for (std::size_t i = bits.size(); i-- > whole;) {
    Word moved = bits[i - whole] << part;
    if (part != 0 && i > whole) moved |= bits[i - whole - 1] >> (word_bits - part);
    bits[i] |= moved;
  }
}

// bits |= bits moved by `shift` frames to earlier times.
void spread_earlier(std::span<Word> bits, index_t shift) {
  const auto whole = static_cast<std::size_t>(shift / word_bits);
  const auto part = static_cast<unsigned>(shift % word_bits);
  for (std::size_t i = 0; i + whole < bits.size(); ++i) {
    Word moved = bits[i + whole] >> part;
    if (part != 0 && i + whole + 1 < bits.size()) {
      moved |= bits[i + whole + 1] << (word_bits - part);
    }
    bits[i] |= moved;
  }
}

// Sets every bit at most `reach` away from a set one, doubling the width of the spread each time.
void dilate(std::span<const Word> bits, index_t n_frames, index_t reach, std::span<Word> out) {
  std::vector<Word> earlier(bits.begin(), bits.end());
  std::copy(bits.begin(), bits.end(), out.begin());
  const index_t limit = std::min(reach, n_frames - 1) + 1;
  for (index_t width = 1; width < limit;) {
    const index_t shift = std::min(width, limit - width);
    spread_later(out, shift);
    spread_earlier(earlier, shift);
    width += shift;
  }
  for (std::size_t i = 0; i < out.size(); ++i) out[i] |= earlier[i];
  if (n_frames % word_bits != 0) out.back() &= (Word{1} << (n_frames % word_bits)) - 1;
}

[[nodiscard]] std::int64_t count_bits(std::span<const Word> bits) {
  return std::accumulate(bits.begin(), bits.end(), std::int64_t{0},
                         [](std::int64_t n, Word word) { return n + std::popcount(word); });
}

constexpr index_t popcount_rows = 4;

// out[r] = number of bits that rows[r] and `other` share; four rows for each load of `other`.
COFIRE_POPCNT_CLONES
void count_shared(const std::array<const Word*, popcount_rows>& rows, const Word* other,
                  index_t n_words, std::array<std::int64_t, popcount_rows>& out) {
  std::int64_t n0 = 0;
  std::int64_t n1 = 0;
  std::int64_t n2 = 0;
  std::int64_t n3 = 0;
  for (index_t w = 0; w < n_words; ++w) {
    n0 += std::popcount(rows[0][w] & other[w]);
    n1 += std::popcount(rows[1][w] & other[w]);
    n2 += std::popcount(rows[2][w] & other[w]);
    n3 += std::popcount(rows[3][w] & other[w]);
  }
  out = {n0, n1, n2, n3};
}

void count_by_popcount(const BitMatrix& active, const BitMatrix& dilated, const Control& control,
                       MatrixView<std::int64_t> counts) {
  const index_t n = counts.n_rows();
  parallel_blocks(n, popcount_rows, control, [&](index_t begin, index_t end) {
    std::array<const Word*, popcount_rows> rows;
    for (index_t r = 0; r < popcount_rows; ++r) {
      rows[static_cast<std::size_t>(r)] = active.row(std::min(begin + r, end - 1)).data();
    }
    std::array<std::int64_t, popcount_rows> shared;
    for (index_t j = 0; j < n; ++j) {
      count_shared(rows, dilated.row(j).data(), active.n_words(), shared);
      for (index_t i = begin; i < end; ++i) {
        counts(i, j) = shared[static_cast<std::size_t>(i - begin)];
      }
    }
  });
}

// Transposes 64 x 64 bits: bit c of word r changes place with bit r of word c (Warren, Hacker's
// Delight, section 7-3).
void transpose(std::array<Word, 64>& a) {
  Word mask = 0x00000000FFFFFFFFU;
  for (std::size_t j = 32; j != 0; j >>= 1U, mask ^= mask << j) {
    for (std::size_t k = 0; k < 64; k = ((k | j) + 1) & ~j) {
      const Word swap = ((a[k] >> j) ^ a[k | j]) & mask;
      a[k] ^= swap << j;
      a[k | j] ^= swap;
    }
  }
}

// The dilated bits of up to 512 units, units running fastest: a row is one cache line.
class FrameRows {
 public:
  static constexpr index_t max_units = 512;
  static constexpr index_t max_frames = 65536;  // 4 MiB of rows

  FrameRows(index_t n_units, index_t n_frames)
      : n_words_(bit_words(std::min(n_units, max_units))),
        words_(static_cast<std::size_t>(n_words_ * (std::min(n_frames, max_frames) + word_bits))) {}

  [[nodiscard]] index_t n_words() const noexcept { return n_words_; }
  [[nodiscard]] const Word* row(index_t frame) const noexcept {
    return words_.data() + frame * n_words_;
  }

  // Rows 0.. become the frames of words [first_word, first_word + n_frame_words) of `bits`.
  void fill(const BitMatrix& bits, index_t first_unit, index_t n_units, index_t first_word,
            index_t n_frame_words, const Control& control) {
    parallel_blocks(n_frame_words, 64, control, [&](index_t begin, index_t end) {
      for (index_t f = begin; f < end; ++f) {
        for (index_t w = 0; w < n_words_; ++w) {
          std::array<Word, 64> square{};
          const index_t n = std::clamp<index_t>(n_units - w * word_bits, 0, word_bits);
          for (index_t r = 0; r < n; ++r) {
            const index_t unit = first_unit + w * word_bits + r;
            square[static_cast<std::size_t>(r)] =
                bits.row(unit)[static_cast<std::size_t>(first_word + f)];
          }
          transpose(square);
          for (index_t r = 0; r < word_bits; ++r) {
            words_[static_cast<std::size_t>((f * word_bits + r) * n_words_ + w)] =
                square[static_cast<std::size_t>(r)];
          }
        }
      }
    });
  }

 private:
  index_t n_words_;
  std::vector<Word> words_;
};

// out[j] += frames in which `active` is set and unit j of the rows is.
void add_shared_frames(std::span<const Word> active, const FrameRows& rows,
                       std::span<std::int64_t> out) {
  constexpr index_t max_words = FrameRows::max_units / word_bits;
  constexpr index_t max_planes = std::bit_width(static_cast<Word>(FrameRows::max_frames));
  std::array<Word, BitCounterRow::words_for(max_words, max_planes)> memory{};
  BitCounterRow counters(memory.data(), rows.n_words(), max_planes, 0);
  std::array<const Word*, BitCounterRow::group> waiting;
  std::size_t n_waiting = 0;
  for (std::size_t w = 0; w < active.size(); ++w) {
    for (Word left = active[w]; left != 0; left &= left - 1) {
      const auto frame = static_cast<index_t>(w) * word_bits + std::countr_zero(left);
      waiting[n_waiting++] = rows.row(frame);
      if (n_waiting == waiting.size()) {
        counters.add(waiting);
        n_waiting = 0;
      }
    }
  }
  for (std::size_t k = 0; k < n_waiting; ++k) add_bits_to(waiting[k], 1, out);
  counters.add_to(out);
}

void count_by_transposing(const BitMatrix& active, const BitMatrix& dilated, index_t n_frames,
                          const Control& control, MatrixView<std::int64_t> counts) {
  const index_t n = counts.n_rows();
  FrameRows rows(n, n_frames);
  constexpr index_t chunk = FrameRows::max_frames / word_bits;
  std::fill_n(counts.data(), n * n, 0);
  for (index_t first_word = 0; first_word < active.n_words(); first_word += chunk) {
    const index_t n_words = std::min(chunk, active.n_words() - first_word);
    for (index_t first = 0; first < n; first += FrameRows::max_units) {
      const index_t n_units = std::min(FrameRows::max_units, n - first);
      rows.fill(dilated, first, n_units, first_word, n_words, control);
      parallel_for(n, control, [&](index_t i) {
        const auto out = counts.row(i).subspan(static_cast<std::size_t>(first),
                                               static_cast<std::size_t>(n_units));
        add_shared_frames(active.row(i).subspan(static_cast<std::size_t>(first_word),
                                                static_cast<std::size_t>(n_words)),
                          rows, out);
      });
    }
  }
}

}  // namespace

void count_close_frames(const MatrixView<const bool>& raster, index_t dt_frames,
                        RasterMethod method, const Control& control,
                        MatrixView<std::int64_t> counts, std::span<std::int64_t> active,
                        std::span<std::int64_t> tiled) {
  const index_t n = raster.n_rows();
  const index_t n_frames = raster.n_cols();
  BitMatrix active_bits(n, n_frames);
  BitMatrix dilated_bits(n, n_frames);
  parallel_for(n, control, [&](index_t i) {
    if (n_frames > 0) {
      pack(raster.row(i), active_bits.row(i));
      dilate(active_bits.row(i), n_frames, dt_frames, dilated_bits.row(i));
    }
    active[static_cast<std::size_t>(i)] = count_bits(active_bits.row(i));
    tiled[static_cast<std::size_t>(i)] = count_bits(dilated_bits.row(i));
  });
  if (method == RasterMethod::popcount) {
    count_by_popcount(active_bits, dilated_bits, control, counts);
  } else {
    count_by_transposing(active_bits, dilated_bits, n_frames, control, counts);
  }
}

}  // namespace cofire
