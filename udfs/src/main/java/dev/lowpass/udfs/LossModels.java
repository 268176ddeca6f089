package dev.lowpass.udfs;

import dev.lowpass.pipeline.engine.DocumentException;
import dev.lowpass.pipeline.evaluation.TokenLosses;
import dev.lowpass.pipeline.evaluation.suite.Item;
import dev.lowpass.pipeline.text.TextTokenizer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.hadoop.conf.Configuration;

/** The model of this JVM that foretells texts: one at a time, that of the policy asked for last. */
final class LossModels {
  private static EngineSpec open;
  private static TextTokenizer tokenizer;
  private static TokenLosses model;

  /**
   * How well the beginning of a text was foretold.
   *
   * @param question the item's that names its length
   * @param tokens of it
   * @param mean loss over the second half of them, in nats
   */
  record Loss(int question, int[] tokens, double mean) {}

  private LossModels() {}

  /**
   * The losses at each of the item's lengths that its text reaches.
   *
   * @throws DocumentException if it reaches none
   */
  static synchronized List<Loss> losses(EvaluationRun run, Configuration hadoop, Item item) {
    open(run.engine(), hadoop);
    List<Integer> lengths =
        item.questions().stream().map(question -> Integer.valueOf(question.name())).toList();
    int longest = lengths.stream().mapToInt(Integer::intValue).max().orElseThrow();
    int[] tokens =
        IntStream.concat(tokenizer.bos().stream(), Arrays.stream(tokenizer.encode(item.document())))
            .limit(longest)
            .toArray();
    double[] losses = model.of(tokens);
    List<Loss> means = new ArrayList<>();
    for (int i = 0; i < lengths.size(); i++) {
      int length = lengths.get(i);
      if (length <= tokens.length) {
        double mean = Arrays.stream(losses, length / 2, length).average().orElseThrow();
        means.add(new Loss(i, Arrays.copyOf(tokens, length), mean));
      }
    }
    if (means.isEmpty()) {
      throw new DocumentException(
          "input.too_short",
          "the text has %d tokens, fewer than the shortest of --lengths; give a longer text"
              .formatted(tokens.length));
    }
    return means;
  }

  private static void open(EngineSpec spec, Configuration hadoop) {
    if (spec.equals(open)) {
      return;
    }
    close();
    Path folder = ModelFolder.local(spec.model(), Path.of(spec.modelCache()), hadoop);
    tokenizer = TextTokenizer.load(folder);
    Placement place = Placement.of(spec.device(), spec.threads());
    model =
        TokenLosses.open(
            folder, spec.weightOptions(), place.device(), place.threads(), spec.cache());
    open = spec;
  }

  /** Lets go of it. */
  static synchronized void close() {
    open = null;
    if (model != null) {
      model.close();
      model = null;
    }
    if (tokenizer != null) {
      tokenizer.close();
      tokenizer = null;
    }
  }
}
