package dev.lowpass.pipeline.prefill;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lowpass.kernels.CachePlan;
import dev.lowpass.kernels.CachePlan.Best;
import dev.lowpass.kernels.CachePlan.Keep;
import dev.lowpass.pipeline.prefill.FastKv.Selection;
import org.junit.jupiter.api.Test;

class FastKvTest {
  /**
   * The paper's share of 131,072 tokens, where w = 8: 26,214 go on, and every layer keeps 13,107.
   */
  @Test
  void countsAreThePapers() {
    FastKv fastKv = new FastKv(new PrefillOptions("fastkv", 15, 0.2, 0, 0.1, 0), 0);
    assertThat(fastKv.propagate(131_072, 0, 8))
        .isEqualTo(new Selection(131_072, 0, 26_206, 8))
        .extracting(Selection::length)
        .isEqualTo(26_214);
    CachePlan early = fastKv.retain(15, 131_072, 131_072, 8);
    assertThat(early.segments())
        .containsExactly(new Keep(0, 0), new Best(0, 131_064, 13_099), new Keep(131_064, 131_072));
    assertThat(fastKv.retain(16, 26_214, 131_072, 8).result()).isEqualTo(13_107);
  }

  /** The worked numbers' sizes: n = 24, w = 4, capacity 10, 12 tokens go on. */
  @Test
  void fixedNumbersOfTokens() {
    FastKv fastKv = new FastKv(new PrefillOptions("fastkv", 1, 0, 12, 0, 10), 0);
    assertThat(fastKv.propagate(24, 0, 4)).isEqualTo(new Selection(24, 0, 8, 4));
    assertThat(fastKv.retain(0, 24, 24, 4))
        .isEqualTo(CachePlan.of(24, new Keep(0, 0), new Best(0, 20, 6), new Keep(20, 24)));
    assertThat(fastKv.retain(2, 12, 24, 4).result()).isEqualTo(10);
  }

  @Test
  void sinksAreAlwaysAmongThem() {
    FastKv fastKv = new FastKv(new PrefillOptions("fastkv", 1, 0.5, 0, 0.25, 0), 4);
    assertThat(fastKv.propagate(100, 0, 8)).isEqualTo(new Selection(100, 4, 38, 8));
    assertThat(fastKv.propagate(100, 3, 8)).isEqualTo(new Selection(100, 1, 41, 8));
    assertThat(fastKv.propagate(100, 4, 0)).isEqualTo(new Selection(100, 0, 50, 0));
    assertThat(fastKv.retain(0, 100, 100, 8).segments())
        .containsExactly(new Keep(0, 4), new Best(4, 92, 13), new Keep(92, 100));
  }

  /** With its rho of 0.1 the released code fails below 80 tokens. */
  @Test
  void whatIsTooShortToChooseFromIsKeptWhole() {
    FastKv fastKv = new FastKv(new PrefillOptions("fastkv", 1, 0.2, 0, 0.1, 0), 4);
    for (int tokens : new int[] {0, 1, 5, 8, 79, 80, 129}) {
      assertThat(fastKv.retain(0, tokens, tokens, Math.min(8, tokens)).segments())
          .containsExactly(new Keep(0, tokens));
    }
    assertThat(fastKv.retain(0, 130, 130, 8).result()).isEqualTo(13);
    assertThat(fastKv.propagate(5, 0, 5).all()).isTrue();
    assertThat(fastKv.propagate(40, 0, 8)).isEqualTo(new Selection(40, 4, 0, 8));
  }

  @Test
  void ratesOfOneChooseNothing() {
    FastKv fastKv = new FastKv(new PrefillOptions("fastkv", 1, 1, 0, 1, 0), 4);
    assertThat(fastKv.propagate(100, 0, 8).all()).isTrue();
    assertThat(fastKv.retain(0, 100, 100, 8).segments()).containsExactly(new Keep(0, 100));
    assertThat(fastKv.retain(2, 100, 100, 8).segments()).containsExactly(new Keep(0, 100));
  }
}
