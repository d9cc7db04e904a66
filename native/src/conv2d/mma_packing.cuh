// SPDX-License-Identifier: Apache-2.0
// Weights in the order in which mma's gather reads them.
#pragma once
#include "conv2d/mma.cuh"

namespace sextant::cuda::mma {

/// Weights k x (c / groups) x r x s to packed[group][column][tap in order][channel summed over], for one launch.
struct packing {
    int in, out;
    int rows;         // channels of a tap: in, and those that fill its last unit, zeros
    int taps, ordered;  // r * s, and those of the launch
    const int* order;
    bool transposed;  // the sum is over k
    int64_t first;    // in the packed weights
};

/// A block takes 32 channels and 32 columns, tap by tap: both its reads and its writes are of neighbours.
template <class Element>
__global__ __launch_bounds__(threads) void pack_kernel(const packing a, const float* __restrict__ weights,
                                                       Element* __restrict__ packed) {
    __shared__ float tile[32][33];  // [column][channel]
    const int lane = threadIdx.x % 32, row = threadIdx.x / 32;
    const int first_channel = blockIdx.x * 32, first_column = blockIdx.y * 32;
    const int64_t group = blockIdx.z;
    for (int tap = 0; tap < a.ordered; ++tap) {
        for (int i = row; i < 32; i += 8) {
            const int local_channel = a.transposed ? i : lane, local_column = a.transposed ? lane : i;
            const int channel = first_channel + local_channel, column = first_column + local_column;
            const int64_t filter = a.transposed ? (group * a.in + channel) * a.out + column
                                                : (group * a.out + column) * a.in + channel;
            tile[local_column][local_channel] =
                channel < a.in && column < a.out ? weights[filter * a.taps + a.order[tap]] : 0.f;
        }
        __syncthreads();
        for (int i = row; i < 32; i += 8) {
            const int channel = first_channel + lane, column = first_column + i;
            if (channel >= a.rows || column >= a.out) continue;
            float v = tile[i][lane];
            if constexpr (sizeof(Element) == 4) v = __uint_as_float(tf32(__float_as_uint(v)));
            packed[a.first + ((group * a.out + column) * a.ordered + tap) * a.rows + channel] = narrow<Element>(v);
        }
        __syncthreads();
    }
}

}  // namespace sextant::cuda::mma
