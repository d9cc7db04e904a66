// SPDX-License-Identifier: Apache-2.0
package dev.sextant.train;

import java.util.List;

/**
 * How the learning rate changes while a network learns: the base rate times a factor that depends on how far training has come.
 * Immutable. {@link #parse} and {@link #toString} are each other's reverse.
 */
public sealed interface Schedule {
    /**
     * What the base rate is multiplied by.
     *
     * @param step from 0
     * @param total steps of the whole training, over {@code step}
     */
    double factor(long step, long total);

    /** The learning rate of step {@code step}. */
    default double rate(double base, long step, long total) {
        return base * factor(step, total);
    }

    /** The base rate throughout: {@code constant}. */
    record Constant() implements Schedule {
        @Override
        public double factor(long step, long total) {
            return 1;
        }

        @Override
        public String toString() {
            return "constant";
        }
    }

    /**
     * Multiplied by {@code by} at each milestone: {@code step:0.5,0.75} or {@code step:0.5,0.75:0.2} (He et al.,
     * arXiv:1512.03385, section 4.2, divides by 10 at half and three quarters).
     *
     * @param milestones parts of the whole training, ascending, each over 0 and under 1
     */
    record Step(List<Double> milestones, double by) implements Schedule {
        /** The usual factor. */
        public static final double TENTH = 0.1;

        public Step {
            milestones = List.copyOf(milestones);
            double last = 0;
            for (double milestone : milestones) {
                if (!(milestone > last && milestone < 1)) {
                    throw new IllegalArgumentException("schedule: step expects ascending milestones over 0 and under 1, found "
                        + milestones);
                }
                last = milestone;
            }
            if (milestones.isEmpty()) {
                throw new IllegalArgumentException("schedule: step expects at least one milestone, found none");
            }
            if (!(by > 0 && by < 1)) {
                throw new IllegalArgumentException("schedule: step expects a factor over 0 and under 1, found " + by);
            }
        }

        @Override
        public double factor(long step, long total) {
            double part = (double) step / total;
            return Math.pow(by, milestones.stream().filter(milestone -> part >= milestone).count());
        }

        @Override
        public String toString() {
            return "step:" + String.join(",", milestones.stream().map(ScheduleText::number).toList())
                + (by == TENTH ? "" : ":" + ScheduleText.number(by));
        }
    }

    /** Half a cosine from the base rate down to 0: {@code cosine} (Loshchilov and Hutter, arXiv:1608.03983, eq. 5). */
    record Cosine() implements Schedule {
        @Override
        public double factor(long step, long total) {
            return (1 + Math.cos(Math.PI * step / total)) / 2;
        }

        @Override
        public String toString() {
            return "cosine";
        }
    }

    /** {@code (1 - step / total) ^ power}: {@code poly:2}, and a straight line down to 0 as {@code linear}. */
    record Polynomial(double power) implements Schedule {
        public Polynomial {
            if (!(power > 0) || Double.isInfinite(power)) {
                throw new IllegalArgumentException("schedule: poly expects a power over 0, found " + ScheduleText.number(power));
            }
        }

        @Override
        public double factor(long step, long total) {
            return Math.pow(1 - (double) step / total, power);
        }

        @Override
        public String toString() {
            return power == 1 ? "linear" : "poly:" + ScheduleText.number(power);
        }
    }

    /**
     * One cycle (Smith and Topin, arXiv:1708.07120): in a straight line from a 25th of the base rate up to it, down again, and in
     * the last tenth of the training to a hundredth of where it began. The paper's cycle has its peak in the middle, which is
     * {@code onecycle:0.45}; {@code onecycle} alone has it at {@value #EARLY}, which leaves more steps to settle.
     *
     * @param peak the part of the training at which the rate is largest, over 0 and under {@value #CYCLE}
     */
    record OneCycle(double peak) implements Schedule {
        /** The usual peak. */
        public static final double EARLY = 0.25;

        private static final double CYCLE = 0.9;
        private static final double LOW = 1 / 25.0, LAST = LOW / 100;

        public OneCycle {
            if (!(peak > 0 && peak < CYCLE)) {
                throw new IllegalArgumentException("schedule: onecycle expects a peak over 0 and under " + CYCLE + ", found "
                    + ScheduleText.number(peak));
            }
        }

        @Override
        public double factor(long step, long total) {
            double part = (double) step / total;
            if (part < peak) return LOW + (1 - LOW) * part / peak;
            if (part < CYCLE) return 1 - (1 - LOW) * (part - peak) / (CYCLE - peak);
            return LOW - (LOW - LAST) * (part - CYCLE) / (1 - CYCLE);
        }

        @Override
        public String toString() {
            return peak == EARLY ? "onecycle" : "onecycle:" + ScheduleText.number(peak);
        }
    }

    /**
     * A straight line up to the base rate, then another schedule over the steps that remain: {@code warmup:500,cosine} for 500
     * steps, {@code warmup:0.05,cosine} for a twentieth of all (Goyal et al., arXiv:1706.02677, section 2.2).
     *
     * @param length steps if 1 or more, else a part of the whole training
     */
    record WarmUp(double length, Schedule then) implements Schedule {
        public WarmUp {
            if (!(length > 0) || length >= 1 && length != Math.rint(length) || Double.isInfinite(length)) {
                throw new IllegalArgumentException("schedule: warmup expects a number of steps, or a part of all over 0 and "
                    + "under 1, found " + ScheduleText.number(length));
            }
            if (then instanceof WarmUp) throw new IllegalArgumentException("schedule: expects one warmup, found two");
        }

        @Override
        public double factor(long step, long total) {
            long steps = Math.min(total, length >= 1 ? (long) length : Math.round(length * total));
            return step < steps ? (step + 1.0) / (steps + 1) * then.factor(0, Math.max(1, total - steps))
                : then.factor(step - steps, total - steps);
        }

        @Override
        public String toString() {
            return "warmup:" + ScheduleText.number(length) + "," + then;
        }
    }

    /**
     * From text: {@code constant}, {@code step:M,M...} or {@code step:M,M...:FACTOR}, {@code cosine}, {@code linear},
     * {@code poly:POWER}, {@code onecycle} or {@code onecycle:PEAK}; each also behind {@code warmup:STEPS,}.
     *
     * @throws IllegalArgumentException in one sentence, for anything else
     */
    static Schedule parse(String text) {
        return ScheduleText.parse(text);
    }
}
