package dev.lowpass.jobs;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lowpass.pipeline.evaluation.longbench.LongBenchTask;
import dev.lowpass.pipeline.evaluation.ruler.EvaluationSets;
import dev.lowpass.pipeline.evaluation.ruler.RulerTask;
import dev.lowpass.pipeline.evaluation.suite.Suite;
import dev.lowpass.pipeline.evaluation.suite.SuiteRow;
import dev.lowpass.pipeline.evaluation.suite.SuiteSettings;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The rows of evaluation sets, from files or just made. A row is known by the digest of all that it
 * says, so that a run knows it again wherever it stands.
 */
final class SuiteFiles {
  private static final String JSONL = ".jsonl";
  private static final String EXPECTED = ".expected";

  /** LongBench-E's files. */
  private static final String EVEN = "_e";

  private static final int ID_DIGITS = 16;

  private final SuiteSettings settings;
  private final List<SuiteRow> rows = new ArrayList<>();
  private final Map<String, Integer> repeats = new HashMap<>();

  SuiteFiles(SuiteSettings settings) {
    this.settings = settings;
  }

  /** All rows so far. */
  List<SuiteRow> rows() {
    return rows;
  }

  /** Adds questions that were made. */
  void add(Suite suite, QuestionFile file) {
    int number = 0;
    for (String line : file.lines()) {
      number++;
      String source = "%s/%d:%d".formatted(file.task(), file.length(), number);
      add(suite, file.task(), file.length(), source, line);
    }
  }

  /**
   * Adds what is in a file or a folder.
   *
   * @throws UsageException if there is nothing of that suite
   */
  void add(Suite suite, Path path) throws IOException {
    if (!Files.exists(path)) {
      throw new UsageException("--data " + path + ": no such file");
    }
    int before = rows.size();
    for (Path file : files(path, suite)) {
      if (suite == Suite.PERPLEXITY) {
        String row =
            text(Files.readAllBytes(file))
                .map(text -> new ObjectMapper().createObjectNode().put("text", text).toString())
                .orElse(SuiteRow.NOT_UTF_8);
        add(suite, suite.id(), null, file.getFileName().toString(), row);
      } else {
        addLines(suite, file);
      }
    }
    if (rows.size() == before) {
      throw new UsageException("--data " + path + ": has nothing of suite " + suite.id());
    }
  }

  private static List<Path> files(Path path, Suite suite) throws IOException {
    if (Files.isRegularFile(path)) {
      return List.of(path);
    }
    try (Stream<Path> walk = Files.walk(path)) {
      return walk.filter(Files::isRegularFile)
          .filter(file -> suite == Suite.PERPLEXITY || file.toString().endsWith(JSONL))
          .sorted()
          .toList();
    }
  }

  private void addLines(Suite suite, Path file) throws IOException {
    String task = task(suite, file);
    Integer length = length(suite, file);
    int number = 0;
    for (String line : lines(file)) {
      number++;
      if (!line.isBlank()) {
        String row =
            suite == Suite.EXTRACTION || suite == Suite.SUMMARY ? withText(file, line) : line;
        add(suite, task, length, file.getFileName() + ":" + number, row);
      }
    }
  }

  /** What is not UTF-8 is no text; the row that should have it is malformed. */
  private static Optional<String> text(byte[] bytes) {
    try {
      return Optional.of(
          StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString());
    } catch (CharacterCodingException e) {
      return Optional.empty();
    }
  }

  /** A file's lines, each by itself: one that is not UTF-8 leaves the others as they are. */
  private static List<String> lines(Path file) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    List<String> lines = new ArrayList<>();
    for (int from = 0, end; from < bytes.length; from = end + 1) {
      end = from;
      while (end < bytes.length && bytes[end] != '\n') {
        end++;
      }
      lines.add(text(Arrays.copyOfRange(bytes, from, end)).orElse(SuiteRow.NOT_UTF_8));
    }
    return lines;
  }

  /** The task that a file is of, by its name, or as generated sets lie: LENGTH/TASK/FILE. */
  private static String task(Suite suite, Path file) {
    String name = file.getFileName().toString();
    String stem = name.endsWith(JSONL) ? name.substring(0, name.length() - JSONL.length()) : name;
    return switch (suite) {
      case NEEDLE, EXTRACTION, SUMMARY, PERPLEXITY -> suite.id();
      case SHARED -> stem;
      case LONGBENCH -> {
        String task = stem.endsWith(EVEN) ? stem.substring(0, stem.length() - EVEN.length()) : stem;
        if (LongBenchTask.of(task).isEmpty()) {
          throw new UsageException("--data " + file + ": LongBench has no such task");
        }
        yield task;
      }
      case RULER -> {
        String folder = file.toAbsolutePath().getParent().getFileName().toString();
        String task = RulerTask.of(stem).isPresent() ? stem : folder;
        if (RulerTask.of(task).isEmpty()) {
          throw new UsageException("--data " + file + ": RULER has no such task");
        }
        yield task;
      }
    };
  }

  private static Integer length(Suite suite, Path file) {
    if (suite != Suite.RULER && suite != Suite.NEEDLE) {
      return null;
    }
    Path folder = file.toAbsolutePath().getParent().getParent();
    String name = folder == null || folder.getFileName() == null ? "" : folder.getFileName() + "";
    return name.matches("[0-9]{1,9}") ? Integer.valueOf(name) : null;
  }

  /**
   * A row of expected values with its document, which may lie in a folder beside the file: {@code
   * contracts/} beside {@code contracts.expected.jsonl}. A row that cannot be read stays as it is.
   */
  private static String withText(Path file, String line) throws IOException {
    JsonNode row;
    try {
      row = new ObjectMapper().readTree(line);
    } catch (JsonProcessingException e) {
      return line;
    }
    if (row.has("text") || !row.path("doc_id").isTextual()) {
      return line;
    }
    String name = file.getFileName().toString();
    Path folder =
        file.resolveSibling(
            name.substring(0, name.length() - JSONL.length()).replace(EXPECTED, ""));
    Path document = folder.resolve(row.get("doc_id").textValue()).normalize();
    if (!document.startsWith(folder.normalize()) || !Files.isRegularFile(document)) {
      return line;
    }
    return text(Files.readAllBytes(document))
        .map(text -> ((ObjectNode) row).put("text", text).toString())
        .orElse(line);
  }

  private void add(Suite suite, String task, Integer length, String source, String json) {
    String others =
        switch (suite) {
          case EXTRACTION -> settings.schema();
          case PERPLEXITY -> settings.lengths().toString();
          default -> "";
        };
    String said = String.join("\n", suite.id(), task, others, json);
    String digest = EvaluationSets.sha256(said.getBytes(StandardCharsets.UTF_8));
    String id = task + "/" + digest.substring(0, ID_DIGITS);
    int repeat = repeats.merge(id, 1, Integer::sum);
    rows.add(new SuiteRow(repeat == 1 ? id : id + "-" + repeat, suite, task, length, source, json));
  }
}
