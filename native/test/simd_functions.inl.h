// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "sextant/sextant.h"
#include "simd/math.inl.h"
#include "simd/transpose.inl.h"
#include "simd_functions.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

constexpr test::simd_functions functions(const char* name, int32_t isa) {
    return {
        name,
        isa,
        lanes,
        [](const float* x, float* y) { store(y, exp(load(x))); },
        [](const float* x, float* y) { store(y, log(load(x))); },
        [](const float* x, float* y) { store(y, tanh(load(x))); },
        [](const float* x, float* y) { store(y, sigmoid(load(x))); },
        [](const float* x, float* y) { store(y, negative_three_quarter_power(load(x))); },
        [](const float* x, float exponent, float* y) { store(y, negative_power(load(x), exponent)); },
        [](const float* x, float* y) { store(y, square_root(load(x))); },
        [](const float* a, const float* b, float* y) { store(y, max(load(a), load(b))); },
        [](const float* a, const float* b, float* y) { store(y, min(load(a), load(b))); },
        [](const float* a, const float* b, float* y) { store(y, max_or_nan(load(a), load(b))); },
        [](const float* x, float* y) { store(y, relu(load(x))); },
        [](const float* a, const float* b, float* y) { store(y, even_lanes(load(a), load(b))); },
        [](const float* a, const float* b, float* y) { store(y, odd_lanes(load(a), load(b))); },
        [](const float* x, float* y) { store(y, broadcast_pair(x)); },
        [](const float* rows, float* columns) {
            vec square[lanes];
            for (int i = 0; i < lanes; i++) square[i] = load(rows + i * lanes);
            transpose(square);
            for (int i = 0; i < lanes; i++) store(columns + i * lanes, square[i]);
        },
        [](const float* x, int count, float* y) { store(y, first_lanes(load(x), count)); },
        [](const float* x, int first, int last, float* y) {
            const lane_mask mask = lanes_between(first, last);
            store_masked(y, load_masked(x, mask), mask);
        },
    };
}

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
