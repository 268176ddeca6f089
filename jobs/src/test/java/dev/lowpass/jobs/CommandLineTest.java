package dev.lowpass.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lowpass.udfs.TestModel;
import dev.lowpass.udfs.settings.PolicyParameter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whatever is wrong with a command line is one line on stderr, and exit status 2. */
class CommandLineTest {
  private static final String SCHEMA =
      "{\"type\": \"object\", \"properties\": {\"a\": {\"type\": \"integer\"}}}";

  @TempDir Path folder;

  @Test
  void help() {
    Command help = Command.run("--help");
    assertThat(help.status()).isZero();
    assertThat(help.out()).contains("extract", "summarize", "generate", "bench", "inspect");
    assertThat(Command.run("extract", "--help").out()).contains("--schema", "--max-failed");
  }

  @Test
  void inYarnsApplicationMasterAJobThatIsDoneReturns() {
    Map<String, String> applicationMaster =
        Map.of("spark.master", "yarn", "spark.submit.deployMode", "cluster");
    assertThat(Lowpass.endsJvm(Lowpass.DONE, applicationMaster)).isFalse();
    assertThat(Lowpass.endsJvm(Lowpass.TOO_MANY_FAILED, applicationMaster)).isTrue();
    assertThat(Lowpass.endsJvm(Lowpass.DONE, Map.of("spark.master", "yarn"))).isTrue();
    assertThat(Lowpass.endsJvm(Lowpass.DONE, Map.of())).isTrue();
  }

  @Test
  void noCommand() {
    refused(
        "lowpass: no command given; there are: extract, summarize, generate, bench, evaluate, inspect; see lowpass --help");
  }

  @Test
  void unknownCommand() {
    refused(
        "lowpass: Unmatched argument at index 0: 'frobnicate'; see lowpass --help", "frobnicate");
  }

  @Test
  void unknownOption() {
    refused(
        "lowpass inspect: Unknown option: '--frobnicate'; see lowpass inspect --help",
        "inspect",
        "--frobnicate");
  }

  @Test
  void missingOptions() {
    refused(
        "lowpass extract: Missing required options: '--output=URI', '--schema=FILE', '--input=PATH';"
            + " see lowpass extract --help",
        "extract");
  }

  @Test
  void aNumberThatIsNone() {
    refused(
        "lowpass generate: Invalid value for option '--max-new-tokens': 'x' is not an int;"
            + " see lowpass generate --help",
        "generate",
        "--max-new-tokens",
        "x");
  }

  @Test
  void numbersOutOfRange() {
    generateRefused("max-new-tokens is 0; give at least 1", "--max-new-tokens", "0");
    generateRefused("temperature is -1.0; give 0 (greedy) or more", "--temperature", "-1");
    generateRefused("top-p is 0.0; give more than 0 and at most 1", "--top-p", "0");
    generateRefused("top-k is -1; give 0 (all tokens) or more", "--top-k", "-1");
    generateRefused("threads is -1; give 0 (all) or more", "--threads", "-1");
  }

  @Test
  void policiesThatThereAreNot() {
    generateRefused(
        "prefill snapkv: there is no such policy; there are: full, fastkv", "--prefill", "snapkv");
    generateRefused(
        "cache h2o: there is no such policy; there are: full, streaming, snapkv, freqkv, hybrid",
        "--cache",
        "h2o");
    generateRefused(
        "device tpu: no such device; there are: auto, cpu, onednn, cuda", "--device", "tpu");
    generateRefused(
        "weights q8_0: no such type; there are: auto, bf16, int8, int4", "--weights", "q8_0");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          cache-tokens (N) is -1; give 0 (the model's window) or more                            | --cache-tokens -1
          retained-ratio (gamma) is 1.0; give at least 0 and less than 1, or compression makes no room | --cache freqkv --retained-ratio 1
          recent (R) is -2; give 0 or more                                                       | --cache freqkv --recent -2
          pooling is 'mean'; use one of max, average                                             | --cache snapkv --pooling mean
          positions is 'absolute'; use one of auto, cache, original                              | --cache freqkv --positions absolute
          sinks is given, and only a bounded --cache or --prefill fastkv has a use for it; leave it out | --sinks 8
          retained-ratio is given, and only --cache freqkv or hybrid has a use for it; leave it out | --cache streaming --retained-ratio 0.5
          exact-share is given, and only --cache snapkv or hybrid has a use for it; leave it out | --cache freqkv --exact-share 0.5
          probe is given, and only --cache hybrid, or --prefill fastkv without --cache snapkv, has a use for it; leave it out              | --cache snapkv --probe each
          pooling is given, and only --cache snapkv or hybrid, or --prefill fastkv, has a use for it; leave it out | --cache freqkv --pooling max
          tsp-layer is given, and only --prefill fastkv has a use for it; leave it out           | --cache hybrid --tsp-layer 2
          retention-rate is given, and only --prefill fastkv with --cache full has a use for it; leave it out | --prefill fastkv --cache hybrid --retention-rate 0.2
          tsp-rate (tau) and --tsp-length are both given; give one of them                       | --prefill fastkv --tsp-rate 0.3 --tsp-length 100
          """)
  void parametersThatDoNotGoTogether(String message, String options) {
    generateRefused(
        message,
        Stream.concat(Stream.of("--model", TestModel.stories()), Stream.of(options.split(" +")))
            .toArray());
  }

  @Test
  void everyParameterIsAKey() {
    for (PolicyParameter parameter : PolicyParameter.values()) {
      assertThat(Command.run("extract", "--help").out()).contains("--" + parameter.option() + "=");
    }
    refused(
        "lowpass generate: --sinks (S) is -1; give 0 or more",
        "generate",
        "--model",
        TestModel.stories(),
        "--prompt",
        "x",
        "--conf",
        "spark.lowpass.cache=hybrid",
        "--conf",
        "spark.lowpass.sinks=-1");
  }

  @Test
  void keysSetOptionsAndTheCommandLineWins() {
    refused(
        "lowpass generate: --top-k is -3; give 0 (all tokens) or more",
        "generate",
        "--prompt",
        "x",
        "--conf",
        "spark.lowpass.topK=-3");
    refused(
        "lowpass generate: --top-k is -4; give 0 (all tokens) or more",
        "generate",
        "--prompt",
        "x",
        "--conf=spark.lowpass.topK=-3",
        "--top-k",
        "-4");
    System.setProperty("spark.lowpass.maxNewTokens", "-5");
    try {
      refused(
          "lowpass generate: --max-new-tokens is -5; give at least 1", "generate", "--prompt", "x");
    } finally {
      System.clearProperty("spark.lowpass.maxNewTokens");
    }
  }

  @Test
  void aKeysValueThatDoesNotParse() {
    refused(
        "lowpass generate: Invalid value for option '--top-k': 'x' is not an int"
            + " (set by spark.lowpass.topK); see lowpass generate --help",
        "generate",
        "--conf",
        "spark.lowpass.topK=x");
  }

  @Test
  void misspeltKeys() {
    Command command = Command.run("generate", "--conf", "spark.lowpass.topk=1");
    assertThat(command.status()).isEqualTo(2);
    assertThat(command.err())
        .startsWith("lowpass: spark.lowpass.topk: no such key; there are: spark.lowpass.batch, ")
        .hasLineCount(1);
  }

  @Test
  void aModelThatIsNotThere() {
    Command command = Command.run("inspect", "--model", "/no/such");
    assertThat(command.status()).isEqualTo(2);
    assertThat(command.err())
        .startsWith("lowpass inspect: --model /no/such: no such folder on ")
        .hasLineCount(1);
  }

  @Test
  void noModelAtHand() {
    refused(
        "lowpass inspect: no --model given, and the bundled model is not here;"
            + " give a Hugging Face folder or its Hadoop URI",
        "inspect");
  }

  @Test
  void aFolderWithoutModel() {
    Command command = Command.run("inspect", "--model", folder);
    assertThat(command.status()).isEqualTo(2);
    assertThat(command.err()).contains(folder + "/config.json").hasLineCount(1);
  }

  @Test
  void aModelWithoutChatTemplateCannotBeAsked() throws IOException {
    Path stories = TestModel.stories();
    refused(
        "lowpass extract: "
            + stories
            + ": has no chat template, so it cannot be asked anything; give an instruct model,"
            + " or add chat_template to its tokenizer_config.json",
        "extract",
        "--model",
        stories,
        "--schema",
        Files.writeString(folder.resolve("s.json"), SCHEMA),
        "--input",
        folder,
        "--output",
        folder.resolve("out"));
  }

  @Test
  void aSchemaThatIsNone() throws IOException {
    schemaRefused("{\"type\": \"object\"");
    schemaRefused("[1, 2]");
    schemaRefused("{\"type\": \"object\", \"properties\": {\"a\": {\"type\": \"array\"}}}");
    Command missing =
        Command.run(
            "extract", "--schema", folder + "/none.json", "--input", folder, "--output", "out");
    assertThat(missing.status()).isEqualTo(2);
    assertThat(missing.err())
        .isEqualTo("lowpass extract: --schema " + folder + "/none.json: no such file\n");
  }

  @Test
  void anEmptyInstruction() {
    refused(
        "lowpass summarize: --instruction is empty; say what to write, or leave it out",
        "summarize",
        "--instruction",
        " ",
        "--input",
        folder,
        "--output",
        "out");
  }

  private void schemaRefused(String schema) throws IOException {
    Path file = Files.writeString(folder.resolve("bad.json"), schema);
    Command command =
        Command.run("extract", "--schema", file, "--input", folder, "--output", folder + "/out");
    assertThat(command.status()).isEqualTo(2);
    assertThat(command.err()).startsWith("lowpass extract: " + file + ": ").hasLineCount(1);
    assertThat(command.out()).isEmpty();
  }

  private static void generateRefused(String message, Object... options) {
    refused(
        "lowpass generate: --" + message,
        Stream.concat(Stream.of("generate", "--prompt", "x"), Stream.of(options)).toArray());
  }

  private static void refused(String line, Object... args) {
    assertThat(Command.run(args)).isEqualTo(new Command(2, "", line + "\n"));
  }
}
