package dev.lowpass.kernels.cuda;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * Device memory. Pieces that are given back are kept for the next request of the same size: a
 * sequence's cache is one of a few sizes, so slots are taken from the driver once, and neither
 * fragment nor make the device wait. Everything happens on one stream, so a piece may be handed out
 * while kernels that use it for its last owner are still to run.
 */
final class Arena implements AutoCloseable {
  private final Driver driver;
  private final Launches launches;
  private final Map<Long, Deque<Long>> idle = new HashMap<>();
  private final Set<Long> taken = new HashSet<>();
  private long idleBytes;

  /**
   * @param launches what may use memory that goes back to the driver
   */
  Arena(Driver driver, Launches launches) {
    this.driver = driver;
    this.launches = launches;
  }

  /**
   * Takes memory.
   *
   * @param what whose it is, for the message
   * @param remedy what the user can do about too little of it
   * @throws OutOfMemoryError if the device has not as much
   */
  Memory take(long bytes, String what, String remedy) {
    Deque<Long> same = idle.get(bytes);
    if (same != null && !same.isEmpty()) {
      idleBytes -= bytes;
      return new Memory(same.pop(), bytes);
    }
    long address = driver.allocate(bytes);
    if (address == 0 && idleBytes > 0) {
      trim();
      address = driver.allocate(bytes);
    }
    if (address == 0) {
      throw new OutOfMemoryError(
          String.format(
              "%s takes %s of device memory; of %s, %s are free (%s): %s",
              what,
              mebibytes(bytes),
              mebibytes(driver.totalBytes()),
              mebibytes(driver.freeBytes()),
              driver.description(),
              remedy));
    }
    taken.add(address);
    return new Memory(address, bytes);
  }

  /** What the driver has left, and what was given back. */
  long freeBytes() {
    return driver.freeBytes() + idleBytes;
  }

  void giveBack(Memory memory) {
    idle.computeIfAbsent(memory.bytes(), size -> new ArrayDeque<>()).push(memory.address());
    idleBytes += memory.bytes();
  }

  /** Returns the idle pieces to the driver. */
  private void trim() {
    launches.start();
    for (Deque<Long> pieces : idle.values()) {
      for (long address : pieces) {
        driver.free(address);
        taken.remove(address);
      }
    }
    idle.clear();
    idleBytes = 0;
  }

  /** Returns all of it to the driver: the end of everything that took any. */
  @Override
  public void close() {
    taken.forEach(driver::free);
    taken.clear();
    idle.clear();
  }

  private static String mebibytes(long bytes) {
    return String.format("%.1f MiB", bytes / (double) (1 << 20));
  }
}
