package dev.lowpass.jobs;

import dev.lowpass.pipeline.engine.Engine;
import dev.lowpass.pipeline.engine.ModelInfo;
import java.io.PrintWriter;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What a bench found.
 *
 * @param device what it ran on
 * @param prompts what the prompts were made of
 * @param newTokens tokens written after each prompt
 * @param rows in the order of printing; a policy's by length
 */
record BenchReport(
    ModelInfo model,
    String device,
    String prompts,
    int newTokens,
    int repeats,
    List<BenchRow> rows) {
  private static final String NONE = "-";

  private static final String[] COLUMNS = {
    "policy",
    "prompt",
    "at once",
    "prefill s",
    "us/token",
    "(growth)",
    "speed-up",
    "first token s",
    "decode tok/s",
    "prompts/h",
    "cache",
    "peak memory",
    "(growth)"
  };

  static BenchReport of(
      Engine engine, String prompts, int newTokens, int repeats, List<BenchRow> rows) {
    return new BenchReport(engine.model(), engine.device(), prompts, newTokens, repeats, rows);
  }

  void print(PrintWriter out) {
    out.printf("model    %s, %s%n", model.name(), model.digest());
    out.printf("device   %s%n", device);
    out.printf("prompts  %s%n", prompts);
    out.printf(
        "runs     median of %d; %s written after each prompt%n%n",
        repeats, Text.count(newTokens, "token"));
    TextTable table = new TextTable(COLUMNS);
    for (BenchRow row : rows) {
      String policy = row.policy().toString();
      String prompt = Text.number(row.promptTokens());
      if (!row.fits()) {
        List<String> cells = new ArrayList<>(Collections.nCopies(COLUMNS.length, NONE));
        cells.set(0, policy);
        cells.set(1, prompt);
        cells.set(2, "does not fit");
        table.add(cells.toArray(String[]::new));
        continue;
      }
      table.add(
          policy,
          prompt,
          Text.number(row.batch()),
          decimal("%.3f", row.median(BenchRun::prefillSeconds)),
          decimal("%.1f", row.microsPerToken()),
          decimal("%.2fx", timeGrowth(row)),
          decimal("%.2fx", speedUp(row)),
          decimal("%.3f", row.median(BenchRun::firstTokenSeconds)),
          decimal("%.1f", row.median(BenchRun::decodeTokensPerSecond)),
          decimal("%.0f", row.median(BenchRun::promptsPerHour)),
          Text.bytes(Math.round(row.median(run -> run.stats().cacheBytes()))),
          Text.bytes(Math.round(row.peakMemory())),
          decimal("%.2fx", memoryGrowth(row)));
    }
    table.print(out);
    out.println();
    out.println("growth: against the same policy's shortest prompt; speed-up: of prefill, against");
    out.printf("%s at the same length.%n", rows.get(0).policy());
  }

  private static String decimal(String format, double value) {
    return Double.isNaN(value) ? NONE : String.format(Locale.ROOT, format, value);
  }

  /** A row's prefill time a token, against the policy's shortest prompt. */
  private double timeGrowth(BenchRow row) {
    return row.microsPerToken() / shortest(row).microsPerToken();
  }

  /** A row's peak memory, against the policy's shortest prompt. */
  private double memoryGrowth(BenchRow row) {
    return row.peakMemory() / shortest(row).peakMemory();
  }

  private BenchRow shortest(BenchRow row) {
    return rows.stream()
        .filter(other -> other.policy().equals(row.policy()) && other.batch() == row.batch())
        .findFirst()
        .orElseThrow();
  }

  /** The first policy's prefill time at the same length, against the row's. */
  private double speedUp(BenchRow row) {
    BenchRow first =
        rows.stream()
            .filter(other -> other.promptTokens() == row.promptTokens())
            .filter(other -> other.batch() == row.batch())
            .findFirst()
            .orElseThrow();
    return first.median(BenchRun::prefillSeconds) / row.median(BenchRun::prefillSeconds);
  }

  /** The same for programs: seconds, bytes and tokens; null where there is no figure. */
  Map<String, Object> entries() {
    Map<String, Object> entries = new LinkedHashMap<>();
    entries.put("model", Map.of("name", model.name(), "digest", model.digest()));
    entries.put("device", device);
    entries.put(
        "java", System.getProperty("java.vm.name") + " " + System.getProperty("java.vm.version"));
    entries.put("at", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
    entries.put("prompts", prompts);
    entries.put("new_tokens", newTokens);
    entries.put("repeats", repeats);
    entries.put("rows", rows.stream().map(this::entries).toList());
    return entries;
  }

  private Map<String, Object> entries(BenchRow row) {
    Map<String, Object> entries = new LinkedHashMap<>();
    entries.put("policy", row.policy().toString());
    entries.put("prompt_tokens", row.promptTokens());
    entries.put("batch", row.batch());
    entries.put("fits", row.fits());
    entries.put("prefill_s", number(row.median(BenchRun::prefillSeconds)));
    entries.put("prefill_us_per_token", number(row.microsPerToken()));
    entries.put("prefill_growth", number(timeGrowth(row)));
    entries.put("prefill_speed_up", number(speedUp(row)));
    entries.put("first_token_s", number(row.median(BenchRun::firstTokenSeconds)));
    entries.put("decode_tokens_per_s", number(row.median(BenchRun::decodeTokensPerSecond)));
    entries.put("prompts_per_hour", number(row.median(BenchRun::promptsPerHour)));
    entries.put("peak_memory_bytes", number(row.peakMemory()));
    entries.put("peak_memory_growth", number(memoryGrowth(row)));
    entries.put("runs", row.runs().stream().map(BenchReport::entries).toList());
    return entries;
  }

  private static Map<String, Object> entries(BenchRun run) {
    Map<String, Object> entries = new LinkedHashMap<>();
    entries.put("seconds", run.seconds());
    entries.put("prefill_s", run.prefillSeconds());
    entries.put("first_token_s", run.firstTokenSeconds());
    entries.put("decode_s", run.stats().decodeMs() / 1e3);
    entries.put("output_tokens", run.outputTokens());
    entries.put("cache_bytes", run.stats().cacheBytes());
    entries.put("kept_tokens", run.stats().keptTokens());
    entries.put("compressions", run.stats().compressions());
    entries.put("resident_bytes_before", known(run.residentAtMark()));
    entries.put("resident_bytes_peak", known(run.peakResident()));
    entries.put("heap_bytes_peak", run.peakHeap());
    return entries;
  }

  private static Double number(double value) {
    return Double.isNaN(value) ? null : value;
  }

  private static Long known(long bytes) {
    return bytes < 0 ? null : bytes;
  }
}
