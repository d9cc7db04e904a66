// SPDX-License-Identifier: Apache-2.0

/**
 * The C interface as jextract sees it: {@code sextant_h} has a static method per function and per constant, the other lower-case
 * classes describe its structs. {@link dev.sextant.bindings.SextantLibrary} brings the library itself.
 */
package dev.sextant.bindings;
