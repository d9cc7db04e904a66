// SPDX-License-Identifier: Apache-2.0
// Zeroed memory: from the heap when small, straight from the system and on huge pages when large, so that a network's weights
// cost few TLB entries.
#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "sextant/sextant.h"

namespace {

constexpr int64_t cache_line = 64;
constexpr int64_t huge_page = int64_t{2} << 20;
constexpr int64_t most_bytes = int64_t{1} << 46;  // more than any machine's address space gives one process

int64_t round_up(int64_t bytes, int64_t unit) { return (bytes + unit - 1) / unit * unit; }

// AddressSanitizer watches the heap only, so under it everything comes from there.
#if defined(__SANITIZE_ADDRESS__)
bool from_system(int64_t) { return false; }
#else
bool from_system(int64_t bytes) { return bytes >= huge_page; }
#endif

constexpr int64_t small_page = 4096;

void* map_huge(int64_t bytes) {
    const int64_t wanted = round_up(bytes, small_page);
    void* area = mmap(nullptr, wanted + huge_page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED) return nullptr;
    char* const start = static_cast<char*>(area);
    const int64_t before = round_up(reinterpret_cast<intptr_t>(start), huge_page) - reinterpret_cast<intptr_t>(start);
    if (before) munmap(start, before);
    if (before < huge_page) munmap(start + before + wanted, huge_page - before);
#ifdef MADV_HUGEPAGE
    madvise(start + before, wanted, MADV_HUGEPAGE);
#endif
    return start + before;
}

}  // namespace

void* sextant_memory_allocate(int64_t bytes) {
    if (bytes <= 0 || bytes > most_bytes) return nullptr;
    if (from_system(bytes)) return map_huge(bytes);
    const int64_t size = round_up(bytes, cache_line);
    void* memory = std::aligned_alloc(cache_line, size);
    if (memory) std::memset(memory, 0, size);
    return memory;
}

void sextant_memory_free(void* memory, int64_t bytes) {
    if (!memory) return;
    if (from_system(bytes))
        munmap(memory, round_up(bytes, small_page));
    else
        std::free(memory);
}
