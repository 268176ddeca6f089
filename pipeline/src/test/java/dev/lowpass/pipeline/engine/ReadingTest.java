package dev.lowpass.pipeline.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lowpass.kernels.Positions;
import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.prefill.PrefillOptions;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

/** How a document is read, on a model with a window of 512 and passes of 128. */
class ReadingTest {
  private static final int ANSWER = 10;
  private static final CacheOptions HYBRID = CacheOptions.of("hybrid", 256);
  private static final PrefillOptions FASTKV = PrefillOptions.of("fastkv");

  @Test
  void aDocumentThatFitsIsReadInFull() {
    for (String policy : CacheOptions.POLICIES.subList(1, CacheOptions.POLICIES.size())) {
      Reading fits = reading(CacheOptions.of(policy, 256), FASTKV, request(246, 20));
      assertThat(fits.sequence().scored()).as(policy).isFalse();
      assertThat(fits.request().probes()).isEmpty();
      assertThat(fits.copies()).isFalse();
      assertThat(
              reading(CacheOptions.of(policy, 256), FASTKV, request(247, 20)).sequence().scored())
          .as(policy)
          .isTrue();
    }
  }

  @Test
  void onlyWhatChoosesScores() {
    assertThat(scored("freqkv", PrefillOptions.FULL)).isFalse();
    assertThat(scored("streaming", PrefillOptions.FULL)).isFalse();
    assertThat(scored("full", PrefillOptions.FULL)).isFalse();
    assertThat(scored("hybrid", PrefillOptions.FULL)).isTrue();
    assertThat(scored("snapkv", PrefillOptions.FULL)).isTrue();
    assertThat(scored("full", FASTKV)).isTrue();
    assertThat(scored("freqkv", FASTKV)).isTrue();
  }

  private static boolean scored(String cache, PrefillOptions prefill) {
    int tokens = cache.equals("full") ? 0 : 256;
    return reading(CacheOptions.of(cache, tokens), prefill, request(400, 20)).sequence().scored();
  }

  @Test
  void snapKvIsObservedByThePromptItself() {
    Reading snapkv = reading(CacheOptions.of("snapkv", 256), PrefillOptions.FULL, request(400, 20));
    assertThat(snapkv.request().probes()).isEmpty();
    assertThat(snapkv.scoresRest()).isTrue();
    assertThat(snapkv.probe(0)).isEmpty();
    Reading hybrid = reading(HYBRID, PrefillOptions.FULL, request(400, 20));
    assertThat(hybrid.probe(0)).hasSize(20);
    assertThat(hybrid.scoresRest()).isFalse();
  }

  /** A document's positions are its own while they and the answer are in the window. */
  @Test
  void positionsAreTheDocumentsWhereTheyCanBe() {
    assertThat(positions(HYBRID, request(502, 20))).isEqualTo(Positions.ORIGINAL);
    assertThat(positions(HYBRID, request(503, 20))).isEqualTo(Positions.CACHE);
    assertThat(positions(HYBRID.with("positions", "cache"), request(300, 20)))
        .isEqualTo(Positions.CACHE);
    assertThat(positions(HYBRID.with("positions", "original"), request(502, 20)))
        .isEqualTo(Positions.ORIGINAL);
    assertThatThrownBy(() -> positions(HYBRID.with("positions", "original"), request(503, 20)))
        .isInstanceOfSatisfying(
            DocumentException.class, e -> assertThat(e.type()).isEqualTo("input.too_long"))
        .hasMessageContaining("may have 513 tokens")
        .hasMessageContaining("use --positions cache");
    // The window of a model that was tuned with a cache is no measure of a document.
    assertThat(HYBRID.resolve(512, true).positions()).isEqualTo("cache");
  }

  private static Positions positions(CacheOptions cache, Request request) {
    return reading(cache, PrefillOptions.FULL, request).sequence().positions();
  }

  @Test
  void aProbeStandsWithinTheWindow() {
    CacheOptions whole = CacheOptions.of("hybrid", 0);
    assertThat(
            reading(whole, PrefillOptions.FULL, request(1000, 20))
                .sequence()
                .policy()
                .cacheTokens())
        .isEqualTo(492);
    assertThat(
            reading(HYBRID, PrefillOptions.FULL, request(1000, 20))
                .sequence()
                .policy()
                .cacheTokens())
        .isEqualTo(256);
    assertThatThrownBy(() -> reading(HYBRID, PrefillOptions.FULL, request(1000, 128)))
        .isInstanceOf(DocumentException.class)
        .hasMessage(
            "the questions have 128 tokens, and 127 at the most can be asked at once; use --probe each, or ask less");
  }

  @Test
  void questionsTogetherOrEach() {
    List<int[]> prompts = List.of(new int[600], new int[610]);
    Request all = new Request(prompts, 580, List.of(new int[30]));
    Reading together = reading(HYBRID, PrefillOptions.FULL, all);
    assertThat(together.each()).isFalse();
    assertThat(together.copies()).isTrue();
    assertThat(together.probe(1)).hasSize(30);
    Request apart = new Request(prompts, 580, List.of(new int[12], new int[18]));
    Reading each = reading(HYBRID, PrefillOptions.FULL, apart);
    assertThat(each.each()).isTrue();
    assertThat(each.copies()).isFalse();
    assertThat(each.probe(1)).hasSize(18);
    assertThatThrownBy(() -> new Request(prompts, 0, Collections.nCopies(3, new int[1])))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aPromptIsItsDocumentAsFarAsItBeginsLikeIt() {
    int[] bare = {1, 2, 3, 4, 9};
    int[] first = {1, 2, 3, 4, 5, 6, 7};
    int[] second = {1, 2, 3, 4, 5, 8};
    assertThat(Request.about(bare, List.of(first, second), List.of()).shared()).isEqualTo(4);
    assertThat(Request.about(bare, List.of(first), List.of()).shared()).isEqualTo(4);
    assertThat(Request.about(first, List.of(first), List.of()).shared()).isEqualTo(6);
    assertThat(Request.of(List.of(first, second)).shared()).isEqualTo(5);
    assertThat(Request.of(List.of(first)).shared()).isZero();
  }

  private static Reading reading(CacheOptions options, PrefillOptions prefill, Request request) {
    CacheOptions cache = options.resolve(512, false);
    int context = cache.bounded() ? Integer.MAX_VALUE : 512;
    return Reading.of(
        new Reading.Bounds(cache, prefill.resolve(4, cache), 512, context, 128), request, ANSWER);
  }

  private static Request request(int prompt, int probe) {
    return new Request(List.of(new int[prompt]), prompt - 15, List.of(new int[probe]));
  }
}
