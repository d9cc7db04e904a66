// SPDX-License-Identifier: Apache-2.0

/** The C library and the classes that call it; everything a person needs lies in the module {@code dev.sextant}. */
module dev.sextant.bindings {
    exports dev.sextant.bindings to dev.sextant;
}
