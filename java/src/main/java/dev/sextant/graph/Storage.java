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

    /** In which order the numbers of a value lie. A device has one of its own for what is between input and output. */
    public enum Order {
        /** Plain {@code n c h w}. */
        NCHW(1, 1, "nchw"),
        /** Pixel after pixel, the channels of each filled up to a multiple of 8: CUDA devices. */
        NHWC(2, 8, "nhwc"),
        /** Blocks of 8 channels, each a plane of its own: the AVX2 and portable paths. */
        NCHW8C(8, 8, "nChw8c"),
        /** Blocks of 16 channels: the AVX-512 path. */
        NCHW16C(16, 16, "nChw16c");

        private final int code, block;
        private final String text;

        Order(int code, int block, String text) {
            this.code = code;
            this.block = block;
            this.text = text;
        }

        /** @param code the C header's constant */
        public static Order of(int code) {
            for (var order : values()) {
                if (order.code == code) return order;
            }
            throw new IllegalArgumentException("layout: expects one of the C header's constants, found " + code);
        }

        /** The C header's constant. */
        public int code() {
            return code;
        }

        /** Slices begin at multiples of so many channels, and memory is for multiples of them. */
        public int block() {
            return block;
        }

        /** Whether each block of channels is a plane of its own, around which there may be a halo. */
        public boolean hasPlanes() {
            return this == NCHW8C || this == NCHW16C;
        }

        @Override
        public String toString() {
            return text;
        }
    }

    /**
     * How a value is laid out.
     *
     * @param halo pixels of zeros around each plane of a blocked order
     */
    public record Layout(Order order, int halo, Format format) {
        /** Plain float32: what callers read and write. */
        public static final Layout PLAIN = plain(Format.F32);

        public Layout {
            if (halo > 0 && !order.hasPlanes()) throw new IllegalArgumentException("layout: " + order + " has no halo, found " + halo);
        }

        public static Layout plain(Format format) {
            return new Layout(Order.NCHW, 0, format);
        }

        public boolean isPlain() {
            return order == Order.NCHW;
        }

        /** Bytes of one image. */
        public long imageBytes(Value value) {
            return roundedChannels(value) * (value.h() + 2L * halo) * (value.w() + 2L * halo) * format.kind().bytes();
        }

        /** Bytes from the beginning of an image of {@code whole} to where a slice from {@code channel} on begins. */
        public long channelOffset(Value whole, int channel) {
            long pixels = order == Order.NHWC ? 1 : (whole.h() + 2L * halo) * (whole.w() + 2L * halo);
            return channel * pixels * format.kind().bytes();
        }

        /** Bytes of the pixels of one image, whole blocks of channels, without the halo. */
        public long pixelBytes(Value value) {
            return roundedChannels(value) * value.h() * value.w() * format.kind().bytes();
        }

        private long roundedChannels(Value value) {
            long block = order.block();
            return (value.c() + block - 1) / block * block;
        }

        @Override
        public String toString() {
            return order + (halo == 0 ? "" : " halo " + halo) + (format.equals(Format.F32) ? "" : " " + format);
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
