package dev.lowpass.udfs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lowpass.pipeline.model.ModelException;
import org.apache.spark.resource.ResourceInformation;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Executors of a real cluster: {@code GpuSchedulingIT} in {@code jobs}. */
class PlacementTest {
  @Test
  void withoutAGpuOfItsOwnAnExecutorStaysOnTheCpu() {
    assertThat(Placement.device("auto", null, null, () -> 8)).isEqualTo("cpu");
  }

  @Test
  void cudaIsTakenAtItsWordWithoutAGpuFromSpark() {
    assertThat(Placement.device("cuda", null, null, () -> 8)).isEqualTo("cuda");
  }

  @Test
  void aCpuIsACpuWhateverSparkGave() {
    assertThat(Placement.device("cpu", gpus("3"), null, () -> 8)).isEqualTo("cpu");
  }

  @ParameterizedTest
  @CsvSource({
    "local, 1",
    "local[2], 2",
    "'local[2, 4]', 2",
    "local[64], 8",
    "local[*], 0",
    "'local[*, 4]', 0",
    "spark://host:7077, 0",
    "'local-cluster[2,1,1024]', 0"
  })
  void localModeComputesOnItsTasksCores(String master, int threads) {
    assertThat(Placement.localCores(master, 8)).isEqualTo(threads);
  }

  @ParameterizedTest
  @CsvSource({
    // A host's GPUs, without and with CUDA_VISIBLE_DEVICES
    "0, , 8, cuda:0",
    "5, , 8, cuda:5",
    "0, , 1, cuda:0",
    "2, '1,2,3', 3, cuda:1",
    "3, '3, 1', 2, cuda:0",
    "GPU-8932f937, 'GPU-1a2b3c4d,GPU-8932f937', 2, cuda:1",
    // A container that sees one, by the host's name for it
    "5, , 1, cuda:0",
    "GPU-8932f937, , 1, cuda:0",
    "5, 0, 1, cuda:0",
    // No driver: the device says so when it is opened
    "5, , 0, cuda:5"
  })
  void anAddressBecomesAnOrdinal(String address, String visible, int gpus, String device) {
    assertThat(Placement.device("auto", gpus(address), visible, () -> gpus)).isEqualTo(device);
    assertThat(Placement.device("cuda", gpus(address), visible, () -> gpus)).isEqualTo(device);
  }

  @ParameterizedTest
  @CsvSource({"0, '1,2', '1,2'", "GPU-8932f937, , not set", "-1, , not set"})
  void whichGpuItIsIsNotGuessed(String address, String visible, String shown) {
    assertThatThrownBy(() -> Placement.device("auto", gpus(address), visible, () -> 2))
        .isInstanceOf(ModelException.class)
        .hasMessageStartingWith(
            "Spark gave this executor GPU %s, which is not in its CUDA_VISIBLE_DEVICES (%s); let"
                .formatted(address, shown));
  }

  @Test
  void anEngineTakesOneGpu() {
    assertThatThrownBy(() -> Placement.device("auto", gpus("0", "1"), null, () -> 2))
        .isInstanceOf(ModelException.class)
        .hasMessage(
            "Spark gave this executor the GPUs [0, 1], and its engine takes one; set spark.executor.resource.gpu.amount to 1");
  }

  private static ResourceInformation gpus(String... addresses) {
    return new ResourceInformation("gpu", addresses);
  }
}
