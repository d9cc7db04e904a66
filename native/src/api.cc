// SPDX-License-Identifier: Apache-2.0
// The header's functions on devices and operations: check, dispatch, hand out handles.
#include <algorithm>
#include <cstdio>
#include <system_error>

#include "api_checks.h"
#include "api_create.h"
#include "batch_norm/batch_norm.h"
#include "concat/concat.h"
#include "conv2d/conv2d.h"
#include "eltwise/eltwise.h"
#include "linear/linear.h"
#include "lrn/lrn.h"
#include "pool2d/pool2d.h"
#include "reorder/reorder.h"
#include "runtime/cpu.h"
#include "runtime/peak.h"
#include "shortcut/shortcut.h"
#include "softmax/softmax.h"

using namespace sextant;

namespace {

constexpr int32_t most_threads = 1024;

std::shared_ptr<device> open_cpu(int32_t threads) {
    if (threads < 0 || threads > most_threads)
        throw failure(SEXTANT_INVALID_ARGUMENT, "device: threads is " + std::to_string(threads) + ", expected 0 to " +
                                                    std::to_string(most_threads));
    if (threads == 0) threads = std::min(available_cores(), most_threads);
    const device_traits traits = traits_of(chosen_isa(), threads);
    try {
        return std::make_shared<device>(traits);
    } catch (const std::system_error& reason) {
        throw failure(SEXTANT_OUT_OF_MEMORY, "device: the system refused to start " + std::to_string(threads) +
                                                 " threads: " + reason.what());
    }
}

}  // namespace

const char* sextant_version(void) { return SEXTANT_VERSION; }

int32_t sextant_device_create_cpu(int32_t threads, sextant_device** device, sextant_error* error) {
    return guarded("device", error, [&] {
        require_pointer(device, "device", "device");
        *device = nullptr;
        *device = new sextant_device{open_cpu(threads)};
    });
}

int32_t sextant_device_get_info(const sextant_device* device, sextant_device_info* info, sextant_error* error) {
    return guarded("device_get_info", error, [&] {
        require_pointer(device, "device_get_info", "device");
        require_pointer(info, "device_get_info", "info");
        if (accelerator* const remote = device->device->remote.get()) {
            *info = {};
            told([&](sextant_error* reason) { return remote->describe(info, reason); });
            return;
        }
        const device_traits& traits = device->device->traits;
        *info = {traits.isa, traits.block, traits.threads, available_cores(), {}, {}, SEXTANT_CPU, traits.layout, 0};
        std::snprintf(info->isa_name, sizeof info->isa_name, "%s", isa_name(traits.isa));
        std::snprintf(info->processor, sizeof info->processor, "%s", processor_name().c_str());
    });
}

int32_t sextant_device_measure(sextant_device* device, sextant_device_peak* peak, sextant_error* error) {
    return guarded("device_measure", error, [&] {
        require_pointer(device, "device_measure", "device");
        require_pointer(peak, "device_measure", "peak");
        if (accelerator* const remote = device->device->remote.get())
            told([&](sextant_error* reason) { return remote->measure(peak, reason); });
        else
            *peak = measure_peak(*device->device);
    });
}

void sextant_device_destroy(sextant_device* device) { delete device; }

int32_t sextant_op_get_info(const sextant_op* op, sextant_op_info* info, sextant_error* error) {
    return guarded("op_get_info", error, [&] {
        require_pointer(op, "op_get_info", "op");
        require_pointer(info, "op_get_info", "info");
        const sextant::op& operation = *op->bound.operation;
        *info = {{}, operation.flops(), operation.weight_bytes(), operation.scratch_bytes(op->device->traits.threads)};
        std::snprintf(info->implementation, sizeof info->implementation, "%s", operation.name.c_str());
    });
}

void sextant_op_destroy(sextant_op* op) { delete op; }

int32_t sextant_conv2d_create(sextant_device* device, const sextant_conv2d* problem, const float* weights, const float* bias,
                              const float* pre_scale, const float* pre_shift, const char* implementation, sextant_op** op,
                              sextant_error* error) {
    return create(
        "conv2d", device, problem, op, error,
        [&](int32_t block) { check_conv2d(*problem, block, weights, pre_scale, pre_shift); },
        [&](const device_traits& traits) {
            return choose(conv2d_implementations(), "conv2d", *problem,
                            conv2d_parameters{weights, bias, pre_scale, pre_shift}, traits, implementation);
        },
        [&] {
            auto operands = source_and_destination(*problem);
            if (problem->has_residual) operands.insert(operands.begin() + 1, problem->residual);
            return operands;
        });
}

int32_t sextant_conv2d_candidates(const sextant_device* device, const sextant_conv2d* problem, char* names, int64_t capacity,
                                  sextant_error* error) {
    const char* const what = "conv2d_candidates";
    return guarded(what, error, [&] {
        require_pointer(device, what, "device");
        require_pointer(problem, what, "problem");
        require_pointer(names, what, "names");
        const device_traits& traits = device->device->traits;
        check_conv2d(*problem, traits.layout);
        std::string all;
        if (traits.accelerator)
            told([&](sextant_error* reason) { return traits.accelerator->candidates(*problem, all, reason); });
        else
            for (const auto& candidate : conv2d_implementations())
                if (candidate.refuses(*problem, traits).empty()) all += std::string(candidate.name) + "\n";
        if (static_cast<int64_t>(all.size()) >= capacity)
            throw failure(SEXTANT_INVALID_ARGUMENT, std::string(what) + ": names need " + std::to_string(all.size() + 1) +
                                                        " bytes, capacity is " + std::to_string(capacity));
        std::copy_n(all.c_str(), all.size() + 1, names);
    });
}

int32_t sextant_linear_create(sextant_device* device, const sextant_linear* problem, const float* weights, const float* bias,
                              const char* implementation, sextant_op** op, sextant_error* error) {
    return create(
        "linear", device, problem, op, error, [&](int32_t block) { check_linear(*problem, block, weights); },
        [&](const device_traits& traits) {
            return choose(linear_implementations(), "linear", *problem, linear_parameters{weights, bias}, traits,
                            implementation);
        },
        [&] { return source_and_destination(*problem); });
}

int32_t sextant_pool2d_create(sextant_device* device, const sextant_pool2d* problem, const float* pre_scale,
                              const float* pre_shift, const char* implementation, sextant_op** op, sextant_error* error) {
    return create(
        "pool2d", device, problem, op, error, [&](int32_t block) { check_pool2d(*problem, block, pre_scale, pre_shift); },
        [&](const device_traits& traits) {
            return choose(pool2d_implementations(), "pool2d", *problem, pool2d_parameters{pre_scale, pre_shift}, traits,
                            implementation);
        },
        [&] { return source_and_destination(*problem); });
}

int32_t sextant_lrn_create(sextant_device* device, const sextant_lrn* problem, const char* implementation, sextant_op** op,
                           sextant_error* error) {
    return create(
        "lrn", device, problem, op, error, [&](int32_t block) { check_lrn(*problem, block); },
        [&](const device_traits& traits) {
            return choose(lrn_implementations(), "lrn", *problem, lrn_parameters{}, traits, implementation);
        },
        [&] { return source_and_destination(*problem); });
}

int32_t sextant_batch_norm_create(sextant_device* device, const sextant_batch_norm* problem, const float* scale,
                                  const float* shift, const char* implementation, sextant_op** op, sextant_error* error) {
    return create(
        "batch_norm", device, problem, op, error, [&](int32_t block) { check_batch_norm(*problem, block, scale, shift); },
        [&](const device_traits& traits) {
            return choose(batch_norm_implementations(), "batch_norm", *problem, batch_norm_parameters{scale, shift}, traits,
                            implementation);
        },
        [&] { return source_and_destination(*problem); });
}

int32_t sextant_eltwise_create(sextant_device* device, const sextant_eltwise* problem, const char* implementation,
                               sextant_op** op, sextant_error* error) {
    return create(
        "eltwise", device, problem, op, error, [&](int32_t block) { check_eltwise(*problem, block); },
        [&](const device_traits& traits) {
            return choose(eltwise_implementations(), "eltwise", *problem, eltwise_parameters{}, traits, implementation);
        },
        [&] {
            auto operands = source_and_destination(*problem);
            if (problem->has_other) operands.insert(operands.begin() + 1, problem->other);
            return operands;
        });
}

int32_t sextant_softmax_create(sextant_device* device, const sextant_softmax* problem, const char* implementation,
                               sextant_op** op, sextant_error* error) {
    return create(
        "softmax", device, problem, op, error, [&](int32_t block) { check_softmax(*problem, block); },
        [&](const device_traits& traits) {
            return choose(softmax_implementations(), "softmax", *problem, softmax_parameters{}, traits, implementation);
        },
        [&] { return source_and_destination(*problem); });
}

int32_t sextant_concat_create(sextant_device* device, const sextant_tensor* sources, int32_t count, const sextant_tensor* dst,
                              const char* implementation, sextant_op** op, sextant_error* error) {
    return create(
        "concat", device, sources, op, error,
        [&](int32_t block) {
            require_pointer(dst, "concat", "dst");
            check_concat(sources, count, *dst, block);
        },
        [&](const device_traits& traits) {
            return choose(concat_implementations(), "concat", concat_problem{{sources, sources + count}, *dst},
                            concat_parameters{}, traits, implementation);
        },
        [&] {
            std::vector<sextant_tensor> operands(sources, sources + count);
            operands.push_back(*dst);
            return operands;
        });
}

int32_t sextant_reorder_create(sextant_device* device, const sextant_tensor* src, const sextant_tensor* dst,
                               const char* implementation, sextant_op** op, sextant_error* error) {
    return create(
        "reorder", device, src, op, error,
        [&](int32_t block) {
            require_pointer(dst, "reorder", "dst");
            check_reorder(*src, *dst, block);
        },
        [&](const device_traits& traits) {
            return choose(reorder_implementations(), "reorder", reorder_problem{*src, *dst}, reorder_parameters{}, traits,
                            implementation);
        },
        [&] { return std::vector{*src, *dst}; });
}

int32_t sextant_shortcut_create(sextant_device* device, const sextant_shortcut* problem, const char* implementation,
                                sextant_op** op, sextant_error* error) {
    return create(
        "shortcut", device, problem, op, error, [&](int32_t block) { check_shortcut(*problem, block); },
        [&](const device_traits& traits) {
            return choose(shortcut_implementations(), "shortcut", *problem, shortcut_parameters{}, traits, implementation);
        },
        [&] { return source_and_destination(*problem); });
}
