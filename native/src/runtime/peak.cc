// SPDX-License-Identifier: Apache-2.0
#include "runtime/peak.h"

#include <time.h>

#include <algorithm>
#include <atomic>
#include <chrono>

#include "runtime/aligned.h"
#include "runtime/cpu.h"

namespace sextant {
namespace {

using steady = std::chrono::steady_clock;

// The best of several slices counts: what disturbs one, be it another program or a clock that is still rising, spares another.
constexpr int slices = 5;
constexpr std::chrono::milliseconds slice{8};
constexpr int rounds_per_look = 1000;  // some tens of microseconds between two looks at the clock
constexpr int64_t piece_floats = int64_t{1} << 18;
constexpr int64_t least_bytes = int64_t{64} << 20, most_bytes = int64_t{512} << 20;

double seconds_since(steady::time_point begin) { return std::chrono::duration<double>(steady::now() - begin).count(); }

const peak_kernels& kernels_of(int32_t isa) {
#if defined(SEXTANT_X86_64)
    if (isa >= SEXTANT_ISA_AVX512_BF16) return peak_avx512_bf16;
    if (isa >= SEXTANT_ISA_AVX512) return peak_avx512;
    if (isa >= SEXTANT_ISA_AVX2) return peak_avx2;
#endif
    static_cast<void>(isa);
    return peak_portable;
}

/// Results go here, for the compiler may not know that nobody wants them.
std::atomic<float> unused;

/// Seconds that the calling thread has been running on some processor.
double running_seconds() {
    timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// 10^9 operations a second of all threads together, while each has a core: all work until a common end, and each counts the time
/// that it was running, lest other programs be taken for a slow machine.
double rate(thread_pool& pool, const peak_kernels::arithmetic& kernel) {
    double best = 0;
    for (int i = 0; kernel.run && i < slices; ++i) {
        std::atomic<double> sum{0};
        const auto end = steady::now() + slice;
        pool.parallel_for(pool.threads(), [&](int64_t, int) {
            const double begin = running_seconds();
            int64_t looks = 0;
            do {
                unused.store(kernel.run(rounds_per_look), std::memory_order_relaxed);
                ++looks;
            } while (steady::now() < end);
            const double operations = static_cast<double>(looks) * rounds_per_look * static_cast<double>(kernel.flops);
            sum.fetch_add(operations / (running_seconds() - begin) / 1e9);
        });
        best = std::max(best, sum.load());
    }
    return best;
}

/// GB/s of all threads together, out of a buffer several times as large as the last cache.
double bandwidth(thread_pool& pool, const peak_kernels& kernels) {
    const int64_t pieces = std::clamp(4 * last_cache_bytes(), least_bytes, most_bytes) / (piece_floats * int64_t{sizeof(float)});
    aligned_floats buffer(pieces * piece_floats);
    // Written once: until then the system maps one page of zeros again and again.
    pool.parallel_for(pieces, [&](int64_t piece, int) {
        float* const first = buffer.data() + piece * piece_floats;
        std::fill(first, first + piece_floats, 1.0f);
    });
    double best = 0;
    for (int i = 0; i < slices; ++i) {
        const auto begin = steady::now();
        pool.parallel_for(pieces, [&](int64_t piece, int) {
            unused.store(kernels.read(buffer.data() + piece * piece_floats, piece_floats), std::memory_order_relaxed);
        });
        best = std::max(best, static_cast<double>(buffer.bytes()) / seconds_since(begin) / 1e9);
    }
    return best;
}

}  // namespace

sextant_device_peak measure_peak(device& device) {
    const peak_kernels& kernels = kernels_of(device.traits.isa);
    const std::lock_guard lock(device.running);
    return {rate(device.pool, kernels.f32), rate(device.pool, kernels.bf16), rate(device.pool, kernels.int8),
            bandwidth(device.pool, kernels)};
}

}  // namespace sextant
