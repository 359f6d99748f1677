// Averages of sampled signals around events, without the (events, lags, signals) cube.
#pragma once

#include <cstdint>
#include <span>

#include "cofire/parallel.hpp"
#include "cofire/view.hpp"

namespace cofire {

// Signals in any of the two dense layouts: sample i of signal j is
// data[i * sample_stride + j * signal_stride]; one of the strides is 1.
template <typename T>
struct SignalView {
  const T* data;
  index_t n_samples;
  index_t n_signals;
  index_t sample_stride;
  index_t signal_stride;

  // Neighbors in memory are the signals of one sample, not the samples of one signal.
  [[nodiscard]] bool interleaved() const noexcept { return n_signals > 1 && signal_stride == 1; }
};

// What an average consists of; every matrix is (n_lags, n_signals). `counts` are the samples that
// are not NaN; without any the mean is NaN, with fewer than two the standard error is.
struct EventMoments {
  MatrixView<double> mean;
  MatrixView<double> sem;
  MatrixView<std::int64_t> counts;
};

// Window e covers the samples full[e] .. full[e] + n_lags. A row of `partial` is a piece of a
// window of which not all samples exist: (first sample, first lag, number of samples). All of them
// lie inside the signal.
template <typename T>
void average_windows(const SignalView<T>& signal, std::span<const std::int64_t> full,
                     MatrixView<const std::int64_t> partial, const Control& control,
                     EventMoments out);

// Linear interpolation at events[e] + lags[l]. `times` increase strictly, `lags` increase. A row of
// `runs` is a range [first, last) of samples without a gap; no value is interpolated between two
// runs. A time that is a sample's own takes its value alone.
template <typename T>
void average_interpolated(const SignalView<T>& signal, std::span<const double> times,
                          MatrixView<const std::int64_t> runs, std::span<const double> events,
                          std::span<const double> lags, const Control& control, EventMoments out);

}  // namespace cofire
