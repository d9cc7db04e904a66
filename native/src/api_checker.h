// SPDX-License-Identifier: Apache-2.0
// The sentences in which arguments are refused, for api_checks.cc and its like.
#pragma once
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <string>

#include "runtime/plan.h"

namespace sextant {

// Bounds that leave kernels room to count in int within a plane and in int64_t over a tensor.
inline constexpr int64_t most_pixels = int64_t{1} << 28;   // per dimension
inline constexpr int64_t most_distance = int64_t{1} << 20; // halo, padding, stride, dilation
inline constexpr int64_t most_floats = int64_t{1} << 38;   // 2^40 bytes
inline constexpr int64_t most_products = int64_t{1} << 60;

[[noreturn]] inline void reject(const std::string& message) { throw failure(SEXTANT_INVALID_ARGUMENT, message); }

/// The product of positive factors, or bound + 1 when it exceeds the bound.
inline int64_t product(std::initializer_list<int64_t> factors, int64_t bound) {
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
        const bool cuda = block_ == SEXTANT_NHWC;
        if (t.dtype < SEXTANT_F32 || t.dtype > (cuda ? SEXTANT_TF32 : SEXTANT_U8))
            fail(name + " has dtype " + std::to_string(t.dtype) + ", expected 0 (SEXTANT_F32), 1 (SEXTANT_BF16)" +
                 (cuda ? ", 2 (SEXTANT_U8), 3 (SEXTANT_F16) or 4 (SEXTANT_TF32)" : " or 2 (SEXTANT_U8)"));
        if (t.dtype == SEXTANT_U8) {
            if (!(std::isfinite(t.scale) && t.scale > 0))
                fail(name + ".scale is " + std::to_string(t.scale) + ", expected a positive finite number");
            range(name + ".zero_point", t.zero_point, 0, 255);
        }
        if (t.layout != SEXTANT_NCHW && t.layout != block_)
            fail(name + " has layout " + std::to_string(t.layout) + ", expected " + std::to_string(SEXTANT_NCHW) +
                 " (SEXTANT_NCHW) or " + std::to_string(block_) + ", the " + (cuda ? "" : "blocked ") + "layout of this device");
        range(name + ".n", t.n, 1, most_pixels);
        range(name + ".c", t.c, 1, most_pixels);
        range(name + ".h", t.h, 1, most_pixels);
        range(name + ".w", t.w, 1, most_pixels);
        range(name + ".halo", t.halo, 0, is_blocked(t) && !cuda ? most_distance : 0);
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
struct checked_window {
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
checked_window vertical(const Problem& a) {
    return {"h", a.src.h, a.dst.h, a.r, a.stride_h, a.pad_top, a.pad_bottom, a.dilation_h};
}

template <class Problem>
checked_window horizontal(const Problem& a) {
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
    for (const checked_window& w : {vertical(a), horizontal(a)})
        if (w.span() > w.padded())
            check.fail("the kernel spans " + std::to_string(w.span()) + " pixels, the padded image has " +
                       std::to_string(w.padded()) + " " + w.text());
}

/// Each window must meet the image: a maximum or mean over nothing has no meaning.
inline void check_pool_window(const checker& check, const checked_window& w) {
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

}  // namespace sextant
