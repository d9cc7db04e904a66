// SPDX-License-Identifier: Apache-2.0
// How kernels see a tensor, and how they read and write its numbers.
#pragma once
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "cuda/op.h"

namespace sextant::cuda {

/// Shape and distances in elements: element (n, c, y, x) lies at n * image + y * row + x * pixel + c * channel.
struct view {
    int n, c, h, w;
    int lanes;  // channels with those that pad the last unit of 8 in NHWC, which hold 0: what a kernel writes
    int64_t image, row, pixel, channel;
};

inline view view_of(const sextant_tensor& t) {
    if (t.layout == SEXTANT_NHWC) {
        const int64_t pitch = block_of(t);
        const int lanes = (t.c + nhwc_unit - 1) / nhwc_unit * nhwc_unit;
        return {t.n, t.c, t.h, t.w, lanes, pitch * t.w * t.h, pitch * t.w, pitch, 1};
    }
    const int64_t plane = int64_t{t.h} * t.w;
    return {t.n, t.c, t.h, t.w, t.c, plane * t.c_total, t.w, 1, plane};
}

/// Whether 8 channels lie together at a multiple of their size.
inline bool is_nhwc(const sextant_tensor& t) { return t.layout == SEXTANT_NHWC; }

/// How a dtype is stored; tf32 is stored as float.
template <int32_t DType>
struct stored;
template <>
struct stored<SEXTANT_F32> { using type = float; };
template <>
struct stored<SEXTANT_TF32> { using type = float; };
template <>
struct stored<SEXTANT_BF16> { using type = __nv_bfloat16; };
template <>
struct stored<SEXTANT_F16> { using type = __half; };

__device__ inline float wide(float x) { return x; }
__device__ inline float wide(__nv_bfloat16 x) { return __bfloat162float(x); }
__device__ inline float wide(__half x) { return __half2float(x); }

template <class Element>
__device__ inline Element narrow(float x);
template <>
__device__ inline float narrow<float>(float x) { return x; }
template <>
__device__ inline __nv_bfloat16 narrow<__nv_bfloat16>(float x) { return __float2bfloat16_rn(x); }
template <>
__device__ inline __half narrow<__half>(float x) { return __float2half_rn(x); }

/// 8 channels of a pixel in NHWC, as floats; addresses are multiples of 8 elements.
template <class Element>
struct lane8 {
    alignas(16) float v[8];

    __device__ static lane8 load(const Element* from) {
        lane8 result;
        if constexpr (sizeof(Element) == 4) {
            reinterpret_cast<float4*>(result.v)[0] = reinterpret_cast<const float4*>(from)[0];
            reinterpret_cast<float4*>(result.v)[1] = reinterpret_cast<const float4*>(from)[1];
        } else {
            const uint4 bits = *reinterpret_cast<const uint4*>(from);
            Element each[8];
            memcpy(each, &bits, sizeof bits);
#pragma unroll
            for (int i = 0; i < 8; ++i) result.v[i] = wide(each[i]);
        }
        return result;
    }

    __device__ void store(Element* to) const {
        if constexpr (sizeof(Element) == 4) {
            reinterpret_cast<float4*>(to)[0] = {v[0], v[1], v[2], v[3]};
            reinterpret_cast<float4*>(to)[1] = {v[4], v[5], v[6], v[7]};
        } else {
            Element each[8];
#pragma unroll
            for (int i = 0; i < 8; ++i) each[i] = narrow<Element>(v[i]);
            uint4 bits;
            memcpy(&bits, each, sizeof bits);
            *reinterpret_cast<uint4*>(to) = bits;
        }
    }
};

/// SEXTANT_IDENTITY, ...
__device__ inline float activated(float x, int activation) {
    switch (activation) {
        case SEXTANT_RELU: return fmaxf(x, 0.f);
        case SEXTANT_TANH: return tanhf(x);
        case SEXTANT_SIGMOID: return 1.f / (1.f + expf(-x));
        default: return x;
    }
}

/// visit(element) with a value of the C++ type that stores `dtype`: `visit_element(t.dtype, [&](auto e) { using E = decltype(e); ... })`.
template <class Visit>
void visit_element(int32_t dtype, Visit&& visit) {
    switch (dtype) {
        case SEXTANT_BF16: return visit(__nv_bfloat16{});
        case SEXTANT_F16: return visit(__half{});
        default: return visit(float{});
    }
}

/// Bytes of a stored element.
inline bool same_storage(const sextant_tensor& a, const sextant_tensor& b) {
    const auto storage = [](int32_t dtype) { return dtype == SEXTANT_TF32 ? SEXTANT_F32 : dtype; };
    return storage(a.dtype) == storage(b.dtype);
}

}  // namespace sextant::cuda
