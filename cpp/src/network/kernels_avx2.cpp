// The network kernels for processors with AVX2; see CMakeLists.txt for the flags.
#define COFIRE_ISA avx2
#include "kernels.inl"
