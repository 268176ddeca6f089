package dev.lowpass.pipeline.evaluation.metrics;

import java.io.BufferedReader;
import java.io.IOException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A hidden Markov model whose states say where in its word a character stands: at its begin, at its
 * end, in the middle, or alone.
 */
final class ChineseWordModel {
  /** In the order in which jieba breaks ties: the later letter wins. */
  private static final String STATES = "BEMS";

  private static final int B = 0;
  private static final int E = 1;
  private static final int M = 2;
  private static final int S = 3;

  /** The log of no probability at all. */
  private static final double NEVER = -3.14e100;

  /** Log probabilities of a run's first state, as jieba has them. */
  private static final double[] START = {-0.26268660809250016, NEVER, NEVER, -1.4652633398537678};

  /** Log probabilities from state to state, as jieba has them; rows B, E, M, S. */
  private static final double[][] NEXT = {
    {NEVER, -0.51082562376599, -0.916290731874155, NEVER},
    {-0.5897149736854513, NEVER, NEVER, -0.8085250474669937},
    {NEVER, -0.33344856811948514, -1.2603623820268226, NEVER},
    {-0.7211965654669841, NEVER, NEVER, -0.6658631448798212}
  };

  /** The states that each state may follow, in the order B, E, M, S. */
  private static final int[][] BEFORE = {{E, S}, {B, M}, {B, M}, {E, S}};

  /** By character, the log probability in each state. */
  private final Map<Character, double[]> emissions = new HashMap<>();

  private ChineseWordModel() {}

  /** Reads a line with a state's letter, then its lines {@code character TAB log probability}. */
  static ChineseWordModel read(BufferedReader lines) throws IOException {
    ChineseWordModel model = new ChineseWordModel();
    int state = -1;
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      String[] fields = line.strip().split("\t");
      if (fields.length == 1) {
        state = STATES.indexOf(fields[0]);
      } else {
        model.emissions.computeIfAbsent(fields[0].charAt(0), c -> never())[state] =
            Double.parseDouble(fields[1]);
      }
    }
    return model;
  }

  private static double[] never() {
    double[] never = new double[STATES.length()];
    Arrays.fill(never, NEVER);
    return never;
  }

  /** Adds the words of the most probable sequence of states (Viterbi). */
  void cut(String run, List<String> words) {
    int[] states = states(run);
    int start = 0;
    for (int i = 0; i < run.length(); i++) {
      if (states[i] == E || states[i] == S) {
        words.add(run.substring(start, i + 1));
        start = i + 1;
      }
    }
  }

  private int[] states(String run) {
    int length = run.length();
    double[][] best = new double[length][STATES.length()];
    int[][] from = new int[length][STATES.length()];
    for (int state = B; state <= S; state++) {
      best[0][state] = START[state] + emission(run.charAt(0), state);
    }
    for (int i = 1; i < length; i++) {
      for (int state = B; state <= S; state++) {
        best[i][state] = Double.NEGATIVE_INFINITY;
        for (int before : BEFORE[state]) {
          double path = best[i - 1][before] + NEXT[before][state] + emission(run.charAt(i), state);
          if (path >= best[i][state]) {
            best[i][state] = path;
            from[i][state] = before;
          }
        }
      }
    }
    int[] states = new int[length];
    states[length - 1] = best[length - 1][S] >= best[length - 1][E] ? S : E;
    for (int i = length - 1; i > 0; i--) {
      states[i - 1] = from[i][states[i]];
    }
    return states;
  }

  private double emission(char character, int state) {
    double[] emission = emissions.get(character);
    return emission == null ? NEVER : emission[state];
  }
}
