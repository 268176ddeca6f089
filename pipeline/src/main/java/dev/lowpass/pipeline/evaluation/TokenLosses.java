package dev.lowpass.pipeline.evaluation;

import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.Devices;
import dev.lowpass.kernels.Positions;
import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.cache.CachePolicy;
import dev.lowpass.pipeline.decoder.Decoder;
import dev.lowpass.pipeline.decoder.Pass;
import dev.lowpass.pipeline.decoder.Sequence;
import dev.lowpass.pipeline.decoder.SequenceOptions;
import dev.lowpass.pipeline.model.Checkpoint;
import dev.lowpass.pipeline.model.WeightOptions;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * How well a model foretells the tokens of a text under a cache policy. A full cache slides: a text
 * longer than the window is read in windows that overlap by half, and a token's loss is that in the
 * first window that has it, given at least half a window. A bounded cache streams: the text goes
 * through once, whatever its length. One thread at a time.
 */
public final class TokenLosses implements AutoCloseable {
  /** Tokens a pass; a policy that scores tokens does so after each. */
  private static final int PASS_ROWS = 256;

  private final Checkpoint checkpoint;
  private final Device device;
  private final Decoder decoder;
  private final CacheOptions cache;
  private final int window;

  private TokenLosses(
      Checkpoint checkpoint, WeightOptions weights, Device device, CacheOptions cache) {
    this.checkpoint = checkpoint;
    this.device = device;
    this.window = checkpoint.config().maxPositions();
    this.cache = cache.resolve(window, checkpoint.config().tuned());
    this.decoder =
        Decoder.load(checkpoint, weights, device, PASS_ROWS, PASS_ROWS, this.cache.deviceType());
  }

  /**
   * Puts a model on a device.
   *
   * @throws dev.lowpass.pipeline.model.ModelException if it cannot be run, or not with that cache
   */
  public static TokenLosses open(Path model, String device, int threads, CacheOptions cache) {
    return open(model, WeightOptions.AUTO, device, threads, cache);
  }

  /** The same with weights of another type than they are stored in. */
  public static TokenLosses open(
      Path model, WeightOptions weights, String device, int threads, CacheOptions cache) {
    Checkpoint checkpoint = Checkpoint.open(model, weights.cache());
    try {
      Device opened = Devices.open(device, threads);
      try {
        return new TokenLosses(checkpoint, weights, opened, cache);
      } catch (RuntimeException | Error e) {
        opened.close();
        throw e;
      }
    } catch (RuntimeException | Error e) {
      checkpoint.close();
      throw e;
    }
  }

  /** Every token's negative log-likelihood in nats given those before it; the first one's is 0. */
  public double[] of(int[] tokens) {
    double[] losses = new double[tokens.length];
    if (cache.bounded()) {
      read(tokens, 0, tokens.length, 1, losses);
      return losses;
    }
    int stride = Math.max(1, window / 2);
    for (int from = 0, known = 1; known < tokens.length; from += stride) {
      int to = Math.min(tokens.length, from + window);
      read(tokens, from, to, known, losses);
      known = to;
    }
    return losses;
  }

  /** Reads {@code [from, to)} and fills in the losses from {@code first} on. */
  private void read(int[] tokens, int from, int to, int first, double[] losses) {
    CachePolicy policy = cache.policy();
    SequenceOptions options =
        new SequenceOptions(
            policy,
            /* fastKv= */ null,
            cache.observation(),
            Positions.CACHE,
            to - from,
            /* probeTokens= */ 0,
            policy.scores());
    try (Sequence sequence = new Sequence(decoder, options)) {
      for (int at = from, rows; at < to; at += rows) {
        rows = Math.min(to - at, Math.min(PASS_ROWS, sequence.room()));
        int[] block = Arrays.copyOfRange(tokens, at, at + rows);
        if (policy.scores()) {
          sequence.read(block, /* probe= */ new int[0], /* logits= */ false);
        } else {
          sequence.forward(block, /* logits= */ false);
        }
        Pass pass = new Pass(decoder);
        pass.add(sequence, PASS_ROWS);
        pass.run();
        pass.headAll(sequence);
        for (int i = 0; i < rows && at + i + 1 < to; i++) {
          if (at + i + 1 >= first) {
            losses[at + i + 1] = loss(decoder.logits(i), tokens[at + i + 1]);
          }
        }
      }
    }
  }

  /** What it costs to write a token where a model had these logits, in nats. */
  public static double loss(float[] logits, int token) {
    double max = Double.NEGATIVE_INFINITY;
    for (float logit : logits) {
      max = Math.max(max, logit);
    }
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp(logit - max);
    }
    return max + Math.log(sum) - logits[token];
  }

  @Override
  public void close() {
    decoder.close();
    device.close();
    checkpoint.close();
  }
}
