// SPDX-License-Identifier: Apache-2.0
#include "api_training_checks.h"

#include "api_checker.h"
#include "api_checks.h"

namespace sextant {

namespace {

void check_linear_training(const checker& check, const sextant_linear& a) {
    check.source_and_destination(a.src, a.dst);
    check.same("dst", "n", a.dst.n, a.src.n, "like src");
    check.same("dst", "h", a.dst.h, 1, "");
    check.same("dst", "w", a.dst.w, 1, "");
    if (product({a.src.c, a.src.h, a.src.w}, most_pixels) > most_pixels) check.fail("src has more than 2^28 inputs");
    if (product({a.dst.c, a.src.c, a.src.h, a.src.w}, most_floats) > most_floats) check.fail("weights need more than 2^40 bytes");
    check.arithmetic({a.dst.n, a.dst.c, a.src.c, a.src.h, a.src.w});
}

/// diff_dst and diff_src have the shapes of dst and src.
template <class Problem>
void check_gradients(const checker& check, const Problem& a, const sextant_tensor& src, const sextant_tensor& dst) {
    check.tensor("diff_dst", a.diff_dst);
    check.tensor("diff_src", a.diff_src);
    check.same_shape("diff_dst", a.diff_dst, "dst", dst);
    check.same_shape("diff_src", a.diff_src, "src", src);
    check.flag("accumulate", a.accumulate);
}

void check_fraction(const checker& check, const char* name, float found) {
    if (!(found >= 0 && found < 1))
        check.fail(std::string(name) + " is " + std::to_string(found) + ", expected at least 0 and less than 1");
}

void check_not_negative(const checker& check, const char* name, float found) {
    if (!(std::isfinite(found) && found >= 0))
        check.fail(std::string(name) + " is " + std::to_string(found) + ", expected a finite number of at least 0");
}

void check_batch_norm_problem(const checker& check, const sextant_batch_norm_forward& a) {
    check.source_and_destination(a.src, a.dst);
    check.same_shape("dst", a.dst, "src", a.src);
    check.range("activation", a.activation, SEXTANT_IDENTITY, SEXTANT_RELU);
    check.flag("has_residual", a.has_residual);
    if (!(std::isfinite(a.eps) && a.eps > 0))
        check.fail("eps is " + std::to_string(a.eps) + ", expected a positive finite number");
    if (!(a.momentum >= 0 && a.momentum <= 1))
        check.fail("momentum is " + std::to_string(a.momentum) + ", expected 0 to 1");
}

/// They lie in one array, whose length is a tensor's channel count.
void check_count(const checker& check, int64_t count) { check.range("count", count, 1, most_pixels); }

}  // namespace

void check_linear_forward(const sextant_linear& a, int32_t has_bias, int32_t block) {
    const checker check("linear_forward", block);
    check_linear_training(check, a);
    check.activation(a.activation);
    check.flag("has_bias", has_bias);
}

void check_linear_backward_data(const sextant_linear& a, int32_t accumulate, int32_t block) {
    const checker check("linear_backward_data", block);
    check_linear_training(check, a);
    check.range("activation", a.activation, SEXTANT_IDENTITY, SEXTANT_IDENTITY);
    check.flag("accumulate", accumulate);
}

void check_linear_backward_weights(const sextant_linear& a, int32_t has_bias, int32_t block) {
    const checker check("linear_backward_weights", block);
    check_linear_training(check, a);
    check.range("activation", a.activation, SEXTANT_IDENTITY, SEXTANT_IDENTITY);
    check.flag("has_bias", has_bias);
}

void check_pool2d_backward(const sextant_pool2d_backward& a, int32_t block) {
    const checker check("pool2d_backward", block);
    check.range("pre_activation", a.forward.pre_activation, 0, 0);
    check_pool2d(check, a.forward);
    check_gradients(check, a, a.forward.src, a.forward.dst);
}

void check_lrn_backward(const sextant_lrn_backward& a, int32_t block) {
    const checker check("lrn_backward", block);
    check_lrn(check, a.forward);
    check_gradients(check, a, a.forward.src, a.forward.dst);
}

void check_batch_norm_forward(const sextant_batch_norm_forward& a, int32_t block) {
    const checker check("batch_norm_forward", block);
    check_batch_norm_problem(check, a);
    if (!a.has_residual) return;
    check.tensor("residual", a.residual);
    check.same_shape("residual", a.residual, "dst", a.dst);
}

void check_batch_norm_backward(const sextant_batch_norm_backward& a, int32_t block) {
    const checker check("batch_norm_backward", block);
    check_batch_norm_problem(check, a.forward);
    check_gradients(check, a, a.forward.src, a.forward.dst);
    if (!a.forward.has_residual) return;
    const sextant_tensor &found = a.diff_residual, &expected = a.diff_dst;
    check.tensor("diff_residual", found);
    check.same_shape("diff_residual", found, "diff_dst", expected);
    check.same("diff_residual", "dtype", found.dtype, expected.dtype, "like diff_dst");
    check.same("diff_residual", "layout", found.layout, expected.layout, "like diff_dst");
    check.same("diff_residual", "halo", found.halo, expected.halo, "like diff_dst");
    check.same("diff_residual", "c_total", found.c_total, expected.c_total, "like diff_dst");
}

void check_activation_backward(const sextant_activation_backward& a, int32_t block) {
    const checker check("activation_backward", block);
    check.activation(a.activation);
    check.tensor("diff_dst", a.diff_dst);
    check.tensor("diff_src", a.diff_src);
    check.same_shape("diff_src", a.diff_src, "diff_dst", a.diff_dst);
    check.flag("accumulate", a.accumulate);
    if (a.activation == SEXTANT_IDENTITY) return;
    check.tensor("dst", a.dst);
    check.same_shape("dst", a.dst, "diff_dst", a.diff_dst);
}

void check_split(const sextant_tensor& src, const sextant_tensor* destinations, int32_t count, int32_t block) {
    const checker check("split", block);
    check.pointer(destinations, "destinations");
    check.range("count", count, 1, most_operands - 1);
    check.tensor("src", src);
    int64_t channels = 0;
    for (int32_t i = 0; i < count; ++i) {
        const std::string name = "destination " + std::to_string(i);
        check.tensor(name, destinations[i]);
        check.same(name.c_str(), "n", destinations[i].n, src.n, "like src");
        check.same(name.c_str(), "h", destinations[i].h, src.h, "like src");
        check.same(name.c_str(), "w", destinations[i].w, src.w, "like src");
        channels += destinations[i].c;
    }
    check.same("src", "c", src.c, channels, "like the destinations together");
}

void check_shortcut_backward(const sextant_shortcut& a, int32_t accumulate, int32_t block) {
    const checker check("shortcut_backward", block);
    check_shortcut(check, a);
    check.flag("accumulate", accumulate);
}

void check_dropout(const sextant_dropout& a, int32_t block) {
    const checker check("dropout", block);
    check.source_and_destination(a.src, a.dst);
    check.same_shape("dst", a.dst, "src", a.src);
    check_fraction(check, "probability", a.probability);
}

void check_cross_entropy(const sextant_cross_entropy& a, int32_t block) {
    const checker check("cross_entropy", block);
    check.tensor("src", a.src);
    check.same("src", "layout", a.src.layout, SEXTANT_NCHW, "(SEXTANT_NCHW)");
    check.same("src", "h", a.src.h, 1, "");
    check.same("src", "w", a.src.w, 1, "");
    check.same("src", "c_total", a.src.c_total, a.src.c, "like c");
    check_fraction(check, "smoothing", a.smoothing);
    check.finite("weight", a.weight);
}

void check_gradient_norm(int64_t count) { check_count(checker("gradient_norm", SEXTANT_NCHW), count); }

void check_optimizer(const sextant_optimizer& a, const int64_t* undecayed, int32_t ranges) {
    const checker check("optimizer", SEXTANT_NCHW);
    check_count(check, a.count);
    check.range("kind", a.kind, SEXTANT_SGD, SEXTANT_ADAMW);
    check.flag("nesterov", a.nesterov);
    check_fraction(check, "momentum", a.momentum);
    if (a.kind == SEXTANT_ADAMW) {
        if (a.nesterov) check.fail("nesterov is 1, expected 0 for AdamW");
        check_fraction(check, "beta2", a.beta2);
        check_not_negative(check, "eps", a.eps);
    }
    check_not_negative(check, "weight_decay", a.weight_decay);
    check_not_negative(check, "largest_norm", a.largest_norm);
    check.range("ranges", ranges, 0, most_pixels);
    if (ranges > 0) check.pointer(undecayed, "undecayed");
    int64_t end = 0;
    for (int32_t i = 0; i < ranges; ++i) {
        const int64_t first = undecayed[2 * i], last = undecayed[2 * i + 1];
        if (first >= end && last > first && last <= a.count) {
            end = last;
            continue;
        }
        check.fail("undecayed range " + std::to_string(i) + " is " + std::to_string(first) + " to " + std::to_string(last) +
                   ", expected a range within " + std::to_string(end) + " to " + std::to_string(a.count));
    }
}

}  // namespace sextant
