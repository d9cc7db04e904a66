// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import dev.sextant.Device;
import dev.sextant.cli.LineChart.Scale;
import dev.sextant.cli.LineChart.Series;
import dev.sextant.data.Dataset;
import dev.sextant.image.Picture;
import dev.sextant.train.Evaluation;
import dev.sextant.train.History;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import javax.imageio.ImageIO;

/** How a training went, as one page that needs nothing else: curves, what is taken for what, the mistakes it is surest of. */
final class TrainingPage {
    private static final int LARGEST_PICTURE = 128;

    private TrainingPage() {}

    /**
     * What there is to tell.
     *
     * @param network its name
     * @param data as the command line named it
     * @param command that does the same again
     * @param stepsPerEpoch of the training
     * @param evaluation of the last epoch's end, or null
     * @param test what was evaluated on, or null
     */
    record Report(String network, String data, String command, Device.Info device, int stepsPerEpoch, History history,
            Evaluation evaluation, Dataset test) {}

    /** @throws IOException if a picture of the test set cannot be read */
    static String of(Report report) throws IOException {
        var page = new Markup();
        Page.open(page, report.network() + " on " + report.data());
        heading(page, report);
        var points = report.history().points();
        var epochs = report.history().epochs();
        page.open("section").element("h2", "Loss");
        page.element("p", "In training: of augmented pictures, while the network still changes; on the test set: of plain ones, "
            + "after each epoch.");
        chart(page, "Loss by epochs", "cross-entropy", Scale.LOGARITHMIC, 
            pointSeries(report, "training", 0, points, History.Point::loss),
            epochSeries(report, "test", 1, epochs, History.Epoch::testLoss));
        page.close();
        page.open("section").element("h2", "Accuracy");
        chart(page, "Accuracy by epochs", "% right", Scale.UPPER, 
            pointSeries(report, "training", 0, points, point -> 100 * point.accuracy()),
            epochSeries(report, "test", 1, epochs, epoch -> 100 * epoch.top1()));
        page.close();
        page.open("section").element("h2", "Learning rate");
        chart(page, "Learning rate by epochs", "rate", Scale.LINEAR, 
            pointSeries(report, "learning rate", 3, points, History.Point::rate));
        page.close();
        page.open("section").element("h2", "Length of the gradient");
        page.element("p", "Of all parameters' gradients as one vector, before any clipping.");
        chart(page, "Gradient norm by epochs", "norm", Scale.LOGARITHMIC, 
            pointSeries(report, "gradient norm", 2, points, History.Point::gradientNorm));
        page.close();
        if (report.evaluation() != null) {
            page.open("section").element("h2", "What is taken for what");
            ConfusionChart.draw(page, report.evaluation());
            page.close();
            mistakes(page, report);
        }
        epochs(page, epochs);
        return Page.close(page);
    }

    private static void heading(Markup page, Report report) {
        var device = report.device();
        page.element("h1", report.network() + " on " + report.data());
        page.element("p", "Trained on " + DeviceOptions.place(device) + " (" + device.isaName() + "), Sextant " + Version.current() + ". The same again:");
        page.open("p").element("code", report.command()).close();
        page.open("dl");
        var evaluation = report.evaluation();
        if (evaluation != null) {
            Page.figure(page, "top-1", percent(evaluation.top1()), "of " + Table.count(evaluation.count()) + " test pictures");
            if (evaluation.labels().size() > 5) Page.figure(page, "top-5", percent(evaluation.top5()), "");
            Page.figure(page, "test loss", Table.number(evaluation.loss()), "");
        }
        if (!report.history().epochs().isEmpty()) {
            var last = report.history().epochs().getLast();
            Page.figure(page, "epochs", Integer.toString(last.epoch()), Table.count(last.step()) + " steps");
            Page.figure(page, "time", TrainProgress.time(last.seconds()), "");
        }
        report.history().points().stream().mapToDouble(History.Point::imagesPerSecond).average()
            .ifPresent(rate -> Page.figure(page, "speed", Table.number(rate) + " images/s", ""));
        page.close();
    }

    /** Accuracies are compared to a hundredth of a percent. */
    private static String percent(double share) {
        return String.format(Locale.ROOT, "%.2f %%", 100 * share);
    }

    private static void chart(Markup page, String name, String unit, Scale scale, Series... series) {
        new LineChart(name, "epoch", unit, scale, List.of(series)).draw(page);
    }

    private static Series pointSeries(Report report, String name, int colour, List<History.Point> points,
            ToDoubleFunction<History.Point> value) {
        return new Series(name, colour, false,
            points.stream().mapToDouble(point -> (double) point.step() / report.stepsPerEpoch()).toArray(),
            points.stream().mapToDouble(value).toArray());
    }

    private static Series epochSeries(Report report, String name, int colour, List<History.Epoch> epochs,
            ToDoubleFunction<History.Epoch> value) {
        return new Series(name, colour, true,
            epochs.stream().mapToDouble(epoch -> (double) epoch.step() / report.stepsPerEpoch()).toArray(),
            epochs.stream().mapToDouble(value).toArray());
    }

    private static void mistakes(Markup page, Report report) throws IOException {
        var evaluation = report.evaluation();
        if (evaluation.mistakes().isEmpty()) return;
        page.open("section").element("h2", "The mistakes it is surest of");
        page.open("ul", "class", "pictures");
        for (var mistake : evaluation.mistakes()) {
            var label = evaluation.labels().name(mistake.label());
            page.open("li").leaf("img", "alt", "test picture " + mistake.sample() + ": " + label, "src",
                png(report.test().picture(mistake.sample())));
            page.text(evaluation.labels().name(mistake.predicted()) + " ").element("small", Bar.percent(mistake.probability()));
            page.leaf("br").element("small", "is " + label + ", no. " + mistake.sample()).close();
        }
        page.close().close();
    }

    /** A picture within the page; large ones are made small, by leaving pixels out. */
    private static String png(Picture picture) throws IOException {
        int by = Math.max(1, Math.ceilDiv(Math.max(picture.width(), picture.height()), LARGEST_PICTURE));
        int width = Math.ceilDiv(picture.width(), by), height = Math.ceilDiv(picture.height(), by);
        var samples = picture.samples();
        var image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                int at = 3 * (y * by * picture.width() + x * by);
                image.setRGB(x, y, (samples[at] & 0xff) << 16 | (samples[at + 1] & 0xff) << 8 | samples[at + 2] & 0xff);
            }
        }
        var bytes = new ByteArrayOutputStream();
        ImageIO.write(image, "png", bytes);
        return "data:image/png;base64," + Base64.getEncoder().encodeToString(bytes.toByteArray());
    }

    private static void epochs(Markup page, List<History.Epoch> epochs) {
        page.open("section").element("h2", "Every epoch").open("div", "class", "scroll").open("table").open("thead").open("tr");
        for (var heading : new String[] {"epoch", "step", "loss", "right", "test loss", "top-1", "top-5", "time"}) {
            page.element("th", heading, "class", "number");
        }
        page.close().close().open("tbody");
        for (var epoch : epochs) {
            boolean tested = !Double.isNaN(epoch.top1());
            page.open("tr");
            for (var cell : new String[] {Integer.toString(epoch.epoch()), Table.count(epoch.step()), Table.number(epoch.loss()),
                percent(epoch.accuracy()), tested ? Table.number(epoch.testLoss()) : "", tested ? percent(epoch.top1()) : "",
                tested ? percent(epoch.top5()) : "", TrainProgress.time(epoch.seconds())}) {
                page.element("td", cell, "class", "number");
            }
            page.close();
        }
        page.close().close().close().close();
    }
}
