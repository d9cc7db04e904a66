// SPDX-License-Identifier: Apache-2.0
package dev.sextant.io;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Against a server on this machine that behaves as badly as some do. */
class DownloadTest {
    private static final Download.Patience SHORT = new Download.Patience(Duration.ofMillis(400), Duration.ofMillis(1));
    private static final byte[] CONTENT = new byte[300_000];

    static {
        new Random(1).nextBytes(CONTENT);
    }

    @TempDir
    private Path folder;
    private ServerSocket server;
    private Path file, part;
    /** What the requests' Range headers were; null for none. */
    private final List<String> ranges = new CopyOnWriteArrayList<>();
    private final CountDownLatch end = new CountDownLatch(1);

    /** Bytes that a connection sends before it breaks; those after the last are whole. */
    private final List<Integer> breaks = new ArrayList<>();
    private boolean knowsRanges = true, isChunked, hangs;
    private int status = 200;
    private int lie;

    @BeforeEach
    void start() throws IOException {
        file = folder.resolve("weights.pth");
        part = folder.resolve("weights.pth.part");
        server = new ServerSocket(0, 0, InetAddress.getByName("127.0.0.1"));
        Thread.ofVirtual().start(this::serve);
    }

    @AfterEach
    void stop() throws IOException {
        end.countDown();
        server.close();
    }

    private void serve() {
        while (!server.isClosed()) {
            try {
                var socket = server.accept();
                Thread.ofVirtual().start(() -> answer(socket));
            } catch (IOException _) {
                return; // it has been closed
            }
        }
    }

    /** One request a connection. */
    private void answer(Socket socket) {
        try (socket) {
            var request = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.ISO_8859_1));
            var path = request.readLine().split(" ")[1];
            String range = null;
            for (var line = request.readLine(); !line.isEmpty(); line = request.readLine()) {
                if (line.toLowerCase().startsWith("range: ")) range = line.substring("range: ".length());
            }
            if (path.equals("/moved")) {
                say(socket, "302 Found\r\nLocation: /weights.pth\r\nContent-Length: 0");
                return;
            }
            ranges.add(range == null ? "none" : range);
            int from = range == null || !knowsRanges ? 0 : Integer.parseInt(range.replaceAll("\\D", ""));
            if (status != 200 || from >= CONTENT.length) {
                say(socket, (status != 200 ? status : 416) + " Sorry\r\nContent-Length: 0");
                return;
            }
            var found = "\r\nContent-Range: bytes " + (from + lie) + "-" + (CONTENT.length - 1) + "/" + CONTENT.length;
            var length = isChunked ? "Transfer-Encoding: chunked\r\n\r\n" + Integer.toHexString(CONTENT.length - from)
                : "Content-Length: " + (CONTENT.length - from) + "\r\nConnection: close\r\n";
            write(socket, (from > 0 ? "206 Partial Content" + found : "200 OK") + "\r\n" + length);
            int until = breaks.isEmpty() ? CONTENT.length : Math.min(CONTENT.length, from + breaks.removeFirst());
            socket.getOutputStream().write(CONTENT, from, until - from);
            if (isChunked && until == CONTENT.length) socket.getOutputStream().write("\r\n0\r\n\r\n".getBytes(StandardCharsets.ISO_8859_1));
            if (hangs && until < CONTENT.length) end.await();
        } catch (IOException | InterruptedException _) {
            // The client has gone.
        }
    }

    private static void say(Socket socket, String head) throws IOException {
        write(socket, head + "\r\nConnection: close\r\n");
    }

    private static void write(Socket socket, String head) throws IOException {
        socket.getOutputStream().write(("HTTP/1.1 " + head + "\r\n").getBytes(StandardCharsets.ISO_8859_1));
    }

    private URI at(String path) {
        return URI.create("http://127.0.0.1:" + server.getLocalPort() + path);
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    private boolean fetch() throws IOException {
        return Download.fetch(at("/weights.pth"), sha256(CONTENT), file, SHORT, (_, _) -> { });
    }

    private void isThere() throws IOException {
        assertArrayEquals(CONTENT, Files.readAllBytes(file));
        assertFalse(Files.exists(part), "the part has become the file");
    }

    @Test
    void aFileArrivesWithItsProgress() throws IOException {
        var seen = new ArrayList<Long>();
        assertTrue(Download.fetch(at("/moved"), sha256(CONTENT).toUpperCase(), file, SHORT, (bytes, total) -> {
            assertEquals(CONTENT.length, total);
            seen.add(bytes);
        }));
        isThere();
        assertEquals(0, seen.getFirst());
        assertEquals(CONTENT.length, seen.getLast());
        assertEquals(seen.stream().sorted().toList(), seen);
        assertFalse(fetch(), "what is there is not fetched again");
        assertEquals(1, ranges.size());
    }

    @Test
    void anotherFileIsNotReplaced() throws IOException {
        Files.write(file, new byte[] {1});
        assertThrows(FileAlreadyExistsException.class, this::fetch);
        assertArrayEquals(new byte[] {1}, Files.readAllBytes(file));
        assertEquals(List.of(), ranges);
    }

    @Test
    void brokenConnectionsGoOnWhereTheyBroke() throws IOException {
        breaks.addAll(List.of(100_000, 50_000, 70_000));
        fetch();
        isThere();
        assertEquals("none", ranges.getFirst());
        assertTrue(ranges.size() == 4 && ranges.stream().skip(1).allMatch(range -> range.matches("bytes=[1-9]\\d*-")), ranges::toString);
    }

    @Test
    void silentConnectionsAreGivenUp() throws IOException {
        hangs = true;
        breaks.add(100_000);
        fetch();
        isThere();
        assertEquals(List.of("none", "bytes=100000-"), ranges);
    }

    @Test
    void aServerThatKnowsNoRangesBeginsAgain() throws IOException {
        knowsRanges = false;
        breaks.addAll(List.of(100_000, 200_000));
        fetch();
        isThere();
    }

    @Test
    void anAnswerOfUnknownLengthEndsSomewhere() throws IOException {
        isChunked = true;
        fetch();
        isThere();
    }

    @Test
    void aLaterCallGoesOn() throws IOException {
        breaks.addAll(List.of(1000, 0, 0, 0, 0, 0, 0, 0));
        var error = assertThrows(IOException.class, this::fetch);
        assertTrue(error.getMessage().contains("5 times; 1000 bytes are in " + part), error.getMessage());
        assertEquals(1000, Files.size(part));
        breaks.clear();
        ranges.clear();
        fetch();
        isThere();
        assertEquals(List.of("bytes=1000-"), ranges);
    }

    @Test
    void aWholePartIsEnough() throws IOException {
        Files.write(part, CONTENT);
        fetch();
        isThere();
    }

    @Test
    void thePartOfAnotherFileIsReplaced() throws IOException {
        Files.write(part, new byte[1000]);
        fetch();
        isThere();
        Files.delete(file);
        Files.write(part, new byte[CONTENT.length + 5]);
        fetch();
        isThere();
    }

    @Test
    void aWrongRangeIsNotBelieved() throws IOException {
        lie = 1;
        Files.write(part, Arrays.copyOf(CONTENT, 1000));
        fetch();
        isThere();
    }

    @Test
    void aWrongChecksumLeavesNothing() throws IOException {
        var error = assertThrows(IOException.class, () -> Download.fetch(at("/weights.pth"), "0".repeat(64), file, SHORT, (_, _) -> { }));
        assertTrue(error.getMessage().contains("should have the SHA-256 000") && error.getMessage().contains(sha256(CONTENT)),
            error.getMessage());
        try (var left = Files.list(folder)) {
            assertEquals(List.of(), left.toList());
        }
    }

    @Test
    void refusalsAndAbsence() throws IOException {
        status = 404;
        assertTrue(assertThrows(IOException.class, this::fetch).getMessage().endsWith("should be found, the server answers 404"));
        assertEquals(1, ranges.size());
        status = 503;
        assertTrue(assertThrows(IOException.class, this::fetch).getMessage().contains("the server answers 503, 5 times"));
        server.close();
        assertTrue(assertThrows(IOException.class, this::fetch).getMessage().contains("the connection failed"));
        assertFalse(Files.exists(part));
    }

    @Test
    void addressesAndChecksumsAreLookedAtFirst() {
        for (var address : new String[] {"file:///etc/passwd", "ftp://localhost/a", "weights.pth", "http:///a"}) {
            assertThrows(IllegalArgumentException.class, () -> Download.fetch(URI.create(address), sha256(CONTENT), file, (_, _) -> { }));
        }
        assertThrows(IllegalArgumentException.class, () -> Download.fetch(at("/weights.pth"), "abc", file, (_, _) -> { }));
    }
}
