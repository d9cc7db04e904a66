// SPDX-License-Identifier: Apache-2.0
// What the interface functions that create operations have in common.
#pragma once
#include <memory>
#include <vector>

#include "runtime/accelerator.h"
#include "runtime/border.h"
#include "runtime/device.h"

namespace sextant {

/// What an accelerator makes of a request; a failure with its sentence if it cannot.
template <class Problem, class Parameters>
std::unique_ptr<op> accelerated(const char* what, const Problem& problem, const Parameters& parameters,
                                const device_traits& traits, const char* wanted) {
    std::unique_ptr<op> made;
    told([&](sextant_error* error) {
        return traits.accelerator->make(request<Problem, Parameters>{problem, parameters}, what, wanted, made, error);
    });
    return made;
}

/// The operation for a problem: the first of the list that accepts it, or an accelerator's own.
template <class Problem, class Parameters>
std::unique_ptr<op> choose(std::span<const implementation<Problem, Parameters>> list, const char* what, const Problem& problem,
                           const Parameters& parameters, const device_traits& traits, const char* wanted) {
    if (traits.accelerator) return accelerated(what, problem, parameters, traits, wanted);
    return dispatch(list, what, problem, parameters, traits, wanted);
}

/// The common part of all operations' creation: `check` the arguments, `make` the operation, bind it to its operands.
template <class Problem, class Check, class Make, class Operands>
int32_t create(const char* what, sextant_device* device, const Problem* problem, sextant_op** op, sextant_error* error,
               Check check, Make make, Operands operands) {
    return guarded(what, error, [&] {
        require_pointer(op, what, "op");
        *op = nullptr;
        require_pointer(device, what, "device");
        require_pointer(problem, what, "problem");
        check(device->device->traits.layout);
        std::unique_ptr<sextant::op> made = make(device->device->traits);
        *op = new sextant_op{{std::move(made), operands()}, device->device};
    });
}

template <class Problem>
std::vector<sextant_tensor> source_and_destination(const Problem& problem) {
    return {problem.src, problem.dst};
}

}  // namespace sextant
