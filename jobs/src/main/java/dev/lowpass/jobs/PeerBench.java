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
 * Another engine's bench on a model. Each call is a process of its own, which first does a little
 * of the same that does not count.
 *
 * @param program such as {@code llama-bench}
 * @param model a GGUF file, or a folder
 * @param threads it may use
 */
record PeerBench(Kind kind, Path program, Path model, int threads) {
  /** Whose bench it is. */
  enum Kind {
    /** llama.cpp's own, which reads GGUF. */
    LLAMA("llama-bench", "llama.cpp"),
    /** The same for several prompts at once. */
    LLAMA_BATCHED("llama-batched-bench", "llama.cpp"),
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

    /** Whether it has several prompts in flight at once. */
    boolean batches() {
      return this == LLAMA_BATCHED;
    }
  }

  /**
   * Tokens a second; not a number where there were none.
   *
   * @param read of all prompts
   * @param written behind them, of all answers
   */
  record Speeds(double read, double written) {}

  /** The prompt that its threads, and the file's pages, are warmed up with. */
  private static final int WARM_UP = 32;

  /** What llama.cpp rounds the cache of a sequence up to. */
  private static final int CACHE_BLOCK = 256;

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
            + ": there is no such program; give llama-bench:PATH or llama-batched-bench:PATH of llama.cpp, or jlama-bench:PATH");
  }

  /** The same on a model, which it gets in the form that it reads. */
  PeerBench on(BenchModel bench, WeightType weights, int threads) throws IOException {
    if (kind == Kind.JLAMA && weights != WeightType.AUTO) {
      throw new UsageException(
          "--vs has Jlama run the weights as they are stored; with --weights "
              + weights
              + " give --vs-weights auto");
    }
    Path read = kind == Kind.JLAMA ? bench.folder() : bench.gguf(weights);
    return new PeerBench(kind, program, read, threads);
  }

  /**
   * Reads prompts and writes behind them, with nothing left out.
   *
   * @param prompt tokens of each; 0 for writing from nothing
   * @param newTokens to write behind each
   * @param batch how many at once: one, unless the kind has batches
   */
  Speeds measure(int prompt, int newTokens, int batch) {
    if (kind.batches()) {
      return batched(prompt, newTokens, batch);
    }
    String depth = String.valueOf(prompt);
    // The two tokens come first: their test reads the prompt, which the next one finds done.
    return new Speeds(
        prompt == 0 ? Double.NaN : speed("-p", WARM_UP + "," + prompt, "-n", "0"),
        newTokens == 1 ? Double.NaN : speed("-p", "0", "-n", "2," + newTokens, "-d", depth));
  }

  /** The speed of the last test of a list. */
  private double speed(String... test) {
    List<String> options = new ArrayList<>(List.of("-r", "1", "--no-warmup", "-o", "json"));
    options.addAll(List.of(test));
    JsonNode tests = run(options);
    return tests.get(tests.size() - 1).get("avg_ts").asDouble();
  }

  private Speeds batched(int prompt, int newTokens, int batch) {
    // It has no prompt of nothing.
    int read = Math.max(1, prompt);
    int context = (read + newTokens + CACHE_BLOCK - 1) / CACHE_BLOCK * CACHE_BLOCK;
    // Its last line may be lost as it ends, so a short test stands behind the one that counts.
    JsonNode test =
        run(
            List.of(
                "-c", String.valueOf(batch * context),
                "-npp", read + ",1",
                "-ntg", String.valueOf(newTokens),
                "-npl", String.valueOf(batch),
                "--output-format", "jsonl"));
    return new Speeds(
        prompt == 0 ? Double.NaN : test.get("speed_pp").asDouble(),
        newTokens == 1 ? Double.NaN : test.get("speed_tg").asDouble());
  }

  /** Runs it once; returns what it prints. */
  private JsonNode run(List<String> options) {
    List<String> command = new ArrayList<>(List.of(program.toString(), "-m", model.toString()));
    command.addAll(List.of("-t", String.valueOf(threads)));
    command.addAll(options);
    try {
      Path errors = Files.createTempFile("peer-bench", ".err");
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
        JsonNode printed = new ObjectMapper().readTree(output);
        if (printed.isEmpty()) {
          throw new UsageException("--vs: %s printed nothing".formatted(String.join(" ", command)));
        }
        return printed;
      } finally {
        Files.delete(errors);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("--vs: " + program + ": " + e.getMessage(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while " + program + " ran", e);
    }
  }

  private static String last(Path errors) throws IOException {
    List<String> lines = Files.readAllLines(errors);
    return lines.isEmpty() ? "it says nothing" : lines.get(lines.size() - 1);
  }
}
