// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Finds places for a chart's labels where they cover neither one another nor what must stay visible. */
final class ChartLabels {
    /** Pixels, of the page's 12-pixel sans serif in its bold cut, on the safe side. */
    private static final double CHARACTER = 7.4, HEIGHT = 14;

    private final Box frame;
    private final List<Box> taken = new ArrayList<>();
    private final List<Disc> discs;

    record Box(double left, double top, double right, double bottom) {
        boolean meets(Box other) {
            return left < other.right && other.left < right && top < other.bottom && other.top < bottom;
        }

        boolean holds(Box other) {
            return left <= other.left && other.right <= right && top <= other.top && other.bottom <= bottom;
        }
    }

    /** A point of the plot. */
    record Disc(double x, double y, double radius) {
        boolean meets(Box box) {
            double dx = Math.max(0, Math.max(box.left - x, x - box.right)), dy = Math.max(0, Math.max(box.top - y, y - box.bottom));
            return dx * dx + dy * dy < radius * radius;
        }
    }

    /** Where a text is to be written: {@code x} is its left end, {@code y} its base line. */
    record Place(double x, double y) {}

    ChartLabels(Box frame, List<Disc> discs) {
        this.frame = frame;
        this.discs = List.copyOf(discs);
    }

    /** Keeps labels that come later away from there. */
    void take(double x, double y, double radius) {
        taken.add(new Box(x - radius, y - radius, x + radius, y + radius));
    }

    static double width(String text) {
        return CHARACTER * Table.width(text);
    }

    /** The first of the places where {@code text} is clear of all labels and meets fewest discs, at most {@code most}. */
    Optional<Place> place(String text, Stream<Place> places, int most) {
        Place best = null;
        long fewest = most + 1L;
        for (var place : (Iterable<Place>) places::iterator) {
            var box = box(place, text);
            if (!frame.holds(box) || taken.stream().anyMatch(box::meets)) continue;
            long met = discs.stream().filter(disc -> disc.meets(box)).count();
            if (met < fewest) {
                fewest = met;
                best = place;
            }
        }
        if (best != null) taken.add(box(best, text));
        return Optional.ofNullable(best);
    }

    /** Places beside a disc: to the right, left, above, below. */
    static Stream<Place> around(Disc disc, String text) {
        double gap = disc.radius() + 4, width = width(text);
        return Stream.of(new Place(disc.x() + gap, disc.y() + 4), new Place(disc.x() - gap - width, disc.y() + 4),
            new Place(disc.x() - width / 2, disc.y() - gap), new Place(disc.x() - width / 2, disc.y() + gap + 9),
            new Place(disc.x() + gap * 0.7, disc.y() - gap * 0.7), new Place(disc.x() + gap * 0.7, disc.y() + gap * 0.7 + 9),
            new Place(disc.x() - gap * 0.7 - width, disc.y() - gap * 0.7), new Place(disc.x() - gap * 0.7 - width, disc.y() + gap * 0.7 + 9));
    }

    private static Box box(Place place, String text) {
        return new Box(place.x() - 2, place.y() - HEIGHT + 3, place.x() + width(text) + 2, place.y() + 4);
    }
}
