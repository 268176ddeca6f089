package dev.lowpass.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lowpass.udfs.TestModel;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import org.apache.spark.resource.ResourceInformation;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code conf/discover-gpus} with an {@code nvidia-smi} of the test's, read as Spark reads it. */
class DiscoverGpusTest {
  static final Path SCRIPT = TestModel.above("conf/discover-gpus");

  @TempDir Path folder;

  @Test
  void whatNvidiaSmiShows() throws Exception {
    nvidiaSmi(folder, "printf '0\\n1\\n2\\n'");
    assertThat(addresses(Map.of())).containsExactly("0", "1", "2");
  }

  @Test
  void whatIsVisibleToCuda() throws Exception {
    nvidiaSmi(folder, "printf '0\\n1\\n2\\n'");
    assertThat(addresses(Map.of("CUDA_VISIBLE_DEVICES", "2, 0"))).containsExactly("2", "0");
    String uuid = "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6";
    assertThat(addresses(Map.of("CUDA_VISIBLE_DEVICES", uuid))).containsExactly(uuid);
  }

  @Test
  void noneIsAnError() throws Exception {
    refused(
        Map.of(),
        "nvidia-smi is not on the PATH; install NVIDIA's driver, or ask for no GPUs on this machine");
    nvidiaSmi(folder, "echo 'No devices were found'; exit 6");
    refused(Map.of(), "nvidia-smi: No devices were found");
    nvidiaSmi(folder, "printf '0\\n'");
    refused(Map.of("CUDA_VISIBLE_DEVICES", ""), "CUDA_VISIBLE_DEVICES is empty: no GPU is visible");
    refused(Map.of("CUDA_VISIBLE_DEVICES", "-1"), "'-1' is no address of a GPU");
  }

  /** Puts an {@code nvidia-smi} into a folder that answers the script's question. */
  static void nvidiaSmi(Path folder, String answer) throws IOException {
    Path file =
        Files.writeString(
            folder.resolve("nvidia-smi"),
            """
            #!/bin/sh
            [ "$*" = "--query-gpu=index --format=csv,noheader" ] || exit 2
            %s
            """
                .formatted(answer));
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private String[] addresses(Map<String, String> environment) throws Exception {
    Command command = run(environment);
    assertThat(command.err()).isEmpty();
    assertThat(command.status()).isZero();
    ResourceInformation gpus = ResourceInformation.parseJson(command.out());
    assertThat(gpus.name()).isEqualTo("gpu");
    return gpus.addresses();
  }

  private void refused(Map<String, String> environment, String message) throws Exception {
    assertThat(run(environment)).isEqualTo(new Command(1, "", "discover-gpus: " + message + "\n"));
  }

  private Command run(Map<String, String> environment) throws Exception {
    assertThat(SCRIPT).isExecutable();
    ProcessBuilder builder = new ProcessBuilder(List.of("/bin/bash", SCRIPT.toString()));
    builder.environment().clear();
    builder.environment().put("PATH", folder.toString());
    builder.environment().putAll(environment);
    Process process = builder.start();
    // Both fit into a pipe, so that neither waits for the other.
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    String err = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Command(process.waitFor(), out, err);
  }
}
