// SPDX-License-Identifier: Apache-2.0
package dev.sextant.bindings;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;

/**
 * Finds libsextant and loads it, once per JVM.
 *
 * <p>The library travels in the jar, one file per platform. It is unpacked into a folder named after its SHA-256, so versions
 * never meet, and JVMs that start together or later share one file. Properties:
 * <ul>
 * <li>{@code sextant.cache}: the folder to unpack into; otherwise {@code $XDG_CACHE_HOME/sextant} or {@code ~/.cache/sextant};
 * <li>{@code sextant.library}: a library file to load instead of the jar's;
 * <li>{@code sextant.cuda.library}: the same for libsextant_cuda, which a jar of its own brings.
 * </ul>
 */
public final class SextantLibrary {
    private static final String FILE = "libsextant.so", CUDA_FILE = "libsextant_cuda.so";

    private SextantLibrary() {}

    private record Library(Path file, java.lang.foreign.SymbolLookup symbols) {}

    /** The one attempt; a failure is kept, because a later attempt would only lose its reason. */
    private static final class Attempt {
        static final Library LIBRARY;
        static final Throwable FAILURE;

        static {
            Library library = null;
            Throwable failure = null;
            try {
                library = open(find());
            } catch (IOException | RuntimeException | LinkageError e) {
                failure = e;
            }
            LIBRARY = library;
            FAILURE = failure;
        }
    }

    /**
     * Loads the library unless that has happened.
     *
     * @return the file it was loaded from
     * @throws UnsatisfiedLinkError if it cannot be loaded: one sentence that says why and what helps; the same at every call, its
     *         cause being the first failure
     */
    public static Path load() {
        return library().file();
    }

    static java.lang.foreign.SymbolLookup symbols() {
        return library().symbols();
    }

    private static Library library() {
        if (Attempt.LIBRARY == null) {
            var error = new UnsatisfiedLinkError(Attempt.FAILURE.getMessage());
            error.initCause(Attempt.FAILURE);
            throw error;
        }
        return Attempt.LIBRARY;
    }

    private static Path find() throws IOException {
        var given = given("sextant.library");
        return given == null ? unpack(cache(), platform()) : given;
    }

    /**
     * The kernels for NVIDIA GPUs, for libsextant to load.
     *
     * @return null if neither a property nor a jar brings them: then libsextant looks beside itself and where the system does
     * @throws UnsatisfiedLinkError if what there is cannot be used: one sentence that says why
     */
    public static Path cuda() {
        var given = given("sextant.cuda.library");
        // A library that was named is followed by its own neighbour, not by that of a jar's.
        if (given != null || System.getProperty("sextant.library") != null) {
            return given;
        }
        try {
            return unpack(cache(), platform(), CUDA_FILE);
        } catch (IOException e) {
            var error = new UnsatisfiedLinkError(e.getMessage());
            error.initCause(e);
            throw error;
        }
    }

    private static Path given(String property) {
        var given = System.getProperty(property);
        if (given == null) {
            return null;
        }
        var file = Path.of(given).toAbsolutePath();
        if (!Files.isRegularFile(file)) {
            throw new UnsatisfiedLinkError("%s names %s, which is no file".formatted(property, file));
        }
        return file;
    }

    private static Library open(Path file) {
        try {
            // Unlike System.load this works for any number of class loaders in one JVM.
            return new Library(file, java.lang.foreign.SymbolLookup.libraryLookup(file, Arena.global()));
        } catch (IllegalArgumentException silent) {
            try {
                System.load(file.toString()); // fails as well, but tells the linker's reason
            } catch (UnsatisfiedLinkError e) {
                throw new UnsatisfiedLinkError("%s cannot be loaded: %s%s".formatted(file, e.getMessage(), advice(e.getMessage())));
            }
            throw silent;
        }
    }

    /** What helps against the failures that people meet. */
    private static String advice(String reason) {
        if (reason.contains("failed to map segment")) {
            return "; its folder does not allow programs to run (mounted noexec?): name another with -Dsextant.cache=FOLDER";
        }
        if (reason.contains("GLIBC_")) {
            return "; this system's C library is older than the one it was built for: build Sextant on this system";
        }
        return "";
    }

    /** The folder for what is kept between runs: {@code sextant.cache}, or where the system has such folders. */
    public static Path cache() {
        var given = System.getProperty("sextant.cache");
        if (given != null) {
            return Path.of(given).toAbsolutePath();
        }
        var caches = System.getenv("XDG_CACHE_HOME");
        return caches != null && caches.startsWith("/")
                ? Path.of(caches, "sextant")
                : Path.of(System.getProperty("user.home"), ".cache", "sextant").toAbsolutePath();
    }

    /** As the build names it: {@code linux-x86_64}, {@code linux-aarch64}. */
    static String platform() {
        var machine = System.getProperty("os.arch");
        return System.getProperty("os.name").toLowerCase(Locale.ROOT).replace(" ", "") + "-" + (machine.equals("amd64") ? "x86_64" : machine);
    }

    /**
     * Makes sure that the jar's library for a platform lies in the cache.
     *
     * @return the file; complete, whatever other JVMs do at the same time
     */
    static Path unpack(Path cache, String platform) throws IOException {
        var file = unpack(cache, platform, FILE);
        if (file == null) {
            throw new UnsatisfiedLinkError(("this jar holds no kernels for %s: build Sextant on that system, "
                    + "or name a library with -Dsextant.library=FILE").formatted(platform));
        }
        return file;
    }

    /** The same for a library of any name; null if no jar has it. */
    private static Path unpack(Path cache, String platform, String name) throws IOException {
        var folder = "native/" + platform + "/";
        // Written by the build: the SHA-256 and the length. Hashing megabytes at every start would cost more than loading them.
        var stamp = resource(folder + name + ".sha256");
        if (stamp == null) {
            return null;
        }
        var words = new String(stamp, StandardCharsets.US_ASCII).strip().split(" ");
        var hash = words[0];
        var length = Long.parseLong(words[1]);
        var file = cache.resolve(hash).resolve(name);
        if (Files.isRegularFile(file) && Files.size(file) == length) {
            return file;
        }
        var content = resource(folder + name);
        if (content == null || content.length != length || !sha256(content).equals(hash)) {
            throw new UnsatisfiedLinkError("this jar's /%s%s is damaged: its SHA-256 is not %s".formatted(folder, name, hash));
        }
        try {
            write(content, file);
        } catch (IOException e) {
            throw new IOException("the kernels cannot be unpacked into %s (%s): name another folder with -Dsextant.cache=FOLDER"
                    .formatted(cache, e), e);
        }
        return file;
    }

    /** Under another name first: a file of the final name is always whole. */
    private static void write(byte[] content, Path file) throws IOException {
        Files.createDirectories(file.getParent());
        var part = Files.createTempFile(file.getParent(), file.getFileName().toString(), ".part");
        try {
            Files.write(part, content);
            Files.setPosixFilePermissions(part, PosixFilePermissions.fromString("r-xr-xr-x"));
            Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(part);
        }
    }

    /** Of this jar, or of another that was added to it. */
    private static byte[] resource(String name) throws IOException {
        var own = SextantLibrary.class.getResourceAsStream("/" + name);
        try (var stream = own == null ? SextantLibrary.class.getClassLoader().getResourceAsStream(name) : own) {
            return stream == null ? null : stream.readAllBytes();
        }
    }

    private static String sha256(byte[] content) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every JDK has SHA-256", e);
        }
    }
}
