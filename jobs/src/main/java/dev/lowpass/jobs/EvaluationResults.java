package dev.lowpass.jobs;

import static org.apache.spark.sql.functions.col;

import dev.lowpass.pipeline.evaluation.RowScore;
import dev.lowpass.pipeline.evaluation.TaskScore;
import dev.lowpass.pipeline.evaluation.suite.Suite;
import dev.lowpass.pipeline.evaluation.suite.SuiteRow;
import dev.lowpass.udfs.settings.PolicyName;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import scala.jdk.javaapi.CollectionConverters;

/**
 * What the table of predictions holds, item by item.
 *
 * @param policies in the order in which they are shown
 * @param items an item under a policy, at a length where its suite has several of one text
 */
record EvaluationResults(List<PolicyRun> policies, List<Scored> items) {
  /**
   * A policy of the table.
   *
   * @param name tells it from the others
   * @param label the same without the cache's size
   * @param cacheTokens most tokens of its cache
   */
  record PolicyRun(String name, String label, int cacheTokens, boolean bounded) {}

  /**
   * An item under a policy.
   *
   * @param length that it was made for; null where nobody said
   * @param depth of the needle in percent; null where there is none
   * @param score mean over its questions, 0 to 1; null if it failed
   * @param loss in nats a token; null but for perplexity
   * @param error type of it; null if it did not fail
   * @param questions that were asked about its document
   * @param tokens of its longest prompt
   * @param cost null where it failed, or took no engine
   */
  record Scored(
      String id,
      Suite suite,
      String task,
      Integer length,
      Integer depth,
      String policy,
      Double score,
      Double loss,
      String error,
      String message,
      int questions,
      long tokens,
      Cost cost) {
    boolean ok() {
      return score != null;
    }
  }

  /**
   * What an item took.
   *
   * @param energyKept each layer's share; null where nothing was compressed
   */
  record Cost(
      double prefillMs, double decodeMs, long outputTokens, long cacheBytes, Double[] energyKept) {}

  private record Key(String id, String policy, String part) {}

  /**
   * Reads the rows of a table that are of today's items.
   *
   * @param rows today's
   * @param first names of the policies to show first
   */
  static EvaluationResults of(Dataset<Row> table, List<SuiteRow> rows, List<String> first) {
    Set<String> ids = rows.stream().map(SuiteRow::id).collect(Collectors.toSet());
    Map<Key, List<Row>> groups = new LinkedHashMap<>();
    Map<String, PolicyRun> policies = new LinkedHashMap<>();
    List<Row> all =
        table
            .drop("prediction", "references", "prompt_digest")
            .orderBy(col("doc_id"), col("question_index"))
            .collectAsList();
    for (Row row : all) {
      if (ids.contains(row.<String>getAs("doc_id"))) {
        Row policy = row.getAs("policy");
        String name = policy.getAs("name");
        policies.computeIfAbsent(name, n -> policy(policy));
        String part =
            row.<String>getAs("suite").equals(Suite.PERPLEXITY.id()) ? row.getAs("question") : "";
        groups
            .computeIfAbsent(new Key(row.getAs("doc_id"), name, part), k -> new ArrayList<>())
            .add(row);
      }
    }
    Set<String> order = new LinkedHashSet<>(first);
    order.addAll(new TreeSet<>(policies.keySet()));
    order.retainAll(policies.keySet());
    return new EvaluationResults(
        order.stream().map(policies::get).toList(),
        groups.values().stream().map(EvaluationResults::scored).toList());
  }

  private static PolicyRun policy(Row policy) {
    String prefill = policy.getAs("prefill");
    String cache = policy.getAs("cache");
    PolicyName name = new PolicyName(prefill, cache);
    return new PolicyRun(
        policy.getAs("name"), name.toString(), policy.getAs("cache_tokens"), name.bounded());
  }

  /** One item of the rows of its questions. */
  private static Scored scored(List<Row> rows) {
    Row head = rows.get(0);
    boolean failed = rows.stream().anyMatch(row -> row.<String>getAs("status").equals("failed"));
    Row error =
        rows.stream()
            .map(row -> row.<Row>getAs("error"))
            .filter(e -> e != null)
            .findFirst()
            .orElse(null);
    Suite suite = Suite.of(head.getAs("suite")).orElseThrow();
    Integer length = head.getAs("length");
    if (suite == Suite.PERPLEXITY && !head.<String>getAs("question").isEmpty()) {
      length = Integer.valueOf(head.getAs("question"));
    }
    return new Scored(
        head.getAs("doc_id"),
        suite,
        head.getAs("task"),
        length,
        head.getAs("depth"),
        head.<Row>getAs("policy").getAs("name"),
        failed
            ? null
            : (Double)
                rows.stream()
                    .mapToDouble(row -> row.<Double>getAs("score"))
                    .average()
                    .orElseThrow(),
        head.getAs("loss"),
        error == null ? null : error.getString(0),
        error == null ? null : error.getString(1),
        rows.size(),
        rows.stream()
            .filter(row -> !row.isNullAt(row.fieldIndex("prompt_tokens")))
            .mapToLong(row -> row.<Long>getAs("prompt_tokens"))
            .max()
            .orElse(0),
        failed || head.isNullAt(head.fieldIndex("stats")) ? null : cost(rows));
  }

  private static Cost cost(List<Row> rows) {
    Row stats = rows.get(0).getAs("stats");
    List<Double> energy =
        CollectionConverters.asJava(stats.<scala.collection.Seq<Double>>getAs("energy_kept"));
    return new Cost(
        stats.getAs("prefill_ms"),
        stats.getAs("decode_ms"),
        rows.stream().mapToLong(row -> row.<Long>getAs("output_tokens")).sum(),
        stats.getAs("cache_bytes"),
        energy.contains(null) ? null : energy.toArray(Double[]::new));
  }

  /** The suites that there are items of. */
  List<Suite> suites() {
    return items.stream().map(Scored::suite).distinct().sorted().toList();
  }

  List<Scored> of(PolicyRun policy, Predicate<Scored> which) {
    return items.stream()
        .filter(item -> item.policy().equals(policy.name()))
        .filter(which)
        .toList();
  }

  /** Cache sizes of bounded policies, ascending. */
  List<Integer> cacheSizes() {
    return policies.stream()
        .filter(PolicyRun::bounded)
        .map(PolicyRun::cacheTokens)
        .distinct()
        .sorted()
        .toList();
  }

  /** The policies' names without sizes, in their order. */
  List<String> labels() {
    return policies.stream().map(PolicyRun::label).distinct().toList();
  }

  /** Items by what {@code key} says of them, in its order. */
  static <K extends Comparable<K>> Map<K, List<Scored>> by(
      List<Scored> items, Function<Scored, K> key) {
    Map<K, List<Scored>> groups = new TreeMap<>();
    items.forEach(
        item -> groups.computeIfAbsent(key.apply(item), k -> new ArrayList<>()).add(item));
    return groups;
  }

  /** All scores as the files of a run have them: a task is one of a suite under one policy. */
  List<TaskScore> tasks() {
    List<RowScore> rows = new ArrayList<>();
    for (Scored item : items) {
      String task = taskName(item) + ", " + item.policy();
      rows.add(
          item.ok()
              ? RowScore.of(task, item.id(), item.length(), item.score())
              : RowScore.failed(task, item.id(), item.error() + ": " + item.message()));
    }
    return TaskScore.ofAll(rows);
  }

  /** A perplexity's score is its inverse, so that more is better everywhere. */
  private static String taskName(Scored item) {
    return item.suite() == Suite.PERPLEXITY
        ? "1/perplexity at %s".formatted(item.length())
        : item.task();
  }
}
