// SPDX-License-Identifier: Apache-2.0
/**
 * The six classic networks and their variants, each a definition to be held against its paper's table, and their catalogue,
 * {@link dev.sextant.models.Networks}. Parameter keys are torchvision's where torchvision has the network.
 */
package dev.sextant.models;
