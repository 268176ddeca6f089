package dev.lowpass.kernels.cuda;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The bytes of a kernel's parameter: a struct whose pointers come first and its four-byte numbers
 * after them, so that nothing is padded but its end.
 */
final class Arguments {
  private static final int MAX_BYTES = 4096;

  private final ByteBuffer bytes =
      ByteBuffer.allocateDirect(MAX_BYTES).order(ByteOrder.nativeOrder());

  /** Begins anew. */
  Arguments clear() {
    bytes.clear();
    return this;
  }

  /** A device address, or 0 for null. */
  Arguments pointer(long address) {
    bytes.putLong(address);
    return this;
  }

  Arguments put(int number) {
    bytes.putInt(number);
    return this;
  }

  Arguments put(float number) {
    bytes.putFloat(number);
    return this;
  }

  /**
   * The struct as the driver takes it: its size is a multiple of its pointers'. It may be launched
   * with again.
   */
  ByteBuffer bytes() {
    if (bytes.limit() == bytes.capacity()) {
      if (bytes.position() % Long.BYTES != 0) {
        bytes.putInt(0);
      }
      bytes.flip();
    }
    return bytes;
  }
}
