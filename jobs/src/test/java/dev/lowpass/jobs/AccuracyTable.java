package dev.lowpass.jobs;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lowpass.pipeline.text.TextTokenizer;
import dev.lowpass.udfs.TestSpark;
import dev.lowpass.udfs.settings.PolicyName;
import dev.lowpass.udfs.settings.PolicyParameter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * Prints how many fields are exactly right by documents and policy, as a table in Markdown. It runs
 * {@code lowpass extract} itself on files of documents with known answers, one JSON object a line:
 * {@code {"id": ..., "text": ..., "facts": {"field": value or null, ...}}}. Not a test; from the
 * repository's root:
 *
 * <pre>
 * mvn -q -Paccuracy -pl jobs -am process-test-classes -Daccuracy="--policies full,streaming,snapkv,freqkv,hybrid \
 *   --cache-tokens 1024 1500.jsonl 4000.jsonl"
 * </pre>
 */
@Command(name = "AccuracyTable", description = "Field accuracy by documents and policy.")
final class AccuracyTable implements Callable<Integer> {
  private static final String NONE = "-";

  @Parameters(arity = "1..*", paramLabel = "FILE.jsonl", description = "A row of the table each.")
  private List<Path> files;

  @Option(names = "--model", defaultValue = "sample-data/model")
  private Path model;

  @Option(names = "--schema", defaultValue = "sample-data/contracts.schema.json")
  private Path schema;

  @Option(names = "--policies", split = ",", defaultValue = "full,streaming,snapkv,freqkv,hybrid")
  private List<String> policies;

  @Option(names = "--details", description = "Also every field, and every wrong answer.")
  private boolean details;

  @Option(names = "--help", usageHelp = true)
  private boolean help;

  @Mixin private PolicyOptions parameters;
  @Spec private CommandSpec spec;

  private final ObjectMapper json = new ObjectMapper();

  /** Fields that were asked for and that were right; none at all where no document fits. */
  private static final class Score {
    private final Map<String, int[]> fields = new TreeMap<>();
    private final List<String> wrong = new ArrayList<>();

    void count(String field, boolean right) {
      int[] counts = fields.computeIfAbsent(field, name -> new int[2]);
      counts[0] += right ? 1 : 0;
      counts[1]++;
    }

    String percent() {
      return percent(
          fields.values().stream()
              .reduce(new int[2], (a, b) -> new int[] {a[0] + b[0], a[1] + b[1]}));
    }

    String percent(String field) {
      return percent(fields.getOrDefault(field, new int[2]));
    }

    private static String percent(int[] counts) {
      return counts[1] == 0
          ? NONE
          : String.format(Locale.ROOT, "%.1f%%", 100.0 * counts[0] / counts[1]);
    }
  }

  public static void main(String[] args) {
    CommandLine line = new CommandLine(new AccuracyTable());
    line.setDefaultValueProvider(new OptionSources(Map.of()));
    System.exit(line.execute(args));
  }

  @Override
  public Integer call() throws IOException {
    List<PolicyName> names = policies.stream().map(PolicyName::parse).toList();
    Map<Path, Map<PolicyName, Score>> scores = new LinkedHashMap<>();
    for (Path file : files) {
      Map<String, JsonNode> documents = documents(file);
      Map<PolicyName, Score> row = new LinkedHashMap<>();
      for (PolicyName policy : names) {
        row.put(policy, score(file, documents, policy));
        System.err.printf("%s, %s: %s%n", file, policy, row.get(policy).percent());
      }
      scores.put(file, row);
    }
    print(names, scores);
    if (details) {
      printDetails(names, scores);
    }
    TestSpark.session().stop();
    return 0;
  }

  private Map<String, JsonNode> documents(Path file) throws IOException {
    Map<String, JsonNode> documents = new LinkedHashMap<>();
    for (String line : Files.readAllLines(file)) {
      JsonNode document = json.readTree(line);
      documents.put(document.get("id").asText(), document);
    }
    return documents;
  }

  private Score score(Path file, Map<String, JsonNode> documents, PolicyName policy)
      throws IOException {
    Path output = Files.createTempDirectory("accuracy").resolve("table");
    extract(file, policy, output);
    SparkSession spark = TestSpark.session();
    Score score = new Score();
    for (Row row : spark.read().parquet(output.toString()).collectAsList()) {
      String id = row.getAs("doc_id");
      JsonNode facts = documents.get(id).get("facts");
      Row fields = row.getAs("fields");
      Row error = row.getAs("error");
      if (error != null) {
        score.wrong.add(id + ": " + error.mkString(": "));
        if (error.getString(0).equals("input.too_long")) {
          continue;
        }
      }
      for (String field : (Iterable<String>) facts::fieldNames) {
        Object found = fields == null ? error : fields.getAs(field);
        boolean right = Answers.same(facts.get(field), found);
        score.count(field, right);
        if (!right) {
          score.wrong.add("%s %s: %s, not %s".formatted(id, field, found, facts.get(field)));
        }
      }
    }
    return score;
  }

  private void extract(Path file, PolicyName policy, Path output) {
    List<String> words = new ArrayList<>();
    words.addAll(List.of("extract", "--model", model.toString(), "--schema", schema.toString()));
    words.addAll(List.of("--input", file.toString(), "--format", "jsonl", "--id-column", "id"));
    words.addAll(List.of("--output", output.toString()));
    words.addAll(List.of("--prefill", policy.prefill(), "--cache", policy.cache()));
    PolicyTuning.given(spec)
        .forEach(
            (parameter, setting) -> {
              boolean limit = parameter == PolicyParameter.CACHE_TOKENS && !policy.bounded();
              if (parameter.usedBy(policy) && !limit) {
                words.addAll(List.of("--" + parameter.option(), setting.value()));
              }
            });
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int status = Lowpass.run(new ByteArrayOutputStream(), err, words.toArray(String[]::new));
    if (status != Lowpass.DONE) {
      throw new IllegalStateException(
          String.join(" ", words) + ": " + err.toString(StandardCharsets.UTF_8));
    }
  }

  private void print(List<PolicyName> names, Map<Path, Map<PolicyName, Score>> scores)
      throws IOException {
    System.out.println(
        Stream.concat(Stream.of("documents", "tokens each"), names.stream().map(Object::toString))
            .collect(Collectors.joining(" | ", "| ", " |")));
    System.out.println("|---|---|" + "---|".repeat(names.size()));
    try (TextTokenizer tokenizer = TextTokenizer.load(model)) {
      for (Path file : scores.keySet()) {
        Map<String, JsonNode> documents = documents(file);
        double tokens =
            documents.values().stream()
                .mapToInt(document -> tokenizer.encode(document.get("text").asText()).length)
                .average()
                .orElse(0);
        System.out.printf(
            "| %d | %s | %s |%n",
            documents.size(),
            Text.number(Math.round(tokens)),
            scores.get(file).values().stream()
                .map(Score::percent)
                .collect(Collectors.joining(" | ")));
      }
    }
  }

  private static void printDetails(
      List<PolicyName> names, Map<Path, Map<PolicyName, Score>> scores) {
    scores.forEach(
        (file, row) -> {
          System.out.printf("%n%s%n%n", file);
          System.out.println(
              names.stream()
                  .map(Object::toString)
                  .collect(Collectors.joining(" | ", "| field | ", " |")));
          System.out.println("|---|" + "---|".repeat(names.size()));
          row.values().stream()
              .flatMap(score -> score.fields.keySet().stream())
              .distinct()
              .sorted()
              .forEach(
                  field ->
                      System.out.println(
                          row.values().stream()
                              .map(score -> score.percent(field))
                              .collect(Collectors.joining(" | ", "| " + field + " | ", " |"))));
          row.forEach(
              (policy, score) ->
                  score.wrong.forEach(line -> System.out.printf("%n%s, %s", policy, line)));
          System.out.println();
        });
  }
}
