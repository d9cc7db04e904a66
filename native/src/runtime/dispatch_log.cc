// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "runtime/op.h"

namespace sextant {

// Asked anew each time: operations are created rarely, and a program (or a test) may switch it on late.
bool dispatch_logged() {
    const char* value = std::getenv("SEXTANT_LOG");
    return value && std::string_view(value) == "dispatch";
}

void log_dispatch(const std::string& line) {
    std::fprintf(stderr, "sextant: %s\n", line.c_str());
}

}  // namespace sextant
