package dev.lowpass.pipeline.engine;

import dev.lowpass.kernels.Positions;
import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.cache.Observation;
import dev.lowpass.pipeline.decoder.Decoder;
import dev.lowpass.pipeline.decoder.Pass;
import dev.lowpass.pipeline.decoder.Sequence;
import dev.lowpass.pipeline.decoder.SequenceOptions;
import java.nio.IntBuffer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What all documents of a job begin with, the head of the template that they are put into: read
 * once, and copied into each document's cache. Attention is causal, so its keys and values are the
 * same to the bit, until something is chosen or compressed. FastKV chooses from the head's own rows
 * which of them layers after T see at all: there it is read anew. The engine's thread alone.
 */
final class Heads implements AutoCloseable {
  /** Copying fewer tokens costs more than reading them with the others of a pass. */
  private static final int FEWEST = 16;

  /** Jobs that take turns. */
  private static final int MOST = 4;

  private final Decoder decoder;
  private final int longest;
  private final Map<Key, Sequence> heads = new LinkedHashMap<>(16, 0.75f, /* accessOrder= */ true);

  private record Key(IntBuffer tokens, Positions positions) {}

  /**
   * @param longest tokens of a head that are worth keeping
   */
  Heads(Decoder decoder, int longest) {
    this.decoder = decoder;
    this.longest = longest;
  }

  /**
   * Has an empty sequence begin with as much of a head as its prompt does.
   *
   * @param head what its client's prompts begin with
   * @param end tokens of the prompt that are read into it first
   * @return how many it holds now; its first block ends where it would without them
   */
  int begin(Sequence sequence, SequenceOptions options, int[] head, int[] prompt, int end) {
    if (options.scored() && options.fastKv() != null) {
      return 0;
    }
    int most = Math.min(Math.min(head.length, longest), Math.min(end, sequence.room()) - 1);
    if (options.scored()) {
      // The first block's last tokens may be what observes the others.
      most = Math.min(most, Math.min(end, sequence.room()) - options.observation().window());
    }
    if (most < FEWEST) {
      return 0;
    }
    int mismatch = Arrays.mismatch(head, 0, most, prompt, 0, most);
    int same = mismatch < 0 ? most : mismatch;
    if (same < FEWEST) {
      return 0;
    }
    int[] tokens = Arrays.copyOf(head, Math.min(head.length, longest));
    if (tokens.length > sequence.room()) {
      return 0;
    }
    sequence.beginWith(read(tokens, options.positions()), same);
    return same;
  }

  private Sequence read(int[] tokens, Positions positions) {
    Key key = new Key(IntBuffer.wrap(tokens), positions);
    Sequence head = heads.get(key);
    if (head != null) {
      return head;
    }
    head =
        new Sequence(
            decoder,
            new SequenceOptions(
                CacheOptions.FULL.policy(),
                /* fastKv= */ null,
                Observation.DEFAULT,
                positions,
                tokens.length,
                /* probeTokens= */ 0,
                /* scored= */ false));
    try {
      head.forward(tokens, /* logits= */ false);
      while (head.running()) {
        Pass pass = new Pass(decoder);
        pass.add(head, decoder.maxRows());
        pass.run();
      }
    } catch (RuntimeException | Error e) {
      head.close();
      throw e;
    }
    heads.put(key, head);
    if (heads.size() > MOST) {
      heads.remove(heads.keySet().iterator().next()).close();
    }
    return head;
  }

  @Override
  public void close() {
    heads.values().forEach(Sequence::close);
    heads.clear();
  }
}
