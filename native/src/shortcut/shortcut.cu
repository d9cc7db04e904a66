// SPDX-License-Identifier: Apache-2.0
// The parameter-free shortcut (He et al., arXiv:1512.03385, sec. 3.3, option A) and its gradient on a CUDA device: every
// stride-th pixel, `before` channels of zeros, the source's channels, zeros.
#include "cuda/each.h"
#include "cuda/lists.h"

namespace sextant::cuda {
namespace {

template <class Element>
struct strided_unit {
    const Element* src;
    view from;
    int p, q, before, stride;

    __device__ void operator()(int64_t pixel, int k, float (&v)[8]) const {
        const int c = k - before;
        lane8<Element> x{};
        if (c >= 0 && c < from.c) {
            const place at = place_of(pixel, p, q);
            x = lane8<Element>::load(src + at.n * from.image + at.y * stride * from.row + at.x * stride * from.pixel + c);
        }
#pragma unroll
        for (int j = 0; j < 8; ++j) v[j] = x.v[j];
    }
};

struct strided_element {
    any_tensor src;
    int before, stride;

    __device__ float operator()(int n, int k, int p, int q) const {
        const int c = k - before;
        return c >= 0 && c < src.at.c ? src.get(n, c, p * stride, q * stride) : 0.f;
    }
};

template <class Element>
struct spread_unit {
    const Element* diff_dst;
    view from;
    int h, w, before, stride;

    __device__ void operator()(int64_t pixel, int c, float (&v)[8]) const {
        const place at = place_of(pixel, h, w);
        const int p = at.y / stride, q = at.x / stride;
        lane8<Element> x{};
        if (p * stride == at.y && q * stride == at.x)
            x = lane8<Element>::load(diff_dst + at.n * from.image + p * from.row + q * from.pixel + before + c);
#pragma unroll
        for (int j = 0; j < 8; ++j) v[j] = x.v[j];
    }
};

struct spread_element {
    any_tensor diff_dst;
    int before, stride;

    __device__ float operator()(int n, int c, int y, int x) const {
        return y % stride || x % stride ? 0.f : diff_dst.get(n, before + c, y / stride, x / stride);
    }
};

/// Channels of zeros before the source's.
int before_of(const sextant_shortcut& a) { return (a.dst.c - a.src.c) / 2; }

std::string declines(const sextant_shortcut& a) {
    if (before_of(a) % nhwc_unit) return std::to_string(before_of(a)) + " channels come before the source's, no multiple of 8";
    return declines_units({a.src, a.dst});
}

template <bool Units>
class shortcut final : public device_op {
  public:
    explicit shortcut(const sextant_shortcut& problem) : device_op(problem.dst), problem_(problem) {}

    void enqueue(cudaStream_t stream, void* const* operands, void*) const override {
        const int before = before_of(problem_), stride = problem_.stride;
        if constexpr (Units) {
            visit_element(dst.dtype, [&](auto e) {
                using Element = decltype(e);
                const strided_unit<Element> value{static_cast<const Element*>(operands[0]), view_of(problem_.src), dst.h, dst.w,
                                                  before, stride};
                write_units<Element>(stream, dst, operands[1], false, value, "shortcut_nhwc");
            });
        } else {
            const strided_element value{any_of(problem_.src, operands[0]), before, stride};
            write_elements(stream, any_of(dst, operands[1]), false, value, "shortcut_any");
        }
    }

  private:
    const sextant_shortcut problem_;
};

/// `src` is diff_src, `dst` diff_dst.
template <bool Units>
class shortcut_backward final : public device_op {
  public:
    explicit shortcut_backward(const shortcut_backward_problem& problem) : device_op(problem.src), problem_(problem) {}

    void enqueue(cudaStream_t stream, void* const* operands, void*) const override {
        const int before = before_of(problem_), stride = problem_.stride;
        const bool accumulate = problem_.accumulate == 1;
        if constexpr (Units) {
            visit_element(dst.dtype, [&](auto e) {
                using Element = decltype(e);
                const spread_unit<Element> value{static_cast<const Element*>(operands[0]), view_of(problem_.dst), dst.h, dst.w,
                                                 before, stride};
                write_units<Element>(stream, dst, operands[1], accumulate, value, "shortcut_backward_nhwc");
            });
        } else {
            const spread_element value{any_of(problem_.dst, operands[0]), before, stride};
            write_elements(stream, any_of(dst, operands[1]), accumulate, value, "shortcut_backward_any");
        }
    }

  private:
    const shortcut_backward_problem problem_;
};

template <class Op, class Problem, class Parameters>
std::unique_ptr<op> create(const Problem& problem, const Parameters&, const traits&) {
    return std::make_unique<Op>(problem);
}

constexpr implementation<sextant_shortcut, shortcut_parameters> forward[] = {
    {"cuda_shortcut_nhwc", [](const sextant_shortcut& a, const traits&) { return declines(a); }, create<shortcut<true>>,
     float_dtypes},
    {"cuda_shortcut_any", [](const sextant_shortcut&, const traits&) { return std::string(); }, create<shortcut<false>>,
     float_dtypes},
};

constexpr implementation<shortcut_backward_problem, shortcut_backward_parameters> backward[] = {
    {"cuda_shortcut_backward_nhwc", [](const shortcut_backward_problem& a, const traits&) { return declines(a); },
     create<shortcut_backward<true>>, float_dtypes},
    {"cuda_shortcut_backward_any", [](const shortcut_backward_problem&, const traits&) { return std::string(); },
     create<shortcut_backward<false>>, float_dtypes},
};

}  // namespace

list<sextant_shortcut, shortcut_parameters> implementations(const sextant_shortcut&, const shortcut_parameters&) {
    return forward;
}
list<shortcut_backward_problem, shortcut_backward_parameters> implementations(const shortcut_backward_problem&,
                                                                              const shortcut_backward_parameters&) {
    return backward;
}

}  // namespace sextant::cuda
