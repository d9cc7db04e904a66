// SPDX-License-Identifier: Apache-2.0
// Batch normalisation with given statistics on a CUDA device: dst = act(src * scale[c] + shift[c]).
#include "cuda/each.h"
#include "cuda/lists.h"

namespace sextant::cuda {
namespace {

template <class Element>
struct normalised_unit {
    const Element* src;
    int64_t pitch;
    const float *scale, *shift;  // whole units
    int activation;

    __device__ void operator()(int64_t pixel, int c, float (&v)[8]) const {
        const auto x = lane8<Element>::load(src + pixel * pitch + c);
        const auto by = lane8<float>::load(scale + c), plus = lane8<float>::load(shift + c);
#pragma unroll
        for (int j = 0; j < 8; ++j) v[j] = activated(fmaf(x.v[j], by.v[j], plus.v[j]), activation);
    }
};

struct normalised_element {
    any_tensor src;
    const float *scale, *shift;
    int activation;

    __device__ float operator()(int n, int c, int y, int x) const {
        return activated(fmaf(src.get(n, c, y, x), scale[c], shift[c]), activation);
    }
};

class batch_norm : public device_op {
  public:
    batch_norm(const sextant_batch_norm& problem, const batch_norm_parameters& parameters)
        : device_op(problem.dst), problem_(problem), scale_(units_of(parameters.scale, dst.c)),
          shift_(units_of(parameters.shift, dst.c)) {}

    int64_t weight_bytes() const override { return scale_.bytes() + shift_.bytes(); }
    int64_t flops() const override { return 2 * int64_t{dst.n} * dst.c * dst.h * dst.w; }

  protected:
    const sextant_batch_norm problem_;
    const array scale_, shift_;
};

class batch_norm_units final : public batch_norm {
  public:
    using batch_norm::batch_norm;
    void enqueue(cudaStream_t stream, void* const* operands, void*) const override {
        visit_element(dst.dtype, [&](auto e) {
            using Element = decltype(e);
            const normalised_unit<Element> value{static_cast<const Element*>(operands[0]), view_of(problem_.src).pixel,
                                                 scale_.as<float>(), shift_.as<float>(), problem_.activation};
            write_units<Element>(stream, dst, operands[1], false, value, "batch_norm_nhwc");
        });
    }
};

class batch_norm_elements final : public batch_norm {
  public:
    using batch_norm::batch_norm;
    void enqueue(cudaStream_t stream, void* const* operands, void*) const override {
        const normalised_element value{any_of(problem_.src, operands[0]), scale_.as<float>(), shift_.as<float>(),
                                       problem_.activation};
        write_elements(stream, any_of(dst, operands[1]), false, value, "batch_norm_any");
    }
};

template <class Op>
std::unique_ptr<op> create(const sextant_batch_norm& problem, const batch_norm_parameters& parameters, const traits&) {
    return std::make_unique<Op>(problem, parameters);
}

constexpr implementation<sextant_batch_norm, batch_norm_parameters> entries[] = {
    {"cuda_batch_norm_nhwc", [](const sextant_batch_norm& a, const traits&) { return declines_units({a.src, a.dst}); },
     create<batch_norm_units>, float_dtypes},
    {"cuda_batch_norm_any", [](const sextant_batch_norm&, const traits&) { return std::string(); },
     create<batch_norm_elements>, float_dtypes},
};

}  // namespace

list<sextant_batch_norm, batch_norm_parameters> implementations(const sextant_batch_norm&, const batch_norm_parameters&) {
    return entries;
}

}  // namespace sextant::cuda
