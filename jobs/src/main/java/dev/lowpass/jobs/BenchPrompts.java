package dev.lowpass.jobs;

import dev.lowpass.pipeline.engine.Request;
import dev.lowpass.pipeline.text.ExtractionSchema;
import dev.lowpass.pipeline.text.Prompts;
import dev.lowpass.pipeline.text.TextTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * What a bench has read.
 *
 * @param tokens of the longest prompt; the others are its beginnings
 * @param probe what policies that score tokens read them for
 * @param description of both, for people
 */
record BenchPrompts(int[] tokens, int[] probe, String description) {
  private static final long SEED = 0;

  /** Random tokens, as other benches have them: what they are hardly matters to speed. */
  static BenchPrompts random(Path model, int length, Path schema) throws IOException {
    try (TextTokenizer tokenizer = TextTokenizer.load(model)) {
      Set<Integer> control = tokenizer.controlTokens();
      int[] tokens =
          new Random(SEED)
              .ints(0, tokenizer.vocabularySize())
              .filter(token -> !control.contains(token))
              .limit(length)
              .toArray();
      return of(tokenizer, tokens, "random tokens, seed " + SEED, schema);
    }
  }

  /** Random tokens of a vocabulary that means nothing, prompt and probe. */
  static BenchPrompts random(int vocabulary, int length, int probe) {
    Random random = new Random(SEED);
    return new BenchPrompts(
        random.ints(length, 0, vocabulary).toArray(),
        random.ints(probe, 0, vocabulary).toArray(),
        "random tokens, seed " + SEED + "; probe of " + Text.count(probe, "token"));
  }

  /** A text, as often as it takes. */
  static BenchPrompts ofText(Path model, int length, Path text, Path schema) throws IOException {
    try (TextTokenizer tokenizer = TextTokenizer.load(model)) {
      int[] once = tokenizer.encode(Files.readString(text));
      if (once.length == 0) {
        throw new UsageException("--text " + text + " is empty; give a file with text");
      }
      int[] tokens = IntStream.range(0, length).map(i -> once[i % once.length]).toArray();
      return of(tokenizer, tokens, text + ", repeated", schema);
    }
  }

  private static BenchPrompts of(
      TextTokenizer tokenizer, int[] tokens, String description, Path schema) throws IOException {
    tokenizer.bos().ifPresent(bos -> tokens[0] = bos);
    int[] probe = tokenizer.encode(questions(schema));
    return new BenchPrompts(
        tokens, probe, description + "; probe of " + Text.count(probe.length, "token"));
  }

  /** What {@code extract} asks with that schema; without one, what {@code summarize} does. */
  private static String questions(Path schema) throws IOException {
    if (schema == null) {
      return Prompts.summaryProbe(Prompts.DEFAULT_INSTRUCTION);
    }
    return ExtractionSchema.parse(schema.toString(), Files.readString(schema)).fields().stream()
        .map(Prompts::fieldProbe)
        .collect(Collectors.joining());
  }

  /** The first {@code length} tokens, one at the least, and what is asked about them. */
  Request request(int length) {
    int[] prompt = Arrays.copyOf(tokens, Math.max(1, length));
    return Request.about(prompt, List.of(prompt), List.of(probe));
  }
}
