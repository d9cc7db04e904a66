// SPDX-License-Identifier: Apache-2.0
// A processor with a pool of threads, or an accelerator: what a sextant_device stands for.
#pragma once
#include <mutex>

#include "runtime/accelerator.h"

namespace sextant {

struct device {
    explicit device(const device_traits& traits, std::shared_ptr<sextant::accelerator> remote = nullptr)
        : traits(traits), remote(std::move(remote)), pool(traits.threads) {}

    const device_traits traits;
    const std::shared_ptr<sextant::accelerator> remote;  // or null: a CPU
    thread_pool pool;
    std::mutex running;  // the pool serves one run at a time
};

}  // namespace sextant
