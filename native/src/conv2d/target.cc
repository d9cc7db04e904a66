// SPDX-License-Identifier: Apache-2.0
#include "conv2d/target.h"

namespace sextant {

bool usual_target(const sextant_conv2d& a, int known) {
    return a.dst.dtype == known && (!a.has_residual || a.residual.dtype == known) && a.activation <= SEXTANT_RELU;
}

void set_target(tile_target& t, const sextant_conv2d& a, int known) {
    t.dst_plane = plane_pitch(a.dst);
    t.dst_row = row_pitch(a.dst);
    t.residual_plane = plane_pitch(a.residual);
    t.residual_row = row_pitch(a.residual);
    t.activation = a.activation;
    t.usual = usual_target(a, known);
    t.dst_shape = &a.dst;
    t.residual_shape = &a.residual;
    if (a.dst.dtype != SEXTANT_U8) return;
    t.step_scale = 1 / a.dst.scale;
    t.residual_scale = a.has_residual ? a.residual.scale / a.dst.scale : 0;
    t.step_shift = static_cast<float>(a.dst.zero_point) - t.residual_scale * static_cast<float>(a.residual.zero_point);
    t.lowest = a.activation == SEXTANT_RELU ? static_cast<float>(a.dst.zero_point) : 0;
}

}  // namespace sextant
