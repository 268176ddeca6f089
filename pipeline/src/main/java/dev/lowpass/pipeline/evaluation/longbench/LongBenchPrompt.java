package dev.lowpass.pipeline.evaluation.longbench;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Map;

/**
 * How LongBench asks: its own wording, slips included, from {@code prompts.json}.
 *
 * @param template has {@code {context}}, and behind it maybe {@code {input}}
 * @param maxNewTokens of an answer
 * @param chat whether it goes into a chat template
 */
record LongBenchPrompt(
    @JsonProperty(value = "prompt", required = true) String template,
    @JsonProperty(value = "max_new_tokens", required = true) int maxNewTokens,
    @JsonProperty(required = true) boolean chat) {
  private static final String CONTEXT = "{context}";
  private static final String INPUT = "{input}";
  private static final Map<String, LongBenchPrompt> ALL = read();

  private static Map<String, LongBenchPrompt> read() {
    try (InputStream file = LongBenchPrompt.class.getResourceAsStream("prompts.json")) {
      return new JsonMapper().readValue(file, new TypeReference<>() {});
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A task's. */
  static LongBenchPrompt of(String task) {
    return ALL.get(task);
  }

  /** The prompt up to the end of the context, whose braces are text. */
  String document(String context) {
    return template.substring(0, template.indexOf(CONTEXT)) + context;
  }

  /** What follows the context. */
  String question(String input) {
    // Spliced, not replaced: braces and dollars of the input are text.
    String rest = template.substring(template.indexOf(CONTEXT) + CONTEXT.length());
    int at = rest.indexOf(INPUT);
    return at < 0 ? rest : rest.substring(0, at) + input + rest.substring(at + INPUT.length());
  }
}
