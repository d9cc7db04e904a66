// SPDX-License-Identifier: Apache-2.0
// Where the kernel is as large as the image (LeNet-5's last convolution) the convolution is a fully connected layer, and each
// pixel of diff_src meets one tap: as a convolution of diff_dst nearly all products would be with zeros around its single pixel.
// The layer's plain rows are put in order before and after, in scratch.
#include "conv2d/conv2d_lists.h"
#include "linear/linear_training.h"
#include "reorder/reorder.h"

namespace sextant {
namespace {

using problem = conv2d_backward_data_problem;

sextant_tensor plain(const sextant_tensor& t) { return {SEXTANT_F32, SEXTANT_NCHW, t.n, t.c, t.h, t.w, 0, t.c}; }

int64_t aligned_bytes(const sextant_tensor& t) { return (extent(t) * element_bytes(t) + 63) / 64 * 64; }

class conv2d_backward_data_linear final : public op {
  public:
    conv2d_backward_data_linear(const problem& a, const device_traits& device) : op(a.src), accumulate_(a.accumulate) {
        const sextant_tensor diff_dst = plain(a.dst), diff_src = plain(a.src);
        const auto reorder = [&](const sextant_tensor& from, const sextant_tensor& to) {
            return dispatch(reorder_implementations(), "reorder", reorder_problem{from, to}, reorder_parameters{}, device, nullptr);
        };
        before_ = reorder(a.dst, diff_dst);
        if (accumulate_) held_ = reorder(a.src, diff_src);
        layer_ = dispatch(linear_backward_data_implementations(), "linear_backward_data",
                          linear_backward_data_problem{{diff_src, diff_dst, SEXTANT_IDENTITY}, accumulate_},
                          linear_training_parameters{}, device, nullptr);
        after_ = reorder(diff_src, a.src);
        diff_dst_bytes_ = aligned_bytes(diff_dst);
        diff_src_bytes_ = aligned_bytes(diff_src);
    }

    void run(thread_pool& pool, const address* operands, std::byte* scratch) const override {
        const address diff_dst(scratch), diff_src(scratch + diff_dst_bytes_);
        std::byte* const rest = scratch + diff_dst_bytes_ + diff_src_bytes_;
        // Room for three operands each: GCC guesses that the steps might be of this class.
        const address ordered[3] = {operands[0], diff_dst}, held[3] = {operands[2], diff_src};
        const address multiplied[3] = {diff_dst, operands[1], diff_src}, finished[3] = {diff_src, operands[2]};
        before_->run(pool, ordered, rest);
        if (accumulate_) held_->run(pool, held, rest);
        layer_->run(pool, multiplied, rest);
        after_->run(pool, finished, rest);
    }

    int operand_count() const override { return 3; }
    int64_t scratch_bytes(int threads) const override {
        int64_t most = 0;
        for (const op* step : {before_.get(), held_.get(), layer_.get(), after_.get()})
            if (step) most = std::max(most, step->scratch_bytes(threads));
        return diff_dst_bytes_ + diff_src_bytes_ + most;
    }
    int64_t flops() const override { return layer_->flops(); }

  private:
    const bool accumulate_;
    std::unique_ptr<op> before_, held_, layer_, after_;
    int64_t diff_dst_bytes_, diff_src_bytes_;
};

}  // namespace

std::string conv2d_backward_data_linear_declines(const problem& a, const device_traits&) {
    if (a.groups > 1) return "it has " + std::to_string(a.groups) + " groups";
    if (a.pad_top || a.pad_left || a.pad_bottom || a.pad_right) return "it has padding";
    if (a.r != a.src.h || a.s != a.src.w)
        return "the kernel is " + std::to_string(a.r) + "x" + std::to_string(a.s) + ", not as large as the image";
    return {};
}

std::unique_ptr<op> create_conv2d_backward_data_linear(const problem& a, const conv2d_backward_data_parameters&,
                                                       const device_traits& device) {
    return std::make_unique<conv2d_backward_data_linear>(a, device);
}

}  // namespace sextant
