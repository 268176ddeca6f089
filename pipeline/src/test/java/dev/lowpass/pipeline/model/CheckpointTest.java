package dev.lowpass.pipeline.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lowpass.kernels.DType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class CheckpointTest {
  private static final String EMBEDDING = "model.embed_tokens.weight";

  @TempDir Path folder;

  @ParameterizedTest
  @EnumSource(DType.class)
  void opensASingleFile(DType type) {
    TinyCheckpoints.write(folder, "llama", Map.of(), type, 1);
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      checkpoint.verify();
      assertThat(checkpoint.name()).isEqualTo(folder.getFileName().toString());
      assertThat(checkpoint.tensors()).hasSize(3 * 9 + 3);
      assertThat(checkpoint.tensors().get(EMBEDDING).dtype()).isEqualTo(type);
      assertThat(checkpoint.tensors().get(EMBEDDING).shape()).containsExactly(96, 48);
      assertThat(checkpoint.matrix(EMBEDDING, 96, 48).remaining())
          .isEqualTo(96 * 48 * type.bytes());
      assertThat(checkpoint.matrix("model.norm.weight", 1, 48).remaining())
          .isEqualTo(48 * type.bytes());
      long layer = 2 * 48 * 48 + 2 * 48 * 16 + 3 * 48 * 80 + 2 * 48;
      assertThat(checkpoint.parameters()).isEqualTo(3 * layer + 2 * 96 * 48 + 48);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama", "mistral", "qwen2", "qwen3"})
  void verifiesEveryFamilyTiedAndNot(String family) {
    TinyCheckpoints.write(folder.resolve("tied"), family, tied(), DType.BF16, 1);
    TinyCheckpoints.write(folder.resolve("untied"), family, Map.of(), DType.BF16, 1);
    for (String name : new String[] {"tied", "untied"}) {
      try (Checkpoint checkpoint = Checkpoint.open(folder.resolve(name))) {
        checkpoint.verify();
        assertThat(checkpoint.has("lm_head.weight")).isEqualTo(name.equals("untied"));
        assertThat(checkpoint.has(WeightNames.output(checkpoint.config()))).isTrue();
      }
    }
  }

  @Test
  void verifiesBiases() {
    TinyCheckpoints.write(
        folder, "llama", Map.of("attention_bias", true, "mlp_bias", true), DType.F32, 1);
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      checkpoint.verify();
      assertThat(checkpoint.has(WeightNames.bias(WeightNames.layer(2).down()))).isTrue();
    }
  }

  @Test
  void readsTheSameWeightsFromShards() {
    TinyCheckpoints.write(folder.resolve("single"), "qwen3", Map.of(), DType.F32, 7);
    TinyCheckpoints.write(folder.resolve("sharded"), "qwen3", Map.of(), DType.F32, 7, 4);
    try (Checkpoint single = Checkpoint.open(folder.resolve("single"));
        Checkpoint sharded = Checkpoint.open(folder.resolve("sharded"))) {
      sharded.verify();
      assertThat(sharded.tensors().keySet()).isEqualTo(single.tensors().keySet());
      assertThat(sharded.tensors().values().stream().map(TensorInfo::file).distinct()).hasSize(4);
      for (String name : single.tensors().keySet()) {
        assertThat(sharded.data(name)).isEqualTo(single.data(name));
      }
    }
  }

  @Test
  void namesAMissingFolderFileOrShard() throws IOException {
    Path absent = folder.resolve("absent");
    assertRefused(
        absent,
        absent
            + ": no such folder; give a Hugging Face model folder (config.json, *.safetensors,"
            + " tokenizer.json)");
    assertRefused(folder, folder + "/config.json: no such file; add it from the model's publisher");

    TinyCheckpoints.write(folder, "llama", Map.of(), DType.F32, 1, 3);
    Path config = folder.resolve("config.json");
    assertRefused(
        config,
        config
            + ": not a folder; give a Hugging Face model folder (config.json, *.safetensors,"
            + " tokenizer.json)");
    Files.delete(folder.resolve("model-00002-of-00003.safetensors"));
    assertRefused(
        folder,
        folder
            + "/model-00002-of-00003.safetensors: no such file, but model.safetensors.index.json"
            + " lists it; download it too");
    Files.delete(folder.resolve("model.safetensors.index.json"));
    assertRefused(
        folder,
        folder
            + ": has neither model.safetensors nor model.safetensors.index.json"
            + "; copy or download the weights");
    Files.createFile(folder.resolve("pytorch_model.bin"));
    assertRefused(
        folder,
        folder
            + ": has its weights only in pytorch_model.bin, a pickle file, which is never read"
            + " because it can run code; convert it to model.safetensors");
  }

  @Test
  void refusesAnIndexThatIsWrong() throws IOException {
    TinyCheckpoints.write(folder, "llama", Map.of(), DType.F32, 1, 2);
    Path index = folder.resolve("model.safetensors.index.json");
    String right = Files.readString(index);

    Files.writeString(
        index,
        right.replace(
            EMBEDDING + "\":\"model-00001-of-00002", EMBEDDING + "\":\"model-00002-of-00002"));
    assertRefused(
        folder,
        index
            + ": says that tensor model.embed_tokens.weight is in"
            + " model-00002-of-00002.safetensors, which does not have it; download both files from"
            + " the same place");

    Files.writeString(index, right.replace("model-00002-of", "../model-00002-of"));
    assertThatThrownBy(() -> Checkpoint.open(folder))
        .isInstanceOf(ModelException.class)
        .hasMessageEndingWith(
            " must be a .safetensors file in the same folder,"
                + " found \"../model-00002-of-00002.safetensors\"");

    Files.writeString(index, "{\"metadata\":{}}");
    assertRefused(folder, index + ": weight_map is missing; download the file again");
  }

  @Test
  void refusesATensorThatIsNotThereOrHasAnotherShape() {
    TinyCheckpoints.write(folder, "llama", Map.of(), DType.F32, 1);
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      assertThatThrownBy(() -> checkpoint.data("model.norm.bias"))
          .isInstanceOf(ModelException.class)
          .hasMessage(
              folder
                  + ": has no tensor model.norm.bias; the checkpoint is incomplete or of another"
                  + " model");
      assertThatThrownBy(() -> checkpoint.matrix(EMBEDDING, 48, 96))
          .isInstanceOf(ModelException.class)
          .hasMessage(
              folder
                  + "/model.safetensors: tensor model.embed_tokens.weight: expected [48, 96] found"
                  + " [96, 48]; config.json and the weights are of different models");
      assertThatThrownBy(() -> checkpoint.matrix("model.norm.weight", 1, 47))
          .isInstanceOf(ModelException.class)
          .hasMessageContaining("expected [47] found [48]");
    }
  }

  @Test
  void readsOtherTypesOnlyInNames() {
    TinyCheckpoints.write(folder, "llama", Map.of(), DType.F32, 1);
    new SafetensorsWriter()
        .add("counts", "I64", new long[] {1}, new byte[8])
        .write(folder.resolve("model.safetensors"));
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      assertThat(checkpoint.tensors().get("counts").storedAs()).isEqualTo("I64");
      assertThat(checkpoint.parameters()).isZero();
      assertThatThrownBy(() -> checkpoint.data("counts"))
          .isInstanceOf(ModelException.class)
          .hasMessage(
              folder
                  + "/model.safetensors: tensor counts is stored as I64; supported are F32, F16,"
                  + " BF16: convert the checkpoint to one of these");
    }
  }

  @Test
  void verifyCountsWhatIsMissing() {
    TinyCheckpoints.write(folder, "llama", Map.of(), DType.F32, 1);
    new SafetensorsWriter()
        .add(EMBEDDING, DType.F32, new long[] {96, 48}, new float[96 * 48])
        .write(folder.resolve("model.safetensors"));
    assertUnverified(
        folder
            + ": has no tensor model.layers.0.input_layernorm.weight (29 of the 30 that config.json"
            + " asks for are missing); the checkpoint is incomplete or of another model");
  }

  @Test
  void verifyNamesAWrongShape() throws IOException {
    TinyCheckpoints.write(folder, "llama", Map.of(), DType.F32, 1);
    editConfig("\"intermediate_size\":80", "\"intermediate_size\":81");
    assertUnverified(
        folder
            + "/model.safetensors: tensor model.layers.0.mlp.gate_proj.weight: expected [81, 48]"
            + " found [80, 48]; config.json and the weights are of different models");
  }

  /** A bias that is left out would change every result without a word. */
  @Test
  void verifyNamesATensorThatWouldBeIgnored() throws IOException {
    TinyCheckpoints.write(folder, "qwen2", Map.of(), DType.F32, 1);
    editConfig("\"qwen2\"", "\"mistral\"");
    assertUnverified(
        folder
            + "/model.safetensors: tensor model.layers.0.self_attn.k_proj.bias has no place in a"
            + " mistral model with this config.json; check model_type and the bias settings"
            + " there");
  }

  @Test
  void isOfNoUseOnceClosedButItsBuffersAre() {
    TinyCheckpoints.write(folder, "llama", Map.of(), DType.F32, 1);
    Checkpoint checkpoint = Checkpoint.open(folder);
    ByteBuffer data = checkpoint.data(EMBEDDING);
    float before = data.getFloat(0);
    checkpoint.close();
    assertThat(data.getFloat(0)).isEqualTo(before);
    assertThatThrownBy(() -> checkpoint.data(EMBEDDING)).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void digestIsThatOfSha256sumsLines() throws Exception {
    TinyCheckpoints.write(folder, "llama", Map.of(), DType.F32, 1, 2);
    Files.writeString(folder.resolve("tokenizer.json"), "{}");
    StringBuilder lines = new StringBuilder();
    for (String name :
        new String[] {
          "config.json",
          "model-00001-of-00002.safetensors",
          "model-00002-of-00002.safetensors",
          "tokenizer.json"
        }) {
      lines.append(sha256(Files.readAllBytes(folder.resolve(name)))).append("  ").append(name);
      lines.append('\n');
    }
    assertThat(digest(folder))
        .isEqualTo("sha256:" + sha256(lines.toString().getBytes(StandardCharsets.UTF_8)));
  }

  @Test
  void digestFollowsContentsAndNothingElse() throws IOException {
    TinyCheckpoints.write(folder.resolve("a"), "llama", Map.of(), DType.F32, 1);
    String digest = digest(folder.resolve("a"));

    Files.createDirectory(folder.resolve("b"));
    for (String name : new String[] {"config.json", "model.safetensors"}) {
      Path copy = folder.resolve("b").resolve(name);
      Files.copy(folder.resolve("a").resolve(name), copy, StandardCopyOption.REPLACE_EXISTING);
      Files.setLastModifiedTime(copy, FileTime.fromMillis(0));
    }
    Files.writeString(folder.resolve("b").resolve("README.md"), "another file");
    assertThat(digest(folder.resolve("b"))).isEqualTo(digest);

    for (String name :
        new String[] {
          "chat_template.jinja", "generation_config.json", "tokenizer.json", "tokenizer_config.json"
        }) {
      Files.writeString(folder.resolve("b").resolve(name), "{}");
      String next = digest(folder.resolve("b"));
      assertThat(next).isNotEqualTo(digest);
      digest = next;
    }
    byte[] weights = Files.readAllBytes(folder.resolve("b/model.safetensors"));
    weights[weights.length - 1] ^= 1;
    Files.write(folder.resolve("b/model.safetensors"), weights);
    assertThat(digest(folder.resolve("b"))).isNotEqualTo(digest);
  }

  @Test
  void takesGenerationDefaultsFromTheirOwnFileFirst() throws IOException {
    TinyCheckpoints.write(folder, "llama", Map.of("eos_token_id", 2), DType.F32, 1);
    assertThat(defaults()).isEqualTo(new GenerationDefaults(Set.of(2), OptionalInt.of(1)));

    Path generation = folder.resolve("generation_config.json");
    Files.writeString(generation, "{\"eos_token_id\": [9, 7], \"bos_token_id\": null}");
    assertThat(defaults().eosTokens()).containsExactly(7, 9);
    assertThat(defaults().bosToken()).hasValue(1);

    Files.writeString(generation, "{\"eos_token_id\": \"</s>\"}");
    assertRefused(
        folder,
        generation + ": eos_token_id must be a token id or a list of token ids, found \"</s>\"");
  }

  @Test
  void needsNoGenerationDefaults() {
    Map<String, Object> none = new LinkedHashMap<>();
    none.put("eos_token_id", null);
    none.put("bos_token_id", null);
    TinyCheckpoints.write(folder, "llama", none, DType.F32, 1);
    assertThat(defaults().eosTokens()).isEmpty();
    assertThat(defaults().bosToken()).isEmpty();
  }

  @Test
  void opensATrainedModel() {
    Path stories = SharedModels.stories260k();
    try (Checkpoint checkpoint = Checkpoint.open(stories)) {
      checkpoint.verify();
      assertThat(checkpoint.name()).isEqualTo("stories260K");
      assertThat(checkpoint.config().heads()).isEqualTo(8);
      assertThat(checkpoint.config().kvHeads()).isEqualTo(4);
      assertThat(checkpoint.parameters()).isEqualTo(260_032);
      assertThat(checkpoint.generationDefaults().eosTokens()).containsExactly(2);
      // sha256sum config.json model.safetensors tokenizer.json tokenizer_config.json | sha256sum
      assertThat(checkpoint.digest())
          .isEqualTo("sha256:103174ec126db8ea21967a8dcd93555e093106978cf25e57fcac20a5d826f1e4");
    }
  }

  private static Map<String, Object> tied() {
    return Map.of("tie_word_embeddings", true);
  }

  private GenerationDefaults defaults() {
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      return checkpoint.generationDefaults();
    }
  }

  private void editConfig(String from, String to) throws IOException {
    Path config = folder.resolve("config.json");
    String text = Files.readString(config);
    assertThat(text).contains(from);
    Files.writeString(config, text.replace(from, to));
  }

  private void assertUnverified(String message) {
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      assertThatThrownBy(checkpoint::verify).isInstanceOf(ModelException.class).hasMessage(message);
    }
  }

  private static void assertRefused(Path folder, String message) {
    assertThatThrownBy(() -> Checkpoint.open(folder))
        .isInstanceOf(ModelException.class)
        .hasMessage(message);
  }

  private static String digest(Path folder) {
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      return checkpoint.digest();
    }
  }

  private static String sha256(byte[] bytes) throws Exception {
    return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
  }
}
