// SPDX-License-Identifier: Apache-2.0
#include "runtime/halo.h"

#include <algorithm>
#include <cstring>

namespace sextant {

namespace {

// In memory the right halo of a row runs on into the left halo of the next, and the first and last rows' into the rows above
// and below: h + 1 gaps in all.
void clear_plane(const sextant_tensor& t, float* plane) {
    const int64_t row = row_pitch(t), start = origin(t), pixels = int64_t{t.w} * block_of(t);
    const size_t gap = sizeof(float) * (row - pixels);
    std::memset(plane, 0, sizeof(float) * start);
    for (int y = 0; y + 1 < t.h; ++y) std::memset(plane + start + y * row + pixels, 0, gap);
    std::memset(plane + start + (t.h - 1) * row + pixels, 0, sizeof(float) * start);
}

}  // namespace

void clear_halo(const sextant_tensor& t, float* data, thread_pool& pool) {
    if (t.halo == 0) return;
    constexpr int64_t bytes_worth_a_task = 16 << 10;
    const int64_t blocks = channel_blocks(t), planes = t.n * blocks;
    const int64_t bytes = sizeof(float) * planes * (plane_pitch(t) - int64_t{t.h} * t.w * block_of(t));
    const int64_t tasks = std::min({planes, bytes / bytes_worth_a_task + 1, int64_t{pool.threads()}});
    pool.parallel_for(tasks, [&](int64_t task, int) {
        for (int64_t plane = planes * task / tasks; plane < planes * (task + 1) / tasks; ++plane)
            clear_plane(t, data + plane / blocks * image_pitch(t) + plane % blocks * plane_pitch(t));
    });
}

}  // namespace sextant
