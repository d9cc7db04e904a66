// SPDX-License-Identifier: Apache-2.0
#include "api_checks.h"

#include "api_checker.h"

namespace sextant {

void check_conv2d(const sextant_conv2d& a, int32_t block) { check_conv2d(checker("conv2d", block), a); }

void check_conv2d(const checker& check, const sextant_conv2d& a) {
    check.source_and_destination(a.src, a.dst);
    check_windows(check, a);
    check.activation(a.activation);
    check.flag("has_residual", a.has_residual);
    check.flag("strict", a.strict);
    check.range("groups", a.groups, 1, a.src.c);
    const std::string groups = " is no multiple of groups " + std::to_string(a.groups);
    if (a.src.c % a.groups) check.fail("src.c " + std::to_string(a.src.c) + groups);
    if (a.dst.c % a.groups) check.fail("dst.c " + std::to_string(a.dst.c) + groups);
    check.same("dst", "n", a.dst.n, a.src.n, "like src");
    for (const checked_window& w : {vertical(a), horizontal(a)}) check.same("dst", w.letter, w.out, w.floor_out(), w.text());
    if (a.has_residual) {
        check.tensor("residual", a.residual);
        check.same_shape("residual", a.residual, "dst", a.dst);
    }
    const int64_t channels = a.src.c / a.groups;
    if (product({a.dst.c, channels, a.r, a.s}, most_floats) > most_floats) check.fail("weights need more than 2^40 bytes");
    check.arithmetic({a.dst.n, a.dst.c, a.dst.h, a.dst.w, channels, a.r, a.s});
}

void check_conv2d_backward(const checker& check, const sextant_conv2d& a) {
    check_conv2d(check, a);
    check.range("activation", a.activation, SEXTANT_IDENTITY, SEXTANT_IDENTITY);
    check.range("pre_activation", a.pre_activation, 0, 0);
    check.range("has_residual", a.has_residual, 0, 0);
}

void check_conv2d(const sextant_conv2d& a, int32_t block, const float* weights, const float* pre_scale, const float* pre_shift) {
    check_conv2d(a, block);
    const checker check("conv2d", block);
    check.pointer(weights, "weights");
    check.pre_activation(a.pre_activation, pre_scale, pre_shift);
}

void check_linear(const sextant_linear& a, int32_t block, const float* weights) {
    const checker check("linear", block);
    check.source_and_destination(a.src, a.dst);
    check.activation(a.activation);
    check.same("dst", "n", a.dst.n, a.src.n, "like src");
    check.same("dst", "h", a.dst.h, 1, "");
    check.same("dst", "w", a.dst.w, 1, "");
    if (product({a.dst.c, a.src.c, a.src.h, a.src.w}, most_floats) > most_floats) check.fail("weights need more than 2^40 bytes");
    check.arithmetic({a.dst.n, a.dst.c, a.src.c, a.src.h, a.src.w});
    check.pointer(weights, "weights");
}

void check_pool2d(const sextant_pool2d& a, int32_t block, const float* pre_scale, const float* pre_shift) {
    const checker check("pool2d", block);
    check.pre_activation(a.pre_activation, pre_scale, pre_shift);
    check_pool2d(check, a);
}

void check_pool2d(const checker& check, const sextant_pool2d& a) {
    check.source_and_destination(a.src, a.dst);
    check.range("kind", a.kind, SEXTANT_POOL_MAX, SEXTANT_POOL_AVERAGE_ADAPTIVE);
    check.same("dst", "n", a.dst.n, a.src.n, "like src");
    check.same("dst", "c", a.dst.c, a.src.c, "like src");
    if (a.kind == SEXTANT_POOL_AVERAGE_ADAPTIVE) return;
    check_windows(check, a);
    for (const checked_window& w : {vertical(a), horizontal(a)}) check_pool_window(check, w);
}

void check_lrn(const sextant_lrn& a, int32_t block) { check_lrn(checker("lrn", block), a); }

void check_lrn(const checker& check, const sextant_lrn& a) {
    check.source_and_destination(a.src, a.dst);
    check.same_shape("dst", a.dst, "src", a.src);
    check.range("size", a.size, 1, most_distance);
    check.finite("alpha", a.alpha);
    check.finite("beta", a.beta);
    check.finite("bias", a.bias);
}

void check_batch_norm(const sextant_batch_norm& a, int32_t block, const float* scale, const float* shift) {
    const checker check("batch_norm", block);
    check.source_and_destination(a.src, a.dst);
    check.same_shape("dst", a.dst, "src", a.src);
    check.activation(a.activation);
    check.pointer(scale, "scale");
    check.pointer(shift, "shift");
}

void check_eltwise(const sextant_eltwise& a, int32_t block) {
    const checker check("eltwise", block);
    check.source_and_destination(a.src, a.dst);
    check.same_shape("dst", a.dst, "src", a.src);
    check.activation(a.activation);
    check.flag("has_other", a.has_other);
    if (!a.has_other) return;
    check.tensor("other", a.other);
    check.same_shape("other", a.other, "src", a.src);
}

void check_softmax(const sextant_softmax& a, int32_t block) {
    const checker check("softmax", block);
    check.source_and_destination(a.src, a.dst);
    check.same_shape("dst", a.dst, "src", a.src);
    check.same("src", "layout", a.src.layout, SEXTANT_NCHW, "(SEXTANT_NCHW)");
    check.same("dst", "layout", a.dst.layout, SEXTANT_NCHW, "(SEXTANT_NCHW)");
    check.same("src", "h", a.src.h, 1, "");
    check.same("src", "w", a.src.w, 1, "");
    check.flag("log", a.log);
}

void check_concat(const sextant_tensor* sources, int32_t count, const sextant_tensor& dst, int32_t block) {
    const checker check("concat", block);
    check.range("count", count, 1, most_operands - 1);
    check.tensor("dst", dst);
    int64_t channels = 0;
    for (int32_t i = 0; i < count; ++i) {
        const std::string name = "source " + std::to_string(i);
        check.tensor(name, sources[i]);
        check.same(name.c_str(), "n", sources[i].n, dst.n, "like dst");
        check.same(name.c_str(), "h", sources[i].h, dst.h, "like dst");
        check.same(name.c_str(), "w", sources[i].w, dst.w, "like dst");
        channels += sources[i].c;
    }
    check.same("dst", "c", dst.c, channels, "like the sources together");
}

void check_reorder(const sextant_tensor& src, const sextant_tensor& dst, int32_t block) {
    const checker check("reorder", block);
    check.source_and_destination(src, dst);
    check.same_shape("dst", dst, "src", src);
}

void check_shortcut(const sextant_shortcut& a, int32_t block) { check_shortcut(checker("shortcut", block), a); }

void check_shortcut(const checker& check, const sextant_shortcut& a) {
    check.source_and_destination(a.src, a.dst);
    check.range("stride", a.stride, 1, most_distance);
    check.same("dst", "n", a.dst.n, a.src.n, "like src");
    check.range("dst.c", a.dst.c, a.src.c, most_pixels);
    const std::string why = "with stride " + std::to_string(a.stride) + " (src " + shape_text(a.src) + ")";
    check.same("dst", "h", a.dst.h, (int64_t{a.src.h} - 1) / a.stride + 1, why);
    check.same("dst", "w", a.dst.w, (int64_t{a.src.w} - 1) / a.stride + 1, why);
}

}  // namespace sextant
