package dev.lowpass.pipeline.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lowpass.pipeline.engine.Engine;
import dev.lowpass.pipeline.engine.EngineOptions;
import dev.lowpass.pipeline.engine.GenerationOptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class RandomModelTest {
  private static final ModelShape TINY =
      new ModelShape("tiny", 64, 96, 2, 4, 2, 32, 600, /* tied= */ false);

  @TempDir Path folder;

  /** What Hugging Face says these models have. */
  @Test
  void shapesHaveTheirNamesakesWeights() {
    assertThat(ModelShape.named("smollm2-135m").orElseThrow().parameters()).isEqualTo(134_515_008);
    assertThat(ModelShape.named("llama-3.2-1b").orElseThrow().parameters())
        .isEqualTo(1_235_814_400);
    assertThat(ModelShape.named("llama-3.1-8b").orElseThrow().parameters())
        .isEqualTo(8_030_261_248L);
    assertThat(ModelShape.named("llama-3.1-405b")).isEmpty();
  }

  @ParameterizedTest
  @EnumSource(RandomModel.Type.class)
  void runsAsAnyModelDoes(RandomModel.Type type) throws IOException {
    RandomModel.write(folder, TINY, type, 100);
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      checkpoint.verify();
      assertThat(checkpoint.parameters()).isEqualTo(TINY.parameters());
      assertThat(checkpoint.tensors().values().stream().mapToLong(TensorInfo::bytes).sum())
          .isEqualTo(RandomModel.bytes(TINY, type));
      assertThat(checkpoint.tensors().values())
          .allMatch(tensor -> tensor.storedAs().equals(type.name()));
      assertThat(checkpoint.config().maxPositions()).isEqualTo(100);
      assertThat(floats(checkpoint, WeightNames.FINAL_NORM)).containsOnly(1);
      float[] weights = floats(checkpoint, WeightNames.EMBEDDING);
      int negative = 0;
      for (float weight : weights) {
        assertThat(Math.abs(weight)).isBetween(1 / 64f, 1 / 32f);
        negative += weight < 0 ? 1 : 0;
      }
      assertThat((double) negative / weights.length).isBetween(0.48, 0.52);
    }
    try (Engine engine = Engine.load(new EngineOptions(folder, "cpu", 1, 0))) {
      int[] prompt = engine.tokenizer().encode("any text");
      assertThat(prompt).containsExactly('a', 'n', 'y', ' ', 't', 'e', 'x', 't');
      assertThat(engine.complete(List.of(prompt), GenerationOptions.exactly(5)).outputTokens())
          .isEqualTo(5);
    }
  }

  private static float[] floats(Checkpoint checkpoint, String name) {
    TensorInfo tensor = checkpoint.tensors().get(name);
    ByteBuffer data = checkpoint.data(name);
    float[] floats = new float[(int) tensor.elements()];
    for (int i = 0; i < floats.length; i++) {
      floats[i] =
          switch (tensor.storedAs()) {
            case "F32" -> data.getFloat(4 * i);
            case "BF16" -> Float.intBitsToFloat(data.getShort(2 * i) << 16);
            default -> {
              int bits = data.getShort(2 * i);
              double size = Math.scalb(1 + (bits & 0x3ff) / 1024.0, (bits >> 10 & 0x1f) - 15);
              yield (float) (bits < 0 ? -size : size);
            }
          };
    }
    return floats;
  }
}
