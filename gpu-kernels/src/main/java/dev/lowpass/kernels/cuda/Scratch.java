package dev.lowpass.kernels.cuda;

/** Device memory that one operation at a time uses; it grows to the largest that was asked for. */
final class Scratch {
  private final Arena arena;
  private final String purpose;
  private Memory memory;

  Scratch(Arena arena, String purpose) {
    this.arena = arena;
    this.purpose = purpose;
  }

  /** At least {@code bytes} bytes; what they held before is lost if they had to grow. */
  long address(long bytes) {
    if (memory == null || bytes > memory.bytes()) {
      if (memory != null) {
        arena.giveBack(memory);
        memory = null;
      }
      memory =
          arena.take(
              bytes, "scratch memory for " + purpose, "leave more of the GPU's memory to Lowpass");
    }
    return memory.address();
  }
}
