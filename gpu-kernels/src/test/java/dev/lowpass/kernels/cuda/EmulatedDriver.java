package dev.lowpass.kernels.cuda;

import com.sun.jna.Native;
import com.sun.jna.Pointer;
import dev.lowpass.kernels.DeviceException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * CUDA on the CPU: {@code emulator.h} says how. One at a time: the emulated memory is the
 * process's.
 */
final class EmulatedDriver implements Driver {
  private final Emulator.Functions emulator = Emulator.functions();

  /** Launches of a graph that is being made; null else. */
  private List<Runnable> capturing;

  private int graphLaunches;

  /** The order in which a block's threads run. */
  enum Order {
    FORWARD,
    BACKWARD,
    SHUFFLED
  }

  EmulatedDriver() {
    this(Order.FORWARD);
  }

  EmulatedDriver(Order order) {
    setOrder(order);
    setLimit(64L << 30);
  }

  void setOrder(Order order) {
    emulator.emulatorOrder(order.ordinal());
  }

  /** The memory that it pretends to have. */
  void setLimit(long bytes) {
    emulator.emulatorLimit(bytes);
  }

  long usedBytes() {
    return emulator.emulatorUsed();
  }

  @Override
  public String description() {
    return "emulator";
  }

  @Override
  public long allocate(long bytes) {
    return emulator.emulatorAllocate(bytes);
  }

  @Override
  public void free(long address) {
    check(emulator.emulatorFree(address));
  }

  @Override
  public long freeBytes() {
    return totalBytes() - emulator.emulatorUsed();
  }

  @Override
  public long totalBytes() {
    return emulator.emulatorTotal();
  }

  @Override
  public void copyToDevice(long to, ByteBuffer from) {
    range(to, from.remaining()).put(from.duplicate());
  }

  @Override
  public void copyToHost(ByteBuffer to, long from) {
    to.duplicate().put(range(from, to.remaining()));
  }

  @Override
  public void copy(long to, long from, long bytes) {
    check(emulator.emulatorCopy(to, from, bytes));
  }

  @Override
  public void clear(long address, long bytes) {
    Pointer pointer = emulator.emulatorRange(address, bytes);
    if (pointer == null) {
      throw new DeviceException(emulator.emulatorError());
    }
    pointer.setMemory(0, bytes, (byte) 0);
  }

  @Override
  public void launch(String kernel, Grid grid, int threads, int sharedBytes, ByteBuffer arguments) {
    if (capturing != null) {
      ByteBuffer copy = ByteBuffer.allocateDirect(arguments.limit());
      copy.put(arguments.duplicate()).flip();
      capturing.add(() -> execute(kernel, grid, threads, sharedBytes, copy));
    } else {
      execute(kernel, grid, threads, sharedBytes, arguments);
    }
  }

  private void execute(
      String kernel, Grid grid, int threads, int sharedBytes, ByteBuffer arguments) {
    check(
        emulator.emulatorLaunch(
            kernel,
            grid.x(),
            grid.y(),
            grid.z(),
            threads,
            1,
            1,
            sharedBytes,
            Native.getDirectBufferPointer(arguments),
            arguments.limit()));
  }

  @Override
  public Graph graph(Runnable launches) {
    List<Runnable> captured = new ArrayList<>();
    capturing = captured;
    try {
      launches.run();
    } finally {
      capturing = null;
    }
    return new Graph() {
      @Override
      public void launch() {
        graphLaunches++;
        captured.forEach(Runnable::run);
      }

      @Override
      public void close() {
        captured.clear();
      }
    };
  }

  /** Launches of graphs so far. */
  int graphLaunches() {
    return graphLaunches;
  }

  private ByteBuffer range(long address, int bytes) {
    Pointer pointer = emulator.emulatorRange(address, bytes);
    if (pointer == null) {
      throw new DeviceException(emulator.emulatorError());
    }
    return pointer.getByteBuffer(0, bytes);
  }

  private void check(int result) {
    if (result != 0) {
      throw new DeviceException(emulator.emulatorError());
    }
  }

  @Override
  public void close() {}
}
