package dev.lowpass.jobs.charts;

import java.util.Locale;

/** Colours that pass into each other, at equal distances. */
public final class Ramp {
  private final int[][] colours;

  /** Of colours {@code {red, green, blue}} in [0, 255], two at the least. */
  public Ramp(int[]... colours) {
    this.colours = colours;
  }

  /** The colour at a place in [0, 1], as {@code #rrggbb}. */
  public String at(double share) {
    double place = Math.max(0, Math.min(1, share)) * (colours.length - 1);
    int from = Math.min((int) place, colours.length - 2);
    StringBuilder colour = new StringBuilder("#");
    for (int i = 0; i < 3; i++) {
      double mixed = colours[from][i] + (place - from) * (colours[from + 1][i] - colours[from][i]);
      colour.append(String.format(Locale.ROOT, "%02x", Math.round(mixed)));
    }
    return colour.toString();
  }
}
