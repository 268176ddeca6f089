package dev.lowpass.udfs;

/**
 * Why a document has no output. The engine adds types of its own: {@code input.too_long}, {@code
 * device.out_of_memory}, {@code deadline}.
 *
 * @param message one line that says what to change
 */
record Failure(String type, String message) {
  static final String NULL = "input.null";
  static final String EMPTY = "input.empty";
  static final String ENCODING = "input.encoding";
  static final String UNREADABLE = "input.unreadable";
  static final String TOO_LONG = "input.too_long";
  static final String INTERNAL = "internal";

  private static final int MAX_MESSAGE = 500;

  Failure {
    String line = message.strip().replaceAll("\\s*\\R\\s*", " ");
    message = line.length() <= MAX_MESSAGE ? line : line.substring(0, MAX_MESSAGE) + "...";
  }
}
