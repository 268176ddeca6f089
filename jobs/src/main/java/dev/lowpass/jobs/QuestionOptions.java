package dev.lowpass.jobs;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.lowpass.pipeline.evaluation.EvaluationException;
import dev.lowpass.pipeline.evaluation.ruler.EvaluationSets;
import dev.lowpass.pipeline.evaluation.ruler.Haystack;
import dev.lowpass.pipeline.evaluation.ruler.NeedleGrid;
import dev.lowpass.pipeline.evaluation.ruler.QuestionSet;
import dev.lowpass.pipeline.evaluation.ruler.RulerSample;
import dev.lowpass.pipeline.evaluation.ruler.RulerSettings;
import dev.lowpass.pipeline.evaluation.ruler.RulerSources;
import dev.lowpass.pipeline.evaluation.ruler.RulerTask;
import dev.lowpass.pipeline.evaluation.ruler.TokenCounter;
import dev.lowpass.pipeline.evaluation.ruler.WordLists;
import dev.lowpass.pipeline.evaluation.suite.Suite;
import dev.lowpass.pipeline.text.TextTokenizer;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Option;

/** What questions {@code evaluate} makes, and what of. */
final class QuestionOptions {
  private static final String NEEDLE = "needle";

  @Option(
      names = "--tasks",
      paramLabel = "NAME",
      split = ",",
      description = "Tasks of ruler. Default: all that there are sources for.")
  private List<String> tasks = List.of();

  @Option(
      names = "--lengths",
      paramLabel = "N",
      split = ",",
      defaultValue = "4096",
      description =
          "Tokens of a prompt and its answer, as the model's tokenizer counts."
              + " Default: ${DEFAULT-VALUE}.")
  private List<Integer> lengths;

  @Option(
      names = "--samples",
      paramLabel = "N",
      defaultValue = "100",
      description = "Questions a task and length (ruler). Default: ${DEFAULT-VALUE}.")
  private int samples;

  @Option(
      names = "--depths",
      paramLabel = "N",
      defaultValue = "10",
      description =
          "Depths a length, evenly spread from 0 to 100 percent (needle)."
              + " Default: ${DEFAULT-VALUE}.")
  private int depths;

  @Option(
      names = "--haystack",
      paramLabel = "FILE",
      arity = "1..*",
      description = "Text files or folders of them to hide needles in; repeated as need be.")
  private List<Path> haystack = List.of();

  @Option(
      names = "--words",
      paramLabel = "DIR",
      description =
          "The assets of the Python package wonderwords, for RULER's own words."
              + " Default: our own lists.")
  private Path words;

  @Option(
      names = "--squad",
      paramLabel = "FILE",
      description = "Documents and questions as SQuAD's, for qa_1.")
  private Path squad;

  @Option(
      names = "--hotpotqa",
      paramLabel = "FILE",
      description = "Documents and questions as HotpotQA's, for qa_2.")
  private Path hotpotQa;

  @Option(
      names = "--needles",
      paramLabel = "FILE",
      description = {
        "What to hide and how to ask for it (needle): a JSON object a line with text, answer,",
        "prompt ({context} is the haystack's place) and, if need be, answer_prefix.",
        "Default: the sandwich in San Francisco."
      })
  private Path needles;

  /** Ascending, each once. */
  List<Integer> lengths() {
    return lengths.stream().distinct().sorted().toList();
  }

  void check() {
    if (lengths.stream().anyMatch(length -> length < 1) || samples < 1 || depths < 1) {
      throw new UsageException("--lengths, --samples and --depths take numbers from 1 on");
    }
    for (String task : tasks) {
      if (RulerTask.of(task).isEmpty()) {
        throw new UsageException(
            "--tasks %s: no such task; there are: %s"
                .formatted(
                    task,
                    Arrays.stream(RulerTask.values())
                        .map(RulerTask::id)
                        .collect(Collectors.joining(", "))));
      }
    }
  }

  /**
   * Makes a suite's questions, of a length and a task at a time.
   *
   * @param facts is told how they are made
   */
  List<QuestionFile> make(Suite suite, Path model, int seed, List<String> facts, PrintWriter err)
      throws IOException {
    facts.add("seed: " + seed);
    facts.add("tokenizer: " + described(model.resolve("tokenizer.json")));
    try (TextTokenizer tokenizer = TextTokenizer.load(model)) {
      TokenCounter counter = text -> tokenizer.encode(text).length;
      return suite == Suite.NEEDLE ? needles(counter, facts) : ruler(counter, seed, facts, err);
    }
  }

  private List<QuestionFile> ruler(
      TokenCounter counter, int seed, List<String> facts, PrintWriter err) throws IOException {
    RulerSources sources = rulerSources(facts);
    List<RulerTask> chosen =
        tasks.isEmpty()
            ? List.of(RulerTask.values())
            : tasks.stream().map(task -> RulerTask.of(task).orElseThrow()).toList();
    List<QuestionFile> files = new ArrayList<>();
    for (RulerTask task : chosen) {
      if (tasks.isEmpty() && !task.hasSource(sources)) {
        err.println("lowpass evaluate: left out: " + task.id() + " has no source");
        continue;
      }
      for (int length : lengths()) {
        List<RulerSample> made;
        try {
          made = task.generate(new RulerSettings(length, seed, counter, sources), samples);
        } catch (EvaluationException e) {
          if (!tasks.isEmpty()) {
            throw e;
          }
          err.println("lowpass evaluate: left out: " + e.getMessage());
          continue;
        }
        files.add(
            new QuestionFile(task.id(), length, made.stream().map(RulerSample::toJson).toList()));
      }
    }
    return files;
  }

  private RulerSources rulerSources(List<String> facts) throws IOException {
    facts.add("words: " + (words == null ? "Lowpass's own" : "wonderwords'"));
    if (squad != null) {
      facts.add("questions of qa_1: " + described(squad));
    }
    if (hotpotQa != null) {
      facts.add("questions of qa_2: " + described(hotpotQa));
    }
    return new RulerSources(
        words == null ? WordLists.builtIn() : WordLists.read(words),
        haystack.isEmpty() ? null : haystack(facts),
        squad == null ? null : QuestionSet.squad(squad),
        hotpotQa == null ? null : QuestionSet.hotpotQa(hotpotQa));
  }

  private List<QuestionFile> needles(TokenCounter counter, List<String> facts) throws IOException {
    if (haystack.isEmpty()) {
      throw new UsageException(
          "--suite needle needs a text to hide the needle in; give --haystack");
    }
    Haystack text = haystack(facts);
    List<NeedleGrid.Needle> hidden = List.of(NeedleGrid.Needle.SANDWICH);
    if (needles != null) {
      facts.add("needles: " + described(needles));
      hidden = NeedleGrid.Needle.read(needles);
    }
    List<QuestionFile> files = new ArrayList<>();
    for (int length : lengths()) {
      List<String> lines = new ArrayList<>();
      for (NeedleGrid.Needle needle : hidden) {
        new NeedleGrid(text, needle, NeedleGrid.depths(depths), counter)
            .cells(length)
            .forEach(cell -> lines.add(cell.toJson()));
      }
      files.add(new QuestionFile(NEEDLE, length, lines));
    }
    return files;
  }

  private Haystack haystack(List<String> facts) throws IOException {
    String text = text(haystack);
    facts.add(
        "needles hidden in: %s, SHA-256 %s"
            .formatted(names(haystack), EvaluationSets.sha256(text.getBytes(UTF_8))));
    return new Haystack(text);
  }

  /** A file's name and digest. */
  private static String described(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new UsageException(file + ": no such file");
    }
    return "%s, SHA-256 %s"
        .formatted(file.getFileName(), EvaluationSets.sha256(Files.readAllBytes(file)));
  }

  private static String text(List<Path> paths) throws IOException {
    List<Path> files = new ArrayList<>();
    for (Path path : paths) {
      if (Files.isDirectory(path)) {
        try (Stream<Path> entries = Files.list(path)) {
          entries.filter(Files::isRegularFile).sorted().forEach(files::add);
        }
      } else if (Files.isRegularFile(path)) {
        files.add(path);
      } else {
        throw new UsageException("--haystack " + path + ": no such file");
      }
    }
    List<String> texts = new ArrayList<>();
    for (Path file : files) {
      try {
        texts.add(Files.readString(file));
      } catch (CharacterCodingException e) {
        throw new UsageException("--haystack " + file + " is not UTF-8; convert it", e);
      }
    }
    return String.join("\n", texts);
  }

  private static String names(List<Path> paths) {
    return paths.stream()
        .map(path -> path.getFileName().toString())
        .collect(Collectors.joining(", "));
  }
}
