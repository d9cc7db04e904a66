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

/// Where an operand lies; its element type is that of its tensor.
class address {
  public:
    address() = default;
    address(void* place) : place_(place) {}
    template <class Element>
    Element* as() const {
        return static_cast<Element*>(place_);
    }
    template <class Element>
    operator Element*() const {
        return as<Element>();
    }

  private:
    void* place_ = nullptr;
};

/// What an implementation may ask about the device it is to run on.
struct device_traits {
    int32_t isa;      // SEXTANT_ISA_...
    int32_t block;    // 8 or 16
    int32_t threads;
    int64_t l2_bytes; // of one core
    int32_t layout;   // SEXTANT_...: of activations between input and output
    class accelerator* accelerator = nullptr;  // makes the operations in place of the ordered lists here
};

/// An operation ready to run: immutable, weights repacked. `name` is the implementation's.
class op {
  public:
    explicit op(const sextant_tensor& dst) : dst(dst) {}
    virtual ~op() = default;

    /// Runs on operands in the order of the header's description (sources first, dst last); each address is that of the
    /// slice's storage, halo included. Writes its destinations' pixels, whole blocks of lanes; the plan clears their halos.
    /// `scratch` holds scratch_bytes(pool.threads()) bytes, 64-byte aligned, contents undefined.
    virtual void run(thread_pool& pool, const address* operands, std::byte* scratch) const = 0;

    virtual int operand_count() const { return 2; }
    /// How many of the last operands it writes; the very last is dst.
    virtual int destinations() const { return 1; }
    virtual int64_t scratch_bytes(int /*threads*/) const { return 0; }
    virtual int64_t weight_bytes() const { return 0; }
    virtual int64_t flops() const { return 0; }

    const sextant_tensor dst;
    std::string name;
};

inline constexpr int32_t f32_only = 1 << SEXTANT_F32;
inline constexpr int32_t f32_and_bf16 = f32_only | 1 << SEXTANT_BF16;
inline constexpr int32_t f32_and_u8 = f32_only | 1 << SEXTANT_U8;
inline constexpr int32_t every_dtype = f32_only | 1 << SEXTANT_BF16 | 1 << SEXTANT_U8;

/// visit(name, tensor) for each operand of a problem.
template <class Problem, class Visit>
void each_operand(const Problem& a, Visit&& visit) {
    if constexpr (requires { a.sources; })
        for (const auto& source : a.sources) visit("a source", source);
    if constexpr (requires { a.destinations; })
        for (const auto& destination : a.destinations) visit("a destination", destination);
    if constexpr (requires { a.src; }) visit("src", a.src);
    if constexpr (requires { a.has_residual; })
        if (a.has_residual) visit("the residual", a.residual);
    if constexpr (requires { a.has_other; })
        if (a.has_other) visit("other", a.other);
    if constexpr (requires { a.dst; }) visit("dst", a.dst);
    if constexpr (requires { a.forward; }) each_operand(a.forward, visit);
    if constexpr (requires { a.diff_dst; }) visit("diff_dst", a.diff_dst);
    if constexpr (requires { a.diff_residual; })
        if (a.forward.has_residual) visit("diff_residual", a.diff_residual);
    if constexpr (requires { a.diff_src; }) visit("diff_src", a.diff_src);
}

/// Empty when all operands have one of these element types, else "src is bf16".
template <class Problem>
std::string unlike_dtype(const Problem& problem, int32_t dtypes) {
    std::string found;
    each_operand(problem, [&](const char* name, const sextant_tensor& t) {
        if (!(dtypes >> t.dtype & 1)) found = std::string(name) + " is " + dtype_name(t.dtype);
    });
    return found;
}

/// Why kernels that come by pairs of element types lack one.
inline std::string unlike_pair(const sextant_tensor& src, const sextant_tensor& dst) {
    return std::string("there is no kernel from ") + dtype_name(src.dtype) + " to " + dtype_name(dst.dtype);
}

/// An entry of an ordered list: implementations in order of preference, the plain-loop reference last.
/// `Problem` is the header's struct, `Parameters` the pointers that came with it, `Traits` what a kind of device tells of itself.
template <class Problem, class Parameters, class Traits = device_traits>
struct implementation {
    const char* name;  // begins with the element type of its arithmetic, if it knows only one
    /// Empty when it accepts the problem, else why not: "src has 64 channels, at most 4".
    std::string (*declines)(const Problem&, const Traits&);
    std::unique_ptr<op> (*create)(const Problem&, const Parameters&, const Traits&);
    /// The element types of operands that it can have, as bits 1 << SEXTANT_F32, ...
    int32_t dtypes = f32_only;
    /// Empty, or why a later entry is the faster one for a problem that this one accepts; asked only when none was named.
    std::string (*yields)(const Problem&, const Traits&) = nullptr;

    /// Empty when it can do the problem.
    std::string refuses(const Problem& problem, const Traits& device) const {
        const std::string reason = unlike_dtype(problem, dtypes);
        return reason.empty() ? declines(problem, device) : reason;
    }
};

/// Prints to stderr when SEXTANT_LOG=dispatch.
bool dispatch_logged();
void log_dispatch(const std::string& line);

/// The first implementation that accepts the problem; with a name, that one or a failure with its reason.
template <class Problem, class Parameters, class Traits>
std::unique_ptr<op> dispatch(std::span<const implementation<Problem, Parameters, Traits>> list, const std::string& what,
                             const Problem& problem, const Parameters& parameters, const Traits& device, const char* wanted) {
    for (const auto& candidate : list) {
        if (wanted && std::string(wanted) != candidate.name) continue;
        std::string reason = candidate.refuses(problem, device);
        const char* how = " declines: ";
        if (reason.empty() && !wanted && candidate.yields) reason = candidate.yields(problem, device), how = " yields: ";
        if (dispatch_logged()) log_dispatch(what + ": " + candidate.name + (reason.empty() ? " chosen" : how + reason));
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
