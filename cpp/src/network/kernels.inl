// The kernels of one instruction set; COFIRE_ISA names its namespace.

#include <cstdint>

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

#include "job.hpp"

namespace cofire::network::COFIRE_ISA {
namespace {

// Numbers too small for full precision cost up to a hundred cycles each and mean nothing here.
class FlushDenormals {
 public:
#if defined(__SSE2__)
  FlushDenormals() : saved_(_mm_getcsr()) { _mm_setcsr(saved_ | 0x8040U); }
  ~FlushDenormals() { _mm_setcsr(saved_); }

 private:
  unsigned saved_;
#else
  FlushDenormals() {}
  ~FlushDenormals() {}
#endif
 public:
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;
};

// Each builds on those before it.
// clang-format off
#include "lanes.hpp"
#include "noise.hpp"
#include "parts.hpp"
#include "forward.hpp"
#include "backward.hpp"
// clang-format on

template <typename T>
void fill_rows(std::uint64_t seed, index_t sample, index_t step, index_t n, T* rows) {
  fill_noise(seed, static_cast<std::uint64_t>(sample), static_cast<std::uint64_t>(step), 0, n,
             rows);
}

}  // namespace

const Kernels<float> kernels_f32{run_forward<float>, run_backward<float>, fill_rows<float>};
const Kernels<double> kernels_f64{run_forward<double>, run_backward<double>, fill_rows<double>};

}  // namespace cofire::network::COFIRE_ISA
