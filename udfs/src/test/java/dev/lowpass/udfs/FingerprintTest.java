package dev.lowpass.udfs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.model.Settings;
import dev.lowpass.pipeline.model.WeightType;
import dev.lowpass.pipeline.prefill.PrefillOptions;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class FingerprintTest {
  private static final String SCHEMA =
      "{\"type\": \"object\", \"properties\": {\"a\": {\"type\": \"integer\", \"description\": \"How many?\"}}}";
  private static final DocumentTask EXTRACT = new DocumentTask.Extract("s.json", SCHEMA);
  private static final DocumentTask SUMMARIZE = new DocumentTask.Summarize("Sum up.");
  private static final Generation GREEDY = new Generation(64, 0, 1, 0, 0, List.of());
  private static final Policy FULL =
      new Policy(PrefillOptions.FULL, CacheOptions.FULL.resolve(512, false));
  private static final String DIGEST = "sha256:0";

  @Test
  void itStaysTheSameFromReleaseToRelease() {
    // Tables written before must be recognised: raise Fingerprint.REVISION if outputs change, never
    // this by accident.
    assertThat(Fingerprint.of(SUMMARIZE, DIGEST, GREEDY, FULL))
        .isEqualTo("d9c2bfc92e65e55dde920888708dd8c5b1779eb44ac879d1d94d51215c8fbd4a");
  }

  @Test
  void theSchemasNameAndLayoutDoNotMatter() {
    String spaced = SCHEMA.replace(":", " :\n");
    assertThat(Fingerprint.of(new DocumentTask.Extract("t.json", spaced), DIGEST, GREEDY, FULL))
        .isEqualTo(Fingerprint.of(EXTRACT, DIGEST, GREEDY, FULL));
  }

  @Test
  void whatASamplerWouldUseDoesNotMatterToGreedyDecoding() {
    Generation seeded = new Generation(64, 0, 0.5f, 7, 9, List.of());
    assertThat(Fingerprint.of(EXTRACT, DIGEST, seeded, FULL))
        .isEqualTo(Fingerprint.of(EXTRACT, DIGEST, GREEDY, FULL));
  }

  @Test
  void everythingThatCanChangeAnOutputMatters() {
    Generation sampled = new Generation(64, 0.5f, 1, 0, 0, List.of());
    List<String> fingerprints =
        List.of(
            Fingerprint.of(EXTRACT, DIGEST, GREEDY, FULL),
            Fingerprint.of(SUMMARIZE, DIGEST, GREEDY, FULL),
            Fingerprint.of(new DocumentTask.Summarize("Sum up!"), DIGEST, GREEDY, FULL),
            extract(SCHEMA.replace("How many?", "How much?")),
            extract(SCHEMA.replace("integer", "number")),
            extract(SCHEMA.replace("\"a\"", "\"b\"")),
            Fingerprint.of(EXTRACT, "sha256:1", GREEDY, FULL),
            Fingerprint.of(EXTRACT, WeightType.INT8.identify(DIGEST), GREEDY, FULL),
            Fingerprint.of(EXTRACT, WeightType.INT4.identify(DIGEST), GREEDY, FULL),
            Fingerprint.of(EXTRACT, DIGEST, new Generation(65, 0, 1, 0, 0, List.of()), FULL),
            Fingerprint.of(EXTRACT, DIGEST, new Generation(64, 0, 1, 0, 0, List.of("\n")), FULL),
            Fingerprint.of(EXTRACT, DIGEST, sampled, FULL),
            Fingerprint.of(EXTRACT, DIGEST, new Generation(64, 0.5f, 0.9f, 0, 0, List.of()), FULL),
            Fingerprint.of(EXTRACT, DIGEST, new Generation(64, 0.5f, 1, 5, 0, List.of()), FULL),
            Fingerprint.of(EXTRACT, DIGEST, new Generation(64, 0.5f, 1, 0, 1, List.of()), FULL),
            Fingerprint.of(
                EXTRACT,
                DIGEST,
                GREEDY,
                new Policy(
                    PrefillOptions.of("fastkv").resolve(4, CacheOptions.FULL),
                    CacheOptions.FULL.resolve(512, false))),
            Fingerprint.of(EXTRACT, DIGEST, GREEDY, policy("hybrid", 512, 4, 0.5, 0)),
            hybrid(CacheOptions.of("hybrid", 512).with("recent", 0).with("exact-share", 0.3)),
            hybrid(CacheOptions.of("hybrid", 512).with("probe", "each")),
            hybrid(CacheOptions.of("hybrid", 512).with("positions", "cache")),
            hybrid(CacheOptions.of("hybrid", 512).with("cache-type", "f16")),
            hybrid(CacheOptions.of("hybrid", 512).with("cache-type", "int8")),
            hybrid(CacheOptions.of(new Settings(Map.of("cache", "hybrid", "pooling", "average")))),
            Fingerprint.of(EXTRACT, DIGEST, GREEDY, policy("freqkv", 512, 4, 0.5, 0)),
            Fingerprint.of(EXTRACT, DIGEST, GREEDY, policy("full", 256, 4, 0.5, 0)),
            Fingerprint.of(EXTRACT, DIGEST, GREEDY, policy("freqkv", 256, 4, 0.5, 0)),
            Fingerprint.of(EXTRACT, DIGEST, GREEDY, policy("freqkv", 512, 5, 0.5, 0)),
            Fingerprint.of(EXTRACT, DIGEST, GREEDY, policy("freqkv", 512, 4, 0.4, 0)),
            Fingerprint.of(EXTRACT, DIGEST, GREEDY, policy("freqkv", 512, 4, 0.5, 1)),
            Fingerprint.of(EXTRACT, DIGEST, GREEDY, policy("streaming", 512, 4, 0.5, 0)));
    assertThat(fingerprints).doesNotHaveDuplicates();
  }

  private static String hybrid(CacheOptions cache) {
    return Fingerprint.of(
        EXTRACT, DIGEST, GREEDY, new Policy(PrefillOptions.FULL, cache.resolve(512, false)));
  }

  private static String extract(String schema) {
    return Fingerprint.of(new DocumentTask.Extract("s.json", schema), DIGEST, GREEDY, FULL);
  }

  private static Policy policy(
      String cache, int tokens, int sinks, double retainedRatio, int recent) {
    return new Policy(
        PrefillOptions.FULL,
        CacheOptions.of(cache, tokens)
            .with("sinks", sinks)
            .with("retained-ratio", retainedRatio)
            .with("recent", recent)
            .resolve(512, false));
  }
}
