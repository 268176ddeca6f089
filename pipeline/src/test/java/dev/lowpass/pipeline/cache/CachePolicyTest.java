package dev.lowpass.pipeline.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lowpass.kernels.CachePlan;
import dev.lowpass.kernels.CachePlan.Keep;
import dev.lowpass.kernels.CachePlan.LowPass;
import dev.lowpass.pipeline.model.ModelException;
import dev.lowpass.pipeline.model.Settings;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CachePolicyTest {
  @Test
  void freqKvIsThePapers() {
    CachePolicy policy = CacheOptions.of("freqkv", 0).resolve(4096, false).policy();
    assertThat(policy.cacheTokens()).isEqualTo(4096);
    assertThat(policy.room(0)).isEqualTo(4096);
    assertThat(policy.plan(4096).segments())
        .containsExactly(new Keep(0, 4), new LowPass(4, 4096, 2046), new Keep(4096, 4096));
    assertThat(policy.room(policy.plan(4096).result())).isEqualTo(2046);
  }

  /** Published counts: none up to N, then one every M - L tokens. */
  @ParameterizedTest
  @CsvSource({"4096,0", "4097,1", "8192,3", "16384,7", "32768,15", "131072,63", "262144,127"})
  void compressesAsOftenAsTheReleasedCode(int tokens, int compressions) {
    CachePolicy policy = CacheOptions.of("freqkv", 4096).resolve(4096, false).policy();
    int length = 0;
    int count = 0;
    for (int token = 0; token < tokens; token++) {
      if (policy.room(length) == 0) {
        length = policy.plan(length).result();
        count++;
      }
      length++;
      assertThat(length).isLessThanOrEqualTo(4096);
    }
    assertThat(count).isEqualTo(compressions);
  }

  @Test
  void recentTokensStay() {
    CachePolicy policy =
        CacheOptions.of("freqkv", 65)
            .with(3, 0.37, 11, CacheOptions.DEFAULT_EXACT_SHARE)
            .resolve(512, false)
            .policy();
    assertThat(policy.plan(65).segments())
        .containsExactly(new Keep(0, 3), new LowPass(3, 54, 18), new Keep(54, 65));
  }

  @Test
  void streamingKeepsSinksAndRecent() {
    CachePolicy policy = CacheOptions.of("streaming", 256).resolve(512, false).policy();
    assertThat(policy.plan(256))
        .isEqualTo(CachePlan.of(256, new Keep(0, 4), new LowPass(4, 130, 0), new Keep(130, 256)));
    assertThat(policy.plan(256).result()).isEqualTo(130);
    CachePolicy sliding =
        CacheOptions.of("streaming", 256)
            .with(4, 0.5, 251, CacheOptions.DEFAULT_EXACT_SHARE)
            .resolve(512, false)
            .policy();
    assertThat(sliding.plan(256).result()).isEqualTo(255);
  }

  @Test
  void aShortBandIsLeftAlone() {
    CachePolicy policy = CacheOptions.of("freqkv", 256).resolve(512, false).policy();
    assertThat(policy.plan(100).result()).isEqualTo(100);
    assertThat(policy.plan(2).result()).isEqualTo(2);
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
                  .with(4, ratio, recent, CacheOptions.DEFAULT_EXACT_SHARE)
                  .resolve(64, false)
                  .policy();
          assertThat(policy.plan(tokens).result()).isLessThan(tokens).isGreaterThanOrEqualTo(4);
        }
      }
    }
  }

  @Test
  void fullNeverFills() {
    CachePolicy policy = CacheOptions.FULL.resolve(512, false).policy();
    assertThat(policy.room(1 << 30)).isPositive();
    assertThat(policy.plan(9).result()).isEqualTo(9);
  }

  @Test
  void refusesWhatCannotWork() {
    refused(
        CacheOptions.of("freqkv", 256).with(4, 1, 0, CacheOptions.DEFAULT_EXACT_SHARE),
        "--retained-ratio (gamma) is 1.0");
    refused(
        CacheOptions.of("freqkv", 256).with(4, -0.1, 0, CacheOptions.DEFAULT_EXACT_SHARE),
        "--retained-ratio (gamma) is -0.1");
    refused(
        CacheOptions.of("freqkv", 256).with(4, Double.NaN, 0, CacheOptions.DEFAULT_EXACT_SHARE),
        "--retained-ratio (gamma) is NaN");
    refused(
        CacheOptions.of("freqkv", 13).with(4, 0.1, 0, 0),
        "leaves nothing of a band of M = 9: give more than 1 / M");
    refused(CacheOptions.of("hybrid", 256).with(4, 0.5, 0, 1), "--exact-share is 1.0");
    refused(
        CacheOptions.of("hybrid", 256).withProbe("none"),
        "--probe is 'none'; use one of all, each");
    refused(CacheOptions.of("hybrid", 256).withPositions("rope"), "--positions is 'rope'");
    refused(
        CacheOptions.of(new Settings(Map.of("pooling", "min"))),
        "--pooling is 'min'; use one of max, average");
    refused(
        CacheOptions.of(new Settings(Map.of("pooling-kernel", "4"))),
        "--pooling-kernel (k) is 4; give an odd");
    refused(
        CacheOptions.of(new Settings(Map.of("observation-window", "0"))),
        "--observation-window (w) is 0");
    refused(
        CacheOptions.of("freqkv", 4).with(4, 0.5, 0, CacheOptions.DEFAULT_EXACT_SHARE),
        "--cache-tokens (N) is 4");
    refused(
        CacheOptions.of("freqkv", 256).with(4, 0.5, 252, CacheOptions.DEFAULT_EXACT_SHARE),
        "give at least 257");
    refused(
        CacheOptions.of("freqkv", 256).with(-1, 0.5, 0, CacheOptions.DEFAULT_EXACT_SHARE),
        "--sinks (S) is -1");
    refused(
        CacheOptions.of("freqkv", 256).with(4, 0.5, -2, CacheOptions.DEFAULT_EXACT_SHARE),
        "--recent (R) is -2");
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
        .isEqualTo(CacheOptions.of("hybrid", 1024).with(4, 0.5, -1, 0.25).withProbe("each"));
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
