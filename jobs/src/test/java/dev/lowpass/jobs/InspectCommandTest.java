package dev.lowpass.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lowpass.udfs.TestModel;
import org.junit.jupiter.api.Test;

class InspectCommandTest {
  @Test
  void forPeople() {
    Command command = Command.run("inspect", "--model", TestModel.stories());
    assertThat(command.status()).isZero();
    assertThat(command.out().replaceAll("sha256:[0-9a-f]{64}", "sha256:*"))
        .isEqualTo(
            """
            name           stories260K
            model_type     llama
            layers         5
            heads          8, in groups over 4 kv heads, head_dim 8
            hidden         64
            vocabulary     512 tokens
            window         512 tokens
            rope scaling   none
            parameters     260,032
            weights        1015.8 KiB on disk, F32 x 47
            KV cache       1.3 KiB a token in float32; 640.0 KiB for the whole window
            chat template  no
            digest         sha256:*
            """);
  }

  @Test
  void forPrograms() throws Exception {
    Command command = Command.run("inspect", "--model", TestModel.stories(), "--json");
    JsonNode json = new ObjectMapper().readTree(command.out());
    assertThat(json.get("kv_heads").asInt()).isEqualTo(4);
    assertThat(json.get("parameters").asLong()).isEqualTo(260_032);
    // 2 (keys, values) x 5 layers x 4 heads x 8 channels x 4 bytes.
    assertThat(json.get("kv_cache_bytes_per_token").asLong()).isEqualTo(1280);
    assertThat(json.get("chat_template").asBoolean()).isFalse();
    assertThat(json.get("sliding_window_tokens").isNull()).isTrue();
  }
}
