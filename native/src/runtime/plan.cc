// SPDX-License-Identifier: Apache-2.0
#include "runtime/plan.h"

#include <algorithm>
#include <chrono>
#include <unordered_set>

#include "runtime/border.h"
#include "runtime/halo.h"

namespace sextant {

namespace {

constexpr int32_t cache_line = 64;
constexpr int64_t most_bytes = int64_t{1} << 46;

int64_t rounded(int64_t bytes) { return (bytes + cache_line - 1) / cache_line * cache_line; }

/// A blocked float32 address begins a cache line; a narrower pixel's block is shorter than that.
int32_t alignment_of(const sextant_tensor& t) {
    if (t.layout == SEXTANT_NHWC) return static_cast<int32_t>(nhwc_unit * element_bytes(t));
    if (is_blocked(t) && t.dtype == SEXTANT_F32) return cache_line;
    return static_cast<int32_t>(block_of(t) * element_bytes(t));
}

[[noreturn]] void reject(const std::string& message) { throw failure(SEXTANT_INVALID_ARGUMENT, message); }

void check_place(const sextant_place& place, const sextant_tensor& tensor, const std::string& name) {
    if (place.buffer < 0 || place.buffer >= most_buffers)
        reject(name + " lies in buffer " + std::to_string(place.buffer) + ", expected 0 to " + std::to_string(most_buffers - 1));
    if (place.offset < 0 || place.offset > most_bytes)
        reject(name + " lies at offset " + std::to_string(place.offset) + ", expected 0 to " + std::to_string(most_bytes));
    if (place.offset % alignment_of(tensor))
        reject(name + " lies at offset " + std::to_string(place.offset) + ", expected a multiple of " +
               std::to_string(alignment_of(tensor)));
    if (place.reserved != 0) reject(name + " has reserved = " + std::to_string(place.reserved) + ", expected 0");
}

}  // namespace

void plan::add(const bound_op& op, const sextant_place* places, int32_t count) {
    if (finished_) reject("plan_add: the plan is finished, steps may be added only before sextant_plan_finish");
    const auto expected = static_cast<int32_t>(op.operands.size());
    if (count != expected)
        reject("plan_add: " + std::to_string(count) + " places, " + op.operation->name + " expects " + std::to_string(expected));
    const std::string who = "plan_add: step " + std::to_string(steps_.size()) + ", " + op.operation->name + ": operand ";
    int32_t last_buffer = 0;
    for (int32_t i = 0; i < count; ++i) {
        check_place(places[i], op.operands[i], who + std::to_string(i));
        last_buffer = std::max(last_buffer, places[i].buffer);
    }
    steps_.push_back({op.operation, {places, places + count}, {op.operands.end() - op.operation->destinations(), op.operands.end()}});
    alignments_.resize(std::max<size_t>(alignments_.size(), last_buffer + 1));
    for (int32_t i = 0; i < count; ++i) {
        const sextant_tensor& tensor = op.operands[i];
        int32_t& alignment = alignments_[places[i].buffer];
        alignment = std::max(alignment, alignment_of(tensor));
        if (places[i].buffer == 0)
            activation_bytes_ = std::max(
                activation_bytes_, rounded(places[i].offset + extent(tensor) * element_bytes(tensor)));
    }
    scratch_bytes_ = std::max(scratch_bytes_, op.operation->scratch_bytes(device_->traits.threads));
}

void plan::finish() {
    if (finished_) reject("plan_finish: the plan is finished already");
    alignments_[0] = activation_bytes_ + scratch_bytes_ ? cache_line : 0;
    if (device_->remote) program_ = compiled();
    finished_ = true;
}

std::unique_ptr<program> plan::compiled() const {
    std::vector<accelerated_step> steps;
    for (const auto& step : steps_) steps.push_back({step.operation.get(), step.places});
    std::unique_ptr<program> result;
    told([&](sextant_error* error) { return device_->remote->compile(steps, activation_bytes_, result, error); });
    return result;
}

sextant_plan_info plan::info() const {
    sextant_plan_info info{};
    info.steps = static_cast<int32_t>(steps_.size());
    info.buffers = static_cast<int32_t>(alignments_.size());
    info.workspace_bytes = activation_bytes_ + scratch_bytes_;
    std::unordered_set<const op*> counted;
    for (const auto& step : steps_) {
        info.flops += step.operation->flops();
        if (counted.insert(step.operation.get()).second) info.weight_bytes += step.operation->weight_bytes();
    }
    return info;
}

void plan::check_buffers(void* const* buffers, int32_t count) const {
    const auto expected = static_cast<int32_t>(alignments_.size());
    if (count != expected)
        reject("plan_run: " + std::to_string(count) + " buffers, the plan expects " + std::to_string(expected));
    for (int32_t i = 0; i < count; ++i) {
        if (alignments_[i] == 0) continue;
        if (!buffers[i]) reject("plan_run: buffer " + std::to_string(i) + " is null");
        if (reinterpret_cast<uintptr_t>(buffers[i]) % alignments_[i])
            reject("plan_run: the address of buffer " + std::to_string(i) + " is no multiple of " +
                   std::to_string(alignments_[i]));
    }
}

void plan::run_step(const step& step, void* const* buffers) const {
    const auto at = [&](const sextant_place& place) {
        return address(static_cast<std::byte*>(buffers[place.buffer]) + place.offset);
    };
    address operands[most_operands];
    std::transform(step.places.begin(), step.places.end(), operands, at);
    const size_t sources = step.places.size() - step.destinations.size();
    for (size_t i = 0; i < step.destinations.size(); ++i)
        clear_halo(step.destinations[i], operands[sources + i], device_->pool);
    std::byte* const workspace = static_cast<std::byte*>(buffers[0]);
    step.operation->run(device_->pool, operands, scratch_bytes_ ? workspace + activation_bytes_ : nullptr);
}

void plan::run(void* const* buffers, int32_t count, int64_t* nanoseconds) const {
    if (!finished_) reject("plan_run: the plan is not finished, call sextant_plan_finish first");
    check_buffers(buffers, count);
    if (program_) {
        told([&](sextant_error* error) { return program_->run(buffers, count, nanoseconds, error); });
        return;
    }
    std::unique_lock lock(device_->running, std::defer_lock);
    if (device_->traits.threads > 1) lock.lock();
    for (const auto& step : steps_) {
        if (!nanoseconds) {
            run_step(step, buffers);
            continue;
        }
        const auto before = std::chrono::steady_clock::now();
        run_step(step, buffers);
        *nanoseconds++ = std::chrono::nanoseconds(std::chrono::steady_clock::now() - before).count();
    }
}

}  // namespace sextant
