package dev.lowpass.udfs;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.prefill.PrefillOptions;
import java.util.Map;
import java.util.TreeMap;

/**
 * SHA-256 over everything that can change an output: model (with its tokenizer, chat template and
 * what its weights were turned into), wording of the prompts, generation parameters, policies and
 * schema. Batch size, threads, device and parallelism are left out: they do not change a greedy
 * output.
 */
final class Fingerprint {
  /** To be raised when a release gives other outputs for the same settings. */
  private static final int REVISION = 1;

  private Fingerprint() {}

  /** A schema without its white space: the order of its properties counts. */
  private static String compact(String schema) {
    try {
      return new ObjectMapper().readTree(schema).toString();
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("a schema that was read is JSON", e);
    }
  }

  static String of(DocumentTask task, String model, Generation generation, Policy policy) {
    Map<String, Object> parts = new TreeMap<>();
    parts.put("revision", REVISION);
    parts.put("command", task.command());
    parts.put("model", model);
    parts.put("prompts", task.conversations("{document}"));
    if (task instanceof DocumentTask.Extract extract) {
      parts.put("schema", extract.schema().canonicalJson());
    }
    if (task instanceof DocumentTask.ExtractObject extract) {
      parts.put("schema", compact(extract.json()));
    }
    if (task.details().confidence()) {
      parts.put("confidence", true);
    }
    if (task.details().evidence()) {
      parts.put("evidence", true);
    }
    parts.put("maxNewTokens", generation.maxNewTokens());
    parts.put("stop", generation.stop());
    parts.put("temperature", generation.temperature());
    if (generation.temperature() > 0) {
      parts.put("topP", generation.topP());
      parts.put("topK", generation.topK());
      parts.put("seed", generation.seed());
    }
    CacheOptions cache = policy.cache();
    PrefillOptions prefill = policy.prefill();
    parts.put("prefill", prefill.prefill());
    parts.put("cache", cache.cache());
    parts.put("cacheTokens", policy.cacheTokens());
    if (!cache.type().equals("auto")) {
      parts.put("cacheType", cache.type());
    }
    if (policy.bounded()) {
      parts.put("retainedRatio", cache.retainedRatio());
      parts.put("recent", cache.recent());
      parts.put("exactShare", cache.exactShare());
    }
    if (policy.bounded() || policy.scores()) {
      parts.put("sinks", cache.sinks());
      parts.put("positions", cache.positions());
    }
    if (policy.scores()) {
      parts.put("observationWindow", cache.observation().window());
      parts.put("pooling", cache.observation().pooling());
      parts.put("poolingKernel", cache.observation().kernel());
      parts.put("probe", cache.probe());
      parts.put("probes", task.probes());
    }
    if (prefill.selects()) {
      parts.put("tspLayer", prefill.tspLayer());
      parts.put("tspRate", prefill.tspRate());
      parts.put("tspLength", prefill.tspLength());
      parts.put("retentionRate", prefill.retentionRate());
      parts.put("retentionTokens", prefill.retentionTokens());
    }
    try {
      return Digests.sha256(new ObjectMapper().writeValueAsString(parts));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("strings and numbers always have a JSON form", e);
    }
  }
}
