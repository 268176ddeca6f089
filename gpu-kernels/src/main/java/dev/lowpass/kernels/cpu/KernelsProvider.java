package dev.lowpass.kernels.cpu;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Picks the inner loops: the Vector API's where its module is there, plain Java elsewhere. The
 * system property {@value #PROPERTY} ({@code vector} or {@code plain}) decides otherwise.
 */
final class KernelsProvider {
  static final String PROPERTY = "lowpass.cpu.kernels";

  private static final String MODULE = "jdk.incubator.vector";

  private static Kernels kernels;

  private KernelsProvider() {}

  /** The same for the whole life of the JVM, so that a warning comes once. */
  static synchronized Kernels get() {
    if (kernels == null) {
      kernels = choose();
    }
    return kernels;
  }

  private static Kernels choose() {
    String forced = System.getProperty(PROPERTY, "");
    // VectorKernels must not load where the module is missing: nothing names the class but
    // vector().
    boolean present = hasVectors();
    switch (forced) {
      case "plain" -> {
        return new PlainKernels();
      }
      case "vector" -> {
        if (!present) {
          throw new IllegalArgumentException(
              "-D" + PROPERTY + "=vector needs the JVM option --add-modules " + MODULE);
        }
        return vector();
      }
      case "" -> {
        if (!present) {
          Logger log = LoggerFactory.getLogger(KernelsProvider.class);
          log.warn(
              "the CPU device runs without the Vector API, many times slower:"
                  + " add the JVM option --add-modules {}",
              MODULE);
          return new PlainKernels();
        }
        return vector();
      }
      default ->
          throw new IllegalArgumentException(
              "-D" + PROPERTY + "=" + forced + " is not known: use vector or plain");
    }
  }

  /** Whether the JVM was started with the Vector API. */
  static boolean hasVectors() {
    return ModuleLayer.boot().findModule(MODULE).isPresent();
  }

  private static Kernels vector() {
    return new VectorKernels();
  }
}
