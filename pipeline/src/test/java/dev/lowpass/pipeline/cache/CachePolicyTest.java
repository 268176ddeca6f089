package dev.lowpass.pipeline.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lowpass.kernels.CachePlan;
import dev.lowpass.kernels.CachePlan.Keep;
import dev.lowpass.kernels.CachePlan.LowPass;
import dev.lowpass.pipeline.cache.CachePolicy.Change;
import dev.lowpass.pipeline.model.ModelException;
import dev.lowpass.pipeline.model.Settings;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CachePolicyTest {
  @Test
  void freqKvIsThePapers() {
    CachePolicy policy = CacheOptions.of("freqkv", 0).resolve(4096, false).policy();
    assertThat(policy.cacheTokens()).isEqualTo(4096);
    assertThat(policy.room(Layout.EMPTY)).isEqualTo(4096);
    assertThat(policy.makeRoom(unsettled(4096)).plans().get(0).segments())
        .containsExactly(new Keep(0, 4), new LowPass(4, 4096, 2046), new Keep(4096, 4096));
    assertThat(policy.room(policy.makeRoom(unsettled(4096)).layout())).isEqualTo(2046);
  }

  /** Published counts: none up to N, then one every M - L tokens. */
  @ParameterizedTest
  @CsvSource({"4096,0", "4097,1", "8192,3", "16384,7", "32768,15", "131072,63", "262144,127"})
  void compressesAsOftenAsTheReleasedCode(int tokens, int compressions) {
    CachePolicy policy = CacheOptions.of("freqkv", 4096).resolve(4096, false).policy();
    Layout layout = Layout.EMPTY;
    int count = 0;
    for (int token = 0; token < tokens; token++) {
      if (policy.room(layout) == 0) {
        layout = policy.makeRoom(layout).layout();
        count++;
      }
      layout = layout.append(1);
      assertThat(layout.length()).isLessThanOrEqualTo(4096);
    }
    assertThat(count).isEqualTo(compressions);
  }

  @Test
  void recentTokensStay() {
    CachePolicy policy =
        CacheOptions.of("freqkv", 65)
            .with("sinks", 3)
            .with("retained-ratio", 0.37)
            .with("recent", 11)
            .resolve(512, false)
            .policy();
    assertThat(policy.makeRoom(unsettled(65)).plans().get(0).segments())
        .containsExactly(new Keep(0, 3), new LowPass(3, 54, 18), new Keep(54, 65));
  }

  @Test
  void streamingKeepsSinksAndRecent() {
    CachePolicy policy = CacheOptions.of("streaming", 256).resolve(512, false).policy();
    assertThat(policy.makeRoom(unsettled(256)).plans())
        .containsExactly(
            CachePlan.of(256, new Keep(0, 4), new LowPass(4, 130, 0), new Keep(130, 256)));
    assertThat(policy.makeRoom(unsettled(256)).layout().length()).isEqualTo(130);
    CachePolicy sliding =
        CacheOptions.of("streaming", 256).with("recent", 251).resolve(512, false).policy();
    assertThat(sliding.makeRoom(unsettled(256)).layout().length()).isEqualTo(255);
  }

  @Test
  void aShortBandIsLeftAlone() {
    CachePolicy policy = CacheOptions.of("freqkv", 256).resolve(512, false).policy();
    assertThat(policy.makeRoom(unsettled(100)).layout().length()).isEqualTo(100);
    assertThat(policy.makeRoom(unsettled(2)).layout().length()).isEqualTo(2);
  }

  @Test
  void everyPlanOfAFullCacheMakesRoom() {
    for (int tokens = 5; tokens < 40; tokens++) {
      for (int recent = 0; recent < tokens - 4; recent++) {
        for (double ratio : new double[] {0, 0.1, 0.5, 0.99}) {
          if (ratio > 0 && ratio * (tokens - 4 - recent) < 1) {
            continue; // refused
          }
          CachePolicy policy =
              CacheOptions.of("freqkv", tokens)
                  .with("retained-ratio", ratio)
                  .with("recent", recent)
                  .resolve(64, false)
                  .policy();
          assertThat(policy.makeRoom(unsettled(tokens)).layout().length())
              .isLessThan(tokens)
              .isGreaterThanOrEqualTo(4);
        }
      }
    }
  }

  @Test
  void fullNeverFills() {
    CachePolicy policy = CacheOptions.FULL.resolve(512, false).policy();
    assertThat(policy.room(unsettled(1 << 30))).isPositive();
    assertThat(policy.scores()).isFalse();
  }

  /** sinks 0 1 | band 2-4 | bank 5-8 | tail 9-12, of which one is recent. */
  @Test
  void losersFollowTheBand() {
    CachePolicy policy = new CachePolicy("hybrid", 16, 2, 1, 4, 2);
    Change change = policy.settle(new Layout(3, 4, 13));
    assertThat(change.layout()).isEqualTo(new Layout(6, 4, 13));
    List<double[]> entries = entries(13);
    double[] scores = {9, 9, 9, 9, 9, /* bank */ 1, 5, 5, 0, /* tail */ 5, 5, 7, 9};
    for (CachePlan plan : change.plans()) {
      entries = PlanInterpreter.apply(plan, entries, scores);
    }
    assertThat(entries.stream().mapToInt(entry -> (int) entry[0]))
        .containsExactly(0, 1, 2, 3, 4, 5, 8, 10, 6, 7, 9, 11, 12);
    assertThat(policy.settle(new Layout(0, 0, 6)).plans()).isEmpty();
    assertThat(policy.settle(new Layout(0, 0, 6)).layout()).isEqualTo(new Layout(0, 3, 6));
  }

  @Test
  void anUnsettledTailIsFoldedBehindTheBand() {
    CachePolicy policy = new CachePolicy("hybrid", 13, 2, 1, 4, 2);
    Change change = policy.makeRoom(new Layout(3, 4, 13));
    assertThat(change.layout()).isEqualTo(new Layout(2, 4, 9));
    List<double[]> folded = PlanInterpreter.apply(change.plans().get(0), entries(13));
    assertThat(folded.stream().mapToInt(entry -> (int) entry[0]))
        .containsExactly(0, 1, 2, 3, 4, 9, 10, 11, 5, 6, 7, 8, 12);
    assertThat(change.plans().get(1))
        .isEqualTo(CachePlan.of(13, new Keep(0, 2), new LowPass(2, 8, 2), new Keep(8, 13)));
  }

  /**
   * Documents of random blocks and scores, of every policy: N is never exceeded, sinks never move,
   * no token is there twice, bank and tail are exact and in order, and the last R tokens are there.
   */
  @Test
  void keptTokensAreInOrderAndThereOnce() {
    Random random = new Random(9);
    for (int run = 0; run < 300; run++) {
      int sinks = random.nextInt(4);
      int recent = random.nextInt(6);
      int exact = random.nextInt(12);
      int band = 2 + random.nextInt(12);
      int tokens = sinks + recent + exact + band;
      CachePolicy policy =
          new CachePolicy("any", tokens, sinks, recent, exact, random.nextInt(band));
      Layout layout = Layout.EMPTY;
      List<double[]> entries = new ArrayList<>();
      for (int block = 0, next = 0; block < 20; block++) {
        if (policy.room(layout) == 0) {
          Change change = policy.makeRoom(layout);
          for (CachePlan plan : change.plans()) {
            entries = PlanInterpreter.apply(plan, entries);
            markCompressed(plan, entries);
          }
          layout = change.layout();
        }
        int rows = 1 + random.nextInt(policy.room(layout));
        for (int i = 0; i < rows; i++) {
          entries.add(new double[] {next++});
        }
        layout = layout.append(rows);
        if (policy.scores() && random.nextInt(4) > 0) {
          double[] scores = random.doubles(layout.length()).toArray();
          Change change = policy.settle(layout);
          for (CachePlan plan : change.plans()) {
            entries = PlanInterpreter.apply(plan, entries, scores);
          }
          layout = change.layout();
        }
        check(policy, layout, entries, next);
      }
    }
  }

  /** What a low-pass made is no token any more. */
  private static void markCompressed(CachePlan plan, List<double[]> entries) {
    int at = 0;
    for (CachePlan.Segment segment : plan.segments()) {
      if (segment instanceof LowPass) {
        for (int i = 0; i < segment.length(); i++) {
          entries.set(at + i, new double[] {Double.NaN});
        }
      }
      at += segment.length();
    }
  }

  private static void check(CachePolicy policy, Layout layout, List<double[]> entries, int read) {
    assertThat(entries).hasSize(layout.length());
    assertThat(layout.length()).isLessThanOrEqualTo(policy.cacheTokens());
    assertThat(layout.bank()).isLessThanOrEqualTo(policy.exact());
    double[] tokens = entries.stream().mapToDouble(entry -> entry[0]).toArray();
    int sinks = Math.min(policy.sinks(), read);
    for (int i = 0; i < sinks; i++) {
      assertThat(tokens[i]).isEqualTo(i);
    }
    int bank = sinks + layout.band();
    int tail = bank + layout.bank();
    for (int[] part : new int[][] {{bank, tail}, {tail, tokens.length}}) {
      assertThat(Arrays.copyOfRange(tokens, part[0], part[1])).isSorted();
    }
    assertThat(Arrays.stream(tokens, bank, tokens.length)).doesNotContain(Double.NaN);
    double[] exact = Arrays.stream(tokens).filter(token -> !Double.isNaN(token)).toArray();
    assertThat(exact).doesNotHaveDuplicates();
    for (int i = Math.max(0, read - policy.recent()); i < read; i++) {
      assertThat(exact).contains(i);
    }
  }

  private static List<double[]> entries(int count) {
    return IntStream.range(0, count).mapToObj(i -> new double[] {i}).toList();
  }

  /** A layer that nothing was settled in. */
  private static Layout unsettled(int length) {
    return new Layout(0, 0, length);
  }

  @Test
  void refusesWhatCannotWork() {
    refused(
        CacheOptions.of("freqkv", 256).with("retained-ratio", 1).with("recent", 0),
        "--retained-ratio (gamma) is 1.0");
    refused(
        CacheOptions.of("freqkv", 256).with("retained-ratio", -0.1).with("recent", 0),
        "--retained-ratio (gamma) is -0.1");
    refused(
        CacheOptions.of("freqkv", 256).with("retained-ratio", Double.NaN).with("recent", 0),
        "--retained-ratio (gamma) is NaN");
    refused(
        CacheOptions.of("freqkv", 13)
            .with("retained-ratio", 0.1)
            .with("recent", 0)
            .with("exact-share", 0),
        "leaves nothing of a band of M = 9: give more than 1 / M");
    refused(
        CacheOptions.of("hybrid", 256).with("recent", 0).with("exact-share", 1),
        "--exact-share is 1.0");
    refused(
        CacheOptions.of("hybrid", 256).with("probe", "none"),
        "--probe is 'none'; use one of all, each");
    refused(CacheOptions.of("hybrid", 256).with("positions", "rope"), "--positions is 'rope'");
    refused(
        CacheOptions.of(new Settings(Map.of("pooling", "min"))),
        "--pooling is 'min'; use one of max, average");
    refused(
        CacheOptions.of(new Settings(Map.of("pooling-kernel", "4"))),
        "--pooling-kernel (k) is 4; give an odd");
    refused(
        CacheOptions.of(new Settings(Map.of("observation-window", "0"))),
        "--observation-window (w) is 0; give 1 to 512");
    refused(CacheOptions.of("freqkv", 4).with("recent", 0), "--cache-tokens (N) is 4");
    refused(CacheOptions.of("freqkv", 256).with("recent", 252), "give at least 257");
    refused(
        CacheOptions.of("freqkv", 256).with("sinks", -1).with("recent", 0), "--sinks (S) is -1");
    refused(CacheOptions.of("freqkv", 256).with("recent", -2), "--recent (R) is -2");
    refused(CacheOptions.of("streaming", 513), "window of 512 (max_position_embeddings)");
    refused(CacheOptions.of("streaming", 3), "--cache-tokens (N) is 3");
    refused(
        CacheOptions.of("h2o", 0),
        "--cache is 'h2o'; use one of full, streaming, snapkv, freqkv, hybrid");
  }

  @Test
  void settingsByName() {
    Settings settings =
        new Settings(
            Map.of(
                "cache", "hybrid", "cache-tokens", "1024", "exact-share", "0.25", "probe", "each"));
    assertThat(CacheOptions.of(settings))
        .isEqualTo(CacheOptions.of("hybrid", 1024).with("exact-share", 0.25).with("probe", "each"));
    assertThat(CacheOptions.of(new Settings(Map.of()))).isEqualTo(CacheOptions.FULL);
    assertThatThrownBy(() -> CacheOptions.of(new Settings(Map.of("sinks", "few"))))
        .isInstanceOf(ModelException.class)
        .hasMessage("--sinks is 'few'; give a whole number");
  }

  @Test
  void defaultsOfEachPolicy() {
    CacheOptions hybrid = CacheOptions.of("hybrid", 1024).resolve(2048, false);
    assertThat(hybrid.recent()).isZero();
    assertThat(hybrid.exact()).isEqualTo(510);
    assertThat(hybrid.band()).isEqualTo(510);
    assertThat(hybrid.retained()).isEqualTo(255);
    CacheOptions snapkv = CacheOptions.of("snapkv", 1024).resolve(2048, false);
    assertThat(snapkv.recent()).isEqualTo(8);
    assertThat(snapkv.exact()).isEqualTo(506);
    assertThat(snapkv.retained()).isZero();
    assertThat(CacheOptions.of("hybrid", 0).resolve(2048, false).cacheTokens()).isEqualTo(2048);
    assertThat(hybrid.positions()).isEqualTo("auto");
    assertThat(CacheOptions.of("hybrid", 64).resolve(2048, true).positions()).isEqualTo("cache");
  }

  private static void refused(CacheOptions options, String message) {
    assertThatThrownBy(() -> options.resolve(512, false))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining(message);
  }
}
