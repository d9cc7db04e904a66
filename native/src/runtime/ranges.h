// SPDX-License-Identifier: Apache-2.0
// How operations that are bound by memory rather than arithmetic share their work among threads.
#pragma once
#include <algorithm>
#include <cstdint>

#include "runtime/element.h"
#include "runtime/thread_pool.h"

namespace sextant {

/// Bytes read and written by one task at least: about as long as waking a thread takes.
inline constexpr int64_t grain_bytes = 64 * 1024;

/// Tasks per thread, so that a thread which is interrupted does not keep the others waiting for long.
inline constexpr int64_t tasks_per_thread = 4;

/// body(first, last, thread) over consecutive ranges of `units` equal pieces of work, each moving `unit_bytes`.
template <class Body>
void parallel_ranges(thread_pool& pool, int64_t units, int64_t unit_bytes, Body&& body) {
    const int64_t worthwhile = std::max<int64_t>(1, units * unit_bytes / grain_bytes);
    const int64_t tasks = std::min({units, worthwhile, pool.threads() > 1 ? pool.threads() * tasks_per_thread : 1});
    pool.parallel_for(tasks, [&](int64_t task, int thread) {
        body(units * task / tasks, units * (task + 1) / tasks, thread);
    });
}

/// dst[n][c][y][x] = value(n, c, y, x) for every pixel, zero in the lanes past the last channel: the frame of references.
template <class Value>
void write_each(thread_pool& pool, const sextant_tensor& dst, void* out, Value&& value) {
    const int64_t channels = channel_blocks(dst) * block_of(dst);
    pool.parallel_for(dst.n * channels, [&](int64_t task, int) {
        const int n = static_cast<int>(task / channels), c = static_cast<int>(task % channels);
        for (int y = 0; y < dst.h; ++y)
            for (int x = 0; x < dst.w; ++x)
                put_element(dst, out, offset_of(dst, n, c, y, x), c < dst.c ? double{value(n, c, y, x)} : 0.0);
    });
}

/// As write_each for a gradient, which with `accumulate` is added to what dst holds.
template <class Value>
void write_each_gradient(thread_pool& pool, const sextant_tensor& dst, void* out, bool accumulate, Value&& value) {
    write_each(pool, dst, out, [&](int n, int c, int y, int x) {
        return value(n, c, y, x) + (accumulate ? element(dst, out, offset_of(dst, n, c, y, x)) : 0.0);
    });
}

}  // namespace sextant
