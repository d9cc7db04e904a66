// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

/**
 * What a device cannot give: there is none of that kind, no driver or no kernels for it, no memory left, or it lacks what was asked
 * of it. The message says which, and what helps.
 */
public final class DeviceException extends SextantException {
    private static final long serialVersionUID = 1;

    public DeviceException(String message) {
        super(message);
    }
}
