// SPDX-License-Identifier: Apache-2.0
// Dropout over a run of elements: Philox4x32-10 (philox.h) for 16 counters side by side, in loops that the compiler turns into
// vectors, 64 elements at a time.
#pragma once
#include "dropout/dropout_kernels.h"
#include "simd/simd.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

constexpr int counters = 16;

/// words[j][i]: word j of block `block` + i.
SEXTANT_INLINE void philox_words(const dropout_run& a, uint64_t block, uint32_t (&words)[4][counters]) {
    for (int i = 0; i < counters; i++) {
        words[0][i] = static_cast<uint32_t>(block + i);
        words[1][i] = a.stream;
        words[2][i] = a.step_low;
        words[3][i] = a.step_high | static_cast<uint32_t>((block + i) >> 32);
    }
    uint32_t key0 = a.key[0], key1 = a.key[1];
    for (int round = 0; round < 10; round++, key0 += 0x9E3779B9, key1 += 0xBB67AE85)
        for (int i = 0; i < counters; i++) {
            const uint64_t first = uint64_t{0xD2511F53} * words[0][i], second = uint64_t{0xCD9E8D57} * words[2][i];
            words[0][i] = static_cast<uint32_t>(second >> 32) ^ words[1][i] ^ key0;
            words[1][i] = static_cast<uint32_t>(second);
            words[2][i] = static_cast<uint32_t>(first >> 32) ^ words[3][i] ^ key1;
            words[3][i] = static_cast<uint32_t>(first);
        }
}

static void dropout(const dropout_run& a) {
    alignas(64) uint32_t words[4][counters];
    const int64_t end = a.first + a.count;
    for (int64_t begin = a.first / 4 * 4; begin < end; begin += 4 * counters) {
        philox_words(a, static_cast<uint64_t>(begin / 4), words);
        const int64_t from = begin < a.first ? a.first : begin, to = end < begin + 4 * counters ? end : begin + 4 * counters;
        for (int64_t i = from; i < to; i++) {
            const bool dropped = words[(i - begin) % 4][(i - begin) / 4] < a.threshold;
            a.dst[i - a.first] = dropped ? 0 : a.src[i - a.first] * a.scale;
        }
    }
}

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
