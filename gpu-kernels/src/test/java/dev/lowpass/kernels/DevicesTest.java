package dev.lowpass.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class DevicesTest {
  @Test
  void opensTheCpu() {
    try (Device auto = Devices.open("auto", 0);
        Device cpu = Devices.open("cpu", 1)) {
      assertThat(cpu.description()).matches("cpu \\(Vector API, [0-9]+ bits, 1 thread\\)");
      assertThat(auto.description()).startsWith("cpu (");
    }
  }

  @Test
  void saysWhatToUseInsteadOfWhatIsNotThere() {
    assertThatThrownBy(() -> Devices.open("cuda", 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("the CUDA device is not part of this version: use --device cpu");
    assertThatThrownBy(() -> Devices.open("tpu", 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("unknown device 'tpu': use auto, cpu or cuda");
    assertThatThrownBy(() -> Devices.open("cpu", -1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("threads is -1");
  }
}
