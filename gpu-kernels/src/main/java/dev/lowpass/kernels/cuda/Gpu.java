package dev.lowpass.kernels.cuda;

import dev.lowpass.kernels.DType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Locale;

/** What the parts of the device share: the driver, its memory, and how kernels are started. */
final class Gpu implements AutoCloseable {
  private final Driver driver;
  private final Arena arena;
  private final Launches launches;
  private final Arguments arguments = new Arguments();
  private ByteBuffer host = ByteBuffer.allocateDirect(0);
  private DType storage;

  /**
   * @param storage what weights' matrices and caches are stored as; null to take it from the first
   *     matrix
   */
  Gpu(Driver driver, DType storage) {
    this.driver = driver;
    this.storage = storage;
    launches = new Launches(driver);
    arena = new Arena(driver, launches);
  }

  /** The driver, after what was launched before. */
  Driver driver() {
    launches.start();
    return driver;
  }

  Arena arena() {
    return arena;
  }

  /** The first matrix's type is the device's, unless that was decided before. */
  void suggestStorage(DType type) {
    storage = storage == null ? type : storage;
  }

  /** What matrices, operands and caches are stored as. */
  DType storage() {
    suggestStorage(DType.BF16);
    return storage;
  }

  /** The name of a kernel for the device's storage type. */
  String typed(String kernel) {
    return kernel + "_" + suffix(storage());
  }

  static String suffix(DType type) {
    return type.name().toLowerCase(Locale.ROOT);
  }

  /** An empty parameter to fill; there is one, for the next launch. */
  Arguments arguments() {
    return arguments.clear();
  }

  /**
   * Starts a kernel with the parameter that {@link #arguments} was filled to, before whatever comes
   * after it.
   *
   * @param operands what it works on, for the message if it fails
   */
  void launch(String kernel, Driver.Grid grid, int threads, int sharedBytes, Object... operands) {
    launches.add(kernel, grid, threads, sharedBytes, arguments.bytes(), operands);
  }

  /** A direct buffer of a size, for the way to or from the device; there is one. */
  ByteBuffer host(int bytes) {
    if (bytes > host.capacity()) {
      host = ByteBuffer.allocateDirect(Math.max(bytes, 2 * host.capacity()));
      host.order(ByteOrder.nativeOrder());
    }
    return host.clear().limit(bytes);
  }

  float[] readFloats(long address, int count) {
    float[] floats = new float[count];
    read(address, count, Float.BYTES).asFloatBuffer().get(floats);
    return floats;
  }

  int[] readInts(long address, int count) {
    int[] ints = new int[count];
    read(address, count, Integer.BYTES).asIntBuffer().get(ints);
    return ints;
  }

  double[] readDoubles(long address, int count) {
    double[] doubles = new double[count];
    read(address, count, Double.BYTES).asDoubleBuffer().get(doubles);
    return doubles;
  }

  private ByteBuffer read(long address, int count, int bytesEach) {
    ByteBuffer bytes = host(Math.multiplyExact(count, bytesEach));
    driver().copyToHost(bytes, address);
    return bytes;
  }

  void write(long address, float[] values) {
    ByteBuffer bytes = host(Math.multiplyExact(values.length, Float.BYTES));
    bytes.asFloatBuffer().put(values);
    driver().copyToDevice(address, bytes);
  }

  void write(long address, int[] values) {
    ByteBuffer bytes = host(Math.multiplyExact(values.length, Integer.BYTES));
    bytes.asIntBuffer().put(values);
    driver().copyToDevice(address, bytes);
  }

  void write(long address, double[] values) {
    ByteBuffer bytes = host(Math.multiplyExact(values.length, Double.BYTES));
    bytes.asDoubleBuffer().put(values);
    driver().copyToDevice(address, bytes);
  }

  @Override
  public void close() {
    try {
      launches.close();
      arena.close();
    } finally {
      driver.close();
    }
  }
}
