package dev.lowpass.pipeline.decoder;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SpectrumTest {
  /** The mean's energy is huge and counts nowhere; the rest has 10 in all. */
  private final Spectrum spectrum = new Spectrum(1000, 6, 3, 1, 0);

  @Test
  void sharesOfAllButTheMean() {
    assertThat(spectrum.frequencies()).isEqualTo(5);
    assertThat(spectrum.share(0)).isZero();
    assertThat(spectrum.share(1)).as("the mean alone").isZero();
    assertThat(spectrum.share(2)).isEqualTo(0.6);
    assertThat(spectrum.share(3)).isEqualTo(0.9);
    assertThat(spectrum.share(5)).isEqualTo(1);
  }

  @Test
  void theFewestEntriesThatKeepAShare() {
    assertThat(spectrum.entriesFor(0)).isEqualTo(1);
    assertThat(spectrum.entriesFor(0.6)).isEqualTo(2);
    assertThat(spectrum.entriesFor(0.61)).isEqualTo(3);
    assertThat(spectrum.entriesFor(1)).isEqualTo(4);
  }

  @Test
  void aConstantIsKeptByAnyLowPass() {
    assertThat(new Spectrum(3, 0, 0).share(1)).isEqualTo(1);
    assertThat(new Spectrum(3, 0, 0).entriesFor(0.99)).isEqualTo(1);
  }
}
