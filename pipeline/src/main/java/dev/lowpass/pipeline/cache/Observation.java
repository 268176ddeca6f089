package dev.lowpass.pipeline.cache;

import static dev.lowpass.pipeline.model.Settings.check;

import dev.lowpass.kernels.Pooling;
import dev.lowpass.pipeline.model.Settings;
import java.io.Serializable;
import java.util.List;
import java.util.Locale;

/**
 * How tokens are scored (FastKV section 3, SnapKV): by the attention that the last tokens pay them,
 * pooled over neighbours.
 *
 * @param window w, the last tokens of a prompt that observe where no question does
 * @param pooling one of {@link #POOLINGS}
 * @param kernel entries that are pooled to one, odd
 */
public record Observation(int window, String pooling, int kernel) implements Serializable {
  public static final List<String> POOLINGS = List.of("max", "average");

  /** One pass through the decoder has all that observes. */
  private static final int MAX_WINDOW = 512;

  /** FastKV's. */
  public static final Observation DEFAULT = new Observation(8, "max", 7);

  /** The pooling, as a device takes it. */
  public Pooling devicePooling() {
    return new Pooling(Pooling.Kind.valueOf(pooling.toUpperCase(Locale.ROOT)), kernel);
  }

  Observation checked() {
    check(
        window >= 1 && window <= MAX_WINDOW,
        "--observation-window (w) is %s; give 1 to %s",
        window,
        MAX_WINDOW);
    Settings.oneOf("pooling", pooling, POOLINGS);
    check(
        kernel >= 1 && kernel % 2 == 1,
        "--pooling-kernel (k) is %s; give an odd number, so that a token is in the middle of its own",
        kernel);
    return this;
  }
}
