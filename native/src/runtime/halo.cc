// SPDX-License-Identifier: Apache-2.0
#include "runtime/halo.h"

#include <algorithm>
#include <cstring>

namespace sextant {

namespace {

// In memory the right halo of a row runs on into the left halo of the next, and the first and last rows' into the rows above
// and below: h + 1 gaps in all.
void clear_plane(const sextant_tensor& t, std::byte* plane) {
    const int64_t bytes = element_bytes(t);
    const int zero = t.dtype == SEXTANT_U8 ? t.zero_point : 0;
    const int64_t row = bytes * row_pitch(t), start = bytes * origin(t), pixels = bytes * t.w * block_of(t);
    std::memset(plane, zero, start);
    for (int y = 0; y + 1 < t.h; ++y) std::memset(plane + start + y * row + pixels, zero, row - pixels);
    std::memset(plane + start + (t.h - 1) * row + pixels, zero, start);
}

}  // namespace

void clear_halo(const sextant_tensor& t, void* data, thread_pool& pool) {
    if (t.halo == 0) return;
    constexpr int64_t bytes_worth_a_task = 16 << 10;
    const int64_t blocks = channel_blocks(t), planes = t.n * blocks;
    const int64_t bytes = element_bytes(t) * planes * (plane_pitch(t) - int64_t{t.h} * t.w * block_of(t));
    const int64_t tasks = std::min({planes, bytes / bytes_worth_a_task + 1, int64_t{pool.threads()}});
    pool.parallel_for(tasks, [&](int64_t task, int) {
        for (int64_t plane = planes * task / tasks; plane < planes * (task + 1) / tasks; ++plane)
            clear_plane(t, static_cast<std::byte*>(data) +
                               element_bytes(t) * (plane / blocks * image_pitch(t) + plane % blocks * plane_pitch(t)));
    });
}

}  // namespace sextant
