// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

import java.util.List;
import java.util.Map;

/**
 * Where values lie, as far as the passes have decided it.
 *
 * @param slices values that are channels of a wider one; that one is no slice itself
 * @param formats of every value that is no slice; float32 where none is said
 * @param layouts of every value that is no slice
 * @param segments stretches of nodes that run a few images at a time, in order and apart
 * @param images how many images a value has memory for, where not for all: values that nobody outside of a segment touches
 * @param offsets bytes from the start of the workspace, of every value that is no slice and not the caller's
 * @param workspaceBytes room for all of them
 * @param largestLiveBytes what the values alive at the busiest step need: no plan can do with less
 */
public record Storage(Map<Value, Slice> slices, Map<Value, Format> formats, Map<Value, Layout> layouts, List<Segment> segments,
        Map<Value, Integer> images, Map<Value, Long> offsets, long workspaceBytes, long largestLiveBytes) {
    static final Storage UNDECIDED = new Storage(Map.of(), Map.of(), Map.of(), List.of(), Map.of(), Map.of(), 0, 0);

    public Storage {
        slices = Map.copyOf(slices);
        formats = Map.copyOf(formats);
        layouts = Map.copyOf(layouts);
        segments = List.copyOf(segments);
        images = Map.copyOf(images);
        offsets = Map.copyOf(offsets);
    }

    /** Channels of {@code whole} from {@code channel} on. */
    public record Slice(Value whole, int channel) {}

    /** The nodes from {@code first} up to, without it, {@code end}, which run {@code images} at a time. */
    public record Segment(int first, int end, int images) {}

    /**
     * How a value is laid out: channels in blocks of {@code block}, 1 for plain {@code n c h w}, each plane with {@code halo}
     * pixels of zeros around it.
     */
    public record Layout(int block, int halo, Format format) {
        /** Plain float32: what callers read and write. */
        public static final Layout PLAIN = plain(Format.F32);

        public static Layout plain(Format format) {
            return new Layout(1, 0, format);
        }

        public boolean isPlain() {
            return block == 1;
        }

        /** Bytes of one block of channels of one image. */
        public long planeBytes(Value value) {
            return (value.h() + 2L * halo) * (value.w() + 2L * halo) * block * format.kind().bytes();
        }

        /** Bytes of one image. */
        public long imageBytes(Value value) {
            return (value.c() + block - 1L) / block * planeBytes(value);
        }

        @Override
        public String toString() {
            return (isPlain() ? "nchw" : "nChw" + block + "c" + (halo == 0 ? "" : " halo " + halo))
                + (format.equals(Format.F32) ? "" : " " + format);
        }
    }

    Storage withSlices(Map<Value, Slice> slices) {
        return new Storage(slices, formats, layouts, segments, images, offsets, workspaceBytes, largestLiveBytes);
    }

    Storage withFormats(Map<Value, Format> formats) {
        return new Storage(slices, formats, layouts, segments, images, offsets, workspaceBytes, largestLiveBytes);
    }

    Storage withLayouts(Map<Value, Layout> layouts) {
        return new Storage(slices, formats, layouts, segments, images, offsets, workspaceBytes, largestLiveBytes);
    }

    Storage withSegments(List<Segment> segments, Map<Value, Integer> images) {
        return new Storage(slices, formats, layouts, segments, images, offsets, workspaceBytes, largestLiveBytes);
    }

    Storage withOffsets(Map<Value, Long> offsets, long workspaceBytes, long largestLiveBytes) {
        return new Storage(slices, formats, layouts, segments, images, offsets, workspaceBytes, largestLiveBytes);
    }
}
