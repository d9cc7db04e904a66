// SPDX-License-Identifier: Apache-2.0
// A sequence of operations on fixed places in memory, run in one call.
#pragma once
#include <memory>
#include <vector>

#include "runtime/device.h"

namespace sextant {

/// Operands of one step, concat's sources included; a run keeps their addresses on its stack.
inline constexpr int32_t most_operands = 1024;
/// Buffers of one plan.
inline constexpr int32_t most_buffers = 65536;

/// An operation together with the tensors it was made for, in operand order.
struct bound_op {
    std::shared_ptr<const op> operation;
    std::vector<sextant_tensor> operands;
};

class plan {
  public:
    explicit plan(std::shared_ptr<device> device) : device_(std::move(device)) {}

    void add(const bound_op& op, const sextant_place* places, int32_t count);
    void finish();
    void run(void* const* buffers, int32_t count, int64_t* nanoseconds) const;
    sextant_plan_info info() const;

  private:
    struct step {
        std::shared_ptr<const op> operation;
        std::vector<sextant_place> places;
        std::vector<sextant_tensor> destinations;  // of the last places
    };
    void check_buffers(void* const* buffers, int32_t count) const;
    std::unique_ptr<program> compiled() const;
    void run_step(const step& step, void* const* buffers) const;

    std::shared_ptr<device> device_;
    std::vector<step> steps_;
    std::vector<int32_t> alignments_{0};  // in bytes, of each buffer; 0: no step uses it
    int64_t activation_bytes_ = 0;        // of the workspace, a multiple of 64; the scratch memory follows
    int64_t scratch_bytes_ = 0;
    bool finished_ = false;
    std::unique_ptr<program> program_;  // an accelerator's
};

}  // namespace sextant
