// SPDX-License-Identifier: Apache-2.0
// Softmax cross-entropy and its gradient, a block for each image. With the largest logit m and t the smoothed targets,
//   losses[n] = weight * sum of t[c] * (log(sum of e^(x[j] - m)) - (x[c] - m)),
//   diff_src[n][c] = weight / n * (e^(x[c] - m) / sum * (sum of t) - t[c]).
#include "cross_entropy/cross_entropy_lists.h"
#include "cuda/lists.h"
#include "cuda/sums.h"
#include "cuda/view.h"

namespace sextant::cuda {
namespace {

struct loss_terms {
    int c;
    float kept, spread;      // t = kept * target + spread
    float weight, gradient;  // gradient = weight / n
};

template <class Element>
__global__ void cross_entropy_rows(const Element* __restrict__ src, const float* __restrict__ targets,
                                   float* __restrict__ losses, Element* __restrict__ diff_src, loss_terms a) {
    const int64_t row = int64_t{blockIdx.x} * a.c;
    const int first = static_cast<int>(threadIdx.x), step = static_cast<int>(blockDim.x);
    src += row, targets += row, diff_src += row;
    float largest = -INFINITY;
    for (int c = first; c < a.c; c += step) largest = fmaxf(largest, wide(src[c]));
    largest = block_maximum(largest);
    float sum = 0;
    for (int c = first; c < a.c; c += step) sum += expf(wide(src[c]) - largest);
    sum = block_sum(sum);
    const float logarithm = logf(sum);
    float total = 0, loss = 0;
    for (int c = first; c < a.c; c += step) {
        const float target = a.kept * targets[c] + a.spread;
        total += target;
        // A class that is impossible and not asked for: 0 * infinity.
        if (target != 0) loss += target * (logarithm - (wide(src[c]) - largest));
    }
    total = block_sum(total);
    loss = block_sum(loss);
    if (threadIdx.x == 0) losses[blockIdx.x] = a.weight * loss;
    const float share = total / sum;
    for (int c = first; c < a.c; c += step) {
        const float target = a.kept * targets[c] + a.spread;
        diff_src[c] = narrow<Element>(a.gradient * (expf(wide(src[c]) - largest) * share - target));
    }
}

class cross_entropy final : public device_op {
  public:
    explicit cross_entropy(const sextant_cross_entropy& problem) : device_op(problem.src), problem_(problem) {}

    int operand_count() const override { return 4; }
    int destinations() const override { return 2; }
    int64_t flops() const override { return cross_entropy_flops(problem_); }

    void enqueue(cudaStream_t stream, void* const* operands, void*) const override {
        const double smoothing = problem_.smoothing;
        const loss_terms terms{dst.c, static_cast<float>(1 - smoothing), static_cast<float>(smoothing / dst.c), problem_.weight,
                               static_cast<float>(problem_.weight / double(dst.n))};
        const int threads = dst.c <= 128 ? 32 : 256;
        visit_element(dst.dtype, [&](auto e) {
            using element = decltype(e);
            cross_entropy_rows<<<dst.n, threads, 0, stream>>>(
                static_cast<const element*>(operands[0]), static_cast<const float*>(operands[1]),
                static_cast<float*>(operands[2]), static_cast<element*>(operands[3]), terms);
        });
        check_launch("cross_entropy_rows");
    }

  private:
    const sextant_cross_entropy problem_;
};

const implementation<sextant_cross_entropy, cross_entropy_parameters> entries[] = {
    {"cuda_cross_entropy_rows", [](const sextant_cross_entropy&, const traits&) { return std::string(); },
     [](const sextant_cross_entropy& problem, const cross_entropy_parameters&, const traits&) -> std::unique_ptr<op> {
         return std::make_unique<cross_entropy>(problem);
     },
     float_dtypes},
};

}  // namespace

list<sextant_cross_entropy, cross_entropy_parameters> implementations(const sextant_cross_entropy&,
                                                                      const cross_entropy_parameters&) {
    return entries;
}

}  // namespace sextant::cuda
