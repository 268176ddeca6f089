package dev.lowpass.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lowpass.udfs.TestModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GenerateCommandTest {
  @TempDir Path folder;

  @Test
  void theCompletionAndNothingElseGoesToStdout() throws IOException {
    Path model = TestModel.stories();
    String expected = Files.readString(model.resolve("expected.txt"));
    assertThat(
            Command.run(
                "generate",
                "--model",
                model,
                "--prompt",
                "Once upon a time",
                "--device",
                "cpu",
                "--max-new-tokens",
                190))
        .isEqualTo(new Command(0, expected, ""));
  }

  @Test
  void aPromptFromAFile() throws IOException {
    Path model = TestModel.stories();
    Path prompt = Files.writeString(folder.resolve("prompt.txt"), "Once upon a time");
    Command command =
        Command.run("generate", "--model", model, "--prompt-file", prompt, "--max-new-tokens", 12);
    assertThat(Files.readString(model.resolve("expected.txt"))).startsWith(command.out());
    assertThat(command.out()).isNotBlank();
  }

  @Test
  void stopStringsEndTheCompletion() {
    Command command =
        Command.run(
            "generate",
            "--model",
            TestModel.stories(),
            "--prompt",
            "Once upon a time",
            "--stop",
            "Lily");
    assertThat(command.out()).isEqualTo(", there was a little girl named ");
  }

  @Test
  void aPromptLongerThanTheWindowFails() {
    Command command =
        Command.run("generate", "--model", TestModel.stories(), "--prompt", "word ".repeat(2000));
    assertThat(command.status()).isEqualTo(1);
    assertThat(command.err())
        .matches("lowpass generate: the prompt has \\d+ tokens, and the .*512.*\n")
        .hasLineCount(1);
  }

  @Test
  void aBoundedCacheTakesIt() {
    String prompt = "word ".repeat(2000);
    for (String cache : new String[] {"freqkv", "streaming"}) {
      Command command =
          Command.run(
              "generate",
              "--model",
              TestModel.stories(),
              "--prompt",
              prompt,
              "--cache",
              cache,
              "--cache-tokens",
              128,
              "--max-new-tokens",
              8);
      assertThat(command.err()).isEmpty();
      assertThat(command.status()).isZero();
    }
    Command tooLarge =
        Command.run(
            "generate",
            "--model",
            TestModel.stories(),
            "--prompt",
            prompt,
            "--cache",
            "freqkv",
            "--cache-tokens",
            513);
    assertThat(tooLarge.err())
        .matches("lowpass generate: --cache-tokens \\(N\\) is 513, .* window of 512 .*\n");
  }

  @Test
  void chatNeedsATemplate() {
    Path model = TestModel.stories();
    assertThat(Command.run("generate", "--model", model, "--prompt", "x", "--chat"))
        .isEqualTo(
            new Command(
                2,
                "",
                "lowpass generate: --model "
                    + model
                    + ": has no chat template; leave out --chat\n"));
  }

  @Test
  void promptsThatCannotBeUsed() throws IOException {
    Path broken = Files.write(folder.resolve("x"), new byte[] {(byte) 0xff});
    assertThat(Command.run("generate", "--prompt", "x", "--prompt-file", broken).err())
        .isEqualTo(
            "lowpass generate: --prompt and --prompt-file are both given; give one of them\n");
    assertThat(Command.run("generate", "--prompt-file", broken).err())
        .isEqualTo("lowpass generate: --prompt-file " + broken + " is not UTF-8; convert it\n");
    assertThat(Command.run("generate", "--prompt-file", folder + "/none").err())
        .isEqualTo("lowpass generate: --prompt-file " + folder + "/none: no such file\n");
  }
}
