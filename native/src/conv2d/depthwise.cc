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
        : op(problem.dst), problem_(problem), binding_(binding_of(problem, parameters)), kernels_(kernels),
          packer_(binding_.view, problem.r, problem.s, 1, kernels.gather) {
        if (binding_.weights >= 0) return;
        packed_ = aligned_floats(packed_floats());
        pack(weights_for(problem.src, parameters.weights, dst.c, taps()).data(), parameters.bias, packed_.data());
        const float step = problem.src.dtype == SEXTANT_U8 ? problem.src.scale : 1;
        for (int64_t i = 0; i < taps() * channels(); ++i) packed_[i] *= step;
    }

    void run(thread_pool& pool, const address* operands, std::byte* scratch) const override {
        const void* residual = binding_.residual < 0 ? nullptr : operands[binding_.residual].as<void>();
        const float* packed = packed_.data();
        if (binding_.weights >= 0) {
            float* const memory = reinterpret_cast<float*>(scratch);
            pack(operands[binding_.weights], binding_.bias < 0 ? nullptr : operands[binding_.bias].as<float>(), memory);
            packed = memory;
        }
        const int64_t blocks = channel_blocks(dst);
        pool.parallel_for(dst.n * blocks, [&](int64_t task, int) {
            run_block(packed, static_cast<int>(task / blocks), static_cast<int>(task % blocks), operands[0], residual,
                      operands[binding_.dst]);
        });
    }

    int operand_count() const override { return binding_.dst + 1; }
    int64_t scratch_bytes(int) const override {
        return binding_.weights < 0 ? 0 : packed_floats() * int64_t{sizeof(float)};
    }
    int64_t weight_bytes() const override { return packed_.bytes(); }
    int64_t flops() const override { return binding_.flops; }

  private:
    int64_t taps() const { return int64_t{problem_.r} * problem_.s; }
    int64_t channels() const { return channel_blocks(dst) * kernels_.lanes; }
    /// Weights, [block][r][s][lanes], and behind them the bias.
    int64_t packed_floats() const { return (taps() + 1) * channels(); }

    void pack(const float* weights, const float* bias, float* packed) const {
        const int lanes = kernels_.lanes;
        for (int c = 0; c < dst.c; c += lanes)
            packer_.pack(weights, c, 0, std::min(lanes, dst.c - c), 0, 1, packed + c * taps(), lanes, 0);
        for (int64_t i = 0; problem_.src.dtype == SEXTANT_BF16 && i < taps() * channels(); ++i)
            packed[i] = bf16_value(bf16_bits(packed[i]));
        float* const to = packed + taps() * channels();
        std::fill(to, to + channels(), 0.0f);
        if (bias) std::copy_n(bias, dst.c, to);
    }

    void run_block(const float* packed, int n, int block, const void* src, const void* residual, void* out) const {
        const auto& a = problem_;
        const int lanes = kernels_.lanes, c = block * lanes;
        depthwise_tile t{};
        t.src_column = int64_t{a.stride_w} * lanes;
        t.tap_row = a.dilation_h * row_pitch(a.src);
        t.tap_column = int64_t{a.dilation_w} * lanes;
        t.weights = packed + c * taps();
        t.r = a.r;
        t.s = a.s;
        t.bias = packed + taps() * channels() + c;
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
    const conv2d_binding binding_;
    const depthwise_kernels& kernels_;
    const weight_packer packer_;
    aligned_floats packed_;
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
