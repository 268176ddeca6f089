package dev.lowpass.jobs;

import java.io.PrintWriter;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.core.config.Configurator;

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
              // Spark's parts complain of each other while they go down.
              Configurator.setAllLevels(LogManager.ROOT_LOGGER_NAME, Level.OFF);
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
