package dev.lowpass.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.Devices;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Starts JVMs with and without the incubator module: nothing else shows that classes load. */
class KernelsProviderTest {
  private static final String MODULE = "--add-modules=jdk.incubator.vector";

  /** Prints the device it gets. */
  static final class Main {
    private Main() {}

    public static void main(String[] args) {
      try (Device first = Devices.open("auto", 1);
          Device second = Devices.open("cpu", 2)) {
        System.out.println(first.description() + " and " + second.description());
      }
    }
  }

  private static String run(String... options) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(System.getProperty("java.home") + File.separator + "bin" + File.separator + "java");
    command.add("-Xmx64m");
    command.addAll(List.of(options));
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    try {
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
      return output;
    } finally {
      process.destroyForcibly();
    }
  }

  @Test
  void withoutTheModuleItWarnsOnceAndRunsInPlainJava() throws Exception {
    String output = run();
    assertThat(output)
        .contains("cpu (plain Java, 1 thread) and cpu (plain Java, 2 threads)")
        .containsOnlyOnce("--add-modules jdk.incubator.vector");
  }

  @Test
  void withTheModuleItTakesTheVectorApi() throws Exception {
    assertThat(run(MODULE)).contains("cpu (Vector API, ").doesNotContain("--add-modules");
  }

  @Test
  void aPropertyDecidesOtherwise() throws Exception {
    assertThat(run(MODULE, "-Dlowpass.cpu.kernels=plain"))
        .contains("cpu (plain Java, 1 thread)")
        .doesNotContain("--add-modules");
    assertThat(run("-Dlowpass.cpu.kernels=vector"))
        .contains(
            "-Dlowpass.cpu.kernels=vector needs the JVM option --add-modules jdk.incubator.vector");
    assertThat(run(MODULE, "-Dlowpass.cpu.kernels=fast"))
        .contains("-Dlowpass.cpu.kernels=fast is not known: use vector or plain");
  }
}
