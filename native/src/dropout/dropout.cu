// SPDX-License-Identifier: Apache-2.0
// Dropout: the elements that mask.h drops, which depend on their places n c h w and not on the layout. One block of Philox
// gives the numbers of 4 elements; channels of a single pixel are such neighbours, channels of a picture are not.
#include "cuda/any_element.h"
#include "cuda/lists.h"
#include "dropout/dropout_lists.h"
#include "dropout/mask.h"
#include "runtime/training_state.h"

namespace sextant::cuda {
namespace {

constexpr int threads = 256;

/// The state may be the host's memory, at any float's address: a block reads its first words, seed and step, once.
__device__ sextant_training_state read_state(const uint32_t* place) {
    static_assert(offsetof(sextant_training_state, seed) == 0 && offsetof(sextant_training_state, step) == 8);
    __shared__ uint32_t words[4];
    if (threadIdx.x < 4) words[threadIdx.x] = place[threadIdx.x];
    __syncthreads();
    sextant_training_state state{};
    state.seed = words[0] | static_cast<uint64_t>(words[1]) << 32;
    state.step = words[2] | static_cast<uint64_t>(words[3]) << 32;
    return state;
}

/// NaN and infinity are dropped like any other number.
__device__ float kept(float x, float factor) { return factor > 0 ? factor * x : 0; }

/// Images of one pixel, c a multiple of 4: a thread takes 4 channels, which lie together. Padding lanes become zero.
template <class Element>
__global__ void dropout_features(sextant_dropout a, const Element* __restrict__ src, int64_t src_image,
                                 const uint32_t* __restrict__ state, Element* __restrict__ dst, int64_t dst_image, int lanes) {
    const dropout_mask mask(a, read_state(state));
    const int groups = lanes / 4;
    const int64_t count = int64_t{a.dst.n} * groups, step = int64_t{gridDim.x} * blockDim.x;
    for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += step) {
        const int64_t n = i / groups;
        const int c = static_cast<int>(i - n * groups) * 4;
        Element* const to = dst + n * dst_image + c;
        if (c >= a.dst.c) {
            for (int j = 0; j < 4; ++j) to[j] = narrow<Element>(0.f);
            continue;
        }
        const auto factors = mask.factors((n * a.dst.c + c) / 4);
        const Element* const from = src + n * src_image + c;
        for (int j = 0; j < 4; ++j) to[j] = narrow<Element>(kept(wide(from[j]), factors[j]));
    }
}

__global__ void dropout_any(sextant_dropout a, any_tensor src_tensor, const void* src, const uint32_t* __restrict__ state,
                            any_tensor dst_tensor, void* dst, int64_t count) {
    const dropout_mask mask(a, read_state(state));
    const view& out = dst_tensor.shape;
    const int64_t step = int64_t{gridDim.x} * blockDim.x;
    for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += step) {
        const place at = place_of(out, i);
        float result = 0;
        if (at.c < out.c) {
            const int64_t number = ((int64_t{at.n} * out.c + at.c) * out.h + at.y) * out.w + at.x;
            const auto factors = mask.factors(number / 4);
            const int word = static_cast<int>(number % 4);
            const float factor = word < 2 ? (word == 0 ? factors[0] : factors[1]) : (word == 2 ? factors[2] : factors[3]);
            result = kept(read_at(src_tensor, src, at), factor);
        }
        any_write(dst, dst_tensor.dtype, offset_of(out, at), result);
    }
}

class dropout_of_features final : public device_op {
  public:
    explicit dropout_of_features(const sextant_dropout& problem) : device_op(problem.dst), problem_(problem) {}

    int operand_count() const override { return 3; }

    void enqueue(cudaStream_t stream, void* const* operands, void*) const override {
        const view from = view_of(problem_.src), to = view_of(dst);
        visit_element(dst.dtype, [&](auto e) {
            using element = decltype(e);
            dropout_features<<<grid_for(places(dst) / 4, threads), threads, 0, stream>>>(
                problem_, static_cast<const element*>(operands[0]), from.image, static_cast<const uint32_t*>(operands[1]),
                static_cast<element*>(operands[2]), to.image, to.lanes);
        });
        check_launch("dropout_features");
    }

  private:
    const sextant_dropout problem_;
};

class dropout_of_any final : public device_op {
  public:
    explicit dropout_of_any(const sextant_dropout& problem) : device_op(problem.dst), problem_(problem) {}

    int operand_count() const override { return 3; }

    void enqueue(cudaStream_t stream, void* const* operands, void*) const override {
        const int64_t count = places(dst);
        dropout_any<<<grid_for(count, threads), threads, 0, stream>>>(problem_, any_of(problem_.src), operands[0],
                                                                      static_cast<const uint32_t*>(operands[1]), any_of(dst),
                                                                      operands[2], count);
        check_launch("dropout_any");
    }

  private:
    const sextant_dropout problem_;
};

std::string no_features(const sextant_dropout& a, const traits&) {
    if (a.dst.h != 1 || a.dst.w != 1) return "images have more than one pixel";
    if (a.dst.c % 4 != 0) return "the number of channels is no multiple of 4";
    if (!same_storage(a.src, a.dst)) return "src and dst differ in element type";
    return {};
}

template <class Op>
std::unique_ptr<op> create(const sextant_dropout& problem, const dropout_parameters&, const traits&) {
    return std::make_unique<Op>(problem);
}

const implementation<sextant_dropout, dropout_parameters> entries[] = {
    {"cuda_dropout_features", no_features, create<dropout_of_features>, float_dtypes},
    {"cuda_dropout_any", [](const sextant_dropout&, const traits&) { return std::string(); }, create<dropout_of_any>,
     float_dtypes},
};

}  // namespace

list<sextant_dropout, dropout_parameters> implementations(const sextant_dropout&, const dropout_parameters&) { return entries; }

}  // namespace sextant::cuda
