// SPDX-License-Identifier: Apache-2.0
#include "runtime/cpu.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#ifdef SEXTANT_X86_64
#include <cpuid.h>
#endif

namespace sextant {

namespace {

constexpr const char* isa_names[] = {"portable", "avx2", "avx512", "avx512_bf16"};

int32_t isa_named(std::string_view name) {
    for (int32_t isa = SEXTANT_ISA_PORTABLE; isa <= SEXTANT_ISA_AVX512_BF16; ++isa)
        if (name == isa_names[isa]) return isa;
    throw failure(SEXTANT_INVALID_ARGUMENT,
                  "device: SEXTANT_ISA is \"" + std::string(name) + "\", expected portable, avx2, avx512 or avx512_bf16");
}

}  // namespace

const char* isa_name(int32_t isa) { return isa_names[isa]; }

#ifdef SEXTANT_X86_64

// The compiler's runtime asks cpuid what the processor has and xgetbv which registers the operating system saves.
int32_t supported_isa() {
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return SEXTANT_ISA_PORTABLE;
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512dq") ||
        !__builtin_cpu_supports("avx512vl"))
        return SEXTANT_ISA_AVX2;
    if (!__builtin_cpu_supports("avx512bf16") || !__builtin_cpu_supports("avx512vnni")) return SEXTANT_ISA_AVX512;
    return SEXTANT_ISA_AVX512_BF16;
}

namespace {

std::string trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\n");
    if (first == text.npos) return {};
    return std::string(text.substr(first, text.find_last_not_of(" \t\n") - first + 1));
}

}  // namespace

std::string processor_name() {
    constexpr unsigned first_leaf = 0x80000002, last_leaf = 0x80000004;
    unsigned registers[3][4] = {};
    if (__get_cpuid_max(0x80000000, nullptr) < last_leaf) return "x86-64";
    for (unsigned i = 0; i < 3; ++i)
        __get_cpuid(first_leaf + i, &registers[i][0], &registers[i][1], &registers[i][2], &registers[i][3]);
    char text[sizeof registers + 1] = {};
    std::memcpy(text, registers, sizeof registers);
    const std::string name = trimmed(text);
    return name.empty() ? "x86-64" : name;
}

#else

int32_t supported_isa() { return SEXTANT_ISA_PORTABLE; }

#if defined(__aarch64__)
std::string processor_name() { return "aarch64"; }
#else
std::string processor_name() { return "unknown processor"; }
#endif

#endif

int32_t chosen_isa() {
    const int32_t supported = supported_isa();
    const char* const asked = std::getenv("SEXTANT_ISA");
    if (!asked || !*asked) return supported;
    const int32_t isa = isa_named(asked);
    if (isa > supported)
        throw failure(SEXTANT_INVALID_ARGUMENT, std::string("device: SEXTANT_ISA is ") + asked +
                                                    ", expected at most what this processor has, " + isa_name(supported));
    return isa;
}

int64_t l2_cache_bytes() {
#ifdef _SC_LEVEL2_CACHE_SIZE
    const long found = sysconf(_SC_LEVEL2_CACHE_SIZE);
    if (found > 0) return found;
#endif
    return int64_t{512} << 10;
}

int64_t last_cache_bytes() {
#ifdef _SC_LEVEL3_CACHE_SIZE
    const long found = sysconf(_SC_LEVEL3_CACHE_SIZE);
    if (found > 0) return found;
#endif
    return int64_t{32} << 20;
}

int32_t available_cores() {
    int32_t cores = 0;
    // The kernel refuses a mask shorter than its own, so lengthen it until it is taken.
    for (int capacity = 1024; cores == 0 && capacity <= (1 << 18); capacity *= 2) {
        std::vector<char> mask(CPU_ALLOC_SIZE(capacity));
        auto* const set = reinterpret_cast<cpu_set_t*>(mask.data());
        if (sched_getaffinity(0, mask.size(), set) == 0) cores = CPU_COUNT_S(mask.size(), set);
    }
    if (cores == 0) cores = static_cast<int32_t>(sysconf(_SC_NPROCESSORS_ONLN));
    if (const int32_t limit = control_group_cores("")) cores = std::min(cores, limit);
    return std::max(cores, 1);
}

device_traits traits_of(int32_t isa, int32_t threads) {
    const int32_t block = isa >= SEXTANT_ISA_AVX512 ? SEXTANT_NCHW16C : SEXTANT_NCHW8C;
    return {isa, block, threads, l2_cache_bytes(), block};
}

}  // namespace sextant
