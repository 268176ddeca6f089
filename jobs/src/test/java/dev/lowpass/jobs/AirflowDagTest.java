package dev.lowpass.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lowpass.udfs.TestModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import picocli.CommandLine.ParseResult;

/** {@code conf/airflow}'s DAG, run by Python without Airflow ({@code load_dag.py}). */
class AirflowDagTest {
  private static final Path LOADER = TestModel.above("jobs/src/test/python/load_dag.py");
  private static final Path DAG = TestModel.above("conf/airflow/lowpass_contracts.py");

  @TempDir Path folder;

  private JsonNode dag;
  private JsonNode task;

  @BeforeEach
  void load() throws Exception {
    Command python;
    try (Child child =
        Child.start(
            folder,
            folder,
            Map.of("PYTHONDONTWRITEBYTECODE", "1"),
            List.of("python3", LOADER.toString(), DAG.toString()))) {
      python = child.await();
    } catch (IOException e) {
      assumeTrue(false, "python3 is not on the PATH");
      return;
    }
    assertThat(python.status()).as(python.err()).isZero();
    JsonNode dags = new ObjectMapper().readTree(python.out());
    assertThat(dags).hasSize(1);
    dag = dags.get(0);
    assertThat(dag.get("tasks")).hasSize(1);
    task = dag.get("tasks").get(0);
  }

  @Test
  void ourCommandLineTakesItsArguments() {
    assertThat(task.get("java_class").asText()).isEqualTo(Lowpass.class.getName());
    assertThat(Path.of(task.get("application").asText())).hasFileName("lowpass.jar");
    ParseResult parsed = parse("2026-11-20");
    assertThat(parsed.commandSpec().name()).isEqualTo("extract");
    String model = parsed.matchedOptionValue("--model", "");
    assertThat(model).startsWith("hdfs://");
    Path settings = Path.of(task.get("properties_file").asText());
    assertThat(TestModel.above("conf").resolve(settings.getFileName())).exists();
  }

  /** Else a rerun of a date would not find what that date has already. */
  @Test
  void aRunIsItsLogicalDateAndNothingElse() {
    ParseResult parsed = parse("2026-11-20");
    List<String> input = parsed.matchedOptionValue("--input", List.of());
    assertThat(input).singleElement().asString().endsWith("/ds=2026-11-20");
    String output = parsed.matchedOptionValue("--output", "");
    assertThat(output).endsWith("/ds=2026-11-20");
    assertThat(task.get("name").asText()).endsWith("-{{ ds }}");
    assertThat(arguments("2026-11-21"))
        .isEqualTo(
            arguments("2026-11-20").stream()
                .map(word -> word.replace("2026-11-20", "2026-11-21"))
                .toList());
    assertThat(dag.at("/schedule/cron").asText()).isEqualTo("0 0 * * *");
  }

  @Test
  void whatItWritesIsItsAsset() {
    assertThat(task.get("outlets")).hasSize(1);
    String output = parse("2026-11-20").matchedOptionValue("--output", "");
    assertThat(output).startsWith(task.at("/outlets/0/uri").asText() + "/");
  }

  @Test
  void failuresAndDelaysAreSeenTo() {
    assertThat(task.get("retries").asInt()).isPositive();
    assertThat(dag.at("/deadline/reference").asText()).isEqualTo("DAGRUN_QUEUED_AT");
    assertThat(dag.at("/deadline/interval").asDouble())
        .isPositive()
        .isLessThan(task.get("execution_timeout").asDouble());
    assertThat(parse("2026-11-20").hasMatchedOption("--max-failed")).isTrue();
  }

  /** As {@code lowpass} reads the arguments of a date's run. */
  private ParseResult parse(String date) {
    return new CommandLine(new Lowpass())
        .parseArgs(arguments(date).toArray(String[]::new))
        .subcommand();
  }

  /** With Jinja's work done: a date is all that the templates have. */
  private List<String> arguments(String date) {
    assertThat(task.get("template_fields").toString()).contains("\"application_args\"");
    List<String> words =
        StreamSupport.stream(task.get("application_args").spliterator(), false)
            .map(word -> word.asText().replace("{{ ds }}", date))
            .toList();
    assertThat(words).noneMatch(word -> word.contains("{"));
    return words;
  }
}
