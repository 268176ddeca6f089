package dev.lowpass.pipeline.check;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The check that a GPU node gets, on the emulator. */
class GpuCheckEmulatedTest {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  private int run(String... arguments) throws IOException {
    return GpuCheck.run(arguments, new PrintStream(out, true), new PrintStream(err, true));
  }

  private static boolean hasCompiler() {
    return Stream.of(System.getenv("PATH").split(":"))
        .anyMatch(folder -> Files.isExecutable(Path.of(folder, "g++")));
  }

  @Test
  void checksTheEmulatedDevice(@TempDir Path folder) throws IOException {
    assumeTrue(hasCompiler(), "no g++ on the PATH");
    Path json = folder.resolve("results.json");
    Path work = Files.createDirectory(folder.resolve("work"));
    int status =
        run(
            "--quick",
            "--device",
            "emulated",
            "--sample-data",
            "../sample-data",
            "--json",
            json.toString(),
            "--work",
            work.toString());
    String printed = out.toString(StandardCharsets.UTF_8);
    assertThat(err.toString(StandardCharsets.UTF_8)).isEmpty();
    assertThat(status).as(printed).isZero();
    assertThat(printed)
        .contains("device  cuda (emulator)", "answers, hybrid cache of 256, full prefill")
        .contains("tiny, fastkv prefill, 100 tokens: decode")
        .contains("tiny, 3 documents of 40 tokens, freqkv cache of 32 ")
        .endsWith("All is well.\n");
    assertThat(work).isEmptyDirectory();
    JsonNode results = new ObjectMapper().readTree(json.toFile());
    assertThat(results.path("passed").asBoolean()).isTrue();
    assertThat(results.at("/tests/passed").asInt()).isEqualTo(9);
    assertThat(results.path("figures"))
        .hasSize(6 + 7)
        .allSatisfy(figure -> assertThat(figure.path("value").asDouble()).isPositive());
  }

  @Test
  void saysWhatIsMissing() throws IOException {
    assertThat(run("--device", "cuda:99")).isEqualTo(1);
    assertThat(err.toString(StandardCharsets.UTF_8)).startsWith("gpu-check: --device cuda: ");
    assertThat(out.size()).isZero();
  }

  @Test
  void refusesOtherArguments() throws IOException {
    assertThat(run("--json")).isEqualTo(2);
    assertThat(run("--fast")).isEqualTo(2);
    assertThat(err.toString(StandardCharsets.UTF_8).lines().limit(2).toList())
        .isEqualTo(List.of("gpu-check: --json needs a value", "gpu-check: unknown option --fast"));
  }
}
