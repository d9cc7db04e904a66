// SPDX-License-Identifier: Apache-2.0
// What every operation is to a plan, and how an operation's ordered list of implementations is walked.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>

#include "runtime/tensor.h"
#include "runtime/thread_pool.h"

namespace sextant {

/// Thrown inside the library, turned into a status at the border (api.cc).
struct failure : std::runtime_error {
    int32_t status;
    failure(int32_t status, const std::string& message) : std::runtime_error(message), status(status) {}
};

/// What an implementation may ask about the device it is to run on.
struct device_traits {
    int32_t isa;      // SEXTANT_ISA_...
    int32_t block;    // 8 or 16
    int32_t threads;
    int64_t l2_bytes; // of one core
};

/// An operation ready to run: immutable, weights repacked. `name` is the implementation's.
class op {
  public:
    explicit op(const sextant_tensor& dst) : dst(dst) {}
    virtual ~op() = default;

    /// Runs on operands in the order of the header's description (sources first, dst last); each address is that of the
    /// slice's storage, halo included. Writes dst's pixels, whole blocks of lanes; the plan clears dst's halo.
    /// `scratch` holds scratch_bytes(pool.threads()) bytes, 64-byte aligned, contents undefined.
    virtual void run(thread_pool& pool, float* const* operands, std::byte* scratch) const = 0;

    virtual int operand_count() const { return 2; }
    virtual int64_t scratch_bytes(int /*threads*/) const { return 0; }
    virtual int64_t weight_bytes() const { return 0; }
    virtual int64_t flops() const { return 0; }

    const sextant_tensor dst;
    std::string name;
};

/// An entry of an ordered list: implementations in order of preference, the plain-loop reference last.
/// `Problem` is the header's struct, `Parameters` the pointers that came with it.
template <class Problem, class Parameters>
struct implementation {
    const char* name;
    /// Empty when it accepts the problem, else why not: "src has 64 channels, at most 4".
    std::string (*declines)(const Problem&, const device_traits&);
    std::unique_ptr<op> (*create)(const Problem&, const Parameters&, const device_traits&);
};

/// Prints to stderr when SEXTANT_LOG=dispatch.
bool dispatch_logged();
void log_dispatch(const std::string& line);

/// The first implementation that accepts the problem; with a name, that one or a failure with its reason.
template <class Problem, class Parameters>
std::unique_ptr<op> dispatch(std::span<const implementation<Problem, Parameters>> list, const std::string& what,
                             const Problem& problem, const Parameters& parameters, const device_traits& device,
                             const char* wanted) {
    for (const auto& candidate : list) {
        if (wanted && std::string(wanted) != candidate.name) continue;
        const std::string reason = candidate.declines(problem, device);
        if (dispatch_logged())
            log_dispatch(what + ": " + candidate.name + (reason.empty() ? " chosen" : " declines: " + reason));
        if (reason.empty()) {
            auto made = candidate.create(problem, parameters, device);
            made->name = candidate.name;
            return made;
        }
        if (wanted) throw failure(SEXTANT_UNSUPPORTED, what + ": " + wanted + " declines: " + reason);
    }
    throw failure(SEXTANT_UNSUPPORTED, what + ": no implementation" + (wanted ? std::string(" named ") + wanted : ""));
}

}  // namespace sextant
