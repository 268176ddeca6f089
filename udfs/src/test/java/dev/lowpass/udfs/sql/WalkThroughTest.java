package dev.lowpass.udfs.sql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lowpass.udfs.TestModel;
import dev.lowpass.udfs.TestSpark;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.ToolProvider;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import scala.Console;

/** The README's walk-through: each cell is run, and prints what stands below it. */
class WalkThroughTest {
  private static final Pattern CELL =
      Pattern.compile("```(sql|java)\n(.*?)\n```(?:\n\n```\n(.*?\n)```)?", Pattern.DOTALL);

  private final SparkSession spark = TestSpark.session();

  /**
   * @param output what it prints; null for nothing
   */
  private record Cell(String language, String code, String output) {}

  @AfterEach
  void reset() {
    spark.conf().unset("spark.lowpass.model");
    spark.catalog().dropTempView("contracts");
    spark.catalog().dropTempView("terms");
  }

  @Test
  void eachCellPrintsWhatTheReadmeSays(@TempDir Path folder) throws Exception {
    spark.conf().set("spark.lowpass.model", TestModel.above("sample-data/model").toString());
    List<Cell> cells = cells(Files.readString(TestModel.above("udfs/README.md")));
    assertThat(cells).extracting(Cell::language).contains("sql", "java");
    List<String> printed = new ArrayList<>();
    List<String> expected = new ArrayList<>();
    for (int i = 0; i < cells.size(); i++) {
      Cell cell = cells.get(i);
      // The README's reader stands in the repository's root, the test in a module's folder.
      String code = cell.code().replace("sample-data/", TestModel.above("sample-data") + "/");
      String output = cell.language().equals("sql") ? sql(code) : java(code, folder, "Cell" + i);
      printed.add(cell.code() + "\n" + output.strip());
      expected.add(cell.code() + "\n" + (cell.output() == null ? "" : cell.output().strip()));
    }
    assertThat(String.join("\n\n", printed)).isEqualTo(String.join("\n\n", expected));
  }

  private static List<Cell> cells(String readme) {
    List<Cell> cells = new ArrayList<>();
    Matcher cell = CELL.matcher(readme);
    while (cell.find()) {
      cells.add(new Cell(cell.group(1), cell.group(2), cell.group(3)));
    }
    return cells;
  }

  private String sql(String query) {
    Dataset<Row> rows = spark.sql(query);
    return rows.columns().length == 0 ? "" : printed(() -> rows.show(false));
  }

  private String java(String statements, Path folder, String name) throws Exception {
    Path source = folder.resolve(name + ".java");
    Files.writeString(
        source,
        """
        import dev.lowpass.udfs.Lowpass;
        import org.apache.spark.sql.SparkSession;

        public class %s {
          public static void run(SparkSession spark) {
            %s
          }
        }
        """
            .formatted(name, statements));
    int status =
        ToolProvider.getSystemJavaCompiler()
            .run(null, null, null, "-proc:none", "-d", folder.toString(), source.toString());
    assertThat(status).as(statements).isZero();
    try (URLClassLoader loader = new URLClassLoader(new URL[] {folder.toUri().toURL()})) {
      var run = loader.loadClass(name).getMethod("run", SparkSession.class);
      return printed(
          () -> {
            try {
              run.invoke(null, spark);
            } catch (ReflectiveOperationException e) {
              throw new AssertionError(e);
            }
          });
    }
  }

  /** What Spark prints, which goes to Scala's console. */
  private static String printed(Runnable action) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    Console.withOut(
        new PrintStream(out, true, StandardCharsets.UTF_8),
        () -> {
          action.run();
          return null;
        });
    return out.toString(StandardCharsets.UTF_8);
  }
}
