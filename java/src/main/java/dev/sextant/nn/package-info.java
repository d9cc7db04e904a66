// SPDX-License-Identifier: Apache-2.0
/**
 * The vocabulary that networks are described in: immutable records made by the static methods of {@link dev.sextant.nn.Nn}, and
 * {@link dev.sextant.nn.Layers}, which unrolls a description into layers with shapes, parameter keys and flops.
 */
package dev.sextant.nn;
