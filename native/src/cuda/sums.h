// SPDX-License-Identifier: Apache-2.0
// Sums over a block of threads, in an order that is always the same.
#pragma once
#include <cuda_runtime.h>

namespace sextant::cuda {

/// The sum over all threads of a one-dimensional block of whole warps, told to each of them.
template <class Number>
__device__ inline Number block_sum(Number x) {
    __shared__ Number parts[32];
    for (int distance = 16; distance > 0; distance /= 2) x += __shfl_xor_sync(0xffffffff, x, distance);
    __syncthreads();  // an earlier sum's parts have been read
    if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = x;
    __syncthreads();
    Number sum = parts[0];
    for (unsigned i = 1; i < blockDim.x / 32; ++i) sum += parts[i];
    return sum;
}

/// The same for the largest of numbers; a NaN is left out.
__device__ inline float block_maximum(float x) {
    __shared__ float parts[32];
    for (int distance = 16; distance > 0; distance /= 2) x = fmaxf(x, __shfl_xor_sync(0xffffffff, x, distance));
    __syncthreads();
    if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = x;
    __syncthreads();
    float largest = parts[0];
    for (unsigned i = 1; i < blockDim.x / 32; ++i) largest = fmaxf(largest, parts[i]);
    return largest;
}

}  // namespace sextant::cuda
