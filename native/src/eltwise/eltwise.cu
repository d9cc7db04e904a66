// SPDX-License-Identifier: Apache-2.0
// Activation, and addition of two tensors with an activation behind it, on a CUDA device.
#include "cuda/each.h"
#include "cuda/lists.h"

namespace sextant::cuda {
namespace {

template <class Element>
struct activated_unit {
    const Element *src, *other;  // other null: none
    int64_t src_pitch, other_pitch;
    int activation;

    __device__ void operator()(int64_t pixel, int c, float (&v)[8]) const {
        auto x = lane8<Element>::load(src + pixel * src_pitch + c);
        if (other) {
            const auto y = lane8<Element>::load(other + pixel * other_pitch + c);
#pragma unroll
            for (int j = 0; j < 8; ++j) x.v[j] += y.v[j];
        }
#pragma unroll
        for (int j = 0; j < 8; ++j) v[j] = activated(x.v[j], activation);
    }
};

struct activated_element {
    any_tensor src, other;  // other's data null: none
    int activation;

    __device__ float operator()(int n, int c, int y, int x) const {
        float sum = src.get(n, c, y, x);
        if (other.data) sum += other.get(n, c, y, x);
        return activated(sum, activation);
    }
};

class eltwise : public device_op {
  public:
    explicit eltwise(const sextant_eltwise& problem) : device_op(problem.dst), problem_(problem) {}

    int operand_count() const override { return problem_.has_other ? 3 : 2; }
    int64_t flops() const override { return int64_t{dst.n} * dst.c * dst.h * dst.w * (problem_.has_other ? 2 : 1); }

  protected:
    const sextant_eltwise problem_;
};

class eltwise_units final : public eltwise {
  public:
    using eltwise::eltwise;
    void enqueue(cudaStream_t stream, void* const* operands, void*) const override {
        visit_element(dst.dtype, [&](auto e) {
            using Element = decltype(e);
            activated_unit<Element> value{static_cast<const Element*>(operands[0]), nullptr, view_of(problem_.src).pixel, 0,
                                          problem_.activation};
            if (problem_.has_other) {
                value.other = static_cast<const Element*>(operands[1]);
                value.other_pitch = view_of(problem_.other).pixel;
            }
            write_units<Element>(stream, dst, operands[operand_count() - 1], false, value, "eltwise_nhwc");
        });
    }
};

class eltwise_elements final : public eltwise {
  public:
    using eltwise::eltwise;
    void enqueue(cudaStream_t stream, void* const* operands, void*) const override {
        const any_tensor src = any_of(problem_.src, operands[0]);
        const any_tensor other = problem_.has_other ? any_of(problem_.other, operands[1]) : any_tensor{};
        const activated_element value{src, other, problem_.activation};
        write_elements(stream, any_of(dst, operands[operand_count() - 1]), false, value, "eltwise_any");
    }
};

template <class Op>
std::unique_ptr<op> create(const sextant_eltwise& problem, const eltwise_parameters&, const traits&) {
    return std::make_unique<Op>(problem);
}

constexpr implementation<sextant_eltwise, eltwise_parameters> entries[] = {
    {"cuda_eltwise_nhwc",
     [](const sextant_eltwise& a, const traits&) { return declines_units({a.src, a.has_other ? a.other : a.src, a.dst}); },
     create<eltwise_units>, float_dtypes},
    {"cuda_eltwise_any", [](const sextant_eltwise&, const traits&) { return std::string(); }, create<eltwise_elements>,
     float_dtypes},
};

}  // namespace

list<sextant_eltwise, eltwise_parameters> implementations(const sextant_eltwise&, const eltwise_parameters&) { return entries; }

}  // namespace sextant::cuda
