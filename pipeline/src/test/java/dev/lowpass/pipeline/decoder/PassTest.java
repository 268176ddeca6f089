package dev.lowpass.pipeline.decoder;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lowpass.kernels.DType;
import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.Devices;
import dev.lowpass.kernels.Positions;
import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.cache.Observation;
import dev.lowpass.pipeline.model.Checkpoint;
import dev.lowpass.pipeline.model.TinyCheckpoints;
import dev.lowpass.pipeline.prefill.FastKv;
import dev.lowpass.pipeline.prefill.PrefillOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sequences of all policies in one pass, each at a point of its own: their logits, bit for bit. */
class PassTest {
  private static final int ROWS = 48;

  @TempDir Path folder;

  /** What goes through one sequence. */
  private record Text(SequenceOptions options, int[] tokens, int[] probe) {
    static Text random(Random random, String cache, double tau, Positions positions) {
      CacheOptions keep = CacheOptions.of(cache, cache.equals("full") ? 0 : 48).resolve(256, false);
      PrefillOptions prefill =
          new PrefillOptions("fastkv", 1, tau, 0, cache.equals("full") ? 0.3 : 0, 0);
      int[] tokens = random.ints(60 + random.nextInt(60), 0, 96).toArray();
      int[] probe = random.ints(random.nextInt(6), 0, 96).toArray();
      SequenceOptions options =
          new SequenceOptions(
              keep.policy(),
              tau == 0 ? null : new FastKv(prefill, keep.sinks()),
              Observation.DEFAULT,
              positions,
              tokens.length,
              probe.length,
              tau != 0 || keep.policy().scores());
      return new Text(options, tokens, probe);
    }

    /** Begins the block at a token, and returns where it ends; the last token goes alone. */
    int begin(Sequence sequence, int at) {
      int last = tokens.length - 1;
      if (at == last) {
        sequence.forward(new int[] {tokens[last]}, /* logits= */ true);
        return tokens.length;
      }
      int end = (int) Math.min(last, (long) at + sequence.room());
      int[] block = Arrays.copyOfRange(tokens, at, end);
      if (options.scored()) {
        sequence.read(block, probe, /* logits= */ false);
      } else {
        sequence.forward(block, /* logits= */ false);
      }
      return end;
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6})
  void company(long seed) {
    Random random = new Random(seed);
    List<Text> texts = new ArrayList<>();
    for (Positions positions : Positions.values()) {
      for (String cache : CacheOptions.POLICIES) {
        texts.add(Text.random(random, cache, 0, positions));
        texts.add(Text.random(random, cache, 0.6, positions));
      }
    }
    TinyCheckpoints.write(folder, "llama", Map.of("num_hidden_layers", 4), DType.F32, 7);
    try (Checkpoint checkpoint = Checkpoint.open(folder);
        Device device = Devices.open("cpu", 2);
        Decoder decoder = Decoder.load(checkpoint, device, ROWS, texts.size())) {
      List<float[]> together = together(decoder, texts, random);
      for (int i = 0; i < texts.size(); i++) {
        List<float[]> alone = together(decoder, List.of(texts.get(i)), new Random(0));
        assertThat(together.get(i)).as("text %d, %s", i, texts.get(i)).isEqualTo(alone.get(0));
      }
    }
  }

  /** The logits of each text's last token. */
  private static List<float[]> together(Decoder decoder, List<Text> texts, Random random) {
    List<float[]> logits = new ArrayList<>(Collections.nCopies(texts.size(), null));
    List<Sequence> sequences = new ArrayList<>();
    int[] at = new int[texts.size()];
    texts.forEach(text -> sequences.add(new Sequence(decoder, text.options())));
    while (logits.contains(null)) {
      Pass pass = new Pass(decoder);
      int budget = 10 + random.nextInt(ROWS - 10);
      int first = random.nextInt(texts.size());
      for (int n = 0; n < texts.size(); n++) {
        int i = (first + n) % texts.size();
        if (logits.get(i) == null && random.nextInt(3) > 0) {
          if (!sequences.get(i).running()) {
            at[i] = texts.get(i).begin(sequences.get(i), at[i]);
          }
          pass.add(sequences.get(i), budget);
        }
      }
      pass.run();
      for (int i = 0; i < texts.size(); i++) {
        int row = pass.logitRow(sequences.get(i));
        if (row >= 0) {
          logits.set(i, decoder.logits(row));
        }
      }
    }
    sequences.forEach(Sequence::close);
    return logits;
  }
}
