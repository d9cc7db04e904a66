// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <cstdlib>

namespace sextant::test {

// The sanitizers bring a heap of their own, and only glibc lets its heap's functions be replaced piece by piece.
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__)
#define SEXTANT_COUNTS_ALLOCATIONS 1
/// Pieces of heap memory taken so far by all threads of this process.
int64_t allocations();
#else
#define SEXTANT_COUNTS_ALLOCATIONS 0
inline int64_t allocations() { return 0; }
#endif

}  // namespace sextant::test
