// SPDX-License-Identifier: Apache-2.0
// The processor time a container grants, from the Linux control groups, version 2 and 1.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "runtime/cpu.h"

namespace sextant {

namespace {

std::string file_text(const std::string& path) {
    std::string text;
    if (std::FILE* file = std::fopen(path.c_str(), "r")) {
        char part[4096];
        while (const size_t count = std::fread(part, 1, sizeof part, file)) text.append(part, count);
        std::fclose(file);
    }
    return text;
}

int32_t processors(long long quota, long long period) {
    if (quota <= 0 || period <= 0) return 0;
    return static_cast<int32_t>(std::min((quota - 1) / period + 1, 1LL << 20));
}

// "QUOTA PERIOD" in microseconds, or "max PERIOD".
int32_t limit_v2(const std::string& folder) {
    long long quota = 0, period = 0;
    const std::string text = file_text(folder + "/cpu.max");
    return std::sscanf(text.c_str(), "%lld %lld", &quota, &period) == 2 ? processors(quota, period) : 0;
}

int32_t limit_v1(const std::string& folder) {
    return processors(std::atoll(file_text(folder + "/cpu.cfs_quota_us").c_str()),
                      std::atoll(file_text(folder + "/cpu.cfs_period_us").c_str()));
}

int32_t stricter(int32_t a, int32_t b) { return a == 0 ? b : b == 0 ? a : std::min(a, b); }

// A group is also held to its parents' limits.
template <class Limit>
int32_t limit_up_to(const std::string& mount, std::string group, Limit limit) {
    int32_t found = limit(mount);
    while (group.size() > 1) {
        found = stricter(found, limit(mount + group));
        group.resize(group.rfind('/'));
    }
    return found;
}

bool names_cpu(std::string_view controllers) {
    while (!controllers.empty()) {
        const auto comma = controllers.find(',');
        if (controllers.substr(0, comma) == "cpu") return true;
        if (comma == controllers.npos) break;
        controllers.remove_prefix(comma + 1);
    }
    return false;
}

}  // namespace

int32_t control_group_cores(const std::string& root) {
    const std::string mount = root + "/sys/fs/cgroup";
    const std::string groups = file_text(root + "/proc/self/cgroup");
    int32_t found = 0;
    // Lines "ID:CONTROLLERS:PATH"; version 2 has the one line "0::PATH".
    for (size_t at = 0; at < groups.size();) {
        const size_t end = std::min(groups.find('\n', at), groups.size());
        const std::string line = groups.substr(at, end - at);
        at = end + 1;
        const size_t first = line.find(':');
        const size_t second = first == line.npos ? first : line.find(':', first + 1);
        if (second == line.npos || second + 1 == line.size() || line[second + 1] != '/') continue;
        const std::string controllers = line.substr(first + 1, second - first - 1);
        const std::string group = line.substr(second + 1);
        if (controllers.empty())
            found = stricter(found, limit_up_to(mount, group, limit_v2));
        else if (names_cpu(controllers))
            found = stricter(found, limit_up_to(mount + "/cpu", group, limit_v1));
    }
    return found;
}

}  // namespace sextant
