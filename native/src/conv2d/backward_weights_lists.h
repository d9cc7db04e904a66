// SPDX-License-Identifier: Apache-2.0
// The creators that the ordered list of backward_weights.cc names, and what they share.
#pragma once
#include <algorithm>

#include "conv2d/backward_weights.h"

namespace sextant {

/// What every implementation is to a plan.
class conv2d_backward_weights_op : public op {
  public:
    explicit conv2d_backward_weights_op(const conv2d_backward_weights& problem)
        : op(weights_tensor(problem.forward)), problem_(problem.forward), has_bias_(problem.has_bias) {}
    int operand_count() const override { return has_bias_ ? 4 : 3; }
    int destinations() const override { return has_bias_ ? 2 : 1; }
    int64_t flops() const override {
        const auto& a = problem_;
        return 2 * int64_t{a.dst.n} * a.dst.c * a.dst.h * a.dst.w * (a.src.c / a.groups) * a.r * a.s;
    }

  protected:
    /// Null without a bias.
    float* diff_bias(const address* operands) const { return has_bias_ ? operands[2].as<float>() : nullptr; }
    float* diff_weights(const address* operands) const { return operands[operand_count() - 1]; }

    const sextant_conv2d problem_;
    const bool has_bias_;
};

/// Into how many chunks the weights are cut, by panels of output channels and by blocks of input channels.
struct weight_chunks {
    int64_t by_panels, by_blocks;
};

/// Chunks of at most so many panels x blocks, as square as that allows: what a chunk reads grows with its edges, what it does
/// with its area.
weight_chunks cut_weights(int64_t panels, int64_t blocks, int64_t most);

template <class Format>
struct backward_weights_direct_kernels;
template <class Format>
std::string backward_weights_direct_declines(const conv2d_backward_weights&, const backward_weights_direct_kernels<Format>&);
template <class Format>
std::unique_ptr<op> create_backward_weights_direct(const conv2d_backward_weights&, const device_traits&,
                                                   const backward_weights_direct_kernels<Format>&);

struct backward_weights_first_kernels;
std::string backward_weights_first_declines(const conv2d_backward_weights&, const backward_weights_first_kernels&);
std::unique_ptr<op> create_backward_weights_first(const conv2d_backward_weights&, const device_traits&,
                                                  const backward_weights_first_kernels&);

struct backward_weights_winograd_kernels;
std::string backward_weights_winograd_declines(const conv2d_backward_weights&, const backward_weights_winograd_kernels&);
std::string backward_weights_winograd_yields(const conv2d_backward_weights&, const backward_weights_winograd_kernels&);
std::unique_ptr<op> create_backward_weights_winograd(const conv2d_backward_weights&, const device_traits&,
                                                     const backward_weights_winograd_kernels&);

std::unique_ptr<op> create_conv2d_backward_weights_reference(const conv2d_backward_weights&,
                                                             const conv2d_backward_weights_parameters&, const device_traits&);

}  // namespace sextant
