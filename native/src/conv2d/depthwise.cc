// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution: packing and the loops around the register tiles. A task makes one block of channels of one image.
#include "conv2d/depthwise.h"

#include <algorithm>
#include <vector>

#include "conv2d/conv2d_lists.h"
#include "runtime/aligned.h"
#include "runtime/element.h"

namespace sextant {
namespace {

class conv2d_depthwise final : public op {
  public:
    conv2d_depthwise(const sextant_conv2d& problem, const conv2d_parameters& parameters, const depthwise_kernels& kernels)
        : op(problem.dst), problem_(problem), kernels_(kernels) {
        const int lanes = kernels.lanes;
        const int64_t taps = int64_t{problem.r} * problem.s;
        weights_ = aligned_floats(channel_blocks(dst) * taps * lanes);
        bias_ = aligned_floats(channel_blocks(dst) * lanes);
        const float step = problem.src.dtype == SEXTANT_U8 ? problem.src.scale : 1;
        const std::vector<float> weights = weights_for(problem.src, parameters.weights, dst.c, taps);
        for (int c = 0; c < dst.c; ++c) {
            for (int64_t tap = 0; tap < taps; ++tap)
                weights_[(c / lanes * taps + tap) * lanes + c % lanes] = step * weights[c * taps + tap];
            if (parameters.bias) bias_[c] = parameters.bias[c];
        }
    }

    void run(thread_pool& pool, const address* operands, std::byte*) const override {
        const void* residual = problem_.has_residual ? operands[1].as<void>() : nullptr;
        const int64_t blocks = channel_blocks(dst);
        pool.parallel_for(dst.n * blocks, [&](int64_t task, int) {
            run_block(static_cast<int>(task / blocks), static_cast<int>(task % blocks), operands[0], residual,
                      operands[operand_count() - 1]);
        });
    }

    int operand_count() const override { return problem_.has_residual ? 3 : 2; }
    int64_t weight_bytes() const override { return weights_.bytes(); }
    int64_t flops() const override { return conv2d_flops(problem_); }

  private:
    void run_block(int n, int block, const void* src, const void* residual, void* out) const {
        const auto& a = problem_;
        const int lanes = kernels_.lanes, c = block * lanes;
        depthwise_tile t{};
        t.src_column = int64_t{a.stride_w} * lanes;
        t.tap_row = a.dilation_h * row_pitch(a.src);
        t.tap_column = int64_t{a.dilation_w} * lanes;
        t.weights = weights_.data() + int64_t{c} * a.r * a.s;
        t.r = a.r;
        t.s = a.s;
        t.bias = bias_.data() + c;
        if (a.src.dtype == SEXTANT_U8) t.src_zero = static_cast<float>(a.src.zero_point);
        set_target(t.target, a, kernels_.dtype);
        const auto at = [&](const sextant_tensor& shape, const void* data, int y, int x) {
            return static_cast<const std::byte*>(data) + element_bytes(shape) * offset_of(shape, n, c, y, x);
        };
        for (int p = 0; p < dst.h; ++p)
            for (int q = 0; q < dst.w; q += depthwise_kernels::most_pixels) {
                t.src = at(a.src, src, p * a.stride_h - a.pad_top, q * a.stride_w - a.pad_left);
                t.target.dst = const_cast<std::byte*>(at(dst, out, p, q));
                if (residual) t.target.residual = at(a.residual, residual, p, q);
                kernels_.tiles[std::min(depthwise_kernels::most_pixels, dst.w - q)](t);
            }
    }

    const sextant_conv2d problem_;
    const depthwise_kernels& kernels_;
    aligned_floats weights_, bias_;
};

}  // namespace

std::string depthwise_declines(const sextant_conv2d& a, const depthwise_kernels& kernels) {
    const int lanes = kernels.lanes;
    if (block_of(a.src) != lanes || block_of(a.dst) != lanes || (a.has_residual && block_of(a.residual) != lanes))
        return "operands must be in blocks of " + std::to_string(lanes) + " channels";
    if (a.groups != a.src.c || a.groups != a.dst.c) return "it has " + std::to_string(a.groups) + " groups, not one per channel";
    if (a.src.dtype != kernels.dtype) return std::string("src is ") + dtype_name(a.src.dtype);
    if (a.pre_activation) return "it has a pre-activation";
    if (conv2d_halo(a) > a.src.halo)
        return "src has a halo of " + std::to_string(a.src.halo) + ", it needs " + std::to_string(conv2d_halo(a));
    return {};
}

std::unique_ptr<op> create_depthwise(const sextant_conv2d& problem, const conv2d_parameters& parameters, const device_traits&,
                                     const depthwise_kernels& kernels) {
    return std::make_unique<conv2d_depthwise>(problem, parameters, kernels);
}

}  // namespace sextant
