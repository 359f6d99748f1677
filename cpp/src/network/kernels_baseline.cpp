// The network kernels for every processor; see CMakeLists.txt for the flags.
#define COFIRE_ISA baseline
#include "kernels.inl"
