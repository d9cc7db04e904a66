// SPDX-License-Identifier: Apache-2.0
// The header's functions on plans.
#include "runtime/border.h"

using namespace sextant;

int32_t sextant_plan_create(sextant_device* device, sextant_plan** plan, sextant_error* error) {
    return guarded("plan_create", error, [&] {
        require_pointer(plan, "plan_create", "plan");
        *plan = nullptr;
        require_pointer(device, "plan_create", "device");
        *plan = new sextant_plan{sextant::plan(device->device), device->device};
    });
}

int32_t sextant_plan_add(sextant_plan* plan, sextant_op* op, const sextant_place* places, int32_t count, sextant_error* error) {
    return guarded("plan_add", error, [&] {
        require_pointer(plan, "plan_add", "plan");
        require_pointer(op, "plan_add", "op");
        require_pointer(places, "plan_add", "places");
        // An operation is made for one instruction set and number of threads.
        if (plan->device != op->device)
            throw failure(SEXTANT_INVALID_ARGUMENT,
                          "plan_add: " + op->bound.operation->name + " was created on another device than the plan");
        plan->plan.add(op->bound, places, count);
    });
}

int32_t sextant_plan_finish(sextant_plan* plan, sextant_error* error) {
    return guarded("plan_finish", error, [&] {
        require_pointer(plan, "plan_finish", "plan");
        plan->plan.finish();
    });
}

int32_t sextant_plan_get_info(const sextant_plan* plan, sextant_plan_info* info, sextant_error* error) {
    return guarded("plan_get_info", error, [&] {
        require_pointer(plan, "plan_get_info", "plan");
        require_pointer(info, "plan_get_info", "info");
        *info = plan->plan.info();
    });
}

int32_t sextant_plan_run(const sextant_plan* plan, void* const* buffers, int32_t count, int64_t* nanoseconds,
                         sextant_error* error) {
    return guarded("plan_run", error, [&] {
        require_pointer(plan, "plan_run", "plan");
        require_pointer(buffers, "plan_run", "buffers");
        plan->plan.run(buffers, count, nanoseconds);
    });
}

void sextant_plan_destroy(sextant_plan* plan) { delete plan; }
