// SPDX-License-Identifier: Apache-2.0
#include "conv2d/copy_maps.h"

#include <cudaTypedefs.h>

#include <array>

namespace sextant::cuda {

namespace {

constexpr int most_dimensions = 5;

/// A function of the driver, which this library does not link.
template <class Function>
Function driver_function(const char* name) {
    void* found = nullptr;
    cudaDriverEntryPointQueryResult result{};
    check(cudaGetDriverEntryPointByVersion(name, &found, 12000, cudaEnableDefault, &result), name);
    if (result != cudaDriverEntryPointSuccess || !found)
        throw failure(SEXTANT_UNSUPPORTED, std::string("cuda: the driver has no ") + name + ": install a newer one");
    return reinterpret_cast<Function>(found);
}

void check_map(CUresult result, const char* what) {
    if (result != CUDA_SUCCESS)
        throw failure(SEXTANT_INTERNAL, std::string("cuda: the driver refuses a map of ") + what + ": error " + std::to_string(result));
}

CUtensorMapDataType map_type(int dtype) {
    return dtype == SEXTANT_BF16  ? CU_TENSOR_MAP_DATA_TYPE_BFLOAT16
           : dtype == SEXTANT_F16 ? CU_TENSOR_MAP_DATA_TYPE_FLOAT16
                                  : CU_TENSOR_MAP_DATA_TYPE_FLOAT32;
}

CUtensorMapSwizzle swizzle_of(int row_bytes) {
    return row_bytes == 128  ? CU_TENSOR_MAP_SWIZZLE_128B
           : row_bytes == 64 ? CU_TENSOR_MAP_SWIZZLE_64B
                             : CU_TENSOR_MAP_SWIZZLE_32B;
}

}  // namespace

CUtensorMap map_of_boxes(int dtype, const void* address, std::initializer_list<map_dimension> dimensions,
                         std::initializer_list<int> box, int row_bytes, const char* what) {
    static const auto encode = driver_function<PFN_cuTensorMapEncodeTiled_v12000>("cuTensorMapEncodeTiled");
    std::array<cuuint64_t, most_dimensions> sizes{}, strides{};
    std::array<cuuint32_t, most_dimensions> extents{}, steps{};
    steps.fill(1);
    int rank = 0;
    for (const map_dimension& dimension : dimensions) {
        sizes[rank] = dimension.size;
        if (rank > 0) strides[rank - 1] = dimension.stride;
        extents[rank] = box.begin()[rank];
        ++rank;
    }
    CUtensorMap map;
    check_map(encode(&map, map_type(dtype), rank, const_cast<void*>(address), sizes.data(), strides.data(), extents.data(),
                     steps.data(), CU_TENSOR_MAP_INTERLEAVE_NONE, swizzle_of(row_bytes), CU_TENSOR_MAP_L2_PROMOTION_L2_256B,
                     CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE),
              what);
    return map;
}

CUtensorMap map_of_windows(const wgmma_geometry& a, const void* address, int pixels, int chunk_elements, int row_bytes) {
    static const auto encode = driver_function<PFN_cuTensorMapEncodeIm2col_v12000>("cuTensorMapEncodeIm2col");
    const auto size = [](int64_t x) { return static_cast<cuuint64_t>(x); };
    const int64_t bytes = map_element_bytes(a.dtype);
    const std::array sizes{size(a.src.c), size(a.src.w), size(a.src.h), size(a.src.n)};
    const std::array strides{size(a.src.pixel * bytes), size(a.src.row * bytes), size(a.src.image * bytes)};
    const window_bounds w(a.pad_left, a.stride_w, a.q, a.src.w), h(a.pad_top, a.stride_h, a.p, a.src.h);
    const int lower[] = {w.lower, h.lower}, upper[] = {w.upper, h.upper};
    const cuuint32_t steps[] = {1, static_cast<cuuint32_t>(a.stride_w), static_cast<cuuint32_t>(a.stride_h), 1};
    CUtensorMap map;
    check_map(encode(&map, map_type(a.dtype), 4, const_cast<void*>(address), sizes.data(), strides.data(), lower, upper,
                     chunk_elements, pixels, steps, CU_TENSOR_MAP_INTERLEAVE_NONE, swizzle_of(row_bytes),
                     CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE),
              "a convolution's windows");
    return map;
}

window_box best_box(const wgmma_geometry& a, int pixels) {
    window_box best{pixels, 1};
    int64_t least = INT64_MAX;
    for (int q = pixels; q >= 4; q /= 2) {
        const int p = pixels / q;
        const int64_t waste = ceiling(a.q, q) * q * ceiling(a.p, p) * p;
        if (waste < least) least = waste, best = {q, p};
    }
    return best;
}

CUtensorMap map_of_picture(const wgmma_geometry& a, const void* address, const window_box& box, int chunk_elements, int row_bytes) {
    const int64_t bytes = map_element_bytes(a.dtype);
    return map_of_boxes(a.dtype, address,
                        {{a.s * a.window_width, 1},
                         {a.q, a.stride_w * a.src.pixel * bytes},
                         {a.r, a.src.row * bytes},
                         {a.p, a.stride_h * a.src.row * bytes},
                         {a.src.n, a.src.image * bytes}},
                        {chunk_elements, box.q, 1, box.p, 1}, row_bytes, "a first layer's windows");
}

}  // namespace sextant::cuda
