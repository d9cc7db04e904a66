// SPDX-License-Identifier: Apache-2.0
#include "cuda/device.h"

#include <cstdio>
#include <cstring>

#include "cuda/lists.h"
#include "runtime/border.h"

namespace sextant::cuda {

void check(cudaError_t status, const char* call) {
    if (status == cudaSuccess) return;
    const std::string sentence = std::string("cuda: ") + call + ": " + cudaGetErrorString(status);
    cudaGetLastError();  // the next call starts afresh
    throw failure(status == cudaErrorMemoryAllocation ? SEXTANT_OUT_OF_MEMORY : SEXTANT_INTERNAL, sentence);
}

namespace {

std::shared_mutex driver_mutex;
thread_local int driver_uses = 0;

}  // namespace

driver_use::driver_use() {
    if (driver_uses++ == 0) driver_mutex.lock_shared();
}

driver_use::~driver_use() {
    if (--driver_uses == 0) driver_mutex.unlock_shared();
}

std::unique_lock<std::shared_mutex> alone_with_driver() { return std::unique_lock(driver_mutex); }

array::array(int64_t bytes) : bytes_(bytes) {
    if (bytes == 0) return;
    const driver_use use;
    const cudaError_t status = cudaMalloc(&address_, bytes);
    if (status == cudaErrorMemoryAllocation) {
        cudaGetLastError();
        size_t free = 0, total = 0;
        cudaMemGetInfo(&free, &total);
        throw failure(SEXTANT_OUT_OF_MEMORY, "cuda: no device memory for " + std::to_string(bytes) + " bytes, " +
                                                 std::to_string(free) + " of " + std::to_string(total) +
                                                 " are free: a smaller batch or a narrower precision needs less");
    }
    check(status, "cudaMalloc");
}

array::array(const void* host, int64_t bytes) : array(bytes) {
    copy_now(address_, host, bytes);
}

void copy_now(void* dst, const void* src, int64_t bytes) {
    const driver_use use;
    // From pageable memory cudaMemcpy returns when it has read the source, and streams that do not wait for the default one could
    // overtake what is still on its way.
    check(cudaMemcpy(dst, src, bytes, cudaMemcpyDefault), "copying");
    check(cudaStreamSynchronize(cudaStreamLegacy), "copying");
}

array::~array() {
    if (!address_) return;
    const driver_use use;
    cudaFree(address_);
}

array copy_of(const float* host, int64_t count) { return host ? array(host, count * int64_t{sizeof(float)}) : array(); }

void device_op::run(thread_pool&, const address*, std::byte*) const {
    throw failure(SEXTANT_INTERNAL, "cuda: " + name + " was run as an operation of the CPU");
}

namespace {

constexpr int32_t least_capability = 80;

std::string capability_text(const cudaDeviceProp& properties) {
    return std::to_string(properties.major) + "." + std::to_string(properties.minor);
}

int32_t count_devices() {
    int count = 0;
    const cudaError_t status = cudaGetDeviceCount(&count);
    if (status == cudaErrorInsufficientDriver) {
        int driver = 0;
        cudaDriverGetVersion(&driver);
        cudaGetLastError();
        if (driver == 0)
            throw failure(SEXTANT_UNSUPPORTED, "cuda: this machine has no NVIDIA driver (libcuda.so.1 was not found): install one");
        throw failure(SEXTANT_UNSUPPORTED, "cuda: the NVIDIA driver is for CUDA " + std::to_string(driver / 1000) + "." +
                                               std::to_string(driver % 1000 / 10) + ", expected " +
                                               std::to_string(CUDART_VERSION / 1000) + ".0 or newer: install a newer driver");
    }
    if (status == cudaErrorNoDevice || (status == cudaSuccess && count == 0)) {
        cudaGetLastError();
        throw failure(SEXTANT_UNSUPPORTED,
                      "cuda: the NVIDIA driver finds no device: is one there, and does CUDA_VISIBLE_DEVICES leave it visible?");
    }
    check(status, "counting devices");
    return count;
}

/// A call of the accelerator's on its own device.
template <class Body>
int32_t on(int32_t ordinal, const char* what, sextant_error* error, Body&& body) {
    return guarded(what, error, [&] {
        const driver_use use;
        check(cudaSetDevice(ordinal), "cudaSetDevice");
        body();
    });
}

}  // namespace

device::device(int32_t ordinal) : ordinal_(ordinal) {
    const driver_use use;
    const int32_t count = count_devices();
    if (ordinal >= count)
        throw failure(SEXTANT_INVALID_ARGUMENT, "cuda: device " + std::to_string(ordinal) + " was asked for, there " +
                                                    (count == 1 ? "is one: 0" : "are 0 to " + std::to_string(count - 1)));
    check(cudaGetDeviceProperties(&properties_, ordinal), "cudaGetDeviceProperties");
    traits_ = {properties_.major * 10 + properties_.minor, properties_.multiProcessorCount,
               static_cast<int64_t>(properties_.sharedMemPerBlockOptin), properties_.l2CacheSize};
    if (traits_.capability < least_capability)
        throw failure(SEXTANT_UNSUPPORTED, std::string("cuda: ") + properties_.name + " has compute capability " +
                                               capability_text(properties_) + ", expected 8.0 or higher");
    check(cudaSetDevice(ordinal), "cudaSetDevice");
    check(cudaFree(nullptr), "opening the device");
}

int32_t device::describe(sextant_device_info* info, sextant_error* error) {
    return guarded("device_get_info", error, [&] {
        *info = {traits_.capability, nhwc_unit, 1, traits_.multiprocessors, {}, {}, SEXTANT_CUDA, SEXTANT_NHWC,
                 static_cast<int64_t>(properties_.totalGlobalMem)};
        std::snprintf(info->isa_name, sizeof info->isa_name, "sm_%d", traits_.capability);
        std::snprintf(info->processor, sizeof info->processor, "%.63s", properties_.name);
    });
}

int32_t device::measure(sextant_device_peak* peak, sextant_error* error) {
    return on(ordinal_, "device_measure", error, [&] { *peak = cuda::measure(properties_); });
}

int32_t device::make(const any_request& asked, const char* what, const char* wanted, std::unique_ptr<op>& made,
                     sextant_error* error) {
    return on(ordinal_, what, error, [&] {
        std::visit([&](const auto& r) {
            made = dispatch(implementations(r.problem, r.parameters), what, r.problem, r.parameters, traits_, wanted);
        }, asked);
    });
}

int32_t device::candidates(const sextant_conv2d& problem, std::string& names, sextant_error* error) {
    return guarded("conv2d_candidates", error, [&] {
        for (const auto& candidate : implementations(problem, conv2d_parameters{}))
            if (candidate.refuses(problem, traits_).empty()) names += std::string(candidate.name) + "\n";
    });
}

int32_t device::compile(std::span<const accelerated_step> steps, int64_t scratch, std::unique_ptr<program>& compiled,
                        sextant_error* error) {
    return on(ordinal_, "plan_finish", error, [&] { compiled = make_program(ordinal_, steps, scratch); });
}

int32_t device::allocate(int64_t bytes, bool shared, void** address, sextant_error* error) {
    return on(ordinal_, "device_allocate", error, [&] {
        if (shared) {
            check(cudaHostAlloc(address, bytes, cudaHostAllocPortable), "page-locked memory of the host");
            std::memset(*address, 0, bytes);
        } else {
            array memory(bytes);
            check(cudaMemset(memory.as<void>(), 0, bytes), "clearing memory");
            check(cudaDeviceSynchronize(), "clearing memory");
            *address = memory.release();
        }
    });
}

int32_t device::copy(void* dst, const void* src, int64_t bytes, sextant_error* error) {
    return on(ordinal_, "device_copy", error, [&] { copy_now(dst, src, bytes); });
}

}  // namespace sextant::cuda

namespace {

int32_t count(int32_t* found, sextant_error* error) {
    return sextant::guarded("cuda_count", error, [&] { *found = sextant::cuda::count_devices(); });
}

int32_t open(int32_t ordinal, std::shared_ptr<sextant::accelerator>* opened, sextant_error* error) {
    return sextant::guarded("device", error, [&] { *opened = std::make_shared<sextant::cuda::device>(ordinal); });
}

void release(void* address, bool shared) {
    const sextant::cuda::driver_use use;
    if (shared)
        cudaFreeHost(address);
    else
        cudaFree(address);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const sextant::accelerator_library sextant_cuda_library{SEXTANT_VERSION, count,
                                                                                                         open, release};
