package dev.lowpass.pipeline.decoder;

import dev.lowpass.kernels.Tensor;
import java.util.ArrayList;
import java.util.List;

/** Device memory that goes back together. */
final class Owned implements AutoCloseable {
  private final List<AutoCloseable> memory = new ArrayList<>();

  <T extends AutoCloseable> T take(T taken) {
    memory.add(taken);
    return taken;
  }

  /** Bytes of its tensors, four an element. */
  long tensorBytes() {
    return memory.stream()
        .filter(Tensor.class::isInstance)
        .map(Tensor.class::cast)
        .mapToLong(tensor -> (long) tensor.rows() * tensor.columns() * Float.BYTES)
        .sum();
  }

  @Override
  public void close() {
    for (AutoCloseable taken : memory) {
      try {
        taken.close();
      } catch (Exception e) {
        throw new IllegalStateException("a device does not take back its memory", e);
      }
    }
  }
}
