// SPDX-License-Identifier: Apache-2.0
// Memory for packed weights: zeroed, 64-byte aligned, on huge pages when large.
#pragma once
#include <cstdint>
#include <new>
#include <utility>

#include "sextant/sextant.h"

namespace sextant {

class aligned_floats {
  public:
    aligned_floats() = default;
    explicit aligned_floats(int64_t count)
        : data_(static_cast<float*>(sextant_memory_allocate(count * int64_t{sizeof(float)}))), count_(count) {
        if (!data_ && count) throw std::bad_alloc();
    }
    aligned_floats(aligned_floats&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), count_(std::exchange(other.count_, 0)) {}
    aligned_floats& operator=(aligned_floats&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(count_, other.count_);
        return *this;
    }
    ~aligned_floats() { sextant_memory_free(data_, bytes()); }

    float* data() { return data_; }
    const float* data() const { return data_; }
    float& operator[](int64_t i) { return data_[i]; }
    float operator[](int64_t i) const { return data_[i]; }
    int64_t size() const { return count_; }
    int64_t bytes() const { return count_ * int64_t{sizeof(float)}; }

  private:
    float* data_ = nullptr;
    int64_t count_ = 0;
};

}  // namespace sextant
