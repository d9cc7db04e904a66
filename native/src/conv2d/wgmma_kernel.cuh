// SPDX-License-Identifier: Apache-2.0
// Convolution on Hopper's tensor cores as an implicit matrix product: rows are pixels of dst (n, p, q in order), columns output
// channels, the depth runs over taps and, within a tap, over chunks of channels.
//
//   block    Groups warpgroups that multiply, 64 * Parts rows x Columns each, and one warp whose first lane feeds the copy engine.
//            A block takes one tile after another, always of the same columns where it can; the engine runs ahead into the next
//            tile while the sums of this one are written
//   ring     stages of [rows x 128 bytes of src | columns x 128 bytes of weights], swizzled as wgmma wants them; a stage is
//            full when the engine's bytes have come and empty when every multiplying warp has arrived. Weights whose whole depth
//            fits beside a ring of src alone are fetched once (`resident`)
//   src      the engine gathers the pixels of one tap (im2col mode: it steps through n, p, q and fills the padding with zeros), or,
//            for a first layer packed with few channels, a box of windows of one kernel row each
//   residual one more stretch of depth: its channels times the unit matrix, so that the engine fetches it as early as the rest
//   turn     tiles begin their depth at different places, lest all blocks ask for the same weights at once
//   split    a cluster of blocks shares one tile, each with a part of the depth; sums meet through distributed shared memory,
//            always in the order of the blocks
//   tail     from registers: four lanes that have parts of a row trade them, so that each writes 8 channels together. What is rarer, or split, goes through shared memory in place of the ring, one tile a block (`staged`)
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
    int column_tiles, tiles;      // along the columns; in all
    int residual_chunks;          // of depth after the taps, 0 without a residual
    int stages, stage_bytes;      // of the ring
    bool staged;                  // sums go through shared memory, any tail
    bool resident;                // the ring is of src alone, behind all of the weights' depth
    int split;                    // blocks in a cluster, which share a tile's depth
    int box_q, box_p;             // of windows; 0: im2col
    int tiles_q, tiles_p;
    const float* bias;            // `columns` values or null
    const float* pre_scale;       // chunks * chunk_elements values, 0 past the last channel
    const float* pre_shift;
    void* dst;
    int64_t dst_pitch;            // elements from pixel to pixel
    int dst_dtype, activation;
    bool pairs;                   // whether 2 values of bias lie at a multiple of their size
};

inline constexpr int sum_padding = 8;  // keeps rows of sums on banks of their own

template <int Groups, int Parts, int Columns>
struct wgmma_shape {
    static constexpr int group_rows = Parts * 64;
    static constexpr int rows = Groups * group_rows;
    static constexpr int threads = Groups * 128 + 32;
    static constexpr int blocks = Parts * Columns > 128 ? 1 : Groups == 1 ? 3 : 2;  // on one multiprocessor
    static constexpr int sum_pitch = Columns + sum_padding;  // floats
};

inline constexpr int most_stages = 8;

__device__ inline float to_tf32(float x) {
    uint32_t bits;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
    return __uint_as_float(bits);
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

/// Where in the ring the next stage is; its two barriers are `barriers` + 8 * stage and that many stages on.
struct ring_place {
    int stage = 0;
    uint32_t phase = 0;
    __device__ void advance(int stages) {
        if (++stage == stages) stage = 0, phase ^= 1;
    }
};

/// Shared memory of a block.
struct block_memory {
    uint32_t weights, ring, full, empty, weights_full;
};

/// The chunks of depth from `begin` to `end`, from one between them on and round.
struct depth_place {
    int begin, end, at;
    __device__ depth_place(int begin, int end, int row_tile) : begin(begin), end(end), at(begin + row_tile % (end - begin)) {}
    __device__ void advance() {
        if (++at == end) at = begin;
    }
};

/// One lane: has the copy engine fill stage after stage, tile after tile.
template <int Groups, int Parts, int Columns>
__device__ void feed(const CUtensorMap& src, const CUtensorMap& weights, const CUtensorMap& residual, const CUtensorMap& unit,
                     const conv2d_product& a, const block_memory& memory, int begin, int end) {
    using shape = wgmma_shape<Groups, Parts, Columns>;
    const int step = gridDim.x / a.split, own = a.taps * a.chunks;
    // One chunk of the weights' depth.
    const auto fetch_columns = [&](uint32_t to, uint32_t barrier, int i, int column) {
        if (i < own)
            copy_box(to, &weights, barrier, i % a.chunks * a.chunk_elements, i / a.chunks, column);
        else
            copy_box(to, &unit, barrier, (i - own) * a.chunk_elements, 0, 0);
    };
    ring_place place;
    bool filled = false;  // the whole ring, once
    for (int tile = blockIdx.x / a.split; tile < a.tiles; tile += step) {
        const int row_tile = tile / a.column_tiles, column = tile % a.column_tiles * Columns;
        if (a.resident && tile < step) {
            barrier_expect(memory.weights_full, (end - begin) * Columns * a.row_bytes);
            for (int i = begin; i < end; ++i)
                fetch_columns(memory.weights + i * Columns * stage_row_bytes, memory.weights_full, i, column);
        }
        int n, h, w;
        if (a.box_q) {
            const int tile_q = row_tile % a.tiles_q, rest = row_tile / a.tiles_q;
            w = tile_q * a.box_q, h = rest % a.tiles_p * a.box_p, n = rest / a.tiles_p;
        } else {
            const int row = row_tile * shape::rows, q = row % a.q, rest = row / a.q;
            w = q * a.stride_w + a.origin_w, h = rest % a.p * a.stride_h + a.origin_h, n = rest / a.p;
        }
        depth_place depth(begin, end, row_tile);
        for (int i = begin; i < end; ++i) {
            if (filled) barrier_wait(memory.empty + place.stage * 8, place.phase ^ 1);
            const uint32_t to = memory.ring + place.stage * a.stage_bytes, barrier = memory.full + place.stage * 8;
            barrier_expect(barrier, (shape::rows + (a.resident ? 0 : Columns)) * a.row_bytes);
            const int tap = depth.at / a.chunks, channel = depth.at % a.chunks * a.chunk_elements;
            if (depth.at >= own)
                copy_box(to, &residual, barrier, column + (depth.at - own) * a.chunk_elements, row_tile * shape::rows, 0);
            else if (a.box_q)
                copy_box(to, &src, barrier, channel, w, tap, h, n);
            else
                copy_im2col(to, &src, barrier, channel, w, h, n, tap % a.taps_in_row * a.dilation_w,
                            tap / a.taps_in_row * a.dilation_h);
            if (!a.resident) fetch_columns(to + shape::rows * stage_row_bytes, barrier, depth.at, column);
            depth.advance();
            place.advance(a.stages);
            filled |= place.stage == 0;
        }
    }
}

/// A warpgroup's sums over a tile's depth.
template <class Element, int Groups, int Parts, int Columns, bool Pre>
__device__ void multiply(float (&sums)[Parts][Columns / 2], const conv2d_product& a, const block_memory& memory, ring_place& place,
                         int group, int row_tile, int begin, int end) {
    using shape = wgmma_shape<Groups, Parts, Columns>;
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32 % 4;
    const int steps = a.row_bytes / step_bytes;
    uint32_t last = 0;  // the barrier of the stage before
    depth_place depth(begin, end, row_tile);
    for (int i = begin; i < end; ++i) {
        barrier_wait(memory.full + place.stage * 8, place.phase);
        const uint32_t stage = memory.ring + place.stage * a.stage_bytes;
        const uint32_t rows = stage + group * shape::group_rows * a.row_bytes;
        const uint64_t columns = row_descriptor(
            a.resident ? memory.weights + depth.at * Columns * stage_row_bytes : stage + shape::rows * stage_row_bytes, a.row_bytes);
        const uint32_t empty = memory.empty + place.stage * 8;
        if constexpr (Pre) {
            static_assert(Parts == 1);
            // Rows are 128 bytes here. Each lane fetches, and then holds, the elements that the instruction wants of it.
            const int row = warp * 16 + lane % 16;
            const int channel = depth.at * a.chunk_elements;
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
                wgmma<Element, Columns>::multiply(sums[0], factors[step], columns + 2 * step, i > begin || step > 0);
            products_commit();
            products_wait<0>();
            if (lane == 0) barrier_arrive(empty);
        } else {
            uint64_t pixels[Parts];
#pragma unroll
            for (int part = 0; part < Parts; ++part) pixels[part] = row_descriptor(rows + part * 64 * a.row_bytes, a.row_bytes);
            const auto step_at = [&](int step) {
#pragma unroll
                for (int part = 0; part < Parts; ++part)
                    wgmma<Element, Columns>::multiply(sums[part], pixels[part] + 2 * step, columns + 2 * step,
                                                      i > begin || step > 0);
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
            if (i > begin && lane == 0) barrier_arrive(last);
            last = empty;
        }
        depth.advance();
        place.advance(a.stages);
    }
    if constexpr (!Pre) {
        products_wait<0>();
        if (lane == 0) barrier_arrive(last);
    }
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

// ---------------------------------------------------------------------------------------------- a tile's sums, from registers

/// Of the four words of each of four lanes, lane i's word j becomes lane j's word i.
__device__ inline void trade(uint32_t (&words)[4]) {
    const bool odd = threadIdx.x & 1, high = threadIdx.x & 2;
#pragma unroll
    for (int i = 0; i < 4; i += 2) {
        const uint32_t got = __shfl_xor_sync(0xFFFFFFFF, odd ? words[i] : words[i + 1], 1);
        if (odd)
            words[i] = got;
        else
            words[i + 1] = got;
    }
#pragma unroll
    for (int i = 0; i < 2; ++i) {
        const uint32_t got = __shfl_xor_sync(0xFFFFFFFF, high ? words[i] : words[i + 2], 2);
        if (high)
            words[i] = got;
        else
            words[i + 2] = got;
    }
}

__device__ inline float2 bias_at(const conv2d_product& a, int channel) {
    if (!a.bias || channel >= a.columns) return {0.f, 0.f};
    if (a.pairs) return *reinterpret_cast<const float2*>(a.bias + channel);
    return {a.bias[channel], channel + 1 < a.columns ? a.bias[channel + 1] : 0.f};
}

/// Identity or ReLU of sums with bias; 0 past the last channel.
__device__ inline float2 rectified(const conv2d_product& a, float2 v, int channel) {
    const float least = a.activation == SEXTANT_RELU ? 0.f : -INFINITY;
    return {channel < a.columns ? fmaxf(v.x, least) : 0.f, channel + 1 < a.columns ? fmaxf(v.y, least) : 0.f};
}

/// 16-bit elements, 32 columns of a row among four lanes: d[0], d[1] of each 8.
template <class Element>
__device__ inline void write_narrow(const conv2d_product& a, const float2 (&d)[4], int64_t pixel, int channel) {
    const int part = threadIdx.x % 4, own = channel + part * 8;
    const bool inside = pixel >= 0 && own < a.lanes;
    uint32_t words[4];
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        const int at = channel + i * 8 + part * 2;
        float2 v = bias_at(a, at);
        v.x += d[i].x, v.y += d[i].y;
        v = rectified(a, v, at);
        const Element pair[2] = {narrow<Element>(v.x), narrow<Element>(v.y)};
        memcpy(&words[i], pair, sizeof pair);
    }
    trade(words);
    if (inside)
        *reinterpret_cast<uint4*>(static_cast<Element*>(a.dst) + pixel * a.dst_pitch + own) = {words[0], words[1], words[2], words[3]};
}

/// float32 elements, two columns of a row.
__device__ inline void write_wide(const conv2d_product& a, float2 d, int64_t pixel, int channel) {
    if (pixel < 0 || channel >= a.lanes) return;
    float2 v = bias_at(a, channel);
    v.x += d.x, v.y += d.y;
    v = rectified(a, v, channel);
    if (a.dst_dtype == SEXTANT_TF32) v = {to_tf32(v.x), to_tf32(v.y)};
    *reinterpret_cast<float2*>(static_cast<float*>(a.dst) + pixel * a.dst_pitch + channel) = v;
}

/// What a warpgroup has of a tile.
template <class Element, int Groups, int Parts, int Columns>
__device__ void write(const conv2d_product& a, const float (&d)[Parts][Columns / 2], int group, int row_tile, int column) {
    using shape = wgmma_shape<Groups, Parts, Columns>;
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32 % 4;
#pragma unroll
    for (int part = 0; part < Parts; ++part) {
#pragma unroll
        for (int below = 0; below < 2; ++below) {
            const int row = group * shape::group_rows + part * 64 + warp * 16 + lane / 4 + below * 8;
            const int64_t pixel = pixel_of(a, row_tile, shape::rows, row);
#pragma unroll
            for (int j = 0; j < Columns / 8; j += 4) {
                const int channel = column + j * 8;
                float2 quarter[4];
#pragma unroll
                for (int i = 0; i < 4; ++i)
                    quarter[i] = {d[part][(j + i) * 4 + below * 2], d[part][(j + i) * 4 + below * 2 + 1]};
                if constexpr (sizeof(Element) == 2) {
                    write_narrow<Element>(a, quarter, pixel, channel);
                } else {
#pragma unroll
                    for (int i = 0; i < 4; ++i) write_wide(a, quarter[i], pixel, channel + i * 8 + lane % 4 * 2);
                }
            }
        }
    }
}

// ---------------------------------------------------------------------------------------------- sums that meet in shared memory

__device__ inline void put_at(void* to, int64_t at, int dtype, float x) {
    if (dtype == SEXTANT_BF16)
        static_cast<__nv_bfloat16*>(to)[at] = narrow<__nv_bfloat16>(x);
    else if (dtype == SEXTANT_F16)
        static_cast<__half*>(to)[at] = narrow<__half>(x);
    else
        static_cast<float*>(to)[at] = dtype == SEXTANT_TF32 ? to_tf32(x) : x;
}

/// Any elements and activations, two columns of a row.
__device__ inline void write_pair(const conv2d_product& a, float2 d, int64_t pixel, int channel) {
    if (pixel < 0 || channel >= a.lanes) return;
    float2 v = bias_at(a, channel);
    v.x += d.x, v.y += d.y;
    v.x = channel < a.columns ? activated(v.x, a.activation) : 0.f;
    v.y = channel + 1 < a.columns ? activated(v.y, a.activation) : 0.f;
    const int64_t at = pixel * a.dst_pitch + channel;
    put_at(a.dst, at, a.dst_dtype, v.x);
    if (channel + 1 < a.lanes) put_at(a.dst, at + 1, a.dst_dtype, v.y);
}

/// Of two sums that lie together in every block of the cluster, the total.
__device__ inline float2 total(const float* own, int split) {
    if (split == 1) return *reinterpret_cast<const float2*>(own);
    float2 sum{};
    for (int rank = 0; rank < split; ++rank) {
        const float2 part = load_from_cluster(address_in(shared_address(own), rank));
        sum.x += part.x, sum.y += part.y;
    }
    return sum;
}

template <int Groups, int Parts, int Columns>
__device__ void meet(const conv2d_product& a, const float (&d)[Parts][Columns / 2], float* sums, int group) {
    using shape = wgmma_shape<Groups, Parts, Columns>;
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32 % 4;
#pragma unroll
    for (int part = 0; part < Parts; ++part) {
        const int row = group * shape::group_rows + part * 64 + warp * 16 + lane / 4;
        float* const corner = sums + row * shape::sum_pitch + lane % 4 * 2;
#pragma unroll
        for (int j = 0; j < Columns / 8; ++j) {
            *reinterpret_cast<float2*>(corner + j * 8) = {d[part][j * 4], d[part][j * 4 + 1]};
            *reinterpret_cast<float2*>(corner + 8 * shape::sum_pitch + j * 8) = {d[part][j * 4 + 2], d[part][j * 4 + 3]};
        }
    }
}

/// This block's share of a tile's rows.
template <int Groups, int Parts, int Columns>
__device__ void write_share(const conv2d_product& a, const float* sums, int row_tile, int column, int rank) {
    using shape = wgmma_shape<Groups, Parts, Columns>;
    constexpr int pairs = Columns / 2;
    const int share = shape::rows / a.split;
    for (int i = threadIdx.x; i < share * pairs; i += Groups * 128) {
        const int row = rank * share + i / pairs, pair = i % pairs, channel = column + pair * 2;
        const int64_t pixel = pixel_of(a, row_tile, shape::rows, row);
        if (pixel >= 0 && channel < a.lanes) write_pair(a, total(sums + row * shape::sum_pitch + pair * 2, a.split), pixel, channel);
    }
}

#endif

template <class Element, int Groups, int Parts, int Columns, bool Pre>
__global__ void __launch_bounds__(wgmma_shape<Groups, Parts, Columns>::threads, wgmma_shape<Groups, Parts, Columns>::blocks)
    conv2d_wgmma(const __grid_constant__ CUtensorMap src, const __grid_constant__ CUtensorMap weights,
                 const __grid_constant__ CUtensorMap residual, const __grid_constant__ CUtensorMap unit,
                 const __grid_constant__ conv2d_product a) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
    extern __shared__ unsigned char shared[];
    __shared__ alignas(8) uint64_t barriers[2 * most_stages + 1];
    const uint32_t start = (shared_address(shared) + 1023) / 1024 * 1024;
    const int depth = a.taps * a.chunks + a.residual_chunks;
    const block_memory memory{start, start + (a.resident ? depth * Columns * stage_row_bytes : 0), shared_address(barriers),
                              shared_address(barriers + most_stages), shared_address(barriers + 2 * most_stages)};

    const int warp = threadIdx.x / 32, group = warp / 4;
    if (threadIdx.x == 0) {
        for (int stage = 0; stage < a.stages; ++stage) {
            barrier_create(memory.full + stage * 8, 1);
            barrier_create(memory.empty + stage * 8, Groups * 4);
        }
        barrier_create(memory.weights_full, 1);
        barriers_created();
    }
    if (threadIdx.x == Groups * 128) fetch_map(&src), fetch_map(&weights);
    __syncthreads();

    let_next_kernel_start();
    await_previous_kernel();
    const int rank = a.split > 1 ? static_cast<int>(cluster_rank()) : 0;
    const int begin = depth * rank / a.split, end = depth * (rank + 1) / a.split;
    if (warp == Groups * 4) {
        if (threadIdx.x % 32 == 0) feed<Groups, Parts, Columns>(src, weights, residual, unit, a, memory, begin, end);
        __syncwarp();
    } else if (!a.staged) {
        ring_place place;
        if (a.resident) barrier_wait(memory.weights_full, 0);
        for (int tile = blockIdx.x; tile < a.tiles; tile += gridDim.x) {
            float d[Parts][Columns / 2];
            multiply<Element, Groups, Parts, Columns, Pre>(d, a, memory, place, group, tile / a.column_tiles, begin, end);
            write<Element, Groups, Parts, Columns>(a, d, group, tile / a.column_tiles, tile % a.column_tiles * Columns);
        }
    }
    if (a.staged) {
        // One tile a block or cluster, so that sums may take the ring's place.
        const int tile = blockIdx.x / a.split, row_tile = tile / a.column_tiles, column = tile % a.column_tiles * Columns;
        float* const sums = reinterpret_cast<float*>(shared + (start - shared_address(shared)));
        if (group < Groups) {
            ring_place place;
            float d[Parts][Columns / 2];
            multiply<Element, Groups, Parts, Columns, Pre>(d, a, memory, place, group, row_tile, begin, end);
            asm volatile("bar.sync 1, %0;" ::"n"(Groups * 128) : "memory");  // every warpgroup is done with the ring
            meet<Groups, Parts, Columns>(a, d, sums, group);
        }
        if (a.split > 1)
            cluster_sync();
        else
            __syncthreads();
        if (group < Groups) write_share<Groups, Parts, Columns>(a, sums, row_tile, column, rank);
        if (a.split > 1) {
            __syncwarp();
            cluster_sync();  // others may still be reading this block's sums
        }
    }
#endif
}

}  // namespace sextant::cuda
