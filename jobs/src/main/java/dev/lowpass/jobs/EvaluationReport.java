package dev.lowpass.jobs;

import dev.lowpass.jobs.EvaluationResults.PolicyRun;
import dev.lowpass.jobs.EvaluationResults.Scored;
import dev.lowpass.jobs.charts.Marks;
import dev.lowpass.jobs.charts.Svg;
import dev.lowpass.pipeline.evaluation.suite.Suite;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;

/** An evaluation as one HTML page that needs nothing besides itself. */
final class EvaluationReport {
  private static final String PAGE = "evaluation.html";
  private static final String NONE = "–";
  private static final int MOST_FAILURES = 12;

  /** A column of words. */
  private static final String MESSAGE = "message";

  private final EvaluationResults results;
  private final EvaluationFacts facts;
  private final long seed;
  private final StringBuilder sections = new StringBuilder();

  private EvaluationReport(EvaluationResults results, EvaluationFacts facts, long seed) {
    this.results = results;
    this.facts = facts;
    this.seed = seed;
  }

  /**
   * The page.
   *
   * @param seed of resampling
   */
  static String html(EvaluationResults results, EvaluationFacts facts, long seed) {
    return new EvaluationReport(results, facts, seed).html();
  }

  private String html() {
    EvaluationCharts charts = new EvaluationCharts(results, seed);
    summary();
    plots(
        "Accuracy against cache size",
        "Bars are 95% intervals of the mean over items. A policy without a size stands as a level"
            + " line; its mean is over the items that fit the window.",
        charts.accuracyByCacheSize(),
        /* legend= */ true);
    plots(
        "Needles by depth and length",
        "Percent, over the needles of a cell: <span class=\"ramp\"></span> 0 to 100."
            + " A dash: the prompt was longer than the window.",
        charts.needleMaps(),
        /* legend= */ false);
    plots(
        "Perplexity by length",
        "Of the second half of a text's first tokens, lower is better. A full cache slides: windows"
            + " that overlap by half. A bounded one streams: each text goes through once.",
        charts.perplexityByLength(),
        /* legend= */ true);
    String times =
        charts.singleQuestions()
            ? "Medians over items with one question, by the length of their prompts."
            : "Medians over items, by the length of their prompts; all questions of an item together.";
    plots(
        "Time to the first token",
        times
            + " An engine works on several items at once: an item's time has its neighbours' in"
            + " it. For clean times see <code>lowpass bench</code>.",
        charts.firstTokenByLength(),
        /* legend= */ true);
    plots("Speed of answers", times, charts.speedByLength(), /* legend= */ true);
    plots(
        "Memory",
        "The KV cache of an item, and the copy that its questions branch off to.",
        charts.memoryByLength(),
        /* legend= */ true);
    plots(
        "Energy that compression kept",
        "Share of the energy of keys and values, the mean left out, that low-passes kept of what"
            + " they were given, layer by layer.",
        charts.energyByLayer(),
        /* legend= */ true);
    spectrum();
    tasks();
    failures();
    heading("How it was made", "The same settings make the same predictions again.");
    sections.append(facts.list());
    return filled(
        Map.of(
            "title", Svg.escape(facts.title()),
            "lead", Svg.escape(facts.lead(results)),
            "sections", sections.toString()));
  }

  private static String filled(Map<String, String> values) {
    String page;
    try (InputStream file = EvaluationReport.class.getResourceAsStream(PAGE)) {
      page = new String(file.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    StringBuilder filled = new StringBuilder();
    int from = 0;
    for (int at = page.indexOf("{{"); at >= 0; at = page.indexOf("{{", from)) {
      int end = page.indexOf("}}", at);
      filled.append(page, from, at).append(values.get(page.substring(at + 2, end)));
      from = end + 2;
    }
    return filled.append(page.substring(from)).toString();
  }

  private void heading(String title, String explanation) {
    sections.append("<h2>%s</h2>%n<p class=\"quiet\">%s</p>%n".formatted(title, explanation));
  }

  private void plots(String title, String explanation, List<String> plots, boolean legend) {
    if (plots.isEmpty()) {
      return;
    }
    heading(title, explanation);
    if (legend) {
      sections.append(Marks.legend(results.labels()));
    }
    sections.append("<div class=\"plots\">\n");
    plots.forEach(sections::append);
    sections.append("</div>\n");
  }

  private void summary() {
    List<Suite> suites =
        results.suites().stream().filter(suite -> suite != Suite.PERPLEXITY).toList();
    if (suites.isEmpty()) {
      return;
    }
    heading(
        "Summary",
        "Mean score in percent, its 95% interval (bootstrap over items), and how many items failed:"
            + " those are in no mean. "
            + suites.stream()
                .map(suite -> "<b>%s</b>: %s".formatted(suite.id(), suite.measure()))
                .collect(Collectors.joining("; "))
            + ".");
    List<String> header = new ArrayList<>(List.of("policy"));
    suites.forEach(suite -> header.add(suite.id()));
    List<List<String>> rows = new ArrayList<>();
    for (PolicyRun policy : results.policies()) {
      List<String> row = new ArrayList<>(List.of(cell(policy.name())));
      for (Suite suite : suites) {
        row.add(score(SuiteScore.of(results.of(policy, item -> item.suite() == suite), seed)));
      }
      rows.add(row);
    }
    table(header, rows);
  }

  private static String score(SuiteScore score) {
    if (score.items() == 0) {
      return cell(NONE);
    }
    String failed =
        score.failed() == 0
            ? ""
            : "<small>%,d of %,d failed</small>".formatted(score.failed(), score.items());
    return score.known()
        ? "<td>%s<small>%s–%s</small>%s</td>"
            .formatted(
                number(score.percent()),
                number(score.interval().low()),
                number(score.interval().high()),
                failed)
        : "<td>%s%s</td>".formatted(NONE, failed);
  }

  /** The tasks of suites that have several; the longer list goes downwards. */
  private void tasks() {
    Map<Suite, Set<String>> bySuite = new TreeMap<>();
    results
        .items()
        .forEach(
            item -> bySuite.computeIfAbsent(item.suite(), s -> new TreeSet<>()).add(item.task()));
    List<String> tasks =
        bySuite.values().stream().filter(its -> its.size() > 1).flatMap(Set::stream).toList();
    if (tasks.isEmpty()) {
      return;
    }
    heading("Tasks", "Mean score in percent over the items that did not fail.");
    List<PolicyRun> policies = results.policies();
    boolean down = tasks.size() > policies.size();
    List<String> header = new ArrayList<>(List.of(down ? "task" : "policy"));
    header.addAll(down ? policies.stream().map(PolicyRun::name).toList() : tasks);
    List<List<String>> rows = new ArrayList<>();
    if (down) {
      for (String task : tasks) {
        List<String> row = new ArrayList<>(List.of(cell(task)));
        policies.forEach(policy -> row.add(taskScore(policy, task)));
        rows.add(row);
      }
    } else {
      for (PolicyRun policy : policies) {
        List<String> row = new ArrayList<>(List.of(cell(policy.name())));
        tasks.forEach(task -> row.add(taskScore(policy, task)));
        rows.add(row);
      }
    }
    table(header, rows);
  }

  private String taskScore(PolicyRun policy, String task) {
    OptionalDouble mean =
        results.of(policy, item -> item.task().equals(task) && item.ok()).stream()
            .mapToDouble(item -> 100 * item.score())
            .average();
    return cell(mean.isPresent() ? number(mean.getAsDouble()) : NONE);
  }

  private void failures() {
    List<Scored> failed = results.items().stream().filter(item -> !item.ok()).toList();
    if (failed.isEmpty()) {
      return;
    }
    heading(
        "Failed items",
        "What is wrong with an item ends in its row. The first message of each kind stands for all.");
    Map<String, List<Scored>> kinds =
        failed.stream()
            .collect(
                Collectors.groupingBy(
                    item -> item.policy() + "\n" + item.suite().id() + "\n" + item.error()));
    List<List<String>> rows = new ArrayList<>();
    kinds.values().stream()
        .sorted(Comparator.comparing(kind -> -kind.size()))
        .limit(MOST_FAILURES)
        .forEach(
            kind -> {
              Scored first = kind.get(0);
              rows.add(
                  List.of(
                      cell(first.policy()),
                      cell(first.suite().id()),
                      cell(Text.number(kind.size())),
                      cell(first.error()),
                      "<td class=\"words\">%s</td>".formatted(Svg.escape(first.message()))));
            });
    table(List.of("policy", "suite", "items", "error", MESSAGE), rows);
  }

  /** The premise of a low-pass on the model itself, where a text for it was at hand. */
  private void spectrum() {
    Optional<String> plot = facts.spectrum();
    if (plot.isEmpty()) {
      return;
    }
    heading(
        "Frequency energy per layer",
        "How much of each layer's keys and values the lowest frequencies along the tokens hold,"
            + " read with a full cache. Far above the diagonal, a low-pass loses little.");
    // An image of its own: its styles would reach the whole page.
    sections
        .append("<div class=\"wide\"><img alt=\"Energy by frequency, a line a layer\" src=\"")
        .append("data:image/svg+xml;base64,")
        .append(Base64.getEncoder().encodeToString(plot.get().getBytes(StandardCharsets.UTF_8)))
        .append("\" /></div>\n");
  }

  private void table(List<String> header, List<List<String>> rows) {
    Function<List<String>, String> line = cells -> "<tr>" + String.join("", cells) + "</tr>\n";
    sections
        .append("<div class=\"wide\"><table>\n<thead>")
        .append(line.apply(header.stream().map(EvaluationReport::headerCell).toList()))
        .append("</thead>\n<tbody>\n");
    rows.forEach(row -> sections.append(line.apply(row)));
    sections.append("</tbody>\n</table></div>\n");
  }

  private static String headerCell(String name) {
    String style = name.equals(MESSAGE) ? " class=\"words\"" : "";
    return "<th scope=\"col\"%s>%s</th>".formatted(style, Svg.escape(name));
  }

  private static String cell(String text) {
    return "<td>" + Svg.escape(text) + "</td>";
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, "%.1f", value);
  }
}
