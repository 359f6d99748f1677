// How many units are active together when each is active at random times?
#pragma once

#include <cstdint>
#include <span>

#include "cofire/parallel.hpp"

namespace cofire {

// Every unit keeps its number of active frames and gets them at random, `n_shuffles` times.
// `histogram[c]` becomes the number of frames of all shuffles in which exactly c units are active;
// it has a place for 0 to all units. A permuted raster row is a random choice of frames, so the
// cost follows the number of active entries. Shuffle d is drawn from the stream (seed, d).
void shuffled_coactivity(std::span<const std::int64_t> n_active, index_t n_frames,
                         std::uint64_t seed, index_t n_shuffles, const Control& control,
                         std::span<std::int64_t> histogram);

}  // namespace cofire
