package dev.lowpass.kernels.cuda;

import dev.lowpass.kernels.DeviceException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Kernels on their way to the device: they are started together, when something waits for them or
 * enough have come. What is started for the second time, the same kernels in the same order with
 * the same parameters, is made a {@link Driver.Graph} and costs one call from then on. So the steps
 * of a decode are replayed without anybody telling them apart: what changes from one to the next
 * (tokens, positions, lengths) is in device memory.
 */
final class Launches implements AutoCloseable {
  /** As many are started without waiting for more, so that the device begins meanwhile. */
  private static final int MOST = 100;

  /** Fewer are not worth a graph. */
  private static final int FEWEST = 4;

  /** Sequences of launches that are remembered, those used last. */
  private static final int REMEMBERED = 256;

  private static final int PARAMETER_BYTES = 4096;

  private final Driver driver;
  private final ByteBuffer parameter =
      ByteBuffer.allocateDirect(PARAMETER_BYTES).order(ByteOrder.nativeOrder());
  private List<Launch> waiting = new ArrayList<>();

  /** By what they start; a null graph where that happened once. */
  private final Map<List<Launch>, Driver.Graph> graphs =
      new LinkedHashMap<>(REMEMBERED, 0.75f, /* accessOrder= */ true);

  /** A kernel and its parameter; operands are for messages alone, until it was started. */
  private static final class Launch {
    private final String kernel;
    private final Driver.Grid grid;
    private final int threads;
    private final int sharedBytes;
    private final byte[] parameter;
    private Object[] operands;

    Launch(
        String kernel,
        Driver.Grid grid,
        int threads,
        int sharedBytes,
        byte[] parameter,
        Object[] operands) {
      this.kernel = kernel;
      this.grid = grid;
      this.threads = threads;
      this.sharedBytes = sharedBytes;
      this.parameter = parameter;
      this.operands = operands;
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof Launch that
          && kernel.equals(that.kernel)
          && grid.equals(that.grid)
          && threads == that.threads
          && sharedBytes == that.sharedBytes
          && Arrays.equals(parameter, that.parameter);
    }

    @Override
    public int hashCode() {
      return 31 * kernel.hashCode() + Arrays.hashCode(parameter);
    }
  }

  Launches(Driver driver) {
    this.driver = driver;
  }

  /**
   * Takes a launch.
   *
   * @param parameter the bytes from its position to its limit; may be changed when this returns
   * @param operands what the kernel works on, for the message if it fails
   */
  void add(
      String kernel,
      Driver.Grid grid,
      int threads,
      int sharedBytes,
      ByteBuffer parameter,
      Object[] operands) {
    byte[] bytes = new byte[parameter.remaining()];
    parameter.duplicate().get(bytes);
    waiting.add(new Launch(kernel, grid, threads, sharedBytes, bytes, operands));
    if (waiting.size() == MOST) {
      start();
    }
  }

  /** Starts what is waiting. */
  void start() {
    if (waiting.isEmpty()) {
      return;
    }
    List<Launch> launches = waiting;
    // Even if one fails, it is not started again.
    waiting = new ArrayList<>();
    if (launches.size() < FEWEST) {
      launches.forEach(this::start);
      return;
    }
    Driver.Graph graph = graphs.get(launches);
    if (graph == null && graphs.containsKey(launches)) {
      graph = driver.graph(() -> launches.forEach(this::start));
    }
    if (graph == null) {
      launches.forEach(this::start);
    } else {
      start(graph, launches);
    }
    // What is remembered keeps no caches from being collected.
    launches.forEach(launch -> launch.operands = null);
    graphs.put(launches, graph);
    forget();
  }

  private void start(Launch launch) {
    parameter.clear().put(launch.parameter).flip();
    try {
      driver.launch(launch.kernel, launch.grid, launch.threads, launch.sharedBytes, parameter);
    } catch (DeviceException e) {
      throw new DeviceException(
          e.getMessage() + "; operands: " + Arrays.toString(launch.operands), e);
    }
  }

  private static void start(Driver.Graph graph, List<Launch> launches) {
    try {
      graph.launch();
    } catch (DeviceException e) {
      String first = launches.get(0).kernel;
      String last = launches.get(launches.size() - 1).kernel;
      throw new DeviceException(
          String.format(
              "%s; %d kernels at once, %s to %s", e.getMessage(), launches.size(), first, last),
          e);
    }
  }

  private void forget() {
    if (graphs.size() > REMEMBERED) {
      Driver.Graph oldest = graphs.remove(graphs.keySet().iterator().next());
      if (oldest != null) {
        oldest.close();
      }
    }
  }

  /** Forgets what is waiting, and all graphs. */
  @Override
  public void close() {
    waiting.clear();
    for (Driver.Graph graph : graphs.values()) {
      if (graph != null) {
        graph.close();
      }
    }
    graphs.clear();
  }
}
