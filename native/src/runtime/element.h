// SPDX-License-Identifier: Apache-2.0
// One element of a tensor of any type as a number: for references, tests and whatever else need not be fast.
#pragma once
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include "runtime/tensor.h"

namespace sextant {

/// The upper half of a float, rounded to nearest even; a NaN stays one.
inline uint16_t bf16_bits(float value) {
    const auto bits = std::bit_cast<uint32_t>(value);
    if (std::isnan(value)) return static_cast<uint16_t>(bits >> 16 | 0x40);
    return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

inline float bf16_value(uint16_t bits) { return std::bit_cast<float>(uint32_t{bits} << 16); }

/// The stored number that stands for `value`.
inline uint8_t quantised(const sextant_tensor& t, double value) {
    const double stored = std::nearbyint(value / double{t.scale}) + t.zero_point;
    return static_cast<uint8_t>(std::isnan(stored) ? t.zero_point : std::clamp(stored, 0.0, 255.0));
}

/// Element `i` of the tensor at `data`.
inline double element(const sextant_tensor& t, const void* data, int64_t i) {
    if (t.dtype == SEXTANT_F32) return static_cast<const float*>(data)[i];
    if (t.dtype == SEXTANT_BF16) return bf16_value(static_cast<const uint16_t*>(data)[i]);
    return double{t.scale} * (static_cast<const uint8_t*>(data)[i] - t.zero_point);
}

inline void put_element(const sextant_tensor& t, void* data, int64_t i, double value) {
    if (t.dtype == SEXTANT_F32) static_cast<float*>(data)[i] = static_cast<float>(value);
    else if (t.dtype == SEXTANT_BF16) static_cast<uint16_t*>(data)[i] = bf16_bits(static_cast<float>(value));
    else static_cast<uint8_t*>(data)[i] = quantised(t, value);
}

/// What one step of a weight is worth when `count` weights of an output channel are stored as -127 ... 127.
inline float weight_scale(const float* weights, int64_t count) {
    float largest = 0;
    for (int64_t i = 0; i < count; ++i) largest = std::max(largest, std::abs(weights[i]));
    return largest > 0 ? largest / 127 : 1;
}

inline int8_t quantised_weight(float weight, float scale) {
    return static_cast<int8_t>(std::clamp(std::nearbyint(weight / scale), -127.0f, 127.0f));
}

/// The weights that a src of this type is multiplied with: `channels` rows of `count`, rounded as sextant.h says.
inline std::vector<float> weights_for(const sextant_tensor& src, const float* weights, int64_t channels, int64_t count) {
    std::vector<float> rounded(weights, weights + channels * count);
    for (int64_t k = 0; k < channels && src.dtype != SEXTANT_F32; ++k) {
        float* const row = rounded.data() + k * count;
        const float scale = weight_scale(row, count);
        for (int64_t i = 0; i < count; ++i)
            row[i] = src.dtype == SEXTANT_BF16 ? bf16_value(bf16_bits(row[i])) : scale * quantised_weight(row[i], scale);
    }
    return rounded;
}

}  // namespace sextant
