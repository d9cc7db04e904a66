// SPDX-License-Identifier: Apache-2.0
package dev.sextant;

import dev.sextant.graph.AdoptFoldedNorms;
import dev.sextant.graph.Constant.Parameter;
import dev.sextant.graph.Graph;
import dev.sextant.graph.Parameters;
import dev.sextant.io.KeyNames;
import dev.sextant.io.Weights;
import dev.sextant.models.Network;
import dev.sextant.nn.Add;
import dev.sextant.nn.Aux;
import dev.sextant.nn.Concat;
import dev.sextant.nn.Layers;
import dev.sextant.nn.Named;
import dev.sextant.nn.Nn;
import dev.sextant.nn.Seq;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Weights that have been found to fit a network, whoever named their keys ({@link KeyNames}). Counters of batches and what belongs to
 * auxiliary heads are ignored.
 */
final class Checkpoint implements Parameters {
    private static final String COUNTER = ".num_batches_tracked";
    private static final int LISTED = 10;

    private final Weights weights;
    /** The key in the weights by the network's own. */
    private final Map<String, String> stored = new TreeMap<>();

    /** @param own whether every key of the network is there as it is: then nobody has renamed any */
    private Checkpoint(Weights weights, boolean own) {
        this.weights = weights;
        var names = own ? weights.keys().stream().collect(Collectors.toMap(key -> key, key -> key)) : KeyNames.of(weights);
        names.forEach((name, key) -> {
            if (!name.endsWith(COUNTER)) stored.put(name, key);
        });
    }

    /** @throws IllegalArgumentException listing what is missing, unexpected or of another shape */
    static Checkpoint of(Network network, Weights weights) {
        var traced = Graph.of(network.body(), network.input().prepend(1));
        var checkpoint = new Checkpoint(weights, weights.keys().containsAll(traced.parameters().keySet()));
        var graph = checkpoint.adopt(traced);
        var expected = graph.parameters();
        var missing = new ArrayList<String>();
        var misshapen = new ArrayList<String>();
        for (var parameter : expected.values()) {
            var found = checkpoint.shape(parameter);
            if (found == null) missing.add(parameter.key());
            else if (!KeyNames.fits(found, parameter.shape()))
                misshapen.add(parameter.key() + " (expected " + parameter.shape() + ", found " + found + ")");
        }
        var heads = new HashSet<String>();
        collectHeads(network.body(), "", heads);
        var unexpected = checkpoint.stored.keySet().stream().filter(key -> !expected.containsKey(key))
            .filter(key -> heads.stream().noneMatch(head -> key.startsWith(head + "."))).toList();
        var faults = new ArrayList<String>();
        if (!missing.isEmpty()) faults.add(listed("missing", missing));
        if (!unexpected.isEmpty()) faults.add(listed("unexpected", unexpected));
        if (!misshapen.isEmpty()) faults.add(listed("of another shape", misshapen));
        if (!faults.isEmpty()) {
            throw new IllegalArgumentException(weights.source() + " does not fit " + network.name() + ", which expects "
                + expected.size() + " tensors: " + String.join("; ", faults));
        }
        return checkpoint;
    }

    /** {@code graph} as these weights want it: norms that were folded away before they were stored are gone. */
    Graph adopt(Graph graph) {
        return new AdoptFoldedNorms(stored.keySet()).apply(graph);
    }

    /** Null if there is no such tensor. */
    private Shape shape(Parameter parameter) {
        var key = stored.get(parameter.key());
        return key == null ? null : weights.shape(key);
    }

    /** @throws IllegalArgumentException if another input than the network's own asks for other weights than these */
    void requireFits(Graph graph, Network network) {
        for (var parameter : graph.parameters().values()) {
            var found = shape(parameter);
            if (found == null || !KeyNames.fits(found, parameter.shape())) {
                throw new IllegalArgumentException("predictor: input " + graph.input().shape() + " expects " + parameter.key()
                    + " of shape " + parameter.shape() + ", " + weights.source() + " has " + found + " (made for "
                    + network.name() + " on " + network.input() + ")");
            }
        }
    }

    @Override
    public MemorySegment floats(Parameter parameter, Arena arena) {
        return weights.floats(stored.get(parameter.key()), arena);
    }

    /** See {@link Weights#unload}. */
    void unload() {
        weights.unload();
    }

    private static String listed(String fault, List<String> keys) {
        var first = String.join(", ", keys.subList(0, Math.min(LISTED, keys.size()))).replaceAll("\\p{Cntrl}", "?");
        return keys.size() + " " + fault + ": " + first + (keys.size() > LISTED ? ", ..." : "");
    }

    /** The paths of the auxiliary heads. */
    private static void collectHeads(Nn nn, String path, Set<String> heads) {
        switch (nn) {
            case Named named -> collectHeads(named.body(), Layers.join(path, named.name()), heads);
            case Seq seq -> collectHeads(seq.children(), path, heads);
            case Concat concat -> collectHeads(concat.branches(), path, heads);
            case Add add -> collectHeads(add.branches(), path, heads);
            case Aux _ -> heads.add(path);
            default -> { }
        }
    }

    private static void collectHeads(List<Nn> parts, String path, Set<String> heads) {
        for (int i = 0; i < parts.size(); i++) collectHeads(parts.get(i), Layers.path(path, i, parts.get(i)), heads);
    }
}
