package dev.lowpass.pipeline.evaluation.ruler;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lowpass.pipeline.evaluation.EvaluationException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/**
 * English words. RULER's are those of the Python package wonderwords, and a larger list where a
 * task needs more distinct ones.
 */
public final class WordLists {
  private final List<String> nouns;
  private final List<String> adjectives;
  private final List<String> verbs;
  private final List<String> more;
  private final CompoundWords compounds;

  /**
   * @param more words for lists that are longer than all the others together
   */
  WordLists(List<String> nouns, List<String> adjectives, List<String> verbs, List<String> more) {
    this.nouns = List.copyOf(nouns);
    this.adjectives = List.copyOf(adjectives);
    this.verbs = List.copyOf(verbs);
    this.more = more;
    this.compounds = new CompoundWords(adjectives, nouns);
  }

  /** Words that come with this library; longer lists are made of compounds. */
  public static WordLists builtIn() {
    List<String> nouns = resource("nouns.txt");
    List<String> adjectives = resource("adjectives.txt");
    return new WordLists(
        nouns, adjectives, resource("verbs.txt"), new CompoundWords(adjectives, nouns));
  }

  private static List<String> resource(String name) {
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(
                WordLists.class.getResourceAsStream(name), StandardCharsets.UTF_8))) {
      return lines.lines().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Reads the assets folder of wonderwords, and {@code english_words.json} of RULER's scripts if a
   * copy of it lies there, too.
   */
  public static WordLists read(Path folder) throws IOException {
    List<String> nouns = words(folder.resolve("nounlist.txt"));
    List<String> adjectives = words(folder.resolve("adjectivelist.txt"));
    Path more = folder.resolve("english_words.json");
    return new WordLists(
        nouns,
        adjectives,
        words(folder.resolve("verblist.txt")),
        Files.isRegularFile(more) ? values(more) : new CompoundWords(adjectives, nouns));
  }

  private static List<String> words(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new EvaluationException(file + ": no such file; give the assets of wonderwords");
    }
    return Files.readAllLines(file).stream().map(String::stripTrailing).toList();
  }

  private static List<String> values(Path file) throws IOException {
    List<String> values = new ArrayList<>();
    try {
      for (JsonNode value : new ObjectMapper().readTree(file.toFile())) {
        values.add(value.asText());
      }
    } catch (JsonProcessingException e) {
      throw new EvaluationException(file + ": not valid JSON: " + e.getOriginalMessage(), e);
    }
    return values;
  }

  /** Every pair of an adjective and a noun. */
  CompoundWords compounds() {
    return compounds;
  }

  /** Nouns, adjectives and verbs in alphabetical order, each once. */
  List<String> all() {
    TreeSet<String> all = new TreeSet<>(nouns);
    all.addAll(adjectives);
    all.addAll(verbs);
    return List.copyOf(all);
  }

  List<String> more() {
    return more;
  }
}
