// SPDX-License-Identifier: Apache-2.0
#include "conv2d/weights.h"

namespace sextant {

weight_view forward_view(const sextant_conv2d& a) {
    const int64_t taps = int64_t{a.r} * a.s, channels = a.src.c / a.groups;
    return {channels * taps, taps, a.dst.c / a.groups * channels * taps, taps, 0, a.s, 1};
}

weight_packer::weight_packer(const weight_view& view, int r, int s, int most_inputs, weight_gatherer gather)
    : view_(view), inputs_apart_(view.input > view.output), gather_(gather) {
    const int inputs = inputs_apart_ ? 1 : most_inputs;
    goals_.assign(inputs * view.taps, {-1, 0});
    for (int i = 0; i < inputs; ++i)
        for (int y = 0; y < r; ++y)
            for (int x = 0; x < s; ++x)
                goals_[i * view.taps + view.first + y * view.row + x * view.column] = {y * s + x, i};
    if (!inputs_apart_) return;
    while (!goals_.empty() && goals_.back().tap < 0) goals_.pop_back();
    while (skipped_ < static_cast<int64_t>(goals_.size()) && goals_[skipped_].tap < 0) ++skipped_;
    goals_.erase(goals_.begin(), goals_.begin() + skipped_);
}

void weight_packer::pack(const float* weights, int group, int output, int outputs, int input, int inputs, float* to,
                         int64_t to_tap, int64_t to_input) const {
    weight_gather a;
    a.from = weights + group * view_.group + output * view_.output + input * view_.input + skipped_;
    a.output = view_.output;
    a.outputs = outputs;
    a.goals = goals_.data();
    a.count = static_cast<int>(inputs_apart_ ? static_cast<int64_t>(goals_.size()) : inputs * view_.taps);
    a.to = to;
    a.to_tap = to_tap;
    a.to_input = to_input;
    a.repeats = inputs_apart_ ? inputs : 1;
    a.repeat = view_.input;
    gather_(a);
}

}  // namespace sextant
