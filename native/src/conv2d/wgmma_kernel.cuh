// SPDX-License-Identifier: Apache-2.0
// Convolution on Hopper's tensor cores as an implicit matrix product: rows are pixels of dst (n, p, q in order), columns output
// channels, the depth runs over taps and, within a tap, over chunks of channels.
//
//   block    Groups warpgroups that multiply, 64 * Parts rows x Columns each, and one warp whose first lane feeds the copy engine
//   ring     stages of [rows x 128 bytes of src | columns x 128 bytes of weights], swizzled as wgmma wants them; a stage is
//            full when the engine's bytes have come and empty when every multiplying warp has arrived
//   src      the engine gathers the pixels of one tap (im2col mode: it steps through n, p, q and fills the padding with zeros), or,
//            for a first layer packed with few channels, a box of windows of one kernel row each
//   split    a cluster of blocks shares one tile, each with a part of the depth; sums meet through distributed shared memory,
//            always in the order of the blocks
//   tail     sums go through shared memory so that 8 channels of a pixel are read (residual) and written together
//
// Sums: of each 64 rows thread t has, of row 16 * (t / 32) + t % 32 / 4 and of 8 rows below, the columns 8 j + t % 4 * 2 + {0, 1}.
#pragma once
#include "conv2d/hopper.cuh"
#include "conv2d/wgmma.inl.h"
#include "cuda/view.h"

namespace sextant::cuda {

inline constexpr int stage_row_bytes = 128;
inline constexpr int step_bytes = 32;  // of depth that one instruction takes

/// What is multiplied, and what becomes of the sums.
struct conv2d_product {
    int rows, columns;            // n * p * q, k
    int lanes;                    // columns that are written: with the padding of dst's last unit
    int p, q;
    int origin_h, origin_w;       // the first window's first pixel: -pad
    int stride_h, stride_w, dilation_h, dilation_w;
    int taps, taps_in_row;        // r * s, s
    int chunks, chunk_elements;   // of the channels of a tap
    int row_bytes;                // of a chunk: 32, 64 or 128
    int column_tiles;
    int split;                    // blocks in a cluster, which share a tile's depth
    int box_q, box_p;             // of windows; 0: im2col
    int tiles_q, tiles_p;
    const float* bias;            // `columns` values or null
    const float* pre_scale;       // chunks * chunk_elements values, 0 past the last channel
    const float* pre_shift;
    const void* residual;
    void* dst;
    int64_t residual_pitch, dst_pitch;  // elements from pixel to pixel
    int residual_dtype, dst_dtype, activation;
    bool vectors;                 // whether 8 channels lie at a multiple of their size in dst and residual
};

template <int Groups, int Parts, int Columns>
struct wgmma_shape {
    static constexpr int group_rows = Parts * 64;
    static constexpr int rows = Groups * group_rows;
    static constexpr int threads = Groups * 128 + 32;
    static constexpr int stage_bytes = (rows + Columns) * stage_row_bytes;
    static constexpr int blocks = Parts * Columns > 128 ? 1 : Groups == 1 ? 3 : 2;  // on one multiprocessor
    static constexpr int stages = 224 * 1024 / blocks / stage_bytes > 6 ? 6 : 224 * 1024 / blocks / stage_bytes;
    static constexpr int sum_pitch = Columns + 8;  // floats; the 8 keep rows on banks of their own
    static constexpr int64_t shared_bytes = int64_t{stages} * stage_bytes + stages * 16 + 1024;
    static_assert(rows * sum_pitch * 4 <= stages * stage_bytes);
};

__device__ inline float to_tf32(float x) {
    uint32_t bits;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
    return __uint_as_float(bits);
}

__device__ inline void add_channels(float (&v)[8], const void* from, int64_t at, int dtype, int count, bool vectors) {
    const auto add = [&](auto element) {
        using Element = decltype(element);
        const Element* const p = static_cast<const Element*>(from) + at;
        if (vectors) {
            const auto loaded = lane8<Element>::load(p);
#pragma unroll
            for (int i = 0; i < 8; ++i) v[i] += loaded.v[i];
        } else {
#pragma unroll
            for (int i = 0; i < 8; ++i)
                if (i < count) v[i] += wide(p[i]);
        }
    };
    if (dtype == SEXTANT_BF16)
        add(__nv_bfloat16{});
    else if (dtype == SEXTANT_F16)
        add(__half{});
    else
        add(float{});
}

__device__ inline void put_channels(lane8<float>& v, void* to, int64_t at, int dtype, int count, bool vectors) {
    const auto put = [&](auto element) {
        using Element = decltype(element);
        Element* const p = static_cast<Element*>(to) + at;
        if (vectors) {
            lane8<Element> stored;
#pragma unroll
            for (int i = 0; i < 8; ++i) stored.v[i] = v.v[i];
            stored.store(p);
        } else {
#pragma unroll
            for (int i = 0; i < 8; ++i)
                if (i < count) p[i] = narrow<Element>(v.v[i]);
        }
    };
    if (dtype == SEXTANT_TF32) {
#pragma unroll
        for (int i = 0; i < 8; ++i) v.v[i] = to_tf32(v.v[i]);
    }
    if (dtype == SEXTANT_BF16)
        put(__nv_bfloat16{});
    else if (dtype == SEXTANT_F16)
        put(__half{});
    else
        put(float{});
}

/// max(0, x * scale + shift) of the two elements in one register, for channels 2 i and 2 i + 1 of a half type or one of tf32.
template <class Element>
__device__ inline uint32_t normalised(uint32_t bits, const float* scale, const float* shift) {
    if constexpr (sizeof(Element) == 4) {
        return __float_as_uint(to_tf32(fmaxf(fmaf(__uint_as_float(bits), scale[0], shift[0]), 0.f)));
    } else {
        Element pair[2];
        memcpy(pair, &bits, sizeof bits);
        const float2 s = *reinterpret_cast<const float2*>(scale), t = *reinterpret_cast<const float2*>(shift);
        pair[0] = narrow<Element>(fmaxf(fmaf(wide(pair[0]), s.x, t.x), 0.f));
        pair[1] = narrow<Element>(fmaxf(fmaf(wide(pair[1]), s.y, t.y), 0.f));
        memcpy(&bits, pair, sizeof bits);
        return bits;
    }
}

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)

/// One lane: has the copy engine fill stage after stage.
template <int Groups, int Parts, int Columns>
__device__ void feed(const CUtensorMap& src, const CUtensorMap& weights, const conv2d_product& a, uint32_t ring, uint32_t full,
                     uint32_t empty, int row_tile, int column_tile, int begin, int end) {
    using shape = wgmma_shape<Groups, Parts, Columns>;
    const uint32_t bytes = (shape::rows + Columns) * a.row_bytes;
    int n, h, w;
    if (a.box_q) {
        const int tile_q = row_tile % a.tiles_q, rest = row_tile / a.tiles_q;
        w = tile_q * a.box_q, h = rest % a.tiles_p * a.box_p, n = rest / a.tiles_p;
    } else {
        const int row = row_tile * shape::rows, q = row % a.q, rest = row / a.q;
        w = q * a.stride_w + a.origin_w, h = rest % a.p * a.stride_h + a.origin_h, n = rest / a.p;
    }
    int tap = begin / a.chunks, chunk = begin % a.chunks;
    for (int i = 0; i < end - begin; ++i) {
        const int stage = i % shape::stages;
        if (i >= shape::stages) barrier_wait(empty + stage * 8, i / shape::stages - 1 & 1);
        const uint32_t to = ring + stage * shape::stage_bytes, barrier = full + stage * 8;
        barrier_expect(barrier, bytes);
        const int channel = chunk * a.chunk_elements;
        if (a.box_q)
            copy_box(to, &src, barrier, channel, w, tap, h, n);
        else
            copy_im2col(to, &src, barrier, channel, w, h, n, tap % a.taps_in_row * a.dilation_w,
                        tap / a.taps_in_row * a.dilation_h);
        copy_box(to + shape::rows * stage_row_bytes, &weights, barrier, channel, tap, column_tile * Columns);
        if (++chunk == a.chunks) chunk = 0, ++tap;
    }
}

/// A warpgroup's sums over the stages.
template <class Element, int Groups, int Parts, int Columns, bool Pre>
__device__ void multiply(float (&sums)[Parts][Columns / 2], const conv2d_product& a, uint32_t ring, uint32_t full, uint32_t empty,
                         int group, int begin, int end) {
    using shape = wgmma_shape<Groups, Parts, Columns>;
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32 % 4;
    const int steps = a.row_bytes / step_bytes;
    const int count = end - begin;
    for (int i = 0; i < count; ++i) {
        const int stage = i % shape::stages;
        barrier_wait(full + stage * 8, i / shape::stages & 1);
        const uint32_t rows = ring + stage * shape::stage_bytes + group * shape::group_rows * a.row_bytes;
        const uint64_t columns = row_descriptor(ring + stage * shape::stage_bytes + shape::rows * stage_row_bytes, a.row_bytes);
        if constexpr (Pre) {
            static_assert(Parts == 1);
            // Rows are 128 bytes here. Each lane fetches, and then holds, the elements that the instruction wants of it.
            const int row = warp * 16 + lane % 16;
            const int channel = (begin + i) * a.chunk_elements;
            uint32_t factors[4][4];
#pragma unroll
            for (int step = 0; step < 4; ++step) {
                const int piece = step * 2 + lane / 16;
                load_matrices(factors[step], rows + row * 128 + ((piece ^ row % 8) << 4));
                constexpr int per_register = 4 / static_cast<int>(sizeof(Element)), per_piece = 4 * per_register;
                const int low = channel + step * 2 * per_piece + lane % 4 * per_register, high = low + per_piece;
                factors[step][0] = normalised<Element>(factors[step][0], a.pre_scale + low, a.pre_shift + low);
                factors[step][1] = normalised<Element>(factors[step][1], a.pre_scale + low, a.pre_shift + low);
                factors[step][2] = normalised<Element>(factors[step][2], a.pre_scale + high, a.pre_shift + high);
                factors[step][3] = normalised<Element>(factors[step][3], a.pre_scale + high, a.pre_shift + high);
            }
            products_begin();
#pragma unroll
            for (int step = 0; step < 4; ++step)
                wgmma<Element, Columns>::multiply(sums[0], factors[step], columns + 2 * step, i > 0 || step > 0);
            products_commit();
            products_wait<0>();
            if (lane == 0) barrier_arrive(empty + stage * 8);
        } else {
            uint64_t pixels[Parts];
#pragma unroll
            for (int part = 0; part < Parts; ++part) pixels[part] = row_descriptor(rows + part * 64 * a.row_bytes, a.row_bytes);
            const auto step_at = [&](int step) {
#pragma unroll
                for (int part = 0; part < Parts; ++part)
                    wgmma<Element, Columns>::multiply(sums[part], pixels[part] + 2 * step, columns + 2 * step, i > 0 || step > 0);
            };
            products_begin();
            if (steps == 4) {
#pragma unroll
                for (int step = 0; step < 4; ++step) step_at(step);
            } else {
#pragma unroll 1
                for (int step = 0; step < steps; ++step) step_at(step);
            }
            products_commit();
            products_wait<1>();
            // The products of the stage before are done.
            if (i > 0 && lane == 0) barrier_arrive(empty + (i - 1) % shape::stages * 8);
        }
    }
    products_wait<0>();
}

/// Of 8 sums that lie together in every block of the cluster, the total.
__device__ inline lane8<float> total(const float* own, int split) {
    if (split == 1) return lane8<float>::load(own);
    lane8<float> sum{};
    for (int rank = 0; rank < split; ++rank) {
        const uint32_t at = address_in(shared_address(own), rank);
        const float4 x = load_from_cluster(at), y = load_from_cluster(at + 16);
        const float part[8] = {x.x, x.y, x.z, x.w, y.x, y.y, y.z, y.w};
#pragma unroll
        for (int i = 0; i < 8; ++i) sum.v[i] += part[i];
    }
    return sum;
}

/// The pixel of dst that a row of a tile is, or -1.
__device__ inline int64_t pixel_of(const conv2d_product& a, int row_tile, int tile_rows, int row) {
    if (!a.box_q) {
        const int64_t pixel = int64_t{row_tile} * tile_rows + row;
        return pixel < a.rows ? pixel : -1;
    }
    const int rest = row_tile / a.tiles_q;
    const int q = row_tile % a.tiles_q * a.box_q + row % a.box_q, p = rest % a.tiles_p * a.box_p + row / a.box_q;
    return q < a.q && p < a.p ? (int64_t{rest / a.tiles_p} * a.p + p) * a.q + q : -1;
}

/// Threads of the multiplying warpgroups: bias, residual, activation, and out.
template <int Groups, int Parts, int Columns>
__device__ void finish(const conv2d_product& a, const float* sums, int row_tile, int column_tile, int rank) {
    using shape = wgmma_shape<Groups, Parts, Columns>;
    constexpr int units = Columns / 8;
    const int share = shape::rows / a.split;  // rows that this block of the cluster finishes
    for (int i = threadIdx.x; i < share * units; i += Groups * 128) {
        const int row = rank * share + i / units, unit = i % units, channel = column_tile * Columns + unit * 8;
        const int64_t pixel = pixel_of(a, row_tile, shape::rows, row);
        if (pixel < 0 || channel >= a.lanes) continue;
        lane8<float> v = total(sums + row * shape::sum_pitch + unit * 8, a.split);
        const int real = min(8, a.columns - channel), count = min(8, a.lanes - channel);
        if (a.bias) {
#pragma unroll
            for (int j = 0; j < 8; ++j)
                if (j < real) v.v[j] += a.bias[channel + j];
        }
        if (a.residual) add_channels(v.v, a.residual, pixel * a.residual_pitch + channel, a.residual_dtype, real, a.vectors);
#pragma unroll
        for (int j = 0; j < 8; ++j) v.v[j] = j < real ? activated(v.v[j], a.activation) : 0.f;
        put_channels(v, a.dst, pixel * a.dst_pitch + channel, a.dst_dtype, count, a.vectors);
    }
}

#endif

template <class Element, int Groups, int Parts, int Columns, bool Pre>
__global__ void __launch_bounds__(wgmma_shape<Groups, Parts, Columns>::threads, wgmma_shape<Groups, Parts, Columns>::blocks)
    conv2d_wgmma(const __grid_constant__ CUtensorMap src, const __grid_constant__ CUtensorMap weights,
                 const __grid_constant__ conv2d_product a) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
    using shape = wgmma_shape<Groups, Parts, Columns>;
    extern __shared__ unsigned char shared[];
    const uint32_t ring = (shared_address(shared) + 1023) / 1024 * 1024;
    const uint32_t full = ring + shape::stages * shape::stage_bytes, empty = full + shape::stages * 8;
    float* const sums = reinterpret_cast<float*>(shared + (ring - shared_address(shared)));

    const int warp = threadIdx.x / 32;
    if (threadIdx.x == 0) {
        for (int stage = 0; stage < shape::stages; ++stage) {
            barrier_create(full + stage * 8, 1);
            barrier_create(empty + stage * 8, Groups * 4);
        }
        barriers_created();
    }
    if (threadIdx.x == Groups * 128) fetch_map(&src), fetch_map(&weights);
    __syncthreads();

    const int rank = a.split > 1 ? static_cast<int>(cluster_rank()) : 0;
    const int tile = blockIdx.x / a.split, row_tile = tile / a.column_tiles, column_tile = tile % a.column_tiles;
    const int depth = a.taps * a.chunks, begin = depth * rank / a.split, end = depth * (rank + 1) / a.split;

    let_next_kernel_start();
    await_previous_kernel();
    if (warp == Groups * 4) {
        if (threadIdx.x % 32 == 0)
            feed<Groups, Parts, Columns>(src, weights, a, ring, full, empty, row_tile, column_tile, begin, end);
        __syncwarp();
    } else {
        float d[Parts][Columns / 2];
        multiply<Element, Groups, Parts, Columns, Pre>(d, a, ring, full, empty, warp / 4, begin, end);
        // Every warpgroup is done with the ring before sums take its place.
        asm volatile("bar.sync 1, %0;" ::"n"(Groups * 128) : "memory");
        const int lane = threadIdx.x % 32;
#pragma unroll
        for (int part = 0; part < Parts; ++part) {
            const int row = warp / 4 * shape::group_rows + part * 64 + warp % 4 * 16 + lane / 4;
            float* const corner = sums + row * shape::sum_pitch + lane % 4 * 2;
#pragma unroll
            for (int j = 0; j < Columns / 8; ++j) {
                *reinterpret_cast<float2*>(corner + j * 8) = {d[part][j * 4], d[part][j * 4 + 1]};
                *reinterpret_cast<float2*>(corner + 8 * shape::sum_pitch + j * 8) = {d[part][j * 4 + 2], d[part][j * 4 + 3]};
            }
        }
        asm volatile("bar.sync 1, %0;" ::"n"(Groups * 128) : "memory");
    }
    if (a.split > 1) cluster_sync();
    if (warp < Groups * 4) finish<Groups, Parts, Columns>(a, sums, row_tile, column_tile, rank);
    if (a.split > 1) {
        __syncwarp();
        cluster_sync();  // others may still be reading this block's sums
    }
#endif
}

}  // namespace sextant::cuda
