// SPDX-License-Identifier: Apache-2.0
// Operations that are one wgmma_product: a convolution with weights of its own, one whose weights are an operand, the gradient of a
// convolution's source where the stride is 1 (a convolution of diff_dst with the kernel turned round), a fully connected layer.
#include "conv2d/wgmma.h"

#include <algorithm>

#include "conv2d/conv2d_lists.h"
#include "conv2d/wgmma_product.h"

namespace sextant::cuda {

namespace {

constexpr int most_window_channels = 4;
constexpr int64_t unit = 256;  // of places in scratch memory

int64_t rounded(int64_t bytes) { return (bytes + unit - 1) / unit * unit; }

bool is_narrow(const sextant_tensor& t) {
    return t.dtype == SEXTANT_BF16 || t.dtype == SEXTANT_F16 || t.dtype == SEXTANT_TF32;
}

bool one_pixel(const sextant_tensor& t) { return t.h == 1 && t.w == 1; }

/// A first layer: the caller's pictures as they are.
bool has_windows(const sextant_conv2d& a) {
    return a.src.layout == SEXTANT_NCHW && a.src.dtype == SEXTANT_F32 && a.src.c <= most_window_channels;
}

int arithmetic(const sextant_conv2d& a) { return has_windows(a) ? a.dst.dtype : a.src.dtype; }

/// Zeros around the picture, and its pixels padded to 4 or 8 channels, such that windows begin at multiples of 16 bytes.
view padded_picture(const sextant_conv2d& a) {
    const int bytes = arithmetic(a) == SEXTANT_TF32 ? 4 : 2;
    const int width = a.stride_w * 4 * bytes % 16 ? 8 : 4;
    const int h = (a.dst.h - 1) * a.stride_h + a.r;
    const int unit_w = std::max(1, 16 / (width * bytes)), w = ((a.dst.w - 1) * a.stride_w + a.s + unit_w - 1) / unit_w * unit_w;
    return {a.src.n, a.src.c, h, w, width, int64_t{width} * w * h, int64_t{width} * w, width, 1};
}

wgmma_geometry geometry_of(const sextant_conv2d& a) {
    wgmma_geometry g{arithmetic(a), view_of(a.src), a.r, a.s, a.stride_h, a.stride_w, a.dilation_h, a.dilation_w, a.pad_top, a.pad_left,
                     a.dst.h, a.dst.w, a.dst.c};
    g.pre = a.pre_activation;
    if (has_windows(a)) g.src = padded_picture(a), g.window_width = static_cast<int>(g.src.pixel);
    return g;
}

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

/// From NCHW float32 into the padded picture.
template <class Element, int Width>
__global__ void pad_picture(const view src, const float* __restrict__ from, const view padded, int pad_top, int pad_left, bool tf32,
                            Element* __restrict__ to) {
    const int64_t pixels = int64_t{padded.n} * padded.h * padded.w;
    for (int64_t i = blockIdx.x * int64_t{blockDim.x} + threadIdx.x; i < pixels; i += int64_t{gridDim.x} * blockDim.x) {
        const int x = static_cast<int>(i % padded.w) - pad_left;
        const int64_t rest = i / padded.w;
        const int y = static_cast<int>(rest % padded.h) - pad_top;
        const int64_t n = rest / padded.h;
        const bool inside = x >= 0 && x < src.w && y >= 0 && y < src.h;
        alignas(16) Element pixel[Width];
#pragma unroll
        for (int c = 0; c < Width; ++c) {
            float value = inside && c < src.c ? from[n * src.image + c * src.channel + y * src.row + x] : 0.f;
            if (tf32) asm("{\n.reg .b32 t;\ncvt.rna.tf32.f32 t, %0;\nmov.b32 %0, t;\n}" : "+f"(value));
            pixel[c] = narrow<Element>(value);
        }
        constexpr int words = sizeof pixel / sizeof(uint2);
#pragma unroll
        for (int word = 0; word < words; ++word)
            reinterpret_cast<uint2*>(to)[i * words + word] = reinterpret_cast<const uint2*>(pixel)[word];
    }
}

/// src as the product reads it: itself, or the padded picture made of it in `scratch`.
const void* prepared(const sextant_conv2d& a, const wgmma_geometry& g, cudaStream_t stream, const void* src, void* scratch) {
    if (!g.window_width) return src;
    constexpr int threads = 256;
    visit_element(g.dtype, [&](auto element) {
        using Element = decltype(element);
        const auto kernel = g.window_width == 4 ? pad_picture<Element, 4> : pad_picture<Element, 8>;
        kernel<<<grid_for(int64_t{g.src.n} * g.src.h * g.src.w, threads), threads, 0, stream>>>(
            view_of(a.src), static_cast<const float*>(src), g.src, a.pad_top, a.pad_left, g.dtype == SEXTANT_TF32,
            static_cast<Element*>(scratch));
    });
    check_launch("pad_picture");
    return scratch;
}

int64_t prepared_bytes(const wgmma_geometry& g) {
    return g.window_width ? rounded(g.src.n * g.src.image * (g.dtype == SEXTANT_TF32 ? 4 : 2)) : 0;
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
        product_.enqueue(stream, prepared(problem_, geometry_, stream, operands[0], scratch), weights_.as<void>(), tail, dst,
                         operands[operand_count() - 1]);
    }

    int operand_count() const override { return problem_.has_residual ? 3 : 2; }
    int64_t scratch_bytes(int) const override { return prepared_bytes(geometry_); }
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
        void* const weights = static_cast<std::byte*>(scratch) + prepared_bytes(geometry_);
        pack_weights(product_.packing(), static_cast<const float*>(operands[1]), weights, stream);
        int next = 2;
        wgmma_tail tail;
        if (problem_.has_bias) tail.bias = static_cast<const float*>(operands[next++]);
        if (problem_.has_residual) tail.residual = operands[next++], tail.residual_shape = problem_.residual;
        tail.activation = problem_.activation;
        product_.enqueue(stream, prepared(problem_, geometry_, stream, operands[0], scratch), weights, tail, dst, operands[next]);
    }

    int operand_count() const override { return 3 + (problem_.has_bias ? 1 : 0) + (problem_.has_residual ? 1 : 0); }
    int64_t scratch_bytes(int) const override { return prepared_bytes(geometry_) + rounded(product_.packing().bytes()); }
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

wgmma_geometry geometry_of(const sextant_linear& a) {
    return {a.src.dtype, flattened(a), 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, a.dst.c};
}

class wgmma_linear final : public device_op {
  public:
    wgmma_linear(const sextant_linear& a, const linear_parameters& parameters, const traits& device)
        : device_op(a.dst), problem_(a), product_(geometry_of(a), device), weights_(packed(parameters.weights)),
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
    if (a.has_residual && !is_nhwc(a.residual) && !one_pixel(a.residual)) return "the residual is NCHW";
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
    return wgmma_product::declines(geometry_of(a), device);
}

std::unique_ptr<op> create_wgmma_linear(const sextant_linear& a, const linear_parameters& parameters, const traits& device) {
    return std::make_unique<wgmma_linear>(a, parameters, device);
}

}  // namespace sextant::cuda
