package dev.lowpass.kernels.cuda;

import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.launcher.Launcher;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/**
 * Runs the tests that compare a CUDA device with the CPU from a program, on a GPU or the emulator.
 */
public final class DeviceTests {
  private static final List<Class<?>> CLASSES =
      List.of(
          ElementwiseEmulatedTest.class,
          LinearEmulatedTest.class,
          QuantizedEmulatedTest.class,
          AttentionEmulatedTest.class,
          ObservationEmulatedTest.class,
          CacheEmulatedTest.class,
          SampleEmulatedTest.class);

  private DeviceTests() {}

  /**
   * What tests came to.
   *
   * @param failures a line each: the test's class, its name, what it said
   */
  public record Report(int passed, List<String> failures) {}

  /**
   * Runs tests.
   *
   * @param device {@code cuda} for the first GPU, {@code emulated} for the emulator
   * @param classes those whose simple names match
   */
  public static Report run(String device, Pattern classes) {
    String before = System.getProperty(TestDriver.DEVICE);
    System.setProperty(TestDriver.DEVICE, device);
    try {
      List<Class<?>> matching = new ArrayList<>(CLASSES);
      matching.removeIf(test -> !classes.matcher(test.getSimpleName()).matches());
      return execute(matching);
    } finally {
      if (before == null) {
        System.clearProperty(TestDriver.DEVICE);
      } else {
        System.setProperty(TestDriver.DEVICE, before);
      }
    }
  }

  static Report execute(List<Class<?>> classes) {
    Launcher launcher = LauncherFactory.create();
    LauncherDiscoveryRequest request =
        LauncherDiscoveryRequestBuilder.request()
            .selectors(classes.stream().map(type -> selectClass(type)).toList())
            .build();
    Listener listener = new Listener();
    launcher.execute(request, listener);
    return new Report(listener.passed, List.copyOf(listener.failures));
  }

  private static final class Listener implements TestExecutionListener {
    private final List<String> failures = new ArrayList<>();
    private int passed;

    @Override
    public void executionSkipped(TestIdentifier test, String reason) {
      failures.add(test.getDisplayName() + ": skipped: " + reason);
    }

    @Override
    public void executionFinished(TestIdentifier test, TestExecutionResult result) {
      if (result.getStatus() == TestExecutionResult.Status.SUCCESSFUL) {
        passed += test.isTest() ? 1 : 0;
        return;
      }
      String message = result.getThrowable().map(Throwable::toString).orElse("aborted");
      failures.add(test.getLegacyReportingName() + ": " + message.lines().findFirst().orElse(""));
    }
  }
}
