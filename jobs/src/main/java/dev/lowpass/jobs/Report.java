package dev.lowpass.jobs;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.min;
import static org.apache.spark.sql.functions.sum;
import static org.apache.spark.sql.functions.when;

import dev.lowpass.udfs.OutputTable;
import dev.lowpass.udfs.Run;
import java.io.PrintWriter;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/**
 * What a run came to, counted in the table itself.
 *
 * @param total documents of the input
 * @param todo documents of it that were to be done
 */
record Report(Run run, Output output, long total, long todo) {
  /**
   * Prints the summary.
   *
   * @param started when the command began
   * @param seconds that the documents took
   * @return how many documents of the whole table failed
   */
  long print(PrintWriter out, Instant started, double seconds) {
    Dataset<Row> table = output.read();
    Column mine = col(OutputTable.RUN_ID).equalTo(run.runId());
    Column failed = col(OutputTable.STATUS).equalTo(OutputTable.FAILED);
    Row counts =
        table
            .agg(
                count(lit(1)),
                count(when(failed, 1)),
                count(when(mine, 1)),
                count(when(mine.and(failed), 1)),
                sum(when(mine, col(OutputTable.PROMPT_TOKENS))),
                sum(when(mine, col(OutputTable.OUTPUT_TOKENS))),
                min(when(mine, col(OutputTable.CREATED_AT))))
            .head();
    long read = counts.isNullAt(4) ? 0 : counts.getLong(4);
    long written = counts.isNullAt(5) ? 0 : counts.getLong(5);
    long done = counts.getLong(2);
    long failedNow = counts.getLong(3);
    String before = total == todo ? "" : "; " + Text.number(total - todo) + " were done before";
    out.printf(
        "documents  %s: %s ok, %s failed%s%s%s%n",
        Text.number(done),
        Text.number(done - failedNow),
        Text.number(failedNow),
        failedNow == 0 ? "" : " (" + types(table.where(mine.and(failed))) + ")",
        before,
        done == todo ? "" : "; " + Text.number(todo - done) + " are still to be done");
    out.printf(
        "tokens     %s read, %s written, %s a second%n",
        Text.number(read),
        Text.number(written),
        Text.number(Math.round((read + written) / seconds)));
    String first =
        counts.isNullAt(6)
            ? ""
            : ", the first document "
                + Text.seconds(
                    Duration.between(started, counts.getTimestamp(6).toInstant()).toMillis() / 1e3)
                + " after the start";
    out.printf("time       %s%s%n", Text.seconds(seconds), first);
    out.printf(
        "output     %s (Parquet, %s)%n", output.location(), Text.count(counts.getLong(0), "row"));
    out.flush();
    return counts.getLong(1);
  }

  private static String types(Dataset<Row> failed) {
    List<Row> types =
        failed
            .groupBy(col(OutputTable.ERROR + ".type").as("type"))
            .count()
            .orderBy("type")
            .collectAsList();
    return types.stream()
        .map(type -> type.getString(0) + " " + Text.number(type.getLong(1)))
        .collect(Collectors.joining(", "));
  }
}
