// SPDX-License-Identifier: Apache-2.0
package dev.sextant.onnx;

import com.google.protobuf.CodedOutputStream;
import dev.sextant.Tensor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.GZIPInputStream;

/** The ONNX project's conformance tests, from an archive: files by name, and the tensors among them. */
final class Cases {
    private Cases() {}

    /** Every file of the archive by its path in it. */
    static Map<String, byte[]> files(Path archive) {
        var files = new TreeMap<String, byte[]>();
        try (var in = new GZIPInputStream(Files.newInputStream(archive), 1 << 16)) {
            for (byte[] header; (header = in.readNBytes(512)).length == 512 && header[0] != 0; ) {
                var name = text(header, 0, 100);
                var prefix = text(header, 345, 155);
                int size = Integer.parseInt(text(header, 124, 12).strip(), 8);
                var content = in.readNBytes(size);
                in.skipNBytes((512 - size % 512) % 512);
                if (header[156] == '0') files.put(prefix.isEmpty() ? name : prefix + "/" + name, content);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return files;
    }

    private static String text(byte[] bytes, int offset, int length) {
        var text = new String(bytes, offset, length, StandardCharsets.US_ASCII);
        return text.indexOf(0) < 0 ? text : text.substring(0, text.indexOf(0));
    }

    /** A TensorProto by itself, read as the only initializer of a model. */
    static Tensor tensor(byte[] proto, Path scratch) throws IOException {
        var graph = bytes(out -> out.writeByteArray(5, proto));
        Files.write(scratch, bytes(out -> {
            out.writeByteArray(8, bytes(opset -> opset.writeInt64(2, 13)));
            out.writeByteArray(7, graph);
        }));
        try (var channel = FileChannel.open(scratch); var arena = Arena.ofConfined()) {
            var document = DocumentReader.read(scratch.toString(), Channels.newInputStream(channel));
            var numbers = new StoredNumbers(scratch, channel, arena).of(document.graph().initializers().getFirst());
            return Tensor.of(numbers.shape(), numbers.toArray());
        }
    }

    /** Writes fields. */
    interface Fields {
        void to(CodedOutputStream out) throws IOException;
    }

    static byte[] bytes(Fields fields) throws IOException {
        var bytes = new ByteArrayOutputStream();
        var out = CodedOutputStream.newInstance(bytes);
        fields.to(out);
        out.flush();
        return bytes.toByteArray();
    }
}
