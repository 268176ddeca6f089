package dev.lowpass.jobs;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The most memory that this process takes from {@link #mark} on. Resident memory is what counts:
 * heap, native memory and the mapped weights that were touched. It includes garbage that no
 * collection has come to yet.
 */
final class PeakMemory {
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final Path CLEAR = Path.of("/proc/self/clear_refs");

  /** What makes Linux forget {@code VmHWM}, the peak of resident memory (proc(5)). */
  private static final String FORGET_PEAK = "5";

  private static final int SETTLE_POLLS = 20;
  private static final int SETTLE_MILLIS = 100;
  private static final long SETTLED_BYTES = 1 << 20;

  private static final List<MemoryPoolMXBean> HEAP =
      ManagementFactory.getMemoryPoolMXBeans().stream()
          .filter(pool -> pool.getType() == MemoryType.HEAP)
          .toList();

  private final long residentAtMark;

  private PeakMemory(long residentAtMark) {
    this.residentAtMark = residentAtMark;
  }

  /** Collects garbage, lets the heap shrink, and starts anew. */
  static PeakMemory mark() {
    System.gc();
    settle();
    try {
      Files.writeString(CLEAR, FORGET_PEAK);
    } catch (IOException e) {
      // No Linux, or not allowed: the peak is then that of the process since it started.
    }
    HEAP.forEach(MemoryPoolMXBean::resetPeakUsage);
    return new PeakMemory(status("VmRSS:"));
  }

  /** The JVM gives memory back to the system in its own time. */
  private static void settle() {
    long before = Long.MAX_VALUE;
    for (int i = 0; i < SETTLE_POLLS; i++) {
      long now = status("VmRSS:");
      if (before - now < SETTLED_BYTES) {
        return;
      }
      before = now;
      try {
        Thread.sleep(SETTLE_MILLIS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }

  /** Resident memory when this began; -1 where the system does not tell. */
  long residentAtMark() {
    return residentAtMark;
  }

  /** The most resident memory since then; -1 where the system does not tell. */
  long resident() {
    return status("VmHWM:");
  }

  /** The most heap in use since then, garbage included. */
  long heap() {
    return HEAP.stream().mapToLong(pool -> pool.getPeakUsage().getUsed()).sum();
  }

  /** A figure of /proc/self/status in bytes; -1 where there is none. */
  private static long status(String name) {
    try {
      for (String line : Files.readAllLines(STATUS)) {
        if (line.startsWith(name)) {
          return 1024 * Long.parseLong(line.replaceAll("[^0-9]", ""));
        }
      }
    } catch (IOException e) {
      // No Linux.
    }
    return -1;
  }
}
