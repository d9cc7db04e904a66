// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

/** Element types of stored tensors; {@link #name()} is the name a safetensors header uses. Computation itself is float32. */
public enum DType {
    F32(4), F16(2), BF16(2), F64(8), I8(1), U8(1), I16(2), I32(4), I64(8), BOOL(1);

    private final int bytes;

    DType(int bytes) {
        this.bytes = bytes;
    }

    /** Bytes of one element. */
    public int bytes() {
        return bytes;
    }
}
