package dev.lowpass.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class KernelBenchTest {
  @Test
  void measuresWhatItIsToldTo() {
    try (Device device = Devices.open("cpu", 1)) {
      assertThat(KernelBench.run(device, KernelBench.Sizes.EMULATOR))
          .allSatisfy(figure -> assertThat(figure.value()).isPositive().isFinite())
          .extracting(KernelBench.Figure::name)
          .containsExactly(
              "copy on the device",
              "product 96 x 64, 1 row",
              "product 96 x 64, 3 rows",
              "product 64^3",
              "attention, prefill of 160 tokens",
              "attention, decode of 3 x 100 entries");
    }
  }
}
