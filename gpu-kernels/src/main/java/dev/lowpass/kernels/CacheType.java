package dev.lowpass.kernels;

/** How a cache stores keys and values; every operation computes in float32 or better. */
public enum CacheType {
  /** What the device chooses: float32 on the CPU, the type of the checkpoint on a GPU. */
  AUTO,
  /** float32: what was appended, to the bit. */
  F32,
  /** IEEE half precision, rounded to nearest; beyond its range the largest half. */
  F16,
  /** Signed bytes, and a float32 scale for each entry and kv head: its largest magnitude / 127. */
  INT8;

  /** Bytes that one entry's key or value takes, of so many channels a head; AUTO is float32. */
  public int bytes(int headDim) {
    return switch (this) {
      case AUTO, F32 -> Float.BYTES * headDim;
      case F16 -> Short.BYTES * headDim;
      case INT8 -> headDim + Float.BYTES;
    };
  }
}
