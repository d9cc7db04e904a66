// SPDX-License-Identifier: Apache-2.0
// Operations that are one wgmma_product: a convolution with weights of its own, one whose weights are an operand, the gradient of a
// convolution's source where the stride is 1 (a convolution of diff_dst with the kernel turned round), a fully connected layer.
#include "conv2d/wgmma.h"

#include <algorithm>

#include "conv2d/conv2d_lists.h"
#include "conv2d/windows.h"

namespace sextant::cuda {

namespace {

constexpr int64_t unit = 256;  // of places in scratch memory

int64_t rounded(int64_t bytes) { return (bytes + unit - 1) / unit * unit; }

bool is_narrow(const sextant_tensor& t) {
    return t.dtype == SEXTANT_BF16 || t.dtype == SEXTANT_F16 || t.dtype == SEXTANT_TF32;
}

bool one_pixel(const sextant_tensor& t) { return t.h == 1 && t.w == 1; }

/// Of the gradient of the source: from diff_dst to diff_src.
wgmma_geometry turned(const sextant_conv2d& a) {
    return {a.dst.dtype, view_of(a.dst), a.r, a.s, 1, 1, a.dilation_h, a.dilation_w, (a.r - 1) * a.dilation_h - a.pad_top,
            (a.s - 1) * a.dilation_w - a.pad_left, a.src.h, a.src.w, a.src.c};
}

std::string declines_in_common(const sextant_conv2d& a) {
    if (a.groups != 1) return "groups is " + std::to_string(a.groups);
    if (a.strict) return "only float32 will do";
    return {};
}

/// `count` values and zeros up to `length`.
array padded_copy(const float* values, int count, int length) {
    if (!values) return {};
    std::vector<float> padded(length);
    std::copy_n(values, count, padded.begin());
    return copy_of(padded.data(), length);
}

class wgmma_conv2d final : public device_op {
  public:
    wgmma_conv2d(const sextant_conv2d& a, const conv2d_parameters& parameters, const traits& device, int variant)
        : device_op(a.dst), problem_(a), geometry_(geometry_of(a)), product_(geometry_, device, variant),
          weights_(packed_weights(product_.packing(), parameters.weights)), bias_(copy_of(parameters.bias, a.dst.c)),
          scale_(padded_copy(parameters.pre_scale, a.src.c, product_.channels())),
          shift_(padded_copy(parameters.pre_shift, a.src.c, product_.channels())) {}

    void enqueue(cudaStream_t stream, void* const* operands, void* scratch) const override {
        wgmma_tail tail{bias_.as<float>(), scale_.as<float>(), shift_.as<float>()};
        tail.activation = problem_.activation;
        if (problem_.has_residual) tail.residual = operands[1], tail.residual_shape = problem_.residual;
        product_.enqueue(stream, pictured(problem_, geometry_, stream, operands[0], scratch), weights_.as<void>(), tail, dst,
                         operands[operand_count() - 1]);
    }

    int operand_count() const override { return problem_.has_residual ? 3 : 2; }
    int64_t scratch_bytes(int) const override { return picture_bytes(geometry_); }
    int64_t weight_bytes() const override { return weights_.bytes() + bias_.bytes() + scale_.bytes() + shift_.bytes(); }
    int64_t flops() const override { return conv2d_flops(problem_); }

  private:
    const sextant_conv2d problem_;
    const wgmma_geometry geometry_;
    const wgmma_product product_;
    const array weights_, bias_, scale_, shift_;
};

class wgmma_forward final : public device_op {
  public:
    wgmma_forward(const conv2d_forward_problem& a, const traits& device)
        : device_op(a.dst), problem_(a), geometry_(geometry_of(a)), product_(geometry_, device) {}

    void enqueue(cudaStream_t stream, void* const* operands, void* scratch) const override {
        void* const weights = static_cast<std::byte*>(scratch) + picture_bytes(geometry_);
        pack_weights(product_.packing(), static_cast<const float*>(operands[1]), weights, stream);
        int next = 2;
        wgmma_tail tail;
        if (problem_.has_bias) tail.bias = static_cast<const float*>(operands[next++]);
        if (problem_.has_residual) tail.residual = operands[next++], tail.residual_shape = problem_.residual;
        tail.activation = problem_.activation;
        product_.enqueue(stream, pictured(problem_, geometry_, stream, operands[0], scratch), weights, tail, dst, operands[next]);
    }

    int operand_count() const override { return 3 + (problem_.has_bias ? 1 : 0) + (problem_.has_residual ? 1 : 0); }
    int64_t scratch_bytes(int) const override { return picture_bytes(geometry_) + rounded(product_.packing().bytes()); }
    int64_t flops() const override { return conv2d_flops(problem_); }

  private:
    const conv2d_forward_problem problem_;
    const wgmma_geometry geometry_;
    const wgmma_product product_;
};

class wgmma_backward_data final : public device_op {
  public:
    wgmma_backward_data(const conv2d_backward_data_problem& a, const traits& device)
        : device_op(a.src), problem_(a), product_(turned(a), device), packing_(product_.packing()) {
        packing_.order = weights_packing::backward;
        packing_.k = a.dst.c, packing_.c = a.src.c;
    }

    void enqueue(cudaStream_t stream, void* const* operands, void* scratch) const override {
        pack_weights(packing_, static_cast<const float*>(operands[1]), scratch, stream);
        wgmma_tail tail;
        if (problem_.accumulate) tail.residual = operands[2], tail.residual_shape = dst;
        product_.enqueue(stream, operands[0], scratch, tail, dst, operands[2]);
    }

    int operand_count() const override { return 3; }
    int64_t scratch_bytes(int) const override { return rounded(packing_.bytes()); }
    int64_t flops() const override { return conv2d_flops(problem_); }

  private:
    const conv2d_backward_data_problem problem_;
    const wgmma_product product_;
    weights_packing packing_;
};

/// Each image as one pixel of c * h * w channels, in the order in which they lie.
view flattened(const sextant_linear& a) {
    const view v = view_of(a.src);
    const int64_t features = one_pixel(a.src) ? v.c : is_nhwc(a.src) ? v.image : int64_t{v.c} * v.h * v.w;
    return {v.n, static_cast<int>(features), 1, 1, static_cast<int>(features), v.image, v.image, v.image, 1};
}

wgmma_geometry linear_geometry(const sextant_linear& a) {
    return {a.src.dtype, flattened(a), 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, a.dst.c};
}

class wgmma_linear final : public device_op {
  public:
    wgmma_linear(const sextant_linear& a, const linear_parameters& parameters, const traits& device)
        : device_op(a.dst), problem_(a), product_(linear_geometry(a), device), weights_(packed(parameters.weights)),
          bias_(copy_of(parameters.bias, a.dst.c)) {}

    void enqueue(cudaStream_t stream, void* const* operands, void*) const override {
        wgmma_tail tail{bias_.as<float>()};
        tail.activation = problem_.activation;
        product_.enqueue(stream, operands[0], weights_.as<void>(), tail, dst, operands[1]);
    }

    int64_t weight_bytes() const override { return weights_.bytes() + bias_.bytes(); }
    int64_t flops() const override { return 2 * int64_t{dst.n} * dst.c * problem_.src.c * problem_.src.h * problem_.src.w; }

  private:
    array packed(const float* weights) const {
        weights_packing packing = product_.packing();
        if (is_nhwc(problem_.src) && !one_pixel(problem_.src)) {
            packing.order = weights_packing::features;
            packing.c = problem_.src.c, packing.r = problem_.src.h, packing.s = problem_.src.w;
            packing.width = static_cast<int>(view_of(problem_.src).pixel);
        }
        return packed_weights(packing, weights);
    }

    const sextant_linear problem_;
    const wgmma_product product_;
    const array weights_, bias_;
};

std::string conv2d_declines(const sextant_conv2d& a, const traits& device, int variant) {
    if (const std::string reason = declines_in_common(a); !reason.empty()) return reason;
    if (has_windows(a)) {
        if (!is_narrow(a.dst)) return "src and dst are float32";
        if (a.dilation_h != 1 || a.dilation_w != 1) return "a first layer with dilation";
        if (a.pre_activation) return "a first layer with pre_activation";
    } else {
        if (!is_nhwc(a.src)) return "src is NCHW";
        if (!is_narrow(a.src)) return "src is float32";
    }
    if (!is_nhwc(a.dst) && !one_pixel(a.dst)) return "dst is NCHW";
    if (a.has_residual) {
        if (a.pre_activation || has_windows(a)) return "a residual besides what is normalised on load or a first layer";
        if (a.residual.dtype != a.src.dtype) return "the residual is stored otherwise than src";
        if (!is_nhwc(a.residual)) return "the residual is NCHW";
    }
    return wgmma_product::declines(geometry_of(a), device, variant);
}

}  // namespace

std::string wgmma_declines(const sextant_conv2d& a, const traits& device, int variant) { return conv2d_declines(a, device, variant); }

std::unique_ptr<op> create_wgmma(const sextant_conv2d& a, const conv2d_parameters& parameters, const traits& device, int variant) {
    return std::make_unique<wgmma_conv2d>(a, parameters, device, variant);
}

std::string wgmma_forward_declines(const conv2d_forward_problem& a, const traits& device) {
    return conv2d_declines(a, device, wgmma_product::any);
}

std::unique_ptr<op> create_wgmma_forward(const conv2d_forward_problem& a, const conv2d_forward_parameters&, const traits& device) {
    return std::make_unique<wgmma_forward>(a, device);
}

std::string wgmma_backward_data_declines(const conv2d_backward_data_problem& a, const traits& device) {
    if (const std::string reason = declines_in_common(a); !reason.empty()) return reason;
    if (a.stride_h != 1 || a.stride_w != 1) return "the stride is over 1";
    if (!is_nhwc(a.src) || !is_nhwc(a.dst)) return "diff_src or diff_dst is NCHW";
    if (!is_narrow(a.dst)) return "diff_dst is float32";
    if (a.accumulate && a.src.dtype != a.dst.dtype) return "diff_src, which is added to, is stored otherwise than diff_dst";
    return wgmma_product::declines(turned(a), device);
}

std::unique_ptr<op> create_wgmma_backward_data(const conv2d_backward_data_problem& a, const conv2d_backward_data_parameters&,
                                               const traits& device) {
    return std::make_unique<wgmma_backward_data>(a, device);
}

std::string wgmma_linear_declines(const sextant_linear& a, const traits& device) {
    if (!is_narrow(a.src)) return "src is float32";
    if (is_nhwc(a.src) && !one_pixel(a.src) && a.src.c_total != a.src.c) return "src is a slice";
    if (!is_nhwc(a.src) && a.src.h * a.src.w > 1 && a.src.c_total != a.src.c) return "src is a slice";
    const view image = view_of(a.src);
    if (int64_t{a.src.h} * a.src.w * image.lanes > INT32_MAX / 4) return "src has too many features";
    return wgmma_product::declines(linear_geometry(a), device);
}

std::unique_ptr<op> create_wgmma_linear(const sextant_linear& a, const linear_parameters& parameters, const traits& device) {
    return std::make_unique<wgmma_linear>(a, parameters, device);
}

}  // namespace sextant::cuda
