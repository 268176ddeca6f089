package dev.lowpass.pipeline.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lowpass.kernels.CachePlan;
import dev.lowpass.kernels.CachePlan.Keep;
import dev.lowpass.kernels.CachePlan.LowPass;
import dev.lowpass.pipeline.model.ModelException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CachePolicyTest {
  @Test
  void freqKvIsThePapers() {
    CachePolicy policy = CacheOptions.of("freqkv", 0).policy(4096);
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
    CachePolicy policy = CacheOptions.of("freqkv", 4096).policy(4096);
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
    CachePolicy policy = new CacheOptions("freqkv", 65, 3, 0.37, 11).policy(512);
    assertThat(policy.plan(65).segments())
        .containsExactly(new Keep(0, 3), new LowPass(3, 54, 18), new Keep(54, 65));
  }

  @Test
  void streamingKeepsSinksAndRecent() {
    CachePolicy policy = CacheOptions.of("streaming", 256).policy(512);
    assertThat(policy.plan(256))
        .isEqualTo(CachePlan.of(256, new Keep(0, 4), new LowPass(4, 130, 0), new Keep(130, 256)));
    assertThat(policy.plan(256).result()).isEqualTo(130);
    CachePolicy sliding = new CacheOptions("streaming", 256, 4, 0.5, 251).policy(512);
    assertThat(sliding.plan(256).result()).isEqualTo(255);
  }

  @Test
  void aShortBandIsLeftAlone() {
    CachePolicy policy = CacheOptions.of("freqkv", 256).policy(512);
    assertThat(policy.plan(100).result()).isEqualTo(100);
    assertThat(policy.plan(2).result()).isEqualTo(2);
  }

  @Test
  void everyPlanOfAFullCacheMakesRoom() {
    for (int tokens = 5; tokens < 40; tokens++) {
      for (int recent = 0; recent < tokens - 4; recent++) {
        for (double ratio : new double[] {0, 0.1, 0.5, 0.99}) {
          CachePolicy policy = new CacheOptions("freqkv", tokens, 4, ratio, recent).policy(64);
          assertThat(policy.plan(tokens).result()).isLessThan(tokens).isGreaterThanOrEqualTo(4);
        }
      }
    }
  }

  @Test
  void fullNeverFills() {
    CachePolicy policy = CacheOptions.FULL.policy(512);
    assertThat(policy.room(1 << 30)).isPositive();
    assertThat(policy.plan(9).result()).isEqualTo(9);
  }

  @Test
  void refusesWhatCannotWork() {
    refused(new CacheOptions("freqkv", 256, 4, 1, 0), "--retained-ratio (gamma) is 1.0");
    refused(new CacheOptions("freqkv", 256, 4, -0.1, 0), "--retained-ratio (gamma) is -0.1");
    refused(new CacheOptions("freqkv", 256, 4, Double.NaN, 0), "--retained-ratio (gamma) is NaN");
    refused(new CacheOptions("freqkv", 4, 4, 0.5, 0), "--cache-tokens (N) is 4");
    refused(new CacheOptions("freqkv", 256, 4, 0.5, 252), "give at least 257");
    refused(new CacheOptions("freqkv", 256, -1, 0.5, 0), "--sinks (S) is -1");
    refused(new CacheOptions("freqkv", 256, 4, 0.5, -2), "--recent (R) is -2");
    refused(CacheOptions.of("streaming", 513), "window of 512 (max_position_embeddings)");
    refused(CacheOptions.of("streaming", 3), "--cache-tokens (N) is 3");
    refused(CacheOptions.of("h2o", 0), "--cache is 'h2o'; use one of full, streaming, freqkv");
  }

  private static void refused(CacheOptions options, String message) {
    assertThatThrownBy(() -> options.policy(512))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining(message);
  }
}
