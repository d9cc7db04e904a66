// SPDX-License-Identifier: Apache-2.0
// The header's functions on CUDA devices, and on memory that a device's plans may use.
#include <algorithm>
#include <cstring>

#include "runtime/border.h"
#include "runtime/cuda_library.h"

using namespace sextant;

namespace {

constexpr int64_t most_bytes = int64_t{1} << 46;

std::shared_ptr<device> open_cuda(const char* library, int32_t ordinal) {
    std::shared_ptr<accelerator> opened;
    const accelerator_library& cuda = cuda_library(library);
    told([&](sextant_error* error) { return cuda.open(ordinal, &opened, error); });
    sextant_device_info info{};
    told([&](sextant_error* error) { return opened->describe(&info, error); });
    const device_traits traits{info.isa, info.block, 1, 0, info.layout, opened.get()};
    return std::make_shared<device>(traits, std::move(opened));
}

}  // namespace

int32_t sextant_cuda_count(const char* library, int32_t* count, sextant_error* error) {
    return guarded("cuda_count", error, [&] {
        require_pointer(count, "cuda_count", "count");
        *count = 0;
        const accelerator_library& cuda = cuda_library(library);
        told([&](sextant_error* reason) { return cuda.count(count, reason); });
    });
}

int32_t sextant_device_create_cuda(const char* library, int32_t ordinal, sextant_device** device, sextant_error* error) {
    return guarded("device", error, [&] {
        require_pointer(device, "device", "device");
        *device = nullptr;
        if (ordinal < 0)
            throw failure(SEXTANT_INVALID_ARGUMENT, "device: ordinal is " + std::to_string(ordinal) + ", expected 0 or more");
        *device = new sextant_device{open_cuda(library, ordinal)};
    });
}

int32_t sextant_device_allocate(sextant_device* device, int64_t bytes, int32_t shared, sextant_memory* memory,
                                sextant_error* error) {
    const char* const what = "device_allocate";
    return guarded(what, error, [&] {
        require_pointer(memory, what, "memory");
        *memory = {};
        require_pointer(device, what, "device");
        if (bytes <= 0 || bytes > most_bytes)
            throw failure(SEXTANT_INVALID_ARGUMENT, std::string(what) + ": bytes is " + std::to_string(bytes) + ", expected 1 to " +
                                                        std::to_string(most_bytes));
        if (shared != 0 && shared != 1)
            throw failure(SEXTANT_INVALID_ARGUMENT,
                          std::string(what) + ": shared is " + std::to_string(shared) + ", expected 0 or 1");
        void* address = nullptr;
        accelerator* const remote = device->device->remote.get();
        if (remote) {
            told([&](sextant_error* reason) { return remote->allocate(bytes, shared == 1, &address, reason); });
        } else if (!(address = sextant_memory_allocate(bytes))) {
            throw failure(SEXTANT_OUT_OF_MEMORY, std::string(what) + ": no memory for " + std::to_string(bytes) + " bytes");
        }
        *memory = {address, bytes, remote ? SEXTANT_CUDA : SEXTANT_CPU, shared};
    });
}

void sextant_memory_release(const sextant_memory* memory) {
    if (!memory || !memory->address) return;
    if (memory->kind == SEXTANT_CUDA)
        release_cuda_memory(memory->address, memory->shared == 1);
    else
        sextant_memory_free(memory->address, memory->bytes);
}

int32_t sextant_device_copy(sextant_device* device, void* dst, const void* src, int64_t bytes, sextant_error* error) {
    const char* const what = "device_copy";
    return guarded(what, error, [&] {
        require_pointer(device, what, "device");
        require_pointer(dst, what, "dst");
        require_pointer(src, what, "src");
        if (bytes < 0 || bytes > most_bytes)
            throw failure(SEXTANT_INVALID_ARGUMENT, std::string(what) + ": bytes is " + std::to_string(bytes) + ", expected 0 to " +
                                                        std::to_string(most_bytes));
        if (accelerator* const remote = device->device->remote.get())
            told([&](sextant_error* reason) { return remote->copy(dst, src, bytes, reason); });
        else
            std::memmove(dst, src, bytes);
    });
}
