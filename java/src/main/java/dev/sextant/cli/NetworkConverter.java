// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import dev.sextant.models.Network;
import dev.sextant.models.Networks;
import picocli.CommandLine.ITypeConverter;

/** From a name of the catalogue, as {@code sextant models} lists them. */
final class NetworkConverter implements ITypeConverter<Network> {
    @Override
    public Network convert(String name) throws Exception {
        return Failure.asUsage(() -> Networks.named(name));
    }
}
