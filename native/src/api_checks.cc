// SPDX-License-Identifier: Apache-2.0
#include "api_checks.h"

#include <cmath>
#include <string>

#include "runtime/plan.h"

namespace sextant {

namespace {

// Bounds that leave kernels room to count in int within a plane and in int64_t over a tensor.
constexpr int64_t most_pixels = int64_t{1} << 28;   // per dimension
constexpr int64_t most_distance = int64_t{1} << 20; // halo, padding, stride, dilation
constexpr int64_t most_floats = int64_t{1} << 38;   // 2^40 bytes
constexpr int64_t most_products = int64_t{1} << 60;

[[noreturn]] void reject(const std::string& message) { throw failure(SEXTANT_INVALID_ARGUMENT, message); }

/// The product of positive factors, or bound + 1 when it exceeds the bound.
int64_t product(std::initializer_list<int64_t> factors, int64_t bound) {
    int64_t result = 1;
    for (const int64_t factor : factors) {
        if (factor > bound / result) return bound + 1;
        result *= factor;
    }
    return result;
}

/// Checks of one operation, whose name begins each sentence.
class checker {
  public:
    checker(const char* operation, int32_t block) : prefix_(std::string(operation) + ": "), block_(block) {}

    [[noreturn]] void fail(const std::string& message) const { reject(prefix_ + message); }

    void pointer(const void* address, const char* name) const {
        if (!address) fail(std::string(name) + " is null");
    }

    void range(const std::string& name, int64_t found, int64_t least, int64_t most) const {
        if (found >= least && found <= most) return;
        const std::string expected = std::to_string(least) + (least < most ? " to " + std::to_string(most) : "");
        fail(name + " is " + std::to_string(found) + ", expected " + expected);
    }

    void flag(const char* name, int32_t found) const {
        if (found != 0 && found != 1) fail(std::string(name) + " is " + std::to_string(found) + ", expected 0 or 1");
    }

    void finite(const char* name, float found) const {
        if (!std::isfinite(found)) fail(std::string(name) + " is " + std::to_string(found) + ", expected a finite number");
    }

    void activation(int32_t found) const { range("activation", found, SEXTANT_IDENTITY, SEXTANT_SIGMOID); }

    void tensor(const std::string& name, const sextant_tensor& t) const {
        if (t.dtype < SEXTANT_F32 || t.dtype > SEXTANT_U8)
            fail(name + " has dtype " + std::to_string(t.dtype) + ", expected 0 (SEXTANT_F32), 1 (SEXTANT_BF16) or 2 (SEXTANT_U8)");
        if (t.dtype == SEXTANT_U8) {
            if (!(std::isfinite(t.scale) && t.scale > 0))
                fail(name + ".scale is " + std::to_string(t.scale) + ", expected a positive finite number");
            range(name + ".zero_point", t.zero_point, 0, 255);
        }
        if (t.layout != SEXTANT_NCHW && t.layout != block_)
            fail(name + " has layout " + std::to_string(t.layout) + ", expected " + std::to_string(SEXTANT_NCHW) +
                 " (SEXTANT_NCHW) or " + std::to_string(block_) + ", the blocked layout of this device");
        range(name + ".n", t.n, 1, most_pixels);
        range(name + ".c", t.c, 1, most_pixels);
        range(name + ".h", t.h, 1, most_pixels);
        range(name + ".w", t.w, 1, most_pixels);
        range(name + ".halo", t.halo, 0, is_blocked(t) ? most_distance : 0);
        range(name + ".c_total", t.c_total, t.c, most_pixels);
        const int64_t block = block_of(t);
        const int64_t blocks = (t.c_total + block - 1) / block, rows = int64_t{t.h} + 2 * t.halo, row = int64_t{t.w} + 2 * t.halo;
        const int64_t floats = product({t.n, blocks, rows, row, block}, most_floats);
        if (floats > most_floats) fail(name + " (" + shape_text(t) + ") needs more than 2^40 bytes");
    }

    void same_shape(const char* name, const sextant_tensor& t, const char* other_name, const sextant_tensor& other) const {
        if (t.n == other.n && t.c == other.c && t.h == other.h && t.w == other.w) return;
        fail(std::string(name) + " is " + shape_text(t) + ", expected " + shape_text(other) + " like " + other_name);
    }

    void same(const char* name, const char* dimension, int64_t found, int64_t expected, const std::string& why) const {
        if (found == expected) return;
        fail(std::string(name) + " has " + dimension + " = " + std::to_string(found) + ", expected " + std::to_string(expected) +
             (why.empty() ? "" : " ") + why);
    }

    void pre_activation(int32_t asked, const float* scale, const float* shift) const {
        flag("pre_activation", asked);
        if (asked) {
            pointer(scale, "pre_scale");
            pointer(shift, "pre_shift");
        } else if (scale || shift) {
            fail("pre_scale or pre_shift is given, expected null without pre_activation");
        }
    }

    void source_and_destination(const sextant_tensor& src, const sextant_tensor& dst) const {
        tensor("src", src);
        tensor("dst", dst);
    }

    void arithmetic(std::initializer_list<int64_t> factors) const {
        if (product(factors, most_products) > most_products) fail("more than 2^60 multiplications");
    }

  private:
    std::string prefix_;
    int32_t block_;
};

/// One direction of a sliding window.
struct window {
    const char* letter;  // "h" or "w"
    int64_t size, out, kernel, stride, before, after, dilation;

    int64_t span() const { return (kernel - 1) * dilation + 1; }
    int64_t padded() const { return size + before + after; }
    int64_t floor_out() const { return (padded() - span()) / stride + 1; }
    int64_t ceil_out() const { return (padded() - span() + stride - 1) / stride + 1; }

    std::string text() const {
        return "(src." + std::string(letter) + " " + std::to_string(size) + ", padding " + std::to_string(before) + " and " +
               std::to_string(after) + ", kernel " + std::to_string(kernel) + ", stride " + std::to_string(stride) +
               ", dilation " + std::to_string(dilation) + ")";
    }
};

template <class Problem>
window vertical(const Problem& a) {
    return {"h", a.src.h, a.dst.h, a.r, a.stride_h, a.pad_top, a.pad_bottom, a.dilation_h};
}

template <class Problem>
window horizontal(const Problem& a) {
    return {"w", a.src.w, a.dst.w, a.s, a.stride_w, a.pad_left, a.pad_right, a.dilation_w};
}

template <class Problem>
void check_windows(const checker& check, const Problem& a) {
    check.range("r", a.r, 1, most_pixels);
    check.range("s", a.s, 1, most_pixels);
    check.range("stride_h", a.stride_h, 1, most_distance);
    check.range("stride_w", a.stride_w, 1, most_distance);
    check.range("pad_top", a.pad_top, 0, most_distance);
    check.range("pad_left", a.pad_left, 0, most_distance);
    check.range("pad_bottom", a.pad_bottom, 0, most_distance);
    check.range("pad_right", a.pad_right, 0, most_distance);
    check.range("dilation_h", a.dilation_h, 1, most_distance);
    check.range("dilation_w", a.dilation_w, 1, most_distance);
    for (const window& w : {vertical(a), horizontal(a)})
        if (w.span() > w.padded())
            check.fail("the kernel spans " + std::to_string(w.span()) + " pixels, the padded image has " +
                       std::to_string(w.padded()) + " " + w.text());
}

/// Each window must meet the image: a maximum or mean over nothing has no meaning.
void check_pool_window(const checker& check, const window& w) {
    const std::string name = "dst." + std::string(w.letter) + " is " + std::to_string(w.out);
    if (w.out != w.floor_out() && w.out != w.ceil_out())
        check.fail(name + ", expected " + std::to_string(w.floor_out()) + ", or " + std::to_string(w.ceil_out()) +
                   " in ceil mode " + w.text());
    if ((w.out - 1) * w.stride - w.before >= w.size)
        check.fail(name + ", so the last window starts beyond the image " + w.text());
    for (int64_t i = 0; i < w.out && i * w.stride < w.before; ++i) {
        const int64_t outside = w.before - i * w.stride;
        const int64_t first_inside = (outside + w.dilation - 1) / w.dilation;
        if (first_inside >= w.kernel || first_inside * w.dilation - outside >= w.size)
            check.fail("window " + std::to_string(i) + " lies in the padding alone " + w.text());
    }
}

}  // namespace

void check_conv2d(const sextant_conv2d& a, int32_t block) {
    const checker check("conv2d", block);
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
    for (const window& w : {vertical(a), horizontal(a)}) check.same("dst", w.letter, w.out, w.floor_out(), w.text());
    if (a.has_residual) {
        check.tensor("residual", a.residual);
        check.same_shape("residual", a.residual, "dst", a.dst);
    }
    const int64_t channels = a.src.c / a.groups;
    if (product({a.dst.c, channels, a.r, a.s}, most_floats) > most_floats) check.fail("weights need more than 2^40 bytes");
    check.arithmetic({a.dst.n, a.dst.c, a.dst.h, a.dst.w, channels, a.r, a.s});
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
    check.source_and_destination(a.src, a.dst);
    check.pre_activation(a.pre_activation, pre_scale, pre_shift);
    check.range("kind", a.kind, SEXTANT_POOL_MAX, SEXTANT_POOL_AVERAGE_ADAPTIVE);
    check.same("dst", "n", a.dst.n, a.src.n, "like src");
    check.same("dst", "c", a.dst.c, a.src.c, "like src");
    if (a.kind == SEXTANT_POOL_AVERAGE_ADAPTIVE) return;
    check_windows(check, a);
    for (const window& w : {vertical(a), horizontal(a)}) check_pool_window(check, w);
}

void check_lrn(const sextant_lrn& a, int32_t block) {
    const checker check("lrn", block);
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

void check_shortcut(const sextant_shortcut& a, int32_t block) {
    const checker check("shortcut", block);
    check.source_and_destination(a.src, a.dst);
    check.range("stride", a.stride, 1, most_distance);
    check.same("dst", "n", a.dst.n, a.src.n, "like src");
    check.range("dst.c", a.dst.c, a.src.c, most_pixels);
    const std::string why = "with stride " + std::to_string(a.stride) + " (src " + shape_text(a.src) + ")";
    check.same("dst", "h", a.dst.h, (int64_t{a.src.h} - 1) / a.stride + 1, why);
    check.same("dst", "w", a.dst.w, (int64_t{a.src.w} - 1) / a.stride + 1, why);
}

}  // namespace sextant
