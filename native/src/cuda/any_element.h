// SPDX-License-Identifier: Apache-2.0
// Tensors one element at a time, whatever their layouts and element types: for the last entries of the ordered lists, which
// refuse nothing.
#pragma once
#include "cuda/view.h"

namespace sextant::cuda {

/// A tensor whose element type is known at run time only.
struct any_tensor {
    view shape;
    int dtype;
};

inline any_tensor any_of(const sextant_tensor& t) { return {view_of(t), t.dtype}; }

__device__ inline float any_read(const void* data, int dtype, int64_t i) {
    switch (dtype) {
        case SEXTANT_BF16: return wide(static_cast<const __nv_bfloat16*>(data)[i]);
        case SEXTANT_F16: return wide(static_cast<const __half*>(data)[i]);
        default: return static_cast<const float*>(data)[i];
    }
}

__device__ inline void any_write(void* data, int dtype, int64_t i, float x) {
    switch (dtype) {
        case SEXTANT_BF16: static_cast<__nv_bfloat16*>(data)[i] = narrow<__nv_bfloat16>(x); return;
        case SEXTANT_F16: static_cast<__half*>(data)[i] = narrow<__half>(x); return;
        default: static_cast<float*>(data)[i] = x;
    }
}

struct place {
    int n, c, y, x;
};

/// Elements with the lanes that pad them.
inline int64_t places(const sextant_tensor& t) {
    const view v = view_of(t);
    return int64_t{v.n} * v.lanes * v.h * v.w;
}

/// Where number i of all places lies, counted in the order of memory: neighbouring threads write neighbouring elements.
__device__ inline place place_of(const view& v, int64_t i) {
    if (v.channel == 1) {
        const int c = static_cast<int>(i % v.lanes);
        i /= v.lanes;
        const int x = static_cast<int>(i % v.w);
        i /= v.w;
        return {static_cast<int>(i / v.h), c, static_cast<int>(i % v.h), x};
    }
    const int x = static_cast<int>(i % v.w);
    i /= v.w;
    const int y = static_cast<int>(i % v.h);
    i /= v.h;
    return {static_cast<int>(i / v.lanes), static_cast<int>(i % v.lanes), y, x};
}

__device__ inline int64_t offset_of(const view& v, const place& at) {
    return at.n * v.image + at.c * v.channel + at.y * v.row + at.x * v.pixel;
}

__device__ inline float read_at(const any_tensor& t, const void* data, const place& at) {
    return any_read(data, t.dtype, offset_of(t.shape, at));
}

}  // namespace sextant::cuda
