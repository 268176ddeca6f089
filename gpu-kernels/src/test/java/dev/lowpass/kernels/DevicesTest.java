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
    assertThatThrownBy(() -> Devices.open("tpu", 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("unknown device 'tpu': use auto, cpu, onednn or cuda");
    assertThatThrownBy(() -> Devices.open("cpu", -1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("threads is -1");
  }

  @Test
  void aGpuHasANumber() {
    for (String device : new String[] {"cuda:", "cuda:first", "cuda:-1"}) {
      assertThatThrownBy(() -> Devices.open(device, 0))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "unknown device '%s': use cuda:0 for the first GPU, cuda:1 for the second", device);
    }
    int gpus = Devices.gpus();
    assertThat(gpus).isNotNegative();
    assertThatThrownBy(() -> Devices.open("cuda:" + gpus, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("--device cuda: ");
  }

  /** Which of these it is depends on the machine. */
  @Test
  void opensAGpuOrSaysWhatIsMissing() {
    try (Device cuda = Devices.open("cuda", 0)) {
      assertThat(cuda.description()).startsWith("cuda (");
    } catch (IllegalArgumentException e) {
      assertThat(e)
          .hasMessageMatching(
              "--device cuda: (this build has no GPU kernels; build it where CUDA's nvcc .* is on the PATH"
                  + "|the NVIDIA driver .* is not on this machine, .*"
                  + "|the NVIDIA driver sees no GPU .*"
                  + "|.* the kernels need sm_80 or newer"
                  + "|the driver .* does not take the kernels .*)");
    }
  }
}
