// SPDX-License-Identifier: Apache-2.0
// Matrix products in float32 on CUDA cores, for fully connected layers and their gradients in any layout and element type:
//
//   result[m][n] = sum over t of a(m, t) * b(n, t)
//
// A block of 256 threads makes a tile of 64 x 64, a thread 4 x 4 of it, from slices of 16 t that pass through shared memory;
// the next slice is read while this one is multiplied. When tiles are few, t is divided among several blocks, whose sums lie in
// scratch memory and are added in order by a second kernel.
//
// An operand is a type with `float operator()(int64_t row, int64_t t)`, which gives 0 past the last row, and `along_t`: whether
// neighbours in memory have neighbouring t, for then neighbouring threads take them. The result goes to `finish(m, n, sum)`.
#pragma once
#include <algorithm>

#include "cuda/op.h"

namespace sextant::cuda {

struct gemm_shape {
    int64_t rows, columns, depth;
    int64_t part;  // depth of a part, a multiple of gemm_depth
    int parts;
};

inline constexpr int gemm_tile = 64, gemm_depth = 16, gemm_threads = 256, gemm_own = 4;

/// Parts for about two blocks on each multiprocessor, none of them shallow and not so many that their sums weigh more than the
/// operands.
inline gemm_shape gemm_shape_of(int64_t rows, int64_t columns, int64_t depth, const traits& device) {
    constexpr int64_t least_part = 16 * gemm_depth, most_parts = 64;
    const auto tiles_of = [](int64_t extent) { return (extent + gemm_tile - 1) / gemm_tile; };
    const int64_t tiles = tiles_of(rows) * tiles_of(columns);
    const int64_t wanted = std::clamp<int64_t>(2 * device.multiprocessors / tiles, 1, most_parts);
    const int64_t part = std::max(least_part, (depth + wanted * gemm_depth - 1) / (wanted * gemm_depth) * gemm_depth);
    return {rows, columns, depth, part, static_cast<int>(std::max<int64_t>(1, (depth + part - 1) / part))};
}

inline int64_t gemm_scratch_bytes(const gemm_shape& shape) {
    return shape.parts == 1 ? 0 : shape.parts * shape.rows * shape.columns * int64_t{sizeof(float)};
}

/// This thread's share of a slice of an operand: 4 elements of 64 rows x 16 t.
template <class Operand>
struct gemm_share {
    float x[gemm_own];

    /// Row and t of element i within the slice.
    __device__ static int row(int i) {
        const int own = static_cast<int>(threadIdx.x) + i * gemm_threads;
        return Operand::along_t ? own / gemm_depth : own % gemm_tile;
    }
    __device__ static int t(int i) {
        const int own = static_cast<int>(threadIdx.x) + i * gemm_threads;
        return Operand::along_t ? own % gemm_depth : own / gemm_tile;
    }

    __device__ void read(const Operand& from, int64_t first_row, int64_t first_t, int64_t end_t) {
#pragma unroll
        for (int i = 0; i < gemm_own; ++i) {
            const int64_t at = first_t + t(i);
            x[i] = at < end_t ? from(first_row + row(i), at) : 0.f;
        }
    }
    __device__ void put(float (*slice)[gemm_tile + 4]) const {
#pragma unroll
        for (int i = 0; i < gemm_own; ++i) slice[t(i)][row(i)] = x[i];
    }
};

template <class A, class B, class Finish>
__global__ void __launch_bounds__(gemm_threads) gemm(A a, B b, Finish finish, gemm_shape shape, float* __restrict__ partial) {
    // Rows of 68 floats: columns begin at different banks, and 4 floats still lie at a multiple of 16 bytes.
    __shared__ __align__(16) float a_slice[gemm_depth][gemm_tile + 4], b_slice[gemm_depth][gemm_tile + 4];
    const int64_t first_row = int64_t{blockIdx.y} * gemm_tile, first_column = int64_t{blockIdx.x} * gemm_tile;
    const int64_t begin = blockIdx.z * shape.part, end = min(shape.depth, begin + shape.part);
    const int row = static_cast<int>(threadIdx.x) / 16 * gemm_own, column = static_cast<int>(threadIdx.x) % 16 * gemm_own;
    float sums[gemm_own][gemm_own] = {};
    gemm_share<A> a_share;
    gemm_share<B> b_share;
    a_share.read(a, first_row, begin, end);
    b_share.read(b, first_column, begin, end);
    for (int64_t t = begin; t < end; t += gemm_depth) {
        __syncthreads();  // the slice before has been multiplied
        a_share.put(a_slice);
        b_share.put(b_slice);
        __syncthreads();
        a_share.read(a, first_row, t + gemm_depth, end);
        b_share.read(b, first_column, t + gemm_depth, end);
#pragma unroll
        for (int i = 0; i < gemm_depth; ++i) {
            const float4 left = *reinterpret_cast<const float4*>(&a_slice[i][row]);
            const float4 right = *reinterpret_cast<const float4*>(&b_slice[i][column]);
            const float l[gemm_own] = {left.x, left.y, left.z, left.w}, r[gemm_own] = {right.x, right.y, right.z, right.w};
#pragma unroll
            for (int y = 0; y < gemm_own; ++y)
#pragma unroll
                for (int x = 0; x < gemm_own; ++x) sums[y][x] += l[y] * r[x];
        }
    }
#pragma unroll
    for (int y = 0; y < gemm_own; ++y)
#pragma unroll
        for (int x = 0; x < gemm_own; ++x) {
            const int64_t m = first_row + row + y, n = first_column + column + x;
            if (m >= shape.rows || n >= shape.columns) continue;
            if (partial)
                partial[(blockIdx.z * shape.rows + m) * shape.columns + n] = sums[y][x];
            else
                finish(m, n, sums[y][x]);
        }
}

template <class Finish>
__global__ void gemm_add_parts(const float* __restrict__ partial, Finish finish, gemm_shape shape) {
    const int64_t count = shape.rows * shape.columns, step = int64_t{gridDim.x} * blockDim.x;
    for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += step) {
        float sum = partial[i];
        for (int part = 1; part < shape.parts; ++part) sum += partial[part * count + i];
        finish(i / shape.columns, i % shape.columns, sum);
    }
}

template <class A, class B, class Finish>
void enqueue_gemm(cudaStream_t stream, const A& a, const B& b, const Finish& finish, const gemm_shape& shape, void* scratch) {
    const dim3 grid(static_cast<unsigned>((shape.columns + gemm_tile - 1) / gemm_tile),
                    static_cast<unsigned>((shape.rows + gemm_tile - 1) / gemm_tile), static_cast<unsigned>(shape.parts));
    float* const partial = shape.parts == 1 ? nullptr : static_cast<float*>(scratch);
    gemm<<<grid, gemm_threads, 0, stream>>>(a, b, finish, shape, partial);
    check_launch("gemm");
    if (!partial) return;
    gemm_add_parts<<<grid_for(shape.rows * shape.columns, gemm_threads), gemm_threads, 0, stream>>>(partial, finish, shape);
    check_launch("gemm_add_parts");
}

}  // namespace sextant::cuda
