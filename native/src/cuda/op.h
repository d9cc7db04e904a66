// SPDX-License-Identifier: Apache-2.0
// What an operation is on a CUDA device, and what all of them share. Each operation's folder holds its kernels (*.cu).
#pragma once
#include <cuda_runtime.h>

#include <mutex>
#include <shared_mutex>
#include <span>
#include <utility>

#include "runtime/op.h"

namespace sextant::cuda {

/// What implementations may ask about the device.
struct traits {
    int32_t capability;       // 90 for 9.0
    int32_t multiprocessors;
    int64_t shared_bytes;     // of shared memory that one block may have
    int64_t l2_bytes;
};

template <class Problem, class Parameters>
using implementation = sextant::implementation<Problem, Parameters, traits>;

inline constexpr int32_t float_dtypes = 1 << SEXTANT_F32 | 1 << SEXTANT_BF16 | 1 << SEXTANT_F16 | 1 << SEXTANT_TF32;
inline constexpr int32_t half_dtypes = 1 << SEXTANT_BF16 | 1 << SEXTANT_F16;

/// Throws a failure that says which call went wrong and how.
void check(cudaError_t status, const char* call);

/// Of the kernel just launched.
inline void check_launch(const char* kernel) { check(cudaGetLastError(), kernel); }

/// One thread's use of the driver for more than work on a stream of its own: allocating, freeing, copying, loading kernels. Any number
/// of threads at once and one within another, but none while a plan is being recorded: the driver would end the recording.
class driver_use {
  public:
    driver_use();
    ~driver_use();
    driver_use(const driver_use&) = delete;
};

/// What recording a plan takes: no driver_use beside it.
std::unique_lock<std::shared_mutex> alone_with_driver();

/// Copies between host and device; complete when this returns.
void copy_now(void* dst, const void* src, int64_t bytes);

/// Memory of the device, an operation's own: repacked weights, tables.
class array {
  public:
    array() = default;
    explicit array(int64_t bytes);
    /// A copy of the host's memory; complete when this returns.
    array(const void* host, int64_t bytes);
    array(array&& other) noexcept : address_(other.address_), bytes_(other.bytes_) { other.address_ = nullptr, other.bytes_ = 0; }
    array& operator=(array&& other) noexcept {
        std::swap(address_, other.address_), std::swap(bytes_, other.bytes_);
        return *this;
    }
    ~array();

    int64_t bytes() const { return bytes_; }
    /// The memory, from now on the caller's.
    void* release() { return std::exchange(address_, nullptr); }
    template <class Element>
    Element* as() const {
        return static_cast<Element*>(address_);
    }

  private:
    void* address_ = nullptr;
    int64_t bytes_ = 0;
};

/// A copy of `count` floats on the device; empty when `host` is null.
array copy_of(const float* host, int64_t count);

/// An operation whose run is work put on a stream. Immutable; enqueue allocates nothing and waits for nothing, so that a stream's
/// capture can record it: whatever it launches with must stay the same from run to run.
class device_op : public op {
  public:
    using op::op;
    /// `operands` in the header's order, device addresses; `scratch` holds scratch_bytes, 256-byte aligned, contents undefined.
    virtual void enqueue(cudaStream_t stream, void* const* operands, void* scratch) const = 0;
    void run(thread_pool&, const address*, std::byte*) const final;
};

/// Blocks of `threads` for `count` threads, at most `most`: kernels stride over the grid.
inline unsigned grid_for(int64_t count, int threads, int64_t most = int64_t{1} << 20) {
    const int64_t blocks = (count + threads - 1) / threads;
    return static_cast<unsigned>(blocks < 1 ? 1 : blocks < most ? blocks : most);
}

}  // namespace sextant::cuda
