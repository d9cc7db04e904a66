// SPDX-License-Identifier: Apache-2.0
// Dropout over a run of elements: Philox4x32-10 (philox.h) for as many counters side by side as a register has 32-bit lanes.
// Products of 32 bits by 32 are those of the even lanes and of the odd ones, in 64-bit lanes.
#pragma once
#include "dropout/dropout_kernels.h"
#include "simd/simd.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

#if defined(__AVX__)
constexpr int register_bytes = SEXTANT_LANES * 4;
#else
constexpr int register_bytes = 16;
#endif
constexpr int counters = register_bytes / 4;
typedef uint64_t wide __attribute__((vector_size(register_bytes)));

/// Of the lower halves.
SEXTANT_INLINE wide product_of_halves(wide a, wide b) {
#if SEXTANT_LANES == 16
    return (wide)_mm512_maskz_mul_epu32(0xff, (__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
    return (wide)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#elif defined(__SSE2__)
    return (wide)_mm_mul_epu32((__m128i)a, (__m128i)b);
#else
    return (a & 0xffffffff) * (b & 0xffffffff);
#endif
}

/// The upper and lower halves of the 64-bit products of all 32-bit lanes with `factor`.
SEXTANT_INLINE void multiply(wide x, uint32_t factor, wide& high, wide& low) {
    const wide by = wide{} + factor, even = product_of_halves(x, by), odd = product_of_halves(x >> 32, by);
    high = (even >> 32) | (odd & ~uint64_t{0xffffffff});
    low = (even & 0xffffffff) | (odd << 32);
}

SEXTANT_INLINE wide in_every_lane(uint32_t x) { return wide{} + (uint64_t{x} << 32 | x); }

/// words[j][i]: word j of block `block` + i.
SEXTANT_INLINE void philox_words(const dropout_run& a, uint64_t block, uint32_t (&words)[4][counters]) {
    for (int i = 0; i < counters; i++) {
        words[0][i] = static_cast<uint32_t>(block + i);
        words[3][i] = a.step_high | static_cast<uint32_t>((block + i) >> 32);
    }
    wide x[4] = {{}, in_every_lane(a.stream), in_every_lane(a.step_low), {}};
    __builtin_memcpy(&x[0], words[0], sizeof(wide));
    __builtin_memcpy(&x[3], words[3], sizeof(wide));
    uint32_t key0 = a.key[0], key1 = a.key[1];
    for (int round = 0; round < 10; round++, key0 += 0x9E3779B9, key1 += 0xBB67AE85) {
        wide first_high, first_low, second_high, second_low;
        multiply(x[0], 0xD2511F53, first_high, first_low);
        multiply(x[2], 0xCD9E8D57, second_high, second_low);
        x[0] = second_high ^ x[1] ^ in_every_lane(key0);
        x[1] = second_low;
        x[2] = first_high ^ x[3] ^ in_every_lane(key1);
        x[3] = first_low;
    }
    for (int j = 0; j < 4; j++) __builtin_memcpy(words[j], &x[j], sizeof(wide));
}

static void dropout(const dropout_run& a) {
    constexpr int elements = 4 * counters;
    alignas(64) uint32_t words[4][counters];
    alignas(64) float factors[elements];
    const int64_t end = a.first + a.count;
    for (int64_t begin = a.first / 4 * 4; begin < end; begin += elements) {
        philox_words(a, static_cast<uint64_t>(begin / 4), words);
        for (int i = 0; i < counters; i++)
            for (int j = 0; j < 4; j++) factors[4 * i + j] = words[j][i] < a.threshold ? 0 : a.scale;
        const float* const src = a.src + (begin - a.first);
        float* const dst = a.dst + (begin - a.first);
        if (begin >= a.first && begin + elements <= end) {
            for (int i = 0; i < elements; i++) dst[i] = factors[i] > 0 ? src[i] * factors[i] : 0;
        } else {
            const int from = begin < a.first ? static_cast<int>(a.first - begin) : 0;
            const int to = end - begin < elements ? static_cast<int>(end - begin) : elements;
            for (int i = from; i < to; i++) dst[i] = factors[i] > 0 ? src[i] * factors[i] : 0;
        }
    }
}

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
