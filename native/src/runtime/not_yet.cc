// SPDX-License-Identifier: Apache-2.0
// Empty lists of operations still being written; a folder's own definition takes precedence at link time.
#include "batch_norm/batch_norm.h"
#include "concat/concat.h"
#include "eltwise/eltwise.h"
#include "lrn/lrn.h"
#include "pool2d/pool2d.h"
#include "reorder/reorder.h"
#include "shortcut/shortcut.h"
#include "softmax/softmax.h"

namespace sextant {
#define SEXTANT_NOT_YET(op, problem) \
    __attribute__((weak)) std::span<const implementation<problem, op##_parameters>> op##_implementations() { return {}; }
SEXTANT_NOT_YET(batch_norm, sextant_batch_norm)
SEXTANT_NOT_YET(concat, concat_problem)
SEXTANT_NOT_YET(eltwise, sextant_eltwise)
SEXTANT_NOT_YET(lrn, sextant_lrn)
SEXTANT_NOT_YET(pool2d, sextant_pool2d)
SEXTANT_NOT_YET(reorder, reorder_problem)
SEXTANT_NOT_YET(shortcut, sextant_shortcut)
SEXTANT_NOT_YET(softmax, sextant_softmax)
}  // namespace sextant
