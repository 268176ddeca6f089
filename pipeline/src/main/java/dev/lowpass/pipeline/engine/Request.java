package dev.lowpass.pipeline.engine;

import dev.lowpass.pipeline.schema.SchemaConstraint;
import java.util.Arrays;
import java.util.List;

/**
 * What is asked about one document.
 *
 * @param prompts token ids, at least one a prompt
 * @param shared tokens that all prompts begin with, the document's above all: they are read once.
 *     Fewer than any prompt has
 * @param probes what each prompt asks, for policies that keep what matters to it: tokens that are
 *     run behind the document's as it is read, and not stored. One that asks everything, or one a
 *     prompt, for which the document is read anew each time; none where nobody knows
 * @param constraints what each prompt's answer has to satisfy; none where it is free
 */
public record Request(
    List<int[]> prompts, int shared, List<int[]> probes, List<SchemaConstraint> constraints) {
  public Request {
    prompts = List.copyOf(prompts);
    probes = List.copyOf(probes);
    constraints = List.copyOf(constraints);
    if (prompts.isEmpty() || probes.size() > 1 && probes.size() != prompts.size()) {
      throw new IllegalArgumentException(
          prompts.size() + " prompts and " + probes.size() + " probes");
    }
    if (!constraints.isEmpty() && constraints.size() != prompts.size()) {
      throw new IllegalArgumentException(
          prompts.size() + " prompts and " + constraints.size() + " constraints");
    }
  }

  /** Prompts whose answers are free. */
  public Request(List<int[]> prompts, int shared, List<int[]> probes) {
    this(prompts, shared, probes, List.of());
  }

  /** The same with constraints, one a prompt. */
  public Request constrained(List<SchemaConstraint> constraints) {
    return new Request(prompts, shared, probes, constraints);
  }

  /** Prompts of which nothing is known; several share what they all begin with. */
  public static Request of(List<int[]> prompts) {
    return new Request(prompts, prompts.size() == 1 ? 0 : sharedPrefix(prompts), List.of());
  }

  /**
   * Prompts about a document.
   *
   * @param document the conversation that has it and nothing else: as far as the prompts begin like
   *     it, they are the document
   */
  public static Request about(int[] document, List<int[]> prompts, List<int[]> probes) {
    int shared = sharedPrefix(prompts);
    int mismatch = Arrays.mismatch(document, 0, document.length, prompts.get(0), 0, shared);
    return new Request(prompts, mismatch < 0 ? shared : mismatch, probes);
  }

  /**
   * Tokens that all prompts begin with, short of each prompt's last, whose logits begin its answer.
   */
  static int sharedPrefix(List<int[]> prompts) {
    int[] first = prompts.get(0);
    int shared = Math.max(0, first.length - 1);
    for (int[] prompt : prompts) {
      int end = Math.max(0, Math.min(shared, prompt.length - 1));
      int mismatch = Arrays.mismatch(first, 0, shared, prompt, 0, end);
      shared = mismatch < 0 ? shared : mismatch;
    }
    return shared;
  }

  /** Tokens of the longest prompt. */
  int longest() {
    return prompts.stream().mapToInt(prompt -> prompt.length).max().orElseThrow();
  }

  /** Tokens of the longest probe. */
  int longestProbe() {
    return probes.stream().mapToInt(probe -> probe.length).max().orElse(0);
  }

  /** The same without probes. */
  Request unprobed() {
    return new Request(prompts, shared, List.of(), constraints);
  }
}
