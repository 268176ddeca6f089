package dev.lowpass.pipeline.decoder;

/** A sequence that has the decoder to itself. */
final class Alone {
  private Alone() {}

  /** Runs a block through all layers, in one pass, and computes the logits of rows of it. */
  static void forward(Decoder decoder, Sequence sequence, int[] block, int... logitRows) {
    sequence.forward(block, /* logits= */ false);
    run(decoder, sequence);
    if (logitRows.length > 0) {
      decoder.head(logitRows);
    }
  }

  /** Reads a block and scores it. */
  static void read(Decoder decoder, Sequence sequence, int[] block, int[] probe, boolean logits) {
    sequence.read(block, probe, logits);
    run(decoder, sequence);
  }

  private static void run(Decoder decoder, Sequence sequence) {
    while (sequence.running()) {
      Pass pass = new Pass(decoder);
      pass.add(sequence, decoder.maxRows());
      pass.run();
    }
  }
}
