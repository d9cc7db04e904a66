// SPDX-License-Identifier: Apache-2.0
// The gradient of an activation function, told by its result: diff_src = diff_dst * act'(dst) [+ diff_src].
// Pixels in NHWC, slices or not, lie at equal distances: a thread takes 8 channels of one.
#include "cuda/any_element.h"
#include "cuda/lists.h"

namespace sextant::cuda {
namespace {

/// The gradient that arrives behind a function whose value is y. What ReLU holds back is 0, be it infinite.
__device__ float passed(float y, float gradient, int function) {
    switch (function) {
        case SEXTANT_RELU: return y > 0 ? gradient : 0;
        case SEXTANT_TANH: return (1 - y * y) * gradient;
        case SEXTANT_SIGMOID: return y * (1 - y) * gradient;
        default: return gradient;
    }
}

struct pitches {
    int64_t dst, diff_dst, diff_src;
};

/// diff_src may be diff_dst: each thread reads what it writes, and reads it first.
template <class Element>
__global__ void activation_backward_nhwc(const Element* dst, const Element* diff_dst, Element* diff_src, pitches pitch,
                                         int64_t pixels, int c, int function, bool accumulate) {
    const int units = (c + nhwc_unit - 1) / nhwc_unit;
    const int64_t count = pixels * units, step = int64_t{gridDim.x} * blockDim.x;
    for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += step) {
        const int64_t pixel = i / units;
        const int first = static_cast<int>(i - pixel * units) * nhwc_unit;
        lane8<Element> result = lane8<Element>::load(diff_dst + pixel * pitch.diff_dst + first);
        if (function != SEXTANT_IDENTITY) {
            const auto value = lane8<Element>::load(dst + pixel * pitch.dst + first);
            for (int lane = 0; lane < 8; ++lane) result.v[lane] = passed(value.v[lane], result.v[lane], function);
        }
        Element* const to = diff_src + pixel * pitch.diff_src + first;
        if (accumulate) {
            const auto held = lane8<Element>::load(to);
            for (int lane = 0; lane < 8; ++lane) result.v[lane] += held.v[lane];
        }
        for (int lane = 0; lane < 8; ++lane)
            if (first + lane >= c) result.v[lane] = 0;
        result.store(to);
    }
}

__global__ void activation_backward_any(any_tensor dst_tensor, const void* dst, any_tensor diff_dst_tensor,
                                        const void* diff_dst, any_tensor diff_src_tensor, void* diff_src, int64_t count,
                                        int function, bool accumulate) {
    const view& out = diff_src_tensor.shape;
    const int64_t step = int64_t{gridDim.x} * blockDim.x;
    for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += step) {
        const place at = place_of(out, i);
        float result = 0;
        if (at.c < out.c) {
            const float value = function != SEXTANT_IDENTITY ? read_at(dst_tensor, dst, at) : 0;
            result = passed(value, read_at(diff_dst_tensor, diff_dst, at), function);
            if (accumulate) result += read_at(diff_src_tensor, diff_src, at);
        }
        any_write(diff_src, diff_src_tensor.dtype, offset_of(out, at), result);
    }
}

constexpr int threads = 256;

class activation_backward : public device_op {
  public:
    explicit activation_backward(const sextant_activation_backward& problem) : device_op(problem.diff_src), problem_(problem) {}

    int operand_count() const override { return activates() ? 3 : 2; }

  protected:
    bool activates() const { return problem_.activation != SEXTANT_IDENTITY; }

    const sextant_activation_backward problem_;
};

class activation_backward_in_nhwc final : public activation_backward {
  public:
    using activation_backward::activation_backward;

    void enqueue(cudaStream_t stream, void* const* operands, void*) const override {
        const void* const value = activates() ? operands[0] : nullptr;
        const void* const diff_dst = operands[activates() ? 1 : 0];
        void* const diff_src = operands[activates() ? 2 : 1];
        const int64_t pixels = int64_t{dst.n} * dst.h * dst.w;
        const pitches pitch{activates() ? block_of(problem_.dst) : 0, block_of(problem_.diff_dst), block_of(dst)};
        const unsigned blocks = grid_for(places(dst) / nhwc_unit, threads);
        visit_element(dst.dtype, [&](auto e) {
            using element = decltype(e);
            activation_backward_nhwc<<<blocks, threads, 0, stream>>>(
                static_cast<const element*>(value), static_cast<const element*>(diff_dst), static_cast<element*>(diff_src),
                pitch, pixels, dst.c, problem_.activation, problem_.accumulate != 0);
        });
        check_launch("activation_backward_nhwc");
    }
};

class activation_backward_of_any final : public activation_backward {
  public:
    using activation_backward::activation_backward;

    void enqueue(cudaStream_t stream, void* const* operands, void*) const override {
        const int64_t count = places(dst);
        const int gradient = activates() ? 1 : 0;
        activation_backward_any<<<grid_for(count, threads), threads, 0, stream>>>(
            any_of(activates() ? problem_.dst : dst), operands[0], any_of(problem_.diff_dst), operands[gradient], any_of(dst),
            operands[gradient + 1], count, problem_.activation, problem_.accumulate != 0);
        check_launch("activation_backward_any");
    }
};

std::string not_nhwc(const sextant_activation_backward& a, const traits&) {
    const sextant_tensor& value = a.activation != SEXTANT_IDENTITY ? a.dst : a.diff_dst;
    if (!is_nhwc(a.diff_dst) || !is_nhwc(a.diff_src) || !is_nhwc(value)) return "an operand is not NHWC";
    if (!same_storage(a.diff_dst, a.diff_src) || !same_storage(a.diff_dst, value)) return "operands differ in element type";
    return {};
}

template <class Op>
std::unique_ptr<op> create(const sextant_activation_backward& problem, const activation_backward_parameters&, const traits&) {
    return std::make_unique<Op>(problem);
}

const implementation<sextant_activation_backward, activation_backward_parameters> entries[] = {
    {"cuda_activation_backward_nhwc", not_nhwc, create<activation_backward_in_nhwc>, float_dtypes},
    {"cuda_activation_backward_any", [](const sextant_activation_backward&, const traits&) { return std::string(); },
     create<activation_backward_of_any>, float_dtypes},
};

}  // namespace

list<sextant_activation_backward, activation_backward_parameters> implementations(const sextant_activation_backward&,
                                                                                  const activation_backward_parameters&) {
    return entries;
}

}  // namespace sextant::cuda
