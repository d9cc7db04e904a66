// SPDX-License-Identifier: Apache-2.0
// Memory for packed weights: zeroed, 64-byte aligned, on huge pages when large.
#pragma once
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

#include "sextant/sextant.h"

namespace sextant {

template <class Element>
class aligned_array {
    static_assert(std::is_trivial_v<Element>);

  public:
    aligned_array() = default;
    explicit aligned_array(int64_t count)
        : data_(static_cast<Element*>(sextant_memory_allocate(count * int64_t{sizeof(Element)}))), count_(count) {
        if (!data_ && count) throw std::bad_alloc();
    }
    aligned_array(aligned_array&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), count_(std::exchange(other.count_, 0)) {}
    aligned_array& operator=(aligned_array&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(count_, other.count_);
        return *this;
    }
    ~aligned_array() { sextant_memory_free(data_, bytes()); }

    Element* data() { return data_; }
    const Element* data() const { return data_; }
    Element& operator[](int64_t i) { return data_[i]; }
    Element operator[](int64_t i) const { return data_[i]; }
    int64_t size() const { return count_; }
    int64_t bytes() const { return count_ * int64_t{sizeof(Element)}; }

  private:
    Element* data_ = nullptr;
    int64_t count_ = 0;
};

using aligned_floats = aligned_array<float>;

}  // namespace sextant
