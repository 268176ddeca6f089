package dev.lowpass.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.engine.Stats;
import dev.lowpass.pipeline.model.Checkpoint;
import dev.lowpass.pipeline.model.WeightType;
import dev.lowpass.udfs.TestModel;
import dev.lowpass.udfs.settings.PolicyName;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a bench reports hangs together; how fast it is, is no test's business. */
class BenchCommandTest {
  @TempDir Path folder;

  @Test
  void everyPolicyAndLengthIsARow() throws IOException {
    Path json = folder.resolve("bench.json");
    Command command =
        bench(
            "--policies",
            "full,freqkv",
            "--prompt-tokens",
            "600,64",
            "--cache-tokens",
            128,
            "--new-tokens",
            4,
            "--repeats",
            2,
            "--json",
            json);
    assertThat(command.status()).isZero();
    // Two warm-ups, one of them too long for the window; two repeats of three rows that fit.
    assertThat(command.err()).hasLineCount(2 + 2 * 3);
    // The second table leaves out what does not fit.
    assertThat(command.out().lines().filter(line -> line.matches("(full|freqkv) +[0-9]+ .*")))
        .hasSize(4 + 3)
        .anyMatch(line -> line.matches("full +600 +does not fit( +-)+"));

    JsonNode report = new ObjectMapper().readTree(json.toFile());
    assertThat(report.get("model").get("name").asText()).isEqualTo("stories260K");
    List<String> rows = new ArrayList<>();
    for (JsonNode row : report.get("rows")) {
      rows.add(row.get("policy").asText() + " " + row.get("prompt_tokens"));
      assertThat(row.get("runs")).hasSize(row.get("fits").asBoolean() ? 2 : 0);
    }
    assertThat(rows).containsExactly("full 64", "full 600", "freqkv 64", "freqkv 600");
    JsonNode none = report.get("rows").get(1);
    assertThat(none.get("fits").asBoolean()).isFalse();
    assertThat(none.get("prefill_s").isNull()).isTrue();
    assertThat(none.get("prefill_speed_up").isNull()).isTrue();

    JsonNode shortest = report.get("rows").get(2);
    JsonNode longest = report.get("rows").get(3);
    for (JsonNode run : longest.get("runs")) {
      // 600 tokens through 128 entries: the cache was full, and was compressed more than once.
      assertThat(run.get("kept_tokens").asInt()).isBetween(66, 128);
      assertThat(run.get("compressions").asInt()).isGreaterThan(5);
      // 2 (keys, values) x 5 layers x 4 heads x 8 channels x 4 bytes, for 128 entries or little
      // more.
      assertThat(run.get("cache_bytes").asLong()).isBetween(128 * 1280L, 2 * 128 * 1280L);
      assertThat(run.get("output_tokens").asInt()).isEqualTo(4);
      assertThat(run.get("heap_bytes_peak").asLong()).isPositive();
      assertThat(run.get("seconds").asDouble())
          .isCloseTo(
              run.get("first_token_s").asDouble() + run.get("decode_s").asDouble(), within(1e-9));
      assertThat(run.get("first_token_s").asDouble())
          .isGreaterThan(run.get("prefill_s").asDouble());
    }
    double microseconds = longest.get("prefill_us_per_token").asDouble();
    assertThat(longest.get("prefill_s").asDouble()).isCloseTo(600e-6 * microseconds, within(1e-9));
    assertThat(longest.get("prefill_growth").asDouble())
        .isCloseTo(microseconds / shortest.get("prefill_us_per_token").asDouble(), within(1e-9));
    assertThat(shortest.get("prefill_growth").asDouble()).isEqualTo(1);
    assertThat(shortest.get("prefill_speed_up").asDouble())
        .isCloseTo(
            report.get("rows").get(0).get("prefill_s").asDouble()
                / shortest.get("prefill_s").asDouble(),
            within(1e-9));
  }

  @Test
  void promptsAtOnce() throws IOException {
    Path json = folder.resolve("bench.json");
    Command command =
        bench(
            "--policies",
            "full",
            "--prompt-tokens",
            50,
            "--batch",
            "3,1",
            "--new-tokens",
            4,
            "--repeats",
            1,
            "--json",
            json);
    assertThat(command.status()).isZero();
    assertThat(command.err()).contains("full, 3 x 50 tokens: ");
    JsonNode rows = new ObjectMapper().readTree(json.toFile()).get("rows");
    assertThat(rows.findValuesAsText("batch")).containsExactly("1", "3");
    JsonNode one = rows.get(0).get("runs").get(0);
    JsonNode three = rows.get(1).get("runs").get(0);
    assertThat(three.get("output_tokens").asInt()).isEqualTo(12);
    assertThat(three.get("cache_bytes").asLong()).isEqualTo(3 * one.get("cache_bytes").asLong());
    assertThat(rows.get(1).get("prompts_per_hour").asDouble())
        .isCloseTo(3 * 3600 / three.get("seconds").asDouble(), within(1e-6));
  }

  @Test
  void theProbeIsReadBehindEveryBlockThatIsScored() throws IOException {
    Path few = Files.writeString(folder.resolve("few.json"), schema("Who?"));
    Path many = Files.writeString(folder.resolve("many.json"), schema("Who is it? ".repeat(6)));
    Path json = folder.resolve("bench.json");
    List<Integer> probes = new ArrayList<>();
    for (Path schema : List.of(few, many)) {
      Command command =
          bench(
              "--policies",
              "hybrid,fastkv+hybrid",
              "--prompt-tokens",
              1200,
              "--cache-tokens",
              400,
              "--new-tokens",
              2,
              "--repeats",
              1,
              "--schema",
              schema,
              "--json",
              json);
      assertThat(command.status()).isZero();
      JsonNode report = new ObjectMapper().readTree(json.toFile());
      assertThat(report.get("rows").findValuesAsText("policy"))
          .containsExactly("hybrid", "fastkv+hybrid");
      String prompts = report.get("prompts").asText();
      probes.add(Integer.parseInt(prompts.replaceAll(".*probe of ([0-9]+) tokens", "$1")));
    }
    assertThat(probes.get(1)).isGreaterThan(3 * probes.get(0));
  }

  private static String schema(String question) {
    return "{\"type\": \"object\", \"properties\": {\"a\": {\"type\": \"string\", \"description\": \"%s\"}}}"
        .formatted(question);
  }

  @Test
  void whatDecodingReads() throws IOException {
    Stats stats = new Stats(0, 0, 0, 0, 10, 0, List.of());
    BenchRun run = new BenchRun(2, 1, stats, 8, CacheOptions.FULL, 0, 0, 0);
    try (Checkpoint checkpoint = Checkpoint.open(TestModel.stories())) {
      BenchWork work = BenchWork.of(checkpoint, WeightType.AUTO);
      // Tied: all of the file's weights. Twice 10 entries, and half of 4 tokens: 5 layers of keys
      // and values of 4 x 8 channels in float32.
      assertThat(work.decodeBytes(PolicyName.parse("snapkv"), run))
          .isEqualTo(4.0 * checkpoint.parameters() + 2 * (10 + 2) * 5 * 2 * 4 * 8 * 4);
      assertThat(work.decodeBytes(PolicyName.parse("fastkv"), run)).isNaN();
      // A byte an element, scales, and blocks that rows do not fill.
      assertThat(BenchWork.of(checkpoint, WeightType.INT8).weightBytes())
          .isBetween(checkpoint.parameters() * 34 / 32, checkpoint.parameters() * 3 / 2);
    }
  }

  /** A stand-in for llama-bench: the n-th process, and of it the last test, is what counts. */
  @Test
  void nextToLlamaBench() throws IOException {
    Path calls = folder.resolve("calls");
    Path program =
        Files.writeString(
            folder.resolve("llama-bench"),
            """
            #!/bin/sh
            shift 2
            echo "$*" >> %s
            echo '[{"avg_ts": 1.0}, {"avg_ts": '$(wc -l < %s)'00.5}]'
            """
                .formatted(calls, calls));
    assertThat(program.toFile().setExecutable(true)).isTrue();
    Path json = folder.resolve("bench.json");
    Command command =
        Command.run(
            "bench",
            "--model",
            TestModel.stories(),
            "--vs",
            "llama-bench:" + program,
            "--warm-up",
            0,
            "--policies",
            "full,streaming",
            "--prompt-tokens",
            "64,0",
            "--cache-tokens",
            100,
            "--new-tokens",
            6,
            "--threads",
            2,
            "--repeats",
            1,
            "--json",
            json);
    assertThat(command.err()).contains("repeat 1 of 1, llama.cpp, 64 tokens: read 200.5 tokens/s");
    assertThat(command.status()).isZero();
    // Once for both policies.
    assertThat(Files.readAllLines(calls))
        .containsExactly(
            "-t 2 -r 1 --no-warmup -o json -p 0 -n 2,6 -d 0",
            "-t 2 -r 1 --no-warmup -o json -p 32,64 -n 0",
            "-t 2 -r 1 --no-warmup -o json -p 0 -n 2,6 -d 64");
    JsonNode report = new ObjectMapper().readTree(json.toFile());
    assertThat(report.get("read_bytes_per_s_limit").asDouble()).isPositive();
    JsonNode rows = report.get("rows");
    JsonNode written = rows.get(0);
    assertThat(written.get("prompt_tokens").asInt()).isZero();
    assertThat(written.get("prefill_s").isNull()).isTrue();
    assertThat(written.get("peer_prompt_tokens_per_s").isNull()).isTrue();
    assertThat(written.get("peer_decode_tokens_per_s").asDouble()).isEqualTo(100.5);
    JsonNode read = rows.get(1);
    assertThat(read.get("peer_prompt_tokens_per_s").asDouble()).isEqualTo(200.5);
    assertThat(read.get("peer_decode_tokens_per_s").asDouble()).isEqualTo(300.5);
    assertThat(read.get("peer_first_token_s").asDouble()).isCloseTo(64 / 200.5, within(1e-9));
    // Policies that keep a choice stand next to the same figures.
    JsonNode bounded = rows.get(3);
    assertThat(bounded.get("policy").asText()).isEqualTo("streaming");
    assertThat(bounded.get("peer_runs").asInt()).isOne();
    assertThat(bounded.get("peer_decode_tokens_per_s").asDouble()).isEqualTo(300.5);
    double speed = bounded.get("decode_tokens_per_s").asDouble();
    double firstToken = bounded.get("first_token_s").asDouble();
    assertThat(command.out().lines())
        .anyMatch(
            line ->
                line.matches(
                    "streaming +64 .* 200\\.5 .* %.2fx +300\\.5 +%.2fx"
                        .formatted(64 / 200.5 / firstToken, speed / 300.5)));

    // 2 operations for each of a layer's weights and for the LM head's, which the last token alone
    // meets; 4 x 64 channels for each of 64 x 65 / 2 pairs in each of 5 layers.
    double layer = 2 * 64 * 64 + 2 * 64 * 32 + 3 * 64 * 172;
    double flops = 2 * (5 * layer * 64 + 512 * 64) + 4 * 64 * 5 * (64 * 65 / 2);
    assertThat(read.get("prefill_share_of_flops").asDouble())
        .isCloseTo(
            flops / read.get("prefill_s").asDouble() / report.get("float32_flops_limit").asDouble(),
            within(1e-9));
  }

  /** A stand-in for llama-batched-bench, which begins with an empty line as that does. */
  @Test
  void severalPromptsNextToLlamaBatchedBench() throws IOException {
    Path calls = folder.resolve("calls");
    Path program =
        Files.writeString(
            folder.resolve("llama-batched-bench"),
            """
            #!/bin/sh
            shift 2
            echo "$*" >> %s
            echo
            echo '{"pl": 3, "speed_pp": 40.5, "speed_tg": '$(wc -l < %s)'00.5}'
            echo '{"pl": 3, "speed_pp": 1.5, "speed_tg": 2.5}'
            """
                .formatted(calls, calls));
    assertThat(program.toFile().setExecutable(true)).isTrue();
    Path json = folder.resolve("bench.json");
    Command command =
        bench(
            "--vs",
            "llama-batched-bench:" + program,
            "--policies",
            "full",
            "--prompt-tokens",
            "250,0",
            "--batch",
            "1,3",
            "--new-tokens",
            8,
            "--threads",
            1,
            "--repeats",
            2,
            "--vs-repeats",
            1,
            "--json",
            json);
    assertThat(command.status()).isZero();
    assertThat(Files.readAllLines(calls))
        .containsExactly(
            "-t 1 -c 256 -npp 1,1 -ntg 8 -npl 1 --output-format jsonl",
            "-t 1 -c 768 -npp 1,1 -ntg 8 -npl 3 --output-format jsonl",
            "-t 1 -c 512 -npp 250,1 -ntg 8 -npl 1 --output-format jsonl",
            "-t 1 -c 1536 -npp 250,1 -ntg 8 -npl 3 --output-format jsonl");
    JsonNode row = new ObjectMapper().readTree(json.toFile()).get("rows").get(3);
    assertThat(row.get("batch").asInt()).isEqualTo(3);
    assertThat(row.get("peer_prompt_tokens_per_s").asDouble()).isEqualTo(40.5);
    assertThat(row.get("peer_first_token_s").asDouble()).isCloseTo(750 / 40.5, within(1e-9));
    assertThat(row.get("peer_decode_tokens_per_s").asDouble()).isEqualTo(400.5);
  }

  @Test
  void whatLlamaBenchSaysOfAnError() throws IOException {
    Path program = folder.resolve("llama-bench");
    Files.writeString(program, "#!/bin/sh\necho one >&2\necho 'no such model' >&2\nexit 3\n");
    assertThat(program.toFile().setExecutable(true)).isTrue();
    Command command =
        bench("--vs", "llama-bench:" + program, "--policies", "full", "--prompt-tokens", 20);
    assertThat(command.status()).isEqualTo(2);
    assertThat(command.err())
        .contains("lowpass bench: --vs: " + program)
        .contains("3: no such model");
  }

  @Test
  void shapes() {
    Command command = Command.run("bench", "--shape", "llama-3.2-1b:int8");
    assertThat(command)
        .isEqualTo(
            new Command(
                2,
                "",
                "lowpass bench: --shape llama-3.2-1b:int8: there is no such shape; give smollm2-135m,"
                    + " llama-3.2-1b, llama-3.1-8b, and behind a colon how its weights are stored:"
                    + " f32, f16 or bf16 (the default)\n"));
  }

  @Test
  void medians() {
    BenchRow row = new BenchRow(PolicyName.parse("freqkv"), 100, 1, new PeerRuns(100));
    assertThat(row.median(BenchRun::seconds)).isNaN();
    for (double seconds : new double[] {5, 1, 2}) {
      row.add(new BenchRun(1, seconds, null, 1, null, 0, 0, 0));
    }
    assertThat(row.median(BenchRun::seconds)).isEqualTo(2);
    row.add(new BenchRun(1, 4, null, 1, null, 0, 0, 0));
    assertThat(row.median(BenchRun::seconds)).isEqualTo(3);
  }

  @Test
  void theFirstTokenMayBeTheLast() {
    BenchRun run = new BenchRun(1, 1, null, 1, null, -1, -1, 7);
    assertThat(run.decodeTokensPerSecond()).isNaN();
    BenchRow row = new BenchRow(PolicyName.parse("full"), 1, 1, new PeerRuns(1));
    row.add(run);
    assertThat(row.peakMemory()).as("the heap's where the system does not tell").isEqualTo(7);
  }

  @Test
  void promptsOfAText() throws IOException {
    Path text = Files.writeString(folder.resolve("text.txt"), "Lily and Tom.");
    Command command =
        bench(
            "--text",
            text,
            "--prompt-tokens",
            100,
            "--policies",
            "streaming",
            "--new-tokens",
            2,
            "--repeats",
            1);
    assertThat(command.status()).isZero();
    assertThat(command.out()).contains("prompts  " + text + ", repeated; probe of ");
  }

  @Test
  void memoryIsMeasured() {
    PeakMemory memory = PeakMemory.mark();
    byte[] block = new byte[64 << 20];
    assertThat(memory.heap()).isGreaterThan(block.length);
    for (int i = 0; i < block.length; i += 1024) {
      block[i] = 1;
    }
    if (Files.exists(Path.of("/proc/self/status"))) {
      assertThat(memory.resident()).isGreaterThan(block.length);
    }
  }

  @Test
  void refusals() throws IOException {
    refused(
        "--prompt-tokens is [-1]; give lengths of at least 0, such as 4096,8192",
        "--prompt-tokens",
        -1);
    refused("--warm-up is -1.0; give seconds, or 0 for once", "--warm-up", -1);
    refused(
        "--shape has weights and a vocabulary of its own; leave out --model, --text and --schema",
        "--shape",
        "llama-3.2-1b");
    refused(
        "--vs vllm: there is no such program; give llama-bench:PATH or llama-batched-bench:PATH of"
            + " llama.cpp, or jlama-bench:PATH",
        "--vs",
        "vllm");
    refused("--vs-repeats is 1; give at least 1, and --vs with it", "--vs-repeats", 1);
    refused("--vs-weights is for --vs's engine; give --vs with it", "--vs-weights", "int8");
    refused(
        "--probe-tokens is 9; give at least 1, and --shape with it: other models read the questions"
            + " of --schema",
        "--probe-tokens",
        9);
    refused("--new-tokens is 0; give at least 1", "--new-tokens", 0);
    refused("--batch is [0]; give sizes of at least 1, such as 1,16", "--batch", 0);
    refused("--repeats is 0; give at least 1", "--repeats", 0);
    refused("--text /no/such: no such file", "--text", "/no/such");
    refused("--schema /no/such: no such file", "--schema", "/no/such");
    Path empty = Files.createFile(folder.resolve("empty.txt"));
    refused("--text " + empty + " is empty; give a file with text", "--text", empty);
    refused(
        "--policies h2o: there is no such policy; give a cache policy (full, streaming, snapkv,"
            + " freqkv, hybrid), a prefill policy (full, fastkv), or PREFILL+CACHE",
        "--policies",
        "full,h2o");
    refused(
        "--retained-ratio is given, and only --cache freqkv or hybrid has a use for it; leave it out",
        "--policies",
        "full,streaming",
        "--retained-ratio",
        "0.5");
  }

  @Test
  void names() {
    assertThat(PolicyName.parse("full")).isEqualTo(new PolicyName("full", "full"));
    assertThat(PolicyName.parse("hybrid")).isEqualTo(new PolicyName("full", "hybrid"));
    assertThat(PolicyName.parse("fastkv")).isEqualTo(new PolicyName("fastkv", "full"));
    assertThat(PolicyName.parse("fastkv+freqkv")).isEqualTo(new PolicyName("fastkv", "freqkv"));
    for (String name : new String[] {"full", "snapkv", "fastkv", "fastkv+hybrid"}) {
      assertThat(PolicyName.parse(name)).hasToString(name);
    }
  }

  private static void refused(String line, Object... options) {
    assertThat(bench(options)).isEqualTo(new Command(2, "", "lowpass bench: " + line + "\n"));
  }

  private static Command bench(Object... options) {
    List<Object> words = new ArrayList<>(List.of("bench", "--model", TestModel.stories()));
    words.addAll(List.of(options));
    words.add("--no-limits");
    if (!words.contains("--warm-up")) {
      words.add("--warm-up=0");
    }
    return Command.run(words.toArray());
  }
}
