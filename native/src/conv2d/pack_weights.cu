// SPDX-License-Identifier: Apache-2.0
#include "conv2d/pack_weights.h"

#include "cuda/view.h"

namespace sextant::cuda {

namespace {

constexpr int threads = 256;

__device__ float rounded(float x, int dtype) {
    if (dtype != SEXTANT_TF32) return x;
    uint32_t bits;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
    return __uint_as_float(bits);
}

/// The index in the plain array, or -1.
__device__ int64_t source_of(const weights_packing& a, int row, int tap, int lane) {
    int k = row, c = lane, y = tap / a.s, x = tap % a.s;
    switch (a.order) {
        case weights_packing::windows:
            c = lane % a.width, y = tap, x = lane / a.width;
            break;
        case weights_packing::backward:
            k = lane, c = row, y = a.r - 1 - tap / a.s, x = a.s - 1 - tap % a.s;
            break;
        case weights_packing::features:
            c = lane % a.width, y = lane / a.width / a.s, x = lane / a.width % a.s;
            break;
        default:
            break;
    }
    if (k >= a.k || c >= a.c || y >= a.r || x >= a.s) return -1;
    return ((int64_t{k} * a.c + c) * a.r + y) * a.s + x;
}

template <class Element>
__global__ void pack(const weights_packing a, const float* __restrict__ plain, Element* __restrict__ packed) {
    const int64_t elements = a.elements();
    for (int64_t i = blockIdx.x * int64_t{threads} + threadIdx.x; i < elements; i += int64_t{gridDim.x} * threads) {
        const int lane = static_cast<int>(i % a.pitch);
        const int64_t rest = i / a.pitch, from = source_of(a, static_cast<int>(rest / a.taps), static_cast<int>(rest % a.taps), lane);
        packed[i] = narrow<Element>(from < 0 ? 0.f : rounded(plain[from], a.dtype));
    }
}

}  // namespace

int64_t weights_packing::bytes() const { return elements() * (dtype == SEXTANT_BF16 || dtype == SEXTANT_F16 ? 2 : 4); }

void pack_weights(const weights_packing& a, const float* plain, void* packed, cudaStream_t stream) {
    visit_element(a.dtype, [&](auto element) {
        using Element = decltype(element);
        pack<<<grid_for(a.elements(), threads, 4096), threads, 0, stream>>>(a, plain, static_cast<Element*>(packed));
    });
    check_launch("pack_weights");
}

array packed_weights(const weights_packing& a, const float* plain) {
    const array source = copy_of(plain, int64_t{a.k} * a.c * a.r * a.s);
    array packed(a.bytes());
    pack_weights(a, source.as<float>(), packed.as<void>(), nullptr);
    check(cudaStreamSynchronize(nullptr), "packing weights");
    return packed;
}

}  // namespace sextant::cuda
