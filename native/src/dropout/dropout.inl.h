// SPDX-License-Identifier: Apache-2.0
// Dropout over a run of elements: Philox4x32-10 (philox.h) for as many counters side by side as a register has 32-bit lanes.
// Products of 32 bits by 32 are those of the even lanes and of the odd ones, in 64-bit lanes.
//
// In blocks of channels a counter is a lane's own: its four words are for four pixels one after the other, which begin where the
// number of the lane's first element has it begin.
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

/// words[j][i]: word j of block `block_of(i)`.
template <class BlockOf>
SEXTANT_INLINE void philox_words(const dropout_run& a, BlockOf block_of, uint32_t (&words)[4][counters]) {
    for (int i = 0; i < counters; i++) {
        words[0][i] = static_cast<uint32_t>(block_of(i));
        words[3][i] = a.step_high | static_cast<uint32_t>(block_of(i) >> 32);
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

SEXTANT_INLINE vec kept(vec x, const float* factors) {
    const vec factor = load(factors);
    return select(factor > 0.0f, x * factor, vec{});
}

template <class Element>
static void dropout_of_run(const dropout_run& a) {
    constexpr int elements = 4 * counters;
    alignas(64) uint32_t words[4][counters];
    alignas(64) float factors[elements];
    const int64_t end = a.first + a.count;
    for (int64_t begin = a.first / 4 * 4; begin < end; begin += elements) {
        philox_words(a, [&](int i) { return static_cast<uint64_t>(begin / 4) + i; }, words);
        for (int i = 0; i < counters; i++)
            for (int j = 0; j < 4; j++) factors[4 * i + j] = words[j][i] < a.threshold ? 0 : a.scale;
        const Element* const src = static_cast<const Element*>(a.src) + (begin - a.first);
        Element* const dst = static_cast<Element*>(a.dst) + (begin - a.first);
        if (begin >= a.first && begin + elements <= end) {
            for (int i = 0; i < elements; i += lanes) store_unaligned(dst + i, kept(load_unaligned(src + i), factors + i));
        } else {
            const int from = begin < a.first ? static_cast<int>(a.first - begin) : 0;
            const int to = end - begin < elements ? static_cast<int>(end - begin) : elements;
            for (int i = 0; i < to; i += lanes) {
                if (i + lanes <= from) continue;
                const lane_mask own = lanes_between(from > i ? from - i : 0, to - i < lanes ? to - i : lanes);
                store_masked(dst + i, kept(load_masked(src + i, own), factors + i), own);
            }
        }
    }
}

template <class Element>
static void dropout_of_pixels(const dropout_block& a) {
    const int64_t plane = int64_t{a.rows} * a.columns;
    uint64_t blocks[lanes];
    int phases[lanes];
    bool in_step = true;
    for (int i = 0; i < lanes; i++) {
        blocks[i] = static_cast<uint64_t>(a.first + i * plane) / 4;
        phases[i] = static_cast<int>((a.first + i * plane) % 4);
        in_step &= phases[i] == 0;
    }
    alignas(64) uint32_t words[4][counters];
    alignas(64) float drawn[8][lanes], factors[4][lanes] = {};  // drawn: of this group of pixels and of the next
    const auto draw = [&](int64_t group, int at) {
        for (int first = 0; first < lanes; first += counters) {
            philox_words(a, [&](int i) { return blocks[first + i] + static_cast<uint64_t>(group); }, words);
            for (int j = 0; j < 4; j++)
                for (int i = 0; i < counters; i++) drawn[at + j][first + i] = words[j][i] < a.threshold ? 0 : a.scale;
        }
    };
    draw(0, 0);
    int x = 0;
    const Element* src = static_cast<const Element*>(a.src);
    Element* dst = static_cast<Element*>(a.dst);
    for (int64_t p = 0, group = 0; p < plane; p += 4, group++) {
        if (group) {
            if (in_step) draw(group, 0);
            else __builtin_memcpy(drawn[0], drawn[4], sizeof drawn / 2);
        }
        if (!in_step) draw(group + 1, 4);
        for (int k = 0; k < 4; k++)
            for (int i = 0; i < a.channels; i++) factors[k][i] = drawn[phases[i] + k][i];
        for (int k = 0; k < 4 && p + k < plane; k++) {
            store(dst + x * lanes, kept(load(src + x * lanes), factors[k]));
            if (++x == a.columns) x = 0, src += a.src_pitch, dst += a.dst_pitch;
        }
    }
}

template <class Element>
inline constexpr dropout_kernels dropout_table{lanes, dropout_of_run<Element>, dropout_of_pixels<Element>};

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
