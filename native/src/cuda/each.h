// SPDX-License-Identifier: Apache-2.0
// The frames of kernels that are bound by memory. In NHWC a thread makes one unit of 8 channels of a pixel; of a tensor of any
// dtype and layout it makes one element.
#pragma once
#include <vector>

#include "cuda/view.h"

namespace sextant::cuda {

inline constexpr int frame_threads = 256;

/// A tensor whose dtype and layout a kernel learns when it runs.
struct any_tensor {
    view at;
    int32_t dtype;
    bool nhwc;
    void* data;

    __device__ int64_t offset(int n, int c, int y, int x) const {
        return n * at.image + y * at.row + x * at.pixel + c * at.channel;
    }
    __device__ float get(int64_t i) const {
        switch (dtype) {
            case SEXTANT_BF16: return wide(static_cast<const __nv_bfloat16*>(data)[i]);
            case SEXTANT_F16: return wide(static_cast<const __half*>(data)[i]);
            default: return static_cast<const float*>(data)[i];
        }
    }
    __device__ float get(int n, int c, int y, int x) const { return get(offset(n, c, y, x)); }
    __device__ void put(int64_t i, float value) const {
        switch (dtype) {
            case SEXTANT_BF16: static_cast<__nv_bfloat16*>(data)[i] = narrow<__nv_bfloat16>(value); break;
            case SEXTANT_F16: static_cast<__half*>(data)[i] = narrow<__half>(value); break;
            default: static_cast<float*>(data)[i] = value;
        }
    }
};

inline any_tensor any_of(const sextant_tensor& t, void* data) { return {view_of(t), t.dtype, is_nhwc(t), data}; }

/// `count` channels from `first` on. To write them is to write zeros after them, up to the end of their last unit.
inline any_tensor channels_of(const sextant_tensor& t, void* data, int first, int count) {
    any_tensor part = any_of(t, data);
    part.at.c = count;
    part.at.lanes = part.nhwc ? (first + count + nhwc_unit - 1) / nhwc_unit * nhwc_unit - first : count;
    part.data = static_cast<std::byte*>(data) + first * part.at.channel * element_bytes(t);
    return part;
}

/// One value per channel, with zeros up to a whole unit; empty when `host` is null.
inline array units_of(const float* host, int32_t channels) {
    if (!host) return {};
    std::vector<float> padded(host, host + channels);
    padded.resize((channels + int64_t{nhwc_unit} - 1) / nhwc_unit * nhwc_unit);
    return copy_of(padded.data(), static_cast<int64_t>(padded.size()));
}

/// Takes the innermost of several indices off `rest`, one of `count`.
__device__ inline int innermost(int64_t& rest, int count) {
    const int64_t outer = rest / count;
    const int index = static_cast<int>(rest - outer * count);
    rest = outer;
    return index;
}

struct place {
    int n, y, x;
};

/// Where a pixel lies, counted through all images.
__device__ inline place place_of(int64_t pixel, int h, int w) {
    const int x = innermost(pixel, w), y = innermost(pixel, h);
    return {static_cast<int>(pixel), y, x};
}

/// `out` holds pixels `pitch` elements apart; their channels 0 ... c - 1 are written, and zeros up to the end of the last unit.
template <class Element, class Value>
__global__ void __launch_bounds__(frame_threads)
    write_each_unit(Element* out, int64_t pitch, int c, int64_t count, int units, bool accumulate, Value value) {
    for (int64_t i = blockIdx.x * int64_t{frame_threads} + threadIdx.x; i < count; i += gridDim.x * int64_t{frame_threads}) {
        int64_t pixel = i;
        const int first = innermost(pixel, units) * nhwc_unit;
        Element* const to = out + pixel * pitch + first;
        lane8<Element> result;
        value(pixel, first, result.v);
        if (accumulate) {
            const auto old = lane8<Element>::load(to);
#pragma unroll
            for (int j = 0; j < 8; ++j) result.v[j] += old.v[j];
        }
        if (first + nhwc_unit > c) {
#pragma unroll
            for (int j = 0; j < 8; ++j) result.v[j] = first + j < c ? result.v[j] : 0.f;
        }
        result.store(to);
    }
}

/// value(pixel, c, v) gives channels c ... c + 7 of a pixel, counted through all images; it may read where it writes.
template <class Element, class Value>
void write_units(cudaStream_t stream, void* out, int64_t pixels, int64_t pitch, int c, bool accumulate, const Value& value,
                 const char* kernel) {
    const int units = (c + nhwc_unit - 1) / nhwc_unit;
    const int64_t count = pixels * units;
    write_each_unit<<<grid_for(count, frame_threads), frame_threads, 0, stream>>>(static_cast<Element*>(out), pitch, c, count,
                                                                                  units, accumulate, value);
    check_launch(kernel);
}

template <class Element, class Value>
void write_units(cudaStream_t stream, const sextant_tensor& dst, void* out, bool accumulate, const Value& value,
                 const char* kernel) {
    write_units<Element>(stream, out, int64_t{dst.n} * dst.h * dst.w, view_of(dst).pixel, dst.c, accumulate, value, kernel);
}

template <class Value>
__global__ void __launch_bounds__(frame_threads)
    write_each_element(any_tensor dst, int64_t count, bool accumulate, Value value) {
    const view& at = dst.at;
    for (int64_t i = blockIdx.x * int64_t{frame_threads} + threadIdx.x; i < count; i += gridDim.x * int64_t{frame_threads}) {
        // Neighbouring threads write neighbouring elements.
        int64_t rest = i;
        int c = dst.nhwc ? innermost(rest, at.lanes) : 0;
        const int x = innermost(rest, at.w), y = innermost(rest, at.h);
        if (!dst.nhwc) c = innermost(rest, at.lanes);
        const int n = static_cast<int>(rest);
        const int64_t to = dst.offset(n, c, y, x);
        float result = 0;
        if (c < at.c) result = value(n, c, y, x);
        if (accumulate && c < at.c) result += dst.get(to);
        dst.put(to, result);
    }
}

/// dst[n][c][y][x] = value(n, c, y, x), zero in the lanes past the last channel. value may read where it writes.
template <class Value>
void write_elements(cudaStream_t stream, const any_tensor& dst, bool accumulate, const Value& value, const char* kernel) {
    const int64_t count = int64_t{dst.at.n} * dst.at.h * dst.at.w * dst.at.lanes;
    write_each_element<<<grid_for(count, frame_threads), frame_threads, 0, stream>>>(dst, count, accumulate, value);
    check_launch(kernel);
}

/// Why the kernels that make units do not take these tensors: all in NHWC and stored alike; empty when they do.
inline std::string declines_units(std::initializer_list<sextant_tensor> tensors) {
    for (const sextant_tensor& t : tensors) {
        if (!is_nhwc(t)) return "an operand does not lie in NHWC";
        if (!same_storage(t, *tensors.begin())) return "operands differ in element type";
    }
    return {};
}

}  // namespace sextant::cuda
