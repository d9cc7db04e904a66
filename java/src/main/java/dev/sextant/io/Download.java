// SPDX-License-Identifier: Apache-2.0
package dev.sextant.io;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Pattern;

/**
 * Brings a file here over HTTP, whole and proven by its SHA-256 or not at all: what has come so far lies in {@code FILE.part}, from where a
 * later attempt goes on, and takes the file's name when it is complete.
 */
public final class Download {
    private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");
    private static final Pattern RANGE = Pattern.compile("bytes (\\d{1,18})-\\d{1,18}/(\\d{1,18}|\\*)");
    private static final int CHUNK = 1 << 16, ATTEMPTS = 5, OK = 200, PARTIAL = 206, NOT_SATISFIABLE = 416;
    private static final Set<Integer> PASSING = Set.of(408, 425, 429, 500, 502, 503, 504);
    private static final long UNKNOWN = -1;

    private final URI from;
    private final String sha256;
    private final Path to, part;
    private final Patience patience;
    private final Progress progress;

    /** Told every now and then. */
    public interface Progress {
        /** @param total bytes, or -1 if the server does not say */
        void at(long bytes, long total);
    }

    /**
     * How long to wait for a server.
     *
     * @param silence after which a connection counts as broken
     * @param pause before the second attempt; each further one waits twice as long
     */
    record Patience(Duration silence, Duration pause) {
        static final Patience ORDINARY = new Patience(Duration.ofSeconds(30), Duration.ofMillis(500));
    }

    /** The connection broke, or the server is busy: it may do better the next time. */
    private static final class Broken extends IOException {
        private static final long serialVersionUID = 1;

        Broken(String message, Throwable cause) {
            super(message, cause);
        }
    }

    private Download(URI from, String sha256, Path to, Patience patience, Progress progress) {
        this.from = from;
        this.sha256 = sha256;
        this.to = to;
        part = to.resolveSibling(to.getFileName() + ".part");
        this.patience = patience;
        this.progress = progress;
    }

    /**
     * Downloads unless {@code to} is there already. Five attempts without any progress end it; what has come stays for the next call.
     *
     * @param from http or https; redirections are followed, but not from https to http
     * @param sha256 of the whole file, 64 hexadecimal digits
     * @return whether anything was downloaded
     * @throws IllegalArgumentException if {@code from} or {@code sha256} is no such thing
     * @throws FileAlreadyExistsException if another file has that name
     * @throws IOException if the file cannot be had, or is not the one that {@code sha256} promises: then nothing is left of it
     */
    public static boolean fetch(URI from, String sha256, Path to, Progress progress) throws IOException {
        return fetch(from, sha256, to, Patience.ORDINARY, progress);
    }

    static boolean fetch(URI from, String sha256, Path to, Patience patience, Progress progress) throws IOException {
        var scheme = from.getScheme() == null ? "" : from.getScheme().toLowerCase(Locale.ROOT);
        if (!scheme.equals("https") && !scheme.equals("http") || from.getHost() == null) {
            throw new IllegalArgumentException("fetch: expects an address that begins with https:// or http://, found " + from);
        }
        var digits = sha256.toLowerCase(Locale.ROOT);
        if (!SHA256.matcher(digits).matches()) {
            throw new IllegalArgumentException("fetch: expects a SHA-256 of 64 hexadecimal digits, found '" + sha256 + "'");
        }
        if (Files.exists(to)) {
            if (Files.isRegularFile(to) && digest(to).equals(digits)) return false;
            throw new FileAlreadyExistsException(to.toString(), null, "is there already and is another file than the one asked for");
        }
        if (!Files.isDirectory(to.toAbsolutePath().getParent())) {
            throw new FileSystemException(to.toString(), null, "cannot be written, its folder does not exist");
        }
        new Download(from, digits, to, patience, progress).run();
        return true;
    }

    private void run() throws IOException {
        var client = HttpClient.newBuilder().followRedirects(HttpClient.Redirect.NORMAL).connectTimeout(patience.silence).build();
        try (var channel = FileChannel.open(part, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            if (!locked(channel)) throw new FileSystemException(part.toString(), null, "is being written by another download");
            boolean isResumed = channel.size() > 0;
            transfer(client, channel);
            var found = digest(part);
            if (!found.equals(sha256) && isResumed) { // the beginning may have been another file's
                channel.truncate(0);
                transfer(client, channel);
                found = digest(part);
            }
            if (!found.equals(sha256)) {
                long bytes = channel.size();
                Files.delete(part);
                throw new IOException(from + ": should have the SHA-256 " + sha256 + ", found " + found + " in its " + bytes
                    + " bytes; nothing was kept");
            }
            channel.force(true);
            move();
        } finally {
            client.shutdownNow();
            if (Files.exists(part) && Files.size(part) == 0) Files.delete(part);
        }
    }

    private static boolean locked(FileChannel channel) throws IOException {
        try {
            return channel.tryLock() != null;
        } catch (OverlappingFileLockException _) {
            return false;
        }
    }

    private void move() throws IOException {
        try {
            Files.move(part, to, StandardCopyOption.ATOMIC_MOVE);
        } catch (AtomicMoveNotSupportedException e) {
            Files.move(part, to);
        }
    }

    /** Fills the part to its end, over as many connections as it takes. */
    private void transfer(HttpClient client, FileChannel channel) throws IOException {
        var pause = patience.pause;
        long most = channel.size();
        for (int attempt = 1; ; attempt++) {
            try {
                receive(client, channel);
                return;
            } catch (Broken e) {
                if (channel.size() > most) {
                    most = channel.size();
                    attempt = 1;
                    pause = patience.pause;
                }
                if (attempt == ATTEMPTS) {
                    throw new IOException(from + ": " + e.getMessage() + ", " + ATTEMPTS + " times; " + channel.size() + " bytes are in "
                        + part + ", from where the same command goes on", e);
                }
            }
            sleep(pause);
            pause = pause.multipliedBy(2);
        }
    }

    /** One connection. */
    private void receive(HttpClient client, FileChannel channel) throws IOException {
        long have = channel.size();
        var request = HttpRequest.newBuilder(from).timeout(patience.silence).header("User-Agent", "sextant");
        if (have > 0) request.header("Range", "bytes=" + have + "-");
        HttpResponse<InputStream> response;
        try {
            response = client.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
        } catch (InterruptedException e) {
            throw interrupted();
        } catch (IOException e) {
            throw new Broken("the connection failed (" + reason(e) + ")", e);
        }
        try (var body = response.body()) {
            int status = response.statusCode();
            if (have > 0 && (status == NOT_SATISFIABLE || status == PARTIAL && start(response) != have)) {
                // Nothing follows what is here: it is whole, or it is not this file's.
                if (status == PARTIAL || !digest(part).equals(sha256)) {
                    channel.truncate(0);
                    throw new Broken("the server could not go on from byte " + have, null);
                }
                return;
            }
            if (PASSING.contains(status)) throw new Broken("the server answers " + status, null);
            if (status != OK && status != PARTIAL) throw new IOException(from + ": should be found, the server answers " + status);
            if (status == OK && have > 0) channel.truncate(0); // it does not know ranges
            store(body, channel, total(response, channel.size()));
        }
    }

    private void store(InputStream body, FileChannel channel, long total) throws IOException {
        long done = channel.size();
        if (total - done > Files.getFileStore(part).getUsableSpace()) {
            throw new IOException(to + ": needs " + (total - done) + " bytes of disk, there are "
                + Files.getFileStore(part).getUsableSpace());
        }
        channel.position(done);
        var alive = new AtomicLong(System.nanoTime());
        var watch = Thread.ofVirtual().start(() -> closeWhenSilent(body, alive));
        try {
            var chunk = new byte[CHUNK];
            progress.at(done, total);
            while (true) {
                int read;
                try {
                    read = body.read(chunk);
                } catch (IOException e) {
                    throw new Broken("the connection broke", e);
                }
                if (read < 0) break;
                alive.set(System.nanoTime());
                for (var bytes = ByteBuffer.wrap(chunk, 0, read); bytes.hasRemaining(); ) channel.write(bytes);
                done += read;
                progress.at(done, total);
            }
        } finally {
            watch.interrupt();
        }
        if (total != UNKNOWN && done < total || System.nanoTime() - alive.get() > patience.silence.toNanos()) {
            throw new Broken("the connection broke after byte " + done, null);
        }
    }

    /** The only thing that wakes a read from a server that says nothing more. */
    private void closeWhenSilent(InputStream body, AtomicLong alive) {
        try {
            while (true) {
                long left = patience.silence.toNanos() - (System.nanoTime() - alive.get());
                if (left <= 0) {
                    body.close();
                    return;
                }
                Thread.sleep(Duration.ofNanos(left));
            }
        } catch (InterruptedException | IOException _) {
            // It has come to its end by itself.
        }
    }

    /** Where the bytes of a partial answer begin, or -1. */
    private static long start(HttpResponse<?> response) {
        var range = RANGE.matcher(response.headers().firstValue("Content-Range").orElse(""));
        return range.matches() ? Long.parseLong(range.group(1)) : UNKNOWN;
    }

    private static long total(HttpResponse<?> response, long have) {
        long length = response.headers().firstValueAsLong("Content-Length").orElse(UNKNOWN);
        return length < 0 ? UNKNOWN : have + length;
    }

    private static String reason(IOException e) {
        return e.getMessage() == null || e.getMessage().isBlank() ? e.getClass().getSimpleName() : e.getMessage();
    }

    private static void sleep(Duration time) throws IOException {
        try {
            Thread.sleep(time);
        } catch (InterruptedException e) {
            throw interrupted();
        }
    }

    private static IOException interrupted() {
        Thread.currentThread().interrupt();
        return new InterruptedIOException("fetch: was interrupted");
    }

    /** The SHA-256 of a file's content, in lower case. */
    private static String digest(Path file) throws IOException {
        try (var in = Files.newInputStream(file)) {
            var digest = MessageDigest.getInstance("SHA-256");
            var chunk = new byte[CHUNK];
            for (int read; (read = in.read(chunk)) > 0; ) digest.update(chunk, 0, read);
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }
}
