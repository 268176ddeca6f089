package dev.lowpass.jobs;

import dev.lowpass.pipeline.engine.DeviceLimits;
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
import java.util.Optional;

/**
 * What a bench found.
 *
 * @param device what it ran on
 * @param prompts what the prompts were made of
 * @param newTokens tokens written after each prompt
 * @param rows in the order of printing; a policy's by length
 * @param work of the model
 * @param limits of the processor that did it; empty where they are not known
 * @param peer whose figures stand next to ours; null for nobody's
 */
record BenchReport(
    ModelInfo model,
    String device,
    String prompts,
    int newTokens,
    int repeats,
    List<BenchRow> rows,
    BenchWork work,
    Optional<DeviceLimits> limits,
    PeerBench.Kind peer) {
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

  private static final String[] LIMIT_COLUMNS = {
    "policy", "prompt", "at once", "read tok/s", "of FMA", "write tok/s", "of bandwidth"
  };

  private static final String[] PEER_COLUMNS = {
    "read", "(ratio)", "first token s", "(ratio)", "write", "(ratio)"
  };

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
          decimal("%.3f", row.prefillSeconds()),
          decimal("%.1f", row.microsPerToken()),
          decimal("%.2fx", timeGrowth(row)),
          decimal("%.2fx", speedUp(row)),
          decimal("%.3f", row.firstTokenSeconds()),
          decimal("%.1f", written(row)),
          decimal("%.0f", row.median(BenchRun::promptsPerHour)),
          Text.bytes(Math.round(row.median(run -> run.stats().cacheBytes()))),
          Text.bytes(Math.round(row.peakMemory())),
          decimal("%.2fx", memoryGrowth(row)));
    }
    table.print(out);
    out.println();
    out.println("growth: against the same policy's shortest prompt; speed-up: of prefill, against");
    out.printf("%s at the same length.%n%n", rows.get(0).policy());
    printLimits(out);
  }

  /** What the speeds are worth: shares of the machine's limits, ratios to the peer's. */
  private void printLimits(PrintWriter out) {
    limits.ifPresent(
        most ->
            out.printf(
                Locale.ROOT,
                "limits   %.1f GB/s read from memory, %.0f GFLOP/s of float32 FMA, by as many threads%n%n",
                most.readBytes() / 1e9,
                most.flops() / 1e9));
    List<String> header = new ArrayList<>(List.of(LIMIT_COLUMNS));
    if (peer != null) {
      header.addAll(List.of(PEER_COLUMNS));
      header.set(LIMIT_COLUMNS.length, peer.engine() + " read");
    }
    TextTable table = new TextTable(header.toArray(String[]::new));
    for (BenchRow row : rows) {
      if (row.fits()) {
        List<String> cells = new ArrayList<>();
        cells.add(row.policy().toString());
        cells.add(Text.number(row.promptTokens()));
        cells.add(Text.number(row.batch()));
        cells.add(decimal("%.1f", row.readTokensPerSecond()));
        cells.add(percent(shareOfFma(row)));
        cells.add(decimal("%.1f", written(row)));
        cells.add(percent(shareOfBandwidth(row)));
        if (peer != null) {
          PeerRuns theirs = row.peer();
          cells.add(decimal("%.1f", theirs.read()));
          cells.add(decimal("%.2fx", row.readTokensPerSecond() / theirs.read()));
          cells.add(decimal("%.3f", theirs.firstTokenSeconds()));
          cells.add(decimal("%.2fx", theirs.firstTokenSeconds() / row.firstTokenSeconds()));
          cells.add(decimal("%.1f", theirs.written()));
          cells.add(decimal("%.2fx", written(row) / theirs.written()));
        }
        table.add(cells.toArray(String[]::new));
      }
    }
    table.print(out);
    out.println();
    out.println("of FMA: linear layers, and the attention of a full cache; of bandwidth: weights,");
    out.println("and the entries that caches hold; write: behind the prompt.");
    if (peer != null) {
      out.printf(
          "%s reads every prompt in full and keeps all of it; above 1x, the row's policy is faster.%n",
          peer.engine());
    }
  }

  private static double written(BenchRow row) {
    return row.median(BenchRun::decodeTokensPerSecond);
  }

  /** A share of the peak of float32 multiply-adds; not a number where that is not known. */
  private double shareOfFma(BenchRow row) {
    double flops = work.prefillFlops(row.policy(), row.promptTokens()) * row.batch();
    return flops / row.prefillSeconds() / limits.map(DeviceLimits::flops).orElse(Double.NaN);
  }

  /** A share of the bandwidth from memory; not a number where that is not known. */
  private double shareOfBandwidth(BenchRow row) {
    double bytes = row.median(run -> work.decodeBytes(row.policy(), run));
    double steps = written(row) / row.batch();
    return bytes * steps / limits.map(DeviceLimits::readBytes).orElse(Double.NaN);
  }

  private static String percent(double share) {
    return decimal("%.0f%%", 100 * share);
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
        .filter(other -> other.reads() || !row.reads())
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
    return first.prefillSeconds() / row.prefillSeconds();
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
    limits.ifPresent(
        most -> {
          entries.put("read_bytes_per_s_limit", most.readBytes());
          entries.put("float32_flops_limit", most.flops());
        });
    if (peer != null) {
      entries.put("peer", peer.engine());
    }
    entries.put("rows", rows.stream().map(this::entries).toList());
    return entries;
  }

  private Map<String, Object> entries(BenchRow row) {
    Map<String, Object> entries = new LinkedHashMap<>();
    entries.put("policy", row.policy().toString());
    entries.put("prompt_tokens", row.promptTokens());
    entries.put("batch", row.batch());
    entries.put("fits", row.fits());
    entries.put("prefill_s", number(row.prefillSeconds()));
    entries.put("prefill_us_per_token", number(row.microsPerToken()));
    entries.put("prefill_growth", number(timeGrowth(row)));
    entries.put("prefill_speed_up", number(speedUp(row)));
    entries.put("first_token_s", number(row.firstTokenSeconds()));
    entries.put("decode_tokens_per_s", number(written(row)));
    entries.put("prefill_share_of_flops", number(shareOfFma(row)));
    entries.put("decode_share_of_read_bytes", number(shareOfBandwidth(row)));
    entries.put("peer_runs", row.peer().count());
    entries.put("peer_prompt_tokens_per_s", number(row.peer().read()));
    entries.put("peer_first_token_s", number(row.peer().firstTokenSeconds()));
    entries.put("peer_decode_tokens_per_s", number(row.peer().written()));
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
