// SPDX-License-Identifier: Apache-2.0
// glibc's heap with a counter before it: this program's own definitions take precedence over the C library's.
#include "allocation_count.h"

#if SEXTANT_COUNTS_ALLOCATIONS

#include <atomic>

namespace {
std::atomic<int64_t> count{0};
}

int64_t sextant::test::allocations() { return count; }

extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);

void* malloc(size_t bytes) {
    ++count;
    return __libc_malloc(bytes);
}
void* calloc(size_t items, size_t bytes) {
    ++count;
    return __libc_calloc(items, bytes);
}
void* realloc(void* memory, size_t bytes) {
    ++count;
    return __libc_realloc(memory, bytes);
}
void* aligned_alloc(size_t alignment, size_t bytes) {
    ++count;
    return __libc_memalign(alignment, bytes);
}
}

#endif
