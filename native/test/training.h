// SPDX-License-Identifier: Apache-2.0
// What the tests of training's operations need besides testing.h: operations with several destinations, which may hold something
// before, and gradients by finite differences.
#pragma once
#include <deque>

#include "allocation_count.h"
#include "runtime/training_state.h"
#include "testing.h"

namespace sextant::test {

/// What an operation writes. With a seed it holds numbers before: for operations that accumulate or move.
struct destination {
    sextant_tensor shape;
    uint64_t seed = 0;
    int first_channel = 0;
    double scale = 1, centre = 0;  // of the numbers
    int32_t numbers = shape.dtype; // the type they are rounded to, if it is another one
};

using results = std::vector<std::vector<double>>;

/// Runs an operation once: scratch of the very size it asked for, no allocation, nothing written elsewhere.
inline results outcome(const op& operation, thread_pool& pool, const std::vector<const operand*>& sources,
                       const std::vector<destination>& destinations) {
    std::deque<operand> written;
    std::vector<address> addresses;
    for (const operand* source : sources) addresses.emplace_back(source->data());
    for (const destination& d : destinations) {
        const operand& added = written.emplace_back(d.shape, d.first_channel);
        if (d.seed) {
            const operand numbers(stored_as(d.numbers, d.shape), d.first_channel);
            added.fill(numbers.fill(d.seed, d.scale, d.centre).dense()).spoil_halo();
        }
        addresses.emplace_back(added.data());
    }
    EXPECT_EQ(operation.operand_count(), int(addresses.size()));
    EXPECT_EQ(operation.destinations(), int(destinations.size()));
    const guarded_floats scratch((operation.scratch_bytes(pool.threads()) + 3) / 4);
    const int64_t before = allocations();
    operation.run(pool, addresses.data(), reinterpret_cast<std::byte*>(scratch.data()));
    EXPECT_EQ(allocations(), before) << "heap memory was taken";
    EXPECT_TRUE(scratch.surroundings_untouched()) << "memory around the scratch was written";
    results all;
    for (const operand& one : written) {
        one.expect_written_in_place();
        all.push_back(one.dense());
    }
    return all;
}

/// The results of the list's last entry, which any problem must suit.
template <class Problem, class Parameters>
results reference_outcome(std::span<const implementation<Problem, Parameters>> list, const Problem& problem,
                          const std::type_identity_t<Parameters>& parameters, const std::vector<const operand*>& sources,
                          const std::vector<destination>& destinations) {
    const device_traits device = devices().back();
    EXPECT_EQ(list.back().refuses(problem, device), "") << list.back().name << " must accept everything";
    return outcome(*list.back().create(problem, parameters, device), pool_of(1), sources, destinations);
}

/// Runs every entry that accepts the problem, each on the best instruction set it accepts it for, compares it with the reference,
/// and expects the same bits from 1, 2 and 3 threads.
/// @param unrounded the problem with results of float32, for the reference; the tolerance then is for the arithmetic, and one
///        rounding of each result's elements comes on top
/// @return the names of the entries that took part, the reference's left out
template <class Problem, class Parameters>
std::vector<std::string> compare_outcomes(std::span<const implementation<Problem, Parameters>> list, const Problem& problem,
                                          const std::type_identity_t<Parameters>& parameters,
                                          const std::vector<const operand*>& sources,
                                          const std::vector<destination>& destinations, double relative_tolerance,
                                          const std::type_identity_t<Problem>* unrounded = nullptr) {
    std::string shapes;
    for (const operand* source : sources) shapes += text(source->shape) + ", ";
    for (const destination& d : destinations) shapes += "-> " + text(d.shape);
    SCOPED_TRACE(shapes);
    auto reference_destinations = destinations;
    if (unrounded)
        for (destination& d : reference_destinations) d.shape = stored_as(SEXTANT_F32, d.shape);
    const results expected =
        reference_outcome(list, unrounded ? *unrounded : problem, parameters, sources, reference_destinations);
    std::vector<std::string> took_part;
    for (const auto& entry : list) {
        for (device_traits device : devices()) {
            if (!entry.refuses(problem, device).empty()) continue;
            results first;
            for (int threads : {1, 2, 3}) {
                SCOPED_TRACE(std::string(entry.name) + ", threads " + std::to_string(threads));
                device.threads = threads;
                const auto operation = entry.create(problem, parameters, device);
                const results found = outcome(*operation, pool_of(threads), sources, destinations);
                if (threads == 1) {
                    first = found;
                    for (size_t i = 0; i < found.size(); i++) {
                        SCOPED_TRACE("destination " + std::to_string(i));
                        expect_close(found[i], expected[i], relative_tolerance,
                                     unrounded ? destinations[i].shape : sextant_tensor{});
                    }
                }
                for (size_t i = 0; i < found.size(); i++)
                    EXPECT_TRUE(std::memcmp(found[i].data(), first[i].data(), found[i].size() * sizeof(double)) == 0)
                        << "destination " << i << " has other bits than with one thread";
            }
            if (&entry != &list.back()) took_part.push_back(entry.name);
            break;
        }
    }
    return took_part;
}

/// The gradient of f at x, by central differences.
inline std::vector<double> numeric_gradient(std::vector<double> x, const std::function<double(const std::vector<double>&)>& f) {
    constexpr double step = 1e-4;
    std::vector<double> gradient(x.size());
    for (size_t i = 0; i < x.size(); i++) {
        const double at = x[i];
        x[i] = at + step;
        const double above = f(x);
        x[i] = at - step;
        gradient[i] = (above - f(x)) / (2 * step);
        x[i] = at;
    }
    return gradient;
}

/// sum of a[i] * b[i]: a loss whose gradient with respect to b is a.
inline double dot(const std::vector<double>& a, const std::vector<double>& b) {
    double sum = 0;
    for (size_t i = 0; i < a.size(); i++) sum += a[i] * b[i];
    return sum;
}

/// A parameter, a gradient or a state as an operand.
inline sextant_tensor plain(int n, int c = 1) { return parameter_tensor(n, c, 1, 1); }

inline const operand& fill_state(const operand& state, const sextant_training_state& value) {
    std::memcpy(state.data(), &value, sizeof value);
    return state;
}

}  // namespace sextant::test
