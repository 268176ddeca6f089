package dev.lowpass.kernels.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class DeviceTestsTest {
  /** Is no test by its name, so that only the test below runs it. */
  static final class Sampled {
    @Test
    void passes() {}

    @Test
    void fails() {
      throw new AssertionError("element 3 is 1.0, on the CPU 2.0\nand more");
    }

    @Test
    void isSkipped() {
      assumeTrue(false, "no GPU");
    }
  }

  @Test
  void countsWhatPassesAndNamesWhatDoesNot() {
    DeviceTests.Report report = DeviceTests.execute(List.of(Sampled.class));
    assertThat(report.passed()).isEqualTo(1);
    assertThat(report.failures())
        .containsExactlyInAnyOrder(
            "fails(): java.lang.AssertionError: element 3 is 1.0, on the CPU 2.0",
            "isSkipped(): org.opentest4j.TestAbortedException: Assumption failed: no GPU");
  }

  @Test
  void runsOnTheEmulator() {
    Emulator.functions();
    DeviceTests.Report report = DeviceTests.run("emulated", Pattern.compile("Sample.*"));
    assertThat(report.failures()).isEmpty();
    assertThat(report.passed()).isEqualTo(9);
    assertThat(System.getProperty(TestDriver.DEVICE)).isNull();
  }
}
