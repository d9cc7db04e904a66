// SPDX-License-Identifier: Apache-2.0
// How the stored numbers of a tensor stand for real ones, for kernels.
#pragma once
#include "sextant/sextant.h"

namespace sextant {

/// real = scale * (stored - zero); for tensors that are not quantised the two are the same number.
struct quantisation {
    float scale = 1, zero = 0;
    float inverse = 1;  // 1 / scale
};

inline quantisation quantisation_of(const sextant_tensor& t) {
    if (t.dtype != SEXTANT_U8) return {};
    return {t.scale, static_cast<float>(t.zero_point), static_cast<float>(1.0 / double{t.scale})};
}

/// Whether a stored number means the same in both.
inline bool stored_alike(const sextant_tensor& a, const sextant_tensor& b) {
    return a.dtype == b.dtype && (a.dtype != SEXTANT_U8 || (a.scale == b.scale && a.zero_point == b.zero_point));
}

}  // namespace sextant
