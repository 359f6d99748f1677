// The network kernels for processors with AVX512; see CMakeLists.txt for the flags.
#define COFIRE_ISA avx512
#include "kernels.inl"
