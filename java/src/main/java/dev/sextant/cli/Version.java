// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import picocli.CommandLine.IVersionProvider;

/** What {@code --version} prints: the version that the build wrote into the jar, and the JVM it runs on. */
final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
        return new String[] {"sextant " + current() + " (Java " + Runtime.version() + ", " + System.getProperty("os.arch") + ")"};
    }

    /** {@code MAJOR.MINOR.PATCH}, or {@code development} when the classes do not come from the jar. */
    static String current() {
        var version = Sextant.class.getPackage().getImplementationVersion();
        return version == null ? "development" : version;
    }
}
