// SPDX-License-Identifier: Apache-2.0
// The entries of the device's ordered lists by name. One that a list does not hold fails each test of its operation; one that is
// missing here is compared where it is the device's own choice alone.
#include <map>

#include "compare.h"

namespace sextant::test {

std::vector<std::string> implementations_of(const std::string& operation) {
    static const std::map<std::string, std::vector<std::string>> all{
    };
    const auto found = all.find(operation);
    return found == all.end() ? std::vector<std::string>() : found->second;
}

}  // namespace sextant::test
