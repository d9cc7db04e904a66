// SPDX-License-Identifier: Apache-2.0
/**
 * How networks learn: optimizers, schedules, initial values, the loop over a data set, checkpoints, and how well the result does.
 */
package dev.sextant.train;
