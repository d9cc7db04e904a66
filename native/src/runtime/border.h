// SPDX-License-Identifier: Apache-2.0
// The border between the C interface and the C++ inside: handles, and exceptions turned into statuses.
#pragma once
#include <cstdint>
#include <new>

#include "runtime/plan.h"

struct sextant_device {
    std::shared_ptr<sextant::device> device;
};

struct sextant_op {
    sextant::bound_op bound;
    std::shared_ptr<sextant::device> device;
};

struct sextant_plan {
    sextant::plan plan;
    std::shared_ptr<sextant::device> device;
};

namespace sextant {

/// Writes the two parts one after the other, as much as fits, cutting no UTF-8 character in two. Allocates nothing, for it also
/// reports that memory ran out.
inline void write_error(sextant_error* error, const char* message, const char* rest = "") {
    if (!error) return;
    constexpr size_t capacity = sizeof error->message - 1;
    size_t length = 0;
    for (const char* part : {message, rest})
        while (*part && length < capacity) error->message[length++] = *part++;
    const auto continues = [](char c) { return (c & 0xC0) == 0x80; };
    if (length == capacity) {
        while (length > 0 && continues(error->message[length - 1])) --length;
        if (length > 0 && (error->message[length - 1] & 0x80)) --length;
    }
    error->message[length] = 0;
}

/// Runs the body of an interface function; what it throws becomes a status and a sentence.
template <class Body>
int32_t guarded(const char* what, sextant_error* error, Body&& body) noexcept {
    try {
        body();
        return SEXTANT_OK;
    } catch (const failure& e) {
        write_error(error, e.what());
        return e.status;
    } catch (const std::bad_alloc&) {
        write_error(error, what, ": out of memory");
        return SEXTANT_OUT_OF_MEMORY;
    } catch (const std::exception& e) {
        write_error(error, "internal fault: ", e.what());
        return SEXTANT_INTERNAL;
    } catch (...) {
        write_error(error, what, ": internal fault");
        return SEXTANT_INTERNAL;
    }
}

/// Calls what gives a status and a sentence, and throws them unless all went well.
template <class Call>
void told(Call&& call) {
    sextant_error error{};
    const int32_t status = call(&error);
    if (status != SEXTANT_OK) throw failure(status, error.message);
}

inline void require_pointer(const void* pointer, const char* what, const char* name) {
    if (!pointer) throw failure(SEXTANT_INVALID_ARGUMENT, std::string(what) + ": " + name + " is null");
}

}  // namespace sextant
