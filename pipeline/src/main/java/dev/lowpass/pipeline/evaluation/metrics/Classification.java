package dev.lowpass.pipeline.evaluation.metrics;

import java.util.ArrayList;
import java.util.List;

/** LongBench's score of a prediction that should name one class. */
public final class Classification {
  private Classification() {}

  /**
   * One over the number of classes that the prediction names, if the right one is among them. Names
   * that are part of the right one do not count, as long as LongBench finds them: it removes them
   * from the list that it goes through, and so passes over whatever follows a removed name.
   *
   * @param classes all there are, in LongBench's order
   */
  public static double score(String prediction, String reference, List<String> classes) {
    List<String> named = new ArrayList<>(classes);
    named.removeIf(name -> !prediction.contains(name));
    for (int i = 0; i < named.size(); i++) {
      String name = named.get(i);
      if (reference.contains(name) && !name.equals(reference)) {
        named.remove(name);
      }
    }
    return named.contains(reference) ? 1.0 / named.size() : 0;
  }
}
