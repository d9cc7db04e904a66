// SPDX-License-Identifier: Apache-2.0
// A processor with a pool of threads: what a sextant_device stands for.
#pragma once
#include <mutex>

#include "runtime/op.h"

namespace sextant {

struct device {
    explicit device(const device_traits& traits) : traits(traits), pool(traits.threads) {}

    const device_traits traits;
    thread_pool pool;
    std::mutex running;  // the pool serves one run at a time
};

}  // namespace sextant
