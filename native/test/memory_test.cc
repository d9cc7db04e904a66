// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

#include "runtime/aligned.h"

namespace {

TEST(Memory, IsZeroedAndAligned) {
    for (const int64_t bytes : {1LL, 63LL, 64LL, 4097LL, (2LL << 20) - 1, 2LL << 20, (6LL << 20) + 5}) {
        auto* memory = static_cast<unsigned char*>(sextant_memory_allocate(bytes));
        ASSERT_TRUE(memory);
        EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % 64, 0u);
        EXPECT_TRUE(std::all_of(memory, memory + bytes, [](unsigned char c) { return c == 0; }));
        std::fill(memory, memory + bytes, 1);
        sextant_memory_free(memory, bytes);
    }
}

#if !defined(__SANITIZE_ADDRESS__)
TEST(Memory, LargePiecesStartOnHugePages) {
    const int64_t bytes = 5 << 20;
    void* memory = sextant_memory_allocate(bytes);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % (2 << 20), 0u);
    sextant_memory_free(memory, bytes);
}
#endif

TEST(Memory, ImpossibleSizesGiveNull) {
    for (const int64_t bytes : {INT64_MIN, int64_t{-1}, int64_t{0}, INT64_MAX, INT64_MAX - 63, int64_t{1} << 62})
        EXPECT_EQ(sextant_memory_allocate(bytes), nullptr);
    sextant_memory_free(nullptr, 64);
}

TEST(Memory, AlignedFloatsMoveAndThrow) {
    sextant::aligned_floats a(100), b;
    a[99] = 5;
    b = std::move(a);
    EXPECT_EQ(b[99], 5);
    EXPECT_EQ(b.size(), 100);
    EXPECT_THROW(sextant::aligned_floats(int64_t{1} << 60), std::bad_alloc);
}

}  // namespace
