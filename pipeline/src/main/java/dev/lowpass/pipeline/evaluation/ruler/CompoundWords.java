package dev.lowpass.pipeline.evaluation.ruler;

import java.util.AbstractList;
import java.util.ArrayList;
import java.util.List;
import java.util.RandomAccess;
import java.util.TreeSet;

/**
 * All {@code adjective-noun} in alphabetical order, each once, without holding them: wonderwords
 * has six million.
 */
final class CompoundWords extends AbstractList<String> implements RandomAccess {
  /** Compounds that stand together in the order: how many come before, and what begins them. */
  private record Block(int start, String prefix, List<String> words) {}

  private final List<Block> blocks = new ArrayList<>();
  private final int size;

  CompoundWords(List<String> adjectives, List<String> nouns) {
    List<String> sortedNouns = List.copyOf(new TreeSet<>(nouns));
    TreeSet<String> prefixes = new TreeSet<>();
    adjectives.forEach(adjective -> prefixes.add(adjective + "-"));
    int start = 0;
    while (!prefixes.isEmpty()) {
      String prefix = prefixes.pollFirst();
      List<String> words = sortedNouns;
      // Compounds of "old" and "old-fashioned" mix.
      TreeSet<String> mixed = new TreeSet<>();
      while (!prefixes.isEmpty() && prefixes.first().startsWith(prefix)) {
        String rest = prefixes.pollFirst().substring(prefix.length());
        sortedNouns.forEach(noun -> mixed.add(rest + noun));
      }
      if (!mixed.isEmpty()) {
        mixed.addAll(sortedNouns);
        words = List.copyOf(mixed);
      }
      blocks.add(new Block(start, prefix, words));
      start += words.size();
    }
    size = start;
  }

  @Override
  public int size() {
    return size;
  }

  @Override
  public String get(int index) {
    int low = 0;
    int high = blocks.size() - 1;
    while (low < high) {
      int middle = (low + high + 1) >>> 1;
      if (blocks.get(middle).start <= index) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    Block block = blocks.get(low);
    return block.prefix + block.words.get(index - block.start);
  }
}
