package dev.lowpass.pipeline.decoder;

import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.Devices;
import dev.lowpass.kernels.KvCache;
import dev.lowpass.kernels.Positions;
import dev.lowpass.kernels.Rope;
import dev.lowpass.kernels.Span;
import dev.lowpass.pipeline.model.Checkpoint;
import dev.lowpass.pipeline.model.ModelConfig;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * FreqKV's premise on one layer: how much of its keys and values low frequencies hold.
 *
 * @param keys before their rotation, as FreqKV compresses them
 */
public record LayerSpectrum(Spectrum keys, Spectrum values) {
  private static final int CHUNK = 512;

  /**
   * Reads a text with full attention and transforms what each layer's cache then holds of it.
   *
   * @param device {@code auto}, {@code cpu} or {@code cuda}
   * @param threads CPU threads; 0 for all that the process may use
   * @param tokens no more than the model's window
   * @param sinks S, first tokens that are left out as FreqKV leaves them out
   * @return one a layer, of {@code tokens.length - sinks} frequencies
   * @throws dev.lowpass.pipeline.model.ModelException if the checkpoint cannot be run
   */
  public static List<LayerSpectrum> measure(
      Checkpoint checkpoint, String device, int threads, int[] tokens, int sinks) {
    ModelConfig config = checkpoint.config();
    try (Device opened = Devices.open(device, threads);
        Decoder decoder = Decoder.load(checkpoint, opened, CHUNK, 1);
        KvCache cache = decoder.newCache(tokens.length, Positions.CACHE)) {
      read(decoder, cache, tokens);
      Rope rope = opened.rope(config.rope().inverseFrequencies(), config.rope().attentionFactor());
      List<LayerSpectrum> layers = new ArrayList<>();
      for (int layer = 0; layer < config.layers(); layer++) {
        double[][] energy = opened.spectrum(cache, layer, rope, sinks, tokens.length);
        layers.add(new LayerSpectrum(new Spectrum(energy[0]), new Spectrum(energy[1])));
      }
      return List.copyOf(layers);
    }
  }

  private static void read(Decoder decoder, KvCache cache, int[] tokens) {
    for (int first = 0; first < tokens.length; first += CHUNK) {
      int[] chunk = Arrays.copyOfRange(tokens, first, Math.min(tokens.length, first + CHUNK));
      float[] positions = new float[chunk.length];
      for (int i = 0; i < chunk.length; i++) {
        positions[i] = first + i;
      }
      decoder.embed(chunk);
      decoder.place(positions);
      List<Span> spans = List.of(new Span(cache, 0, chunk.length));
      for (int layer = 0; layer < decoder.config().layers(); layer++) {
        decoder.layer(layer, chunk.length, spans, /* observed= */ false);
      }
    }
  }
}
