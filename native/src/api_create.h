// SPDX-License-Identifier: Apache-2.0
// What the interface functions that create operations have in common.
#pragma once
#include <memory>
#include <vector>

#include "runtime/border.h"
#include "runtime/device.h"

namespace sextant {

/// The common part of all operations' creation: `check` the arguments, `make` the operation, bind it to its operands.
template <class Problem, class Check, class Make, class Operands>
int32_t create(const char* what, sextant_device* device, const Problem* problem, sextant_op** op, sextant_error* error,
               Check check, Make make, Operands operands) {
    return guarded(what, error, [&] {
        require_pointer(op, what, "op");
        *op = nullptr;
        require_pointer(device, what, "device");
        require_pointer(problem, what, "problem");
        check(device->device->traits.block);
        std::unique_ptr<sextant::op> made = make(device->device->traits);
        *op = new sextant_op{{std::move(made), operands()}, device->device};
    });
}

template <class Problem>
std::vector<sextant_tensor> source_and_destination(const Problem& problem) {
    return {problem.src, problem.dst};
}

}  // namespace sextant
