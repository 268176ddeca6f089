package dev.lowpass.kernels;

/** What an entry's position is, by which its key is rotated. */
public enum Positions {
  /**
   * Its place in the cache (FreqKV): an entry that moves is turned to its new place. No position
   * exceeds the cache's capacity, however long the text.
   */
  CACHE,

  /**
   * The one it was appended with (FastKV): an entry that moves keeps it, entries that a low-pass
   * made lie between those they were made of. Each kv head remembers its own.
   */
  ORIGINAL
}
