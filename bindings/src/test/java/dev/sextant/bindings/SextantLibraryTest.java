// SPDX-License-Identifier: Apache-2.0
package dev.sextant.bindings;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The library arrives whole, once, and where it should; what stands in its way is told in one sentence. */
class SextantLibraryTest {
    @TempDir
    Path folder;

    @Test
    void loadsAndAnswers() {
        SextantLibrary.load();
        assertTrue(sextant_h.sextant_version().getString(0).matches("\\d+\\.\\d+\\.\\d+"));
    }

    @Test
    void unpacksIntoAFolderNamedAfterTheContent() throws IOException {
        var file = SextantLibrary.unpack(folder, SextantLibrary.platform());
        try (var jar = SextantLibrary.class.getResourceAsStream("/native/" + SextantLibrary.platform() + "/libsextant.so")) {
            assertArrayEquals(jar.readAllBytes(), Files.readAllBytes(file));
        }
        assertEquals(64, file.getParent().getFileName().toString().length());
        assertEquals(List.of(file), filesIn(folder), "nothing but the library stays behind");
    }

    @Test
    void unpacksOnce() throws IOException {
        var file = SextantLibrary.unpack(folder, SextantLibrary.platform());
        var before = Files.getLastModifiedTime(file);
        assertEquals(file, SextantLibrary.unpack(folder, SextantLibrary.platform()));
        assertEquals(before, Files.getLastModifiedTime(file));
    }

    @Test
    void replacesAFileCutShort() throws IOException {
        var file = SextantLibrary.unpack(folder, SextantLibrary.platform());
        long length = Files.size(file);
        Files.delete(file);
        Files.write(file, new byte[100]);
        SextantLibrary.unpack(folder, SextantLibrary.platform());
        assertEquals(length, Files.size(file));
    }

    @Test
    void jvmsThatStartTogetherShareOneFile() throws Exception {
        var processes = new ArrayList<Process>();
        for (int i = 0; i < 4; i++) {
            processes.add(start("-Dsextant.cache=" + folder));
        }
        for (var process : processes) {
            assertTrue(output(process).startsWith("loaded " + folder));
        }
        assertEquals(1, filesIn(folder).size());
    }

    @Test
    void loadsTheFileThatAPropertyNames() throws Exception {
        var given = Files.copy(SextantLibrary.unpack(folder, SextantLibrary.platform()), folder.resolve("other.so"));
        assertEquals("loaded " + given, output(start("-Dsextant.library=" + given)));
    }

    @Test
    void aMissingFileIsNamed() throws Exception {
        assertEquals(twice("sextant.library names " + folder.resolve("none.so") + ", which is no file"),
                output(start("-Dsextant.library=" + folder.resolve("none.so"))));
    }

    @Test
    void whatIsNoLibraryIsTold() throws Exception {
        var text = Files.writeString(folder.resolve("text.so"), "not a library, but long enough to hold a header of its format\n".repeat(10));
        var said = output(start("-Dsextant.library=" + text));
        assertTrue(said.startsWith("failed " + text + " cannot be loaded: "), said);
        assertTrue(said.contains("invalid ELF header"), said);
    }

    @Test
    void aLibraryOfAnotherVersionIsTold() throws Exception {
        var other = Path.of("/lib/x86_64-linux-gnu/libm.so.6");
        assumeTrue(Files.exists(other), "needs some other shared library");
        var said = output(start("-Dsextant.library=" + other));
        assertTrue(said.startsWith("failed " + other + " has no function sextant_version: it is of another version"), said);
    }

    @Test
    void aFolderThatCannotBeWrittenIsTold() throws Exception {
        var file = Files.writeString(folder.resolve("file"), "");
        var said = output(start("-Dsextant.cache=" + file));
        assertTrue(said.startsWith("failed the kernels cannot be unpacked into " + file), said);
        assertTrue(said.contains("name another folder with -Dsextant.cache=FOLDER"), said);
    }

    @Test
    void aFolderThatForbidsProgramsIsTold() throws Exception {
        var mounted = new ProcessBuilder("mount", "-t", "tmpfs", "-o", "noexec", "tmpfs", folder.toString())
                .redirectErrorStream(true).start();
        assumeTrue(mounted.waitFor() == 0, "needs the right to mount a file system");
        try {
            var said = output(start("-Dsextant.cache=" + folder));
            assertTrue(said.contains("its folder does not allow programs to run"), said);
        } finally {
            new ProcessBuilder("umount", folder.toString()).start().waitFor();
        }
    }

    @Test
    void anUnknownPlatformIsNamed() throws Exception {
        var error = assertThrows(UnsatisfiedLinkError.class, () -> SextantLibrary.unpack(folder, "linux-riscv64"));
        assertTrue(error.getMessage().startsWith("this jar holds no kernels for linux-riscv64: "));
    }

    // libsextant_cuda comes in a jar of its own.
    @Test
    void theKernelsForGpusAreUnpackedWhereAJarHasThem() throws Exception {
        var jar = folder.resolve("jar/native/" + SextantLibrary.platform());
        Files.createDirectories(jar);
        var content = "kernels".getBytes();
        Files.write(jar.resolve("libsextant_cuda.so"), content);
        var hash = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
        Files.writeString(jar.resolve("libsextant_cuda.so.sha256"), hash + " " + content.length + "\n");
        var cache = folder.resolve("cache");
        assertEquals("cuda " + cache.resolve(hash).resolve("libsextant_cuda.so"),
                output(start(CudaProgram.class, folder.resolve("jar"), "-Dsextant.cache=" + cache)));
        assertEquals("cuda null", output(start(CudaProgram.class, folder.resolve("none"), "-Dsextant.cache=" + cache)));
        var given = Files.writeString(folder.resolve("given.so"), "");
        assertEquals("cuda " + given, output(start(CudaProgram.class, folder.resolve("jar"), "-Dsextant.cuda.library=" + given)));
        assertEquals("failed sextant.cuda.library names " + folder.resolve("none.so") + ", which is no file",
                output(start(CudaProgram.class, folder.resolve("jar"), "-Dsextant.cuda.library=" + folder.resolve("none.so"))));
        assertEquals("cuda null", output(start(CudaProgram.class, folder.resolve("jar"), "-Dsextant.library=" + given)),
                "a library that was named keeps its own neighbour");
    }

    /** What one JVM does that asks for the kernels of GPUs. */
    static final class CudaProgram {
        public static void main(String[] arguments) {
            try {
                System.out.println("cuda " + SextantLibrary.cuda());
            } catch (UnsatisfiedLinkError e) {
                System.out.println("failed " + e.getMessage());
            }
        }
    }

    /** What one JVM does that loads the library, calls it and, if it cannot, tries again. */
    static final class Program {
        public static void main(String[] arguments) {
            for (int attempt = 0; attempt < 2; attempt++) {
                try {
                    var file = SextantLibrary.load();
                    sextant_h.sextant_version();
                    System.out.println("loaded " + file);
                    return;
                } catch (UnsatisfiedLinkError e) {
                    System.out.println("failed " + e.getMessage());
                } catch (NoClassDefFoundError e) {
                    return; // a second call of a function that is not there
                }
            }
        }
    }

    private static String twice(String message) {
        return "failed " + message + "\nfailed " + message;
    }

    private static Process start(String property) throws IOException {
        return start(Program.class, Path.of(location(Program.class)), property);
    }

    /** @param folder of what is on the class path besides the bindings and these tests */
    private static Process start(Class<?> program, Path folder, String property) throws IOException {
        return new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "--enable-native-access=ALL-UNNAMED",
                "-XX:TieredStopAtLevel=1", property, "-cp", location(SextantLibrary.class) + ":" + location(Program.class) + ":" + folder,
                program.getName()).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    }

    private static String location(Class<?> type) {
        return type.getProtectionDomain().getCodeSource().getLocation().getPath();
    }

    private static String output(Process process) throws Exception {
        var text = new String(process.getInputStream().readAllBytes()).strip();
        assertTrue(process.waitFor(60, TimeUnit.SECONDS));
        return text;
    }

    private static List<Path> filesIn(Path folder) throws IOException {
        try (var files = Files.walk(folder)) {
            return files.filter(Files::isRegularFile).toList();
        }
    }
}
