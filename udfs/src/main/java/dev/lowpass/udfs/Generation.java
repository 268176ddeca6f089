package dev.lowpass.udfs;

import dev.lowpass.pipeline.engine.GenerationOptions;
import java.io.Serializable;
import java.util.List;

/**
 * How tokens are chosen, in a form that travels from the driver; see {@link GenerationOptions}.
 *
 * @param maxNewTokens the most tokens of one completion
 * @param temperature 0 is greedy
 */
public record Generation(
    int maxNewTokens, float temperature, float topP, int topK, long seed, List<String> stop)
    implements Serializable {
  public Generation {
    stop = List.copyOf(stop);
  }

  /** The same, as the engine takes it. */
  public GenerationOptions options() {
    return new GenerationOptions(maxNewTokens, temperature, topP, topK, seed, stop);
  }
}
