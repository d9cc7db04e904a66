// SPDX-License-Identifier: Apache-2.0
package dev.sextant.nn;

import static dev.sextant.nn.Checks.require;

import java.util.HashSet;
import java.util.List;

/**
 * A network that was not written by hand: parts in the order in which they run, each on what the numbers in its sources stand for. 0 is the
 * input, {@code i + 1} the result of part {@code i}. For networks read from files; those for people are made of {@link Seq}, {@link
 * Concat} and {@link Add}.
 *
 * @param result the number of what comes out
 */
public record Wired(List<Part> parts, int result) implements Nn {

    /**
     * One leaf on its one source, or an {@link Add} or {@link Concat} of identities, one for each of its sources.
     *
     * @param name its path, and with it the prefix of its parameters' keys
     */
    public record Part(String name, Nn nn, List<Integer> sources) {
        public Part {
            sources = List.copyOf(sources);
            int branches = switch (nn) {
                case Add add -> identities(name, add.branches());
                case Concat concat -> identities(name, concat.branches());
                case Seq _, Named _, Aux _, Wired _ -> throw new IllegalArgumentException("wired: " + name
                    + " expects a single layer, found " + nn);
                default -> 1;
            };
            require(!name.isEmpty(), "wired: expects a name for each part, found none for %s", nn);
            require(branches == sources.size(), "wired: %s expects %d sources, found %d", name, branches, sources.size());
        }

        private static int identities(String name, List<Nn> branches) {
            require(branches.stream().allMatch(branch -> branch instanceof Identity), "wired: %s expects plain branches, found %s", name,
                branches);
            return branches.size();
        }
    }

    public Wired {
        parts = List.copyOf(parts);
        var names = new HashSet<String>();
        for (int i = 0; i < parts.size(); i++) {
            var part = parts.get(i);
            require(names.add(part.name()), "wired: expects a name of its own for each part, found %s twice", part.name());
            for (int source : part.sources()) {
                require(source >= 0 && source <= i, "wired: %s expects sources from 0 to %d, found %d", part.name(), i, source);
            }
        }
        require(result >= 0 && result <= parts.size(), "wired: expects a result from 0 to %d, found %d", parts.size(), result);
    }

    @Override
    public String toString() {
        var text = new StringBuilder("wired(");
        for (var part : parts) text.append("\n    ").append(part.name()).append(": ").append(part.nn()).append(' ').append(part.sources());
        return text.append(")").toString();
    }
}
