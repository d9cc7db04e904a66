// SPDX-License-Identifier: Apache-2.0
#include "conv2d/tiling.h"

#include <algorithm>

#include "conv2d/blocking.h"

namespace sextant {
namespace {

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace

tiling::tiling(const sextant_conv2d& problem, const tiling_costs& costs, const std::vector<int>& panel_vectors,
               const device_traits& device)
    : problem_(problem), costs_(costs) {
    choose_tiles(costs.pixels);
    choose_tasks(panel_vectors, device);
}

void tiling::choose_tiles(int pixels) {
    const auto& a = problem_;
    dense_taps = a.r == 1 && a.s == 1 && !a.pad_top && !a.pad_left;
    const bool runs_on = dense_taps && a.stride_h == 1 && a.stride_w == 1 && a.src.h == a.dst.h && a.src.w == a.dst.w &&
                         !a.src.halo && !(a.has_residual && a.residual.halo);
    spread = runs_on && a.dst.halo && costs_.spreads && !a.has_residual && spread_pays(pixels);
    flat = runs_on && (!a.dst.halo || spread);
    rows = flat ? 1 : a.dst.h;
    columns = flat ? a.dst.h * a.dst.w : a.dst.w;
    tile_rows = columns <= two_row_columns(pixels) && rows > 1 ? 2 : 1;
    const int across = static_cast<int>(ceil_div(columns, tile_rows == 2 ? columns : pixels));
    tile_columns = static_cast<int>(ceil_div(columns, across));
    tiles_across_ = static_cast<int>(ceil_div(columns, tile_columns));
    tiles_down_ = static_cast<int>(ceil_div(rows, tile_rows));
    tiles = int64_t{a.dst.n} * tiles_down_ * tiles_across_;
    stage_rows = dense_taps ? tile_rows : (tile_rows - 1) * a.stride_h + (a.r - 1) * a.dilation_h + 1;
    stage_columns = dense_taps ? tile_columns : (tile_columns - 1) * a.stride_w + (a.s - 1) * a.dilation_w + 1;
    stage_tile_elements = costs_.staged ? channel_blocks(a.src) * stage_rows * stage_columns * costs_.lanes : 0;
}

/// Whether tiles that keep to their rows would waste much of the registers.
bool tiling::spread_pays(int pixels) const {
    const int width = problem_.dst.w, widest = width <= two_row_columns(pixels) ? two_row_columns(pixels) : pixels;
    const double taken = static_cast<double>(ceil_div(width, widest) * widest) / width;
    return taken > blocking::spread_least_waste && problem_.src.c / problem_.groups >= blocking::spread_fewest_channels;
}

void tiling::choose_tasks(const std::vector<int>& panel_vectors, const device_traits& device) {
    const auto& a = problem_;
    const int64_t read = int64_t{std::min(a.stride_h, a.r)} * std::min(a.stride_w, a.s) * tile_rows * tile_columns;
    const int64_t tile_elements = costs_.staged ? stage_tile_elements : read * a.src.c / a.groups;
    const double tiles_in_l2 = static_cast<double>(device.l2_bytes) / static_cast<double>(tile_elements * costs_.element_bytes);
    const int64_t block = std::max<int64_t>(1, static_cast<int64_t>(tiles_in_l2 * blocking::source_share_of_l2));
    stage_tiles = 0;
    if (costs_.staged)
        stage_tiles = std::clamp<int64_t>(static_cast<int64_t>(tiles_in_l2 * blocking::staged_share_of_l2), 1,
                                          blocking::staged_tiles);
    tile_blocks = ceil_div(tiles, block);
    panel_blocks = 1;
    if (device.threads == 1) return;
    const int64_t enough = int64_t{device.threads} * blocking::tasks_per_thread;
    if (tile_blocks < enough) balance(panel_vectors, device.threads, enough);
    else tile_blocks = std::min(tiles, ceil_div(tile_blocks, device.threads) * device.threads);
}

/// A small layer has few tiles and panels, which seldom come out even: takes the cut that would be done first.
void tiling::balance(const std::vector<int>& panel_vectors, int threads, int64_t enough) {
    std::vector<int64_t> pixels(tiles + 1), vectors{0};
    tile_place at = place_of(0);
    for (int64_t t = 0; t < tiles; ++t, advance(at)) pixels[t + 1] = pixels[t] + at.rows * at.columns;
    for (int count : panel_vectors) vectors.push_back(vectors.back() + count);
    const int64_t fewest = tile_blocks, panels = static_cast<int64_t>(panel_vectors.size());
    double best = 0;
    for (int64_t across = fewest; across <= std::min(tiles, enough + fewest); ++across)
        for (int64_t down = 1; down <= std::min(panels, enough); ++down) {
            if (across > fewest && across * down > 2 * enough) break;
            std::vector<double> busy(threads);
            for (int64_t task = 0; task < across * down; ++task) {
                const int64_t t = task % across, p = task / across;
                const int64_t task_pixels = pixels[(t + 1) * tiles / across] - pixels[t * tiles / across];
                const int64_t task_vectors = vectors[(p + 1) * panels / down] - vectors[p * panels / down];
                *std::min_element(busy.begin(), busy.end()) += cycles(task_pixels, task_vectors);
            }
            const double end = *std::max_element(busy.begin(), busy.end());
            if (best == 0 || end < best) best = end, tile_blocks = across, panel_blocks = down;
        }
}

/// Roughly what a task takes: its multiply-adds, what it must bring near first, and being handed out.
double tiling::cycles(int64_t pixels, int64_t vectors) const {
    const double channels = problem_.src.c / problem_.groups, taps = problem_.r * problem_.s;
    const double source_vectors = static_cast<double>(pixels) * channels / costs_.lanes;
    const double weight_vectors = static_cast<double>(vectors) * channels * taps / costs_.channels;
    return static_cast<double>(pixels) * weight_vectors +
           source_vectors * (costs_.staged ? blocking::staged_vector_cycles : 1) + weight_vectors + blocking::task_cycles;
}

tile_place tiling::place_of(int64_t tile) const {
    const int column = static_cast<int>(tile % tiles_across_) * tile_columns;
    const int row = static_cast<int>(tile / tiles_across_ % tiles_down_) * tile_rows;
    return {static_cast<int>(tile / tiles_across_ / tiles_down_), row, column, std::min(tile_rows, rows - row),
            std::min(tile_columns, columns - column)};
}

void tiling::advance(tile_place& at) const {
    at.column += tile_columns;
    if (at.column >= columns) {
        at.column = 0;
        at.row += tile_rows;
        if (at.row >= rows) at.row = 0, ++at.n;
        at.rows = std::min(tile_rows, rows - at.row);
    }
    at.columns = std::min(tile_columns, columns - at.column);
}

}  // namespace sextant
