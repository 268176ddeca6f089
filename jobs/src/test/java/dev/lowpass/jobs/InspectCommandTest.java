package dev.lowpass.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lowpass.udfs.TestModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

class InspectCommandTest {
  @TempDir Path folder;

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

            prefill and cache, unless a key or the command line says otherwise:
              prefill             full    (built in)
              cache               full    (built in)
              cache-tokens        512     (the model's window)
              cache-type          auto    (built in)
              sinks               4       (conf/policies.conf)
              retained-ratio      0.5     (conf/policies.conf)
              exact-share         0.5     (conf/policies.conf)
              observation-window  8       (conf/policies.conf)
              pooling             max     (conf/policies.conf)
              pooling-kernel      7       (conf/policies.conf)
              positions           auto    (built in)
              probe               all     (built in)
              tsp-layer           1       (conf/policies.conf)
              tsp-rate            0.2     (conf/policies.conf)
              retention-rate      0.1     (conf/policies.conf)
            """);
  }

  @Test
  void saysWhatWeightsOfAnotherTypeTake() throws IOException {
    Command command =
        Command.run("inspect", "--model", TestModel.stories(), "--weights", "int8", "--json");
    JsonNode json = new ObjectMapper().readTree(command.out());
    assertThat(json.get("weights").asText()).isEqualTo("int8");
    // 8.5 bits for each of a matrix's elements. Rows of down_proj are filled up from 172 to 192,
    // and so are gate_proj's and up_proj's columns.
    long vectors = 4L * 64 * (2 * 5 + 1);
    long matrices = (260_032 - vectors / 4 + 3 * 5 * 64 * 20) * 17 / 16;
    assertThat(json.get("loaded_weight_bytes").asLong()).isEqualTo(vectors + matrices);
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
    assertThat(json.get("policy_defaults").get("tsp-layer").get("value").asText()).isEqualTo("1");
    assertThat(json.get("policy_defaults").get("tsp-layer").get("origin").asText())
        .isEqualTo("conf/policies.conf");
  }

  /**
   * Of the model's own story of 192 tokens, against a forward pass and {@code scipy.fft.dct} (type
   * 2, orthonormal) in float64.
   */
  @Test
  void energyByFrequency() {
    assertThat(inspect("--input", story()).out())
        .endsWith(
            """

            energy in the lowest frequencies along 192 tokens (4 first ones left out), without the mean:

            layer  keys 1/8    1/4    1/2  99% in  values 1/8    1/4    1/2  99% in
            0          9.4%  22.5%  43.1%     186        9.6%  23.2%  47.9%     186
            1         18.1%  39.6%  61.6%     186       12.2%  26.7%  52.4%     186
            2         16.2%  36.0%  60.1%     186       12.8%  28.2%  55.5%     186
            3         14.6%  33.3%  58.8%     185       18.0%  36.5%  61.0%     185
            4         24.6%  41.8%  62.3%     185       15.4%  31.3%  59.6%     186

            99% of every layer's energy takes a cache of 190 entries (--cache-tokens N) for these 192 tokens
            warning: a low-pass to 0.5 (gamma) keeps as little as 43.1% of the keys' energy and 47.9% of the values'\
             (below 80.0% in layers 0, 1, 2, 3, 4): freqkv blurs what differs from token to token;\
             hybrid keeps the tokens exactly that a question asks about
            """);
  }

  @Test
  void energyForPrograms() throws Exception {
    JsonNode energy =
        new ObjectMapper().readTree(inspect("--input", story(), "--json").out()).get("energy");
    assertThat(energy.get("tokens").asInt()).isEqualTo(192);
    assertThat(energy.get("cache_tokens_for_99_percent").asInt()).isEqualTo(190);
    assertThat(energy.get("layers")).hasSize(5);
    JsonNode keys = energy.get("layers").get(4).get("keys");
    assertThat(keys.get("1/4").asDouble()).isCloseTo(0.418, within(0.0005));
    assertThat(keys.get("entries_for_99_percent").asInt()).isEqualTo(185);
    assertThat(
            new ObjectMapper()
                .readTree(inspect("--input", story(), "--cache-tokens", 100, "--json").out())
                .get("energy")
                .get("tokens")
                .asInt())
        .isEqualTo(100);
  }

  @Test
  void thePlotHasALineForEveryLayersKeysAndValues() throws Exception {
    Path plot = folder.resolve("energy.svg");
    assertThat(inspect("--input", story(), "--plot", plot).status()).isZero();
    Document svg = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(plot.toFile());
    assertThat(svg.getDocumentElement().getTagName()).isEqualTo("svg");
    NodeList paths = svg.getElementsByTagName("path");
    List<String> ends = new ArrayList<>();
    for (int i = 0; i < paths.getLength(); i++) {
      Element path = (Element) paths.item(i);
      if (path.getAttribute("class").equals("line")) {
        String[] points = path.getAttribute("d").split("[ M]+");
        assertThat(points).hasSize(1 + 2 * 181);
        ends.add(points[2] + " to " + points[362]);
      }
    }
    // From none of the energy at the bottom to all of it at the top.
    assertThat(ends).hasSize(2 * 5).containsOnly("438.0 to 78.0");
  }

  @Test
  void refusals() throws IOException {
    refused("--plot is given, and no --input to read; give a text", "--plot", "x.svg");
    refused("--input /no/such: no such file", "--input", "/no/such");
    refused("--cache-tokens is -1; give 0 (the model's window) or more", "--cache-tokens", -1);
    Path text = Files.writeString(folder.resolve("short.txt"), "Lily.");
    assertThat(inspect("--input", text).err())
        .matches("lowpass inspect: [0-9]+ tokens of --input .* too few .*; give a longer text\n");
    Path broken = Files.write(folder.resolve("broken.txt"), new byte[] {(byte) 0xff});
    refused("--input " + broken + " is not UTF-8; convert it", "--input", broken);
  }

  private static void refused(String line, Object... options) {
    assertThat(inspect(options)).isEqualTo(new Command(2, "", "lowpass inspect: " + line + "\n"));
  }

  private static Path story() {
    return TestModel.stories().resolve("expected.txt");
  }

  private static Command inspect(Object... options) {
    List<Object> words = new ArrayList<>(List.of("inspect", "--model", TestModel.stories()));
    words.addAll(List.of(options));
    return Command.run(words.toArray());
  }
}
