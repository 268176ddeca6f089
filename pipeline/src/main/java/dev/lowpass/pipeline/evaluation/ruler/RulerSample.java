package dev.lowpass.pipeline.evaluation.ruler;

import java.util.List;

/**
 * One question. A model is asked {@code input + answerPrefix}.
 *
 * @param index the sample's number in its set; for needles, as with RULER itself, the place of the
 *     first answer in {@code input}
 * @param outputs what should be found in the answer
 * @param length tokens of the prompt and of the longest answer together
 * @param answerPrefix the answer's beginning
 * @param answerPosition tokens ahead of the first answer; null but for needles
 */
public record RulerSample(
    int index,
    String input,
    List<String> outputs,
    int length,
    String answerPrefix,
    Integer answerPosition) {

  /** RULER parts a prompt where the first characters of the answer's beginning stand last. */
  private static final int PREFIX_CHARACTERS = 10;

  /** A sample of a task other than needles. */
  static RulerSample of(
      int index, String prompt, List<String> outputs, int length, String answerPrefix) {
    int end = inputEnd(prompt, answerPrefix);
    return new RulerSample(
        index, prompt.substring(0, end), outputs, length, prompt.substring(end), null);
  }

  /** Where the input ends in a prompt. */
  static int inputEnd(String prompt, String answerPrefix) {
    return prompt.lastIndexOf(
        answerPrefix.substring(0, Math.min(PREFIX_CHARACTERS, answerPrefix.length())));
  }

  /** What a model is to continue. */
  public String prompt() {
    return input + answerPrefix;
  }

  /** A line of RULER's {@code validation.jsonl}, to the byte what Python's {@code json} writes. */
  public String toJson() {
    PythonJson json =
        new PythonJson()
            .put("index", index)
            .put("input", input)
            .put("outputs", outputs)
            .put("length", length)
            .put("length_w_model_temp", length)
            .put("answer_prefix", answerPrefix);
    if (answerPosition != null) {
      json.put("token_position_answer", answerPosition);
    }
    return json.toString();
  }
}
