// SPDX-License-Identifier: Apache-2.0
// A CUDA device as the CPU's library sees it.
#pragma once
#include "cuda/op.h"
#include "runtime/accelerator.h"

namespace sextant::cuda {

class device final : public accelerator {
  public:
    explicit device(int32_t ordinal);

    int32_t describe(sextant_device_info* info, sextant_error* error) override;
    int32_t measure(sextant_device_peak* peak, sextant_error* error) override;
    int32_t make(const any_request& asked, const char* what, const char* wanted, std::unique_ptr<op>& made,
                 sextant_error* error) override;
    int32_t candidates(const sextant_conv2d& problem, std::string& names, sextant_error* error) override;
    int32_t compile(std::span<const accelerated_step> steps, int64_t scratch, std::unique_ptr<program>& compiled,
                    sextant_error* error) override;
    int32_t allocate(int64_t bytes, bool shared, void** address, sextant_error* error) override;
    int32_t copy(void* dst, const void* src, int64_t bytes, sextant_error* error) override;

  private:
    const int32_t ordinal_;
    cudaDeviceProp properties_;
    traits traits_;
};

/// A plan's steps on a device. Recorded once for each set of buffers as a CUDA graph, and replayed.
std::unique_ptr<program> make_program(int32_t ordinal, std::span<const accelerated_step> steps, int64_t scratch);

/// See accelerator::measure.
sextant_device_peak measure(const cudaDeviceProp& properties);

}  // namespace sextant::cuda
