package dev.lowpass.pipeline.model;

import dev.lowpass.kernels.Quantization;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** What a model's matrices are turned into as they are loaded. */
public enum WeightType {
  /** Nothing: they are used as they are stored. */
  AUTO,
  /** BF16, rounded to nearest even. */
  BF16,
  /** {@link Quantization#INT8}. */
  INT8,
  /**
   * {@link Quantization#INT4}, but {@link Quantization#INT8} for the embedding and the LM head: an
   * error there goes straight into the scores.
   */
  INT4;

  /** As the command line writes it. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * The type of that name.
   *
   * @throws ModelException that lists the names, if there is none
   */
  public static WeightType of(String name) {
    return Arrays.stream(values())
        .filter(type -> type.toString().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new ModelException(
                    "--weights %s: no such type; there are: %s"
                        .formatted(
                            name,
                            Arrays.stream(values())
                                .map(WeightType::toString)
                                .collect(Collectors.joining(", ")))));
  }

  /** What tells models apart by their numbers: the checkpoint's digest, and what became of it. */
  public String identify(String digest) {
    return this == AUTO ? digest : digest + " as " + this;
  }
}
