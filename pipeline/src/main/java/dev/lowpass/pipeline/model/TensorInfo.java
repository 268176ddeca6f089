package dev.lowpass.pipeline.model;

import dev.lowpass.kernels.DType;
import java.nio.file.Path;
import java.util.Arrays;

/** Where a tensor of a checkpoint lies and how it is stored. */
public final class TensorInfo {
  private final String name;
  private final String storedAs;
  private final long[] shape;
  private final Path file;
  private final long offset;
  private final long bytes;

  TensorInfo(String name, String storedAs, long[] shape, Path file, long offset, long bytes) {
    this.name = name;
    this.storedAs = storedAs;
    this.shape = shape;
    this.file = file;
    this.offset = offset;
    this.bytes = bytes;
  }

  /** Its name in the checkpoint, such as {@code model.norm.weight}. */
  public String name() {
    return name;
  }

  /** Its element type as the file names it, such as {@code BF16}; any of safetensors' types. */
  public String storedAs() {
    return storedAs;
  }

  /** Whether its elements are of a type that the kernels read. */
  public boolean isSupported() {
    return Arrays.stream(DType.values()).anyMatch(type -> type.name().equals(storedAs));
  }

  /**
   * Its element type.
   *
   * @throws ModelException if it is none that the kernels read
   */
  public DType dtype() {
    if (!isSupported()) {
      throw new ModelException(
          file
              + ": tensor "
              + name
              + " is stored as "
              + storedAs
              + "; supported are F32, F16, BF16: convert the checkpoint to one of these");
    }
    return DType.valueOf(storedAs);
  }

  /** Its dimensions, outermost first; none for a scalar. */
  public long[] shape() {
    return shape.clone();
  }

  /** How many elements it has. */
  public long elements() {
    return Arrays.stream(shape).reduce(1, (a, b) -> a * b);
  }

  /** The file it is in. */
  public Path file() {
    return file;
  }

  /** Its first byte, counted from the start of the file. */
  public long offset() {
    return offset;
  }

  /** Its size in bytes. */
  public long bytes() {
    return bytes;
  }

  @Override
  public String toString() {
    return name + " " + storedAs + Arrays.toString(shape);
  }
}
