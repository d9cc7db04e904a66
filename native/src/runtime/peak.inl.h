// SPDX-License-Identifier: Apache-2.0
// Loops that do nothing but multiply-adds, or nothing but loads: the speed of light of one instruction set.
//
//   arithmetic   x[i] = x[i] * a + b for `chains` independent i. A multiply-add takes 4 to 6 cycles and up to two begin in
//                each, so 12 chains keep both pipes full. Registers: 12 accumulators and 2 operands (AVX2 has 16); a portable
//                vector is a pair of registers, so 6 chains fill those. Every bit keeps changing, as in a network: on numbers that
//                stand still a processor may run at a higher clock than it ever does in earnest (Zen 4: by 9 %).
//   read         x[i] += data[...] with 8 sums: loads alone bind.
#pragma once
#include "runtime/peak.h"
#include "simd/simd.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

#if defined(__AVX__)
inline constexpr int peak_chains = 12;
#else
inline constexpr int peak_chains = 6;
#endif
inline constexpr int peak_unroll = 4;  // steps of each chain in a round

SEXTANT_INLINE float sum_of_lanes(vec x) {
    alignas(64) float values[lanes];
    store(values, x);
    float sum = 0;
    for (float value : values) sum += value;
    return sum;
}

/// step(x, i) is one operation of chain i on `Register`, finish(x) a float of it.
template <class Register, class Start, class Step, class Finish>
SEXTANT_INLINE float run_chains(int rounds, Start start, Step step, Finish finish) {
    Register x[peak_chains];
    for (int i = 0; i < peak_chains; i++) x[i] = start(i);
    for (int round = 0; round < rounds; round++) {
#pragma GCC unroll 4
        for (int j = 0; j < peak_unroll; j++)
#pragma GCC unroll 12
            for (int i = 0; i < peak_chains; i++) x[i] = step(x[i], i);
    }
    float sum = 0;
    for (int i = 0; i < peak_chains; i++) sum += finish(x[i]);
    return sum;
}

static float multiply_adds(int rounds) {
    const vec factor = broadcast(-0.99999f), addend = broadcast(1.2345678f);  // x stays between -12 and 12
    return run_chains<vec>(
        rounds, [](int i) { return broadcast(static_cast<float>(i)); },
        [=](vec x, int) __attribute__((always_inline)) { return x * factor + addend; }, [](vec x) { return sum_of_lanes(x); });
}

static float read_through(const float* data, int64_t count) {
    constexpr int sums = 8;
    vec x[sums] = {};
    for (int64_t i = 0; i < count; i += sums * lanes)
#pragma GCC unroll 8
        for (int j = 0; j < sums; j++) x[j] = x[j] + load(data + i + j * lanes);
    float sum = 0;
    for (int j = 0; j < sums; j++) sum += sum_of_lanes(x[j]);
    return sum;
}

/// Operations of one round: each lane of a chain takes `per_lane` at a step.
constexpr int64_t peak_round(int per_lane) { return int64_t{peak_chains} * peak_unroll * lanes * per_lane; }

inline constexpr peak_kernels::arithmetic peak_f32{multiply_adds, peak_round(2)};

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
