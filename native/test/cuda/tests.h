// SPDX-License-Identifier: Apache-2.0
// The lists of cases, which main adds to GoogleTest's own.
#pragma once

namespace sextant::test {

void add_conv2d_tests();
void add_linear_tests();
void add_inference_tests();
void add_training_tests();

}  // namespace sextant::test
