package dev.lowpass.jobs;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lowpass.pipeline.model.WeightType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * llama.cpp's bench on a model. Each call is a process of its own, which first does a little of the
 * same that does not count.
 *
 * @param program {@code llama-bench}
 * @param model a GGUF file
 * @param threads it may use
 */
record PeerBench(Kind kind, Path program, Path model, int threads) {
  /** Whose bench it is. */
  enum Kind {
    /** llama.cpp's own, which reads GGUF. */
    LLAMA("llama-bench", "llama.cpp"),
    /** What {@code jobs/src/test/jlama} has for Jlama, which reads the model's folder. */
    JLAMA("jlama-bench", "Jlama");

    private final String option;
    private final String engine;

    Kind(String option, String engine) {
      this.option = option;
      this.engine = engine;
    }

    /** The engine's name, for people. */
    String engine() {
      return engine;
    }
  }

  /**
   * Reads a value of {@code --vs}; there is no model yet.
   *
   * @throws UsageException if there is no such program
   */
  static PeerBench parse(String option) {
    for (Kind kind : Kind.values()) {
      if (option.startsWith(kind.option + ":")) {
        Path program = Path.of(option.substring(kind.option.length() + 1));
        if (Files.isExecutable(program)) {
          return new PeerBench(kind, program, null, 0);
        }
      }
    }
    throw new UsageException(
        "--vs "
            + option
            + ": there is no such program; give llama-bench:PATH of llama.cpp's bench, or jlama-bench:PATH");
  }

  /** The same on a model, which it gets in the form that it reads. */
  PeerBench on(BenchModel bench, WeightType weights, int threads) throws IOException {
    if (kind == Kind.JLAMA && weights != WeightType.AUTO) {
      throw new UsageException(
          "--weights "
              + weights
              + ": --vs has Jlama run the weights as they are stored; leave one of them out");
    }
    Path read = kind == Kind.LLAMA ? bench.gguf(weights) : bench.folder();
    return new PeerBench(kind, program, read, threads);
  }

  /** The prompt that its threads, and the file's pages, are warmed up with. */
  private static final int WARM_UP = 32;

  /** Prompt tokens a second of a prompt ({@code -p}). */
  double prompt(int tokens) {
    return run("-p", WARM_UP + "," + tokens, "-n", "0");
  }

  /** Tokens a second that it writes behind so many ({@code -n} at {@code -d}). */
  double generation(int depth, int tokens) {
    return run("-p", "0", "-n", "2," + tokens, "-d", String.valueOf(depth));
  }

  /** Runs it once, and returns the speed of its last test. */
  private double run(String... test) {
    List<String> command = new ArrayList<>(List.of(program.toString(), "-m", model.toString()));
    command.addAll(List.of("-t", String.valueOf(threads), "-r", "1", "--no-warmup", "-o", "json"));
    command.addAll(List.of(test));
    try {
      Path errors = Files.createTempFile("llama-bench", ".err");
      try {
        Process process =
            new ProcessBuilder(command).redirectError(Redirect.to(errors.toFile())).start();
        String output = new String(process.getInputStream().readAllBytes(), UTF_8);
        int status = process.waitFor();
        if (status != 0) {
          throw new UsageException(
              "--vs: %s ended with status %d: %s"
                  .formatted(String.join(" ", command), status, last(errors)));
        }
        JsonNode tests = new ObjectMapper().readTree(output);
        return tests.get(tests.size() - 1).get("avg_ts").asDouble();
      } finally {
        Files.delete(errors);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("--vs: " + program + ": " + e.getMessage(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while llama-bench ran", e);
    }
  }

  private static String last(Path errors) throws IOException {
    List<String> lines = Files.readAllLines(errors);
    return lines.isEmpty() ? "it says nothing" : lines.get(lines.size() - 1);
  }
}
