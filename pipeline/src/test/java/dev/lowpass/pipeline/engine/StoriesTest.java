package dev.lowpass.pipeline.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * A real model trained by others, when it is there: stories260K's greedy completion, to the letter.
 */
class StoriesTest {
  private static final Path FOLDER =
      Path.of(System.getProperty("lowpass.shared", "../../shared"), "models", "stories260K");

  @Test
  void greedyCompletionIsTheReference() throws IOException {
    assumeTrue(Files.isDirectory(FOLDER), "no " + FOLDER);
    try (Engine engine = Engine.load(new EngineOptions(FOLDER, "cpu", 2, 0))) {
      int[] prompt = engine.tokenizer().encodeWithSpecial("Once upon a time");
      Result result = engine.complete(List.of(prompt), GenerationOptions.greedy(190));
      assertThat(result.completions().get(0).text())
          .isEqualTo(Files.readString(FOLDER.resolve("expected.txt")));
      assertThat(result.completions().get(0).finishReason()).isEqualTo(FinishReason.LENGTH);
      assertThat(result.outputTokens()).isEqualTo(190);
      assertThat(result.promptTokens()).isEqualTo(prompt.length);
    }
  }
}
