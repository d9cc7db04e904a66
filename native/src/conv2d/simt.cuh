// SPDX-License-Identifier: Apache-2.0
// Convolutions as implicit matrix products in float32 multiply-adds: any layouts, element types, strides, paddings, dilations
// and groups. What runs where tensor cores may not or cannot.
//
// Forward and backward with respect to the source are one kernel, a gather. For each group
//   sums[pixel][column] = sum over d of src[pixel moved by table[d]][channel of table[d]] * weights[d][column],
// d = tap * channels + channel. Forward the pixels are dst's and step over src by the stride. Backward they are those of
// diff_src whose y and x leave the same remainders (a phase): its taps, and only they, fall on pixels of diff_dst, one after
// the other.
// The gradient of the weights is diff_weights[k][d] = sum over pixels of diff_dst[pixel][k] * src[pixel moved][channel].
//
// A block of 256 threads makes 128 x 128 or 64 x 64 sums, each thread 8 x 8 or 4 x 4 in quads 64 apart, from slices 16 deep in
// shared memory, two of them: the next is on its way while this one is summed. Long sums are cut every 512 terms, and the
// pieces summed by themselves in shared memory.
#pragma once
#include "conv2d/gather.h"

namespace sextant::cuda::simt {

inline constexpr int threads = 256;
inline constexpr int slice = 16;           // depth of the tiles in shared memory
inline constexpr int piece = 512 / slice;  // slices whose products one accumulator sums

/// A tensor in memory. `quads`: 4 channels of a group from one that 4 divides lie together, aligned; those past the last are 0.
struct placed {
    view at;
    int dtype;
    bool quads;
};

inline placed placed_of(const sextant_tensor& t, int groups) {
    return {view_of(t), t.dtype, is_nhwc(t) && (groups == 1 || t.c / groups % 4 == 0)};
}

__device__ inline float load(const void* from, int dtype, int64_t offset) {
    if (dtype == SEXTANT_BF16) return wide(static_cast<const __nv_bfloat16*>(from)[offset]);
    if (dtype == SEXTANT_F16) return wide(static_cast<const __half*>(from)[offset]);
    return static_cast<const float*>(from)[offset];
}

template <class Half>
__device__ inline float4 widened(uint2 bits) {
    Half each[4];
    memcpy(each, &bits, sizeof bits);
    return {wide(each[0]), wide(each[1]), wide(each[2]), wide(each[3])};
}

__device__ inline float4 load_quad(const void* from, int dtype, int64_t offset) {
    if (dtype == SEXTANT_BF16)
        return widened<__nv_bfloat16>(*reinterpret_cast<const uint2*>(static_cast<const __nv_bfloat16*>(from) + offset));
    if (dtype == SEXTANT_F16)
        return widened<__half>(*reinterpret_cast<const uint2*>(static_cast<const __half*>(from) + offset));
    return *reinterpret_cast<const float4*>(static_cast<const float*>(from) + offset);
}

/// A thread's sums of a tile, and the products of two slices that it adds to them.
template <int Tile>
struct tile_sums {
    static constexpr int quads = Tile / 64, edge = 4 * quads;
    static constexpr int pitch = Tile + 4;
    using tile = float[slice][pitch];

    float v[edge][edge] = {};

    /// Warps of 4 x 8 threads: 4 quads of rows and 8 of columns are read at a time, without conflicts.
    __device__ static int row(int i) {
        return i / 4 * 64 + static_cast<int>(threadIdx.x / 64 * 4 + threadIdx.x % 32 / 8) * 4 + i % 4;
    }
    __device__ static int column(int j) {
        return j / 4 * 64 + static_cast<int>(threadIdx.x / 32 % 2 * 8 + threadIdx.x % 8) * 4 + j % 4;
    }

    __device__ void add(const tile& left, const tile& right) {
#pragma unroll
        for (int d = 0; d < slice; ++d) {
            float a[edge], b[edge];
#pragma unroll
            for (int i = 0; i < edge; i += 4) {
                const float4 from = *reinterpret_cast<const float4*>(&left[d][row(i)]);
                a[i] = from.x, a[i + 1] = from.y, a[i + 2] = from.z, a[i + 3] = from.w;
            }
#pragma unroll
            for (int j = 0; j < edge; j += 4) {
                const float4 from = *reinterpret_cast<const float4*>(&right[d][column(j)]);
                b[j] = from.x, b[j + 1] = from.y, b[j + 2] = from.z, b[j + 3] = from.w;
            }
#pragma unroll
            for (int i = 0; i < edge; ++i)
#pragma unroll
                for (int j = 0; j < edge; ++j) v[i][j] = fmaf(a[i], b[j], v[i][j]);
        }
    }

    /// Adds what has been summed to `totals`, each thread to its own, and begins anew.
    __device__ void put_aside(float* totals, bool first) {
#pragma unroll
        for (int i = 0; i < edge; ++i)
#pragma unroll
            for (int j = 0; j < edge; ++j) {
                float& total = totals[(i * edge + j) * threads + threadIdx.x];
                total = first ? v[i][j] : total + v[i][j];
                v[i][j] = 0;
            }
    }
    __device__ void take_back(const float* totals) {
#pragma unroll
        for (int i = 0; i < edge; ++i)
#pragma unroll
            for (int j = 0; j < edge; ++j) v[i][j] += totals[(i * edge + j) * threads + threadIdx.x];
    }
    static int64_t totals_bytes(int64_t slices) { return slices > piece ? int64_t{edge} * edge * threads * 4 : 0; }
};

/// Sums slices [from, to): `fetch(i)` begins to load slice i into registers, `keep(buffer)` puts them into shared memory.
template <int Tile, class Fetch, class Keep>
__device__ void sum_slices(tile_sums<Tile>& sums, const typename tile_sums<Tile>::tile (&left)[2],
                           const typename tile_sums<Tile>::tile (&right)[2], int from, int to, float* totals, Fetch&& fetch,
                           Keep&& keep) {
    if (from >= to) return;
    fetch(from);
    keep(0);
    __syncthreads();
    bool aside = false;
    for (int i = from, buffer = 0, since = 0; i < to; ++i, buffer ^= 1) {
        if (i + 1 < to) fetch(i + 1);
        sums.add(left[buffer], right[buffer]);
        if (i + 1 < to) keep(buffer ^ 1);
        if (++since == piece && i + 1 < to) sums.put_aside(totals, !aside), aside = true, since = 0;
        __syncthreads();
    }
    if (aside) sums.take_back(totals);
}

/// Channels of a group of `src` with those that may be read beyond: its quads are whole.
inline int channels_read(const sextant_tensor& src, int groups) {
    return groups == 1 && is_nhwc(src) ? view_of(src).lanes : src.c / groups;
}

/// Tile edge and splits for rows x columns sums, `slices` deep: the multiprocessors have two blocks each, if there is work.
struct shape {
    int tile, splits;
};

inline shape shape_for(int64_t rows, int64_t columns, int64_t groups, int64_t slices, int64_t least, const traits& device) {
    const auto blocks = [&](int64_t tile) { return (rows + tile - 1) / tile * ((columns + tile - 1) / tile) * groups; };
    if (rows > 64 && columns > 64 && blocks(128) >= device.multiprocessors) return {128, 1};
    const int64_t most = std::min(std::max<int64_t>(slices / least, 1), std::max<int64_t>(65535 / groups, 1));
    return {64, static_cast<int>(std::clamp<int64_t>(3 * device.multiprocessors / blocks(64), 1, most))};
}

}  // namespace sextant::cuda::simt
