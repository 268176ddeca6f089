package dev.lowpass.jobs;

import java.io.PrintWriter;

/**
 * Says what becomes of a run that is stopped by Ctrl-C or a signal: the JVM is on its way out, so
 * that failures of tasks that lose their executor are no news.
 */
final class Interruption implements AutoCloseable {
  private static volatile boolean began;

  private final Thread hook;

  Interruption(PrintWriter err, String message) {
    hook =
        new Thread(
            () -> {
              began = true;
              err.println();
              err.println(message);
            },
            "lowpass-interruption");
    Runtime.getRuntime().addShutdownHook(hook);
  }

  /** Whether the JVM is being stopped from outside. */
  static boolean began() {
    return began;
  }

  @Override
  public void close() {
    if (!began) {
      Runtime.getRuntime().removeShutdownHook(hook);
    }
  }
}
