// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** Draws how the length of gradients changes from layer to layer, a line a network, into a PNG; needs no display. */
final class GradientChart {
    private static final Color PLAIN = new Color(0xc0392b), RESIDUAL = new Color(0x1f6fb2), GRID = new Color(0xdddddd);
    private static final int WIDTH = 760, HEIGHT = 420;
    private static final float[] DASHES = {6, 4};
    /** What a logarithm can show of nothing. */
    private static final double LEAST = 1e-30;

    private GradientChart() {}

    /** @throws IOException if {@code file} cannot be written */
    static void write(Path file, String title, List<LayerGradients> networks) throws IOException {
        if (System.getProperty("java.awt.headless") == null) System.setProperty("java.awt.headless", "true");
        var image = new BufferedImage(WIDTH, HEIGHT, BufferedImage.TYPE_INT_RGB);
        var graphics = image.createGraphics();
        chart(title, networks).paint(graphics, WIDTH, HEIGHT);
        graphics.dispose();
        if (!ImageIO.write(image, "png", file.toFile())) throw new IOException(file + ": this Java has no encoder of PNG");
    }

    private static XYChart chart(String title, List<LayerGradients> networks) {
        var chart = new XYChartBuilder().width(WIDTH).height(HEIGHT).title(title).xAxisTitle("convolution, counted from the pictures")
            .yAxisTitle("length of its gradient").build();
        var styler = chart.getStyler();
        styler.setYAxisLogarithmic(true);
        styler.setLegendPosition(LegendPosition.OutsideE);
        styler.setChartBackgroundColor(Color.WHITE);
        styler.setPlotBorderVisible(false);
        styler.setChartTitleFont(new Font(Font.SANS_SERIF, Font.BOLD, 13));
        styler.setPlotGridVerticalLinesVisible(false);
        styler.setPlotGridLinesStroke(new BasicStroke(0.5f));
        styler.setPlotGridLinesColor(GRID);
        styler.setXAxisMin(1.0);
        styler.setXAxisTickMarkSpacingHint(60);
        styler.setXAxisDecimalPattern("0");
        int shallowest = networks.stream().mapToInt(network -> network.keys().size()).min().orElse(0);
        for (var network : networks) {
            boolean isShallow = network.keys().size() == shallowest;
            var layers = IntStream.rangeClosed(1, network.last().length).mapToDouble(i -> i).toArray();
            var lengths = IntStream.range(0, layers.length).mapToDouble(i -> Math.max(network.last()[i], LEAST)).toArray();
            chart.addSeries(network.network(), layers, lengths).setMarker(SeriesMarkers.NONE)
                .setLineColor(network.network().startsWith("plain") ? PLAIN : RESIDUAL)
                .setLineStyle(isShallow && shallowest < largest(networks)
                    ? new BasicStroke(2, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND, 1, DASHES, 0) : new BasicStroke(2));
        }
        return chart;
    }

    private static int largest(List<LayerGradients> networks) {
        return networks.stream().mapToInt(network -> network.keys().size()).max().orElse(0);
    }
}
