// SPDX-License-Identifier: Apache-2.0
// Packing of weights: from k x c x r x s, read in whatever direction, to vectors of output channels. Fast, for in training it is
// part of each run. All distances are in floats.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "runtime/thread_pool.h"
#include "sextant/sextant.h"

namespace sextant {

/// Where the weight of output o, input i (both counted within a group) and tap (r, s) of a convolution lies. Those of a gradient
/// are the same numbers with the channels' roles exchanged and the taps in reverse.
struct weight_view {
    int64_t output, input, group;  // from an output, an input, a group to the next
    int64_t taps;                  // that lie side by side, used or not
    int64_t first;                 // of tap (0, 0)
    int64_t row, column;           // from a tap to the one below it and to the one right of it
};

/// Of sextant_conv2d's own weights.
weight_view forward_view(const sextant_conv2d&);

/// Where a number goes: tap and input within a block of channels; a tap below 0 is not used.
struct weight_goal {
    int32_t tap, input;
};

/// Vectors across `outputs` rows of memory (the lanes past them are zero): number j of the rows goes to
/// to[goal.tap * to_tap + goal.input * to_input]. The same for each of `repeats` inputs.
struct weight_gather {
    const float* from;
    int64_t output;  // from a row to the next
    int outputs;
    const weight_goal* goals;
    int count;       // of numbers in a row
    float* to;
    int64_t to_tap, to_input;
    int repeats;
    int64_t repeat;  // from an input's rows to those of the next
};

using weight_gatherer = void (*)(const weight_gather&);

/// Knows a view, and which of its numbers goes where.
class weight_packer {
  public:
    /// @param most_inputs of one call
    weight_packer(const weight_view& view, int r, int s, int most_inputs, weight_gatherer gather);

    /// One vector of output channels, `outputs` of them from `output` on, for inputs `input` ... of one group:
    /// to[tap * to_tap + i * to_input + lane].
    void pack(const float* weights, int group, int output, int outputs, int input, int inputs, float* to, int64_t to_tap,
              int64_t to_input) const;

  private:
    weight_view view_;
    bool inputs_apart_;  // an input's weights lie further apart than an output's: rows hold one input
    int64_t skipped_ = 0;
    std::vector<weight_goal> goals_;
    weight_gatherer gather_;
};

/// body(first, last, thread) over ranges of `units` equal pieces of packing.
template <class Body>
void pack_in_parallel(thread_pool& pool, int64_t units, int64_t unit_floats, Body&& body) {
    constexpr int64_t worth_a_task = 16 << 10, tasks_per_thread = 4;
    const int64_t most = pool.threads() == 1 ? 1 : pool.threads() * tasks_per_thread;
    const int64_t tasks = std::min({units, most, units * unit_floats / worth_a_task + 1});
    pool.parallel_for(tasks, [&](int64_t task, int thread) { body(units * task / tasks, units * (task + 1) / tasks, thread); });
}

}  // namespace sextant
