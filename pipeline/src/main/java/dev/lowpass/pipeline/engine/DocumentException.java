package dev.lowpass.pipeline.engine;

/** What is wrong with one document. It ends in that document's row, not in the job's failure. */
public final class DocumentException extends RuntimeException {
  /** There is no text. */
  public static final String EMPTY = "input.empty";

  /** The document has more tokens than the model can take. */
  public static final String TOO_LONG = "input.too_long";

  /** The device has no room for the document's cache. */
  public static final String OUT_OF_MEMORY = "device.out_of_memory";

  /** It was not done in its time. */
  public static final String DEADLINE = "deadline";

  private final String type;

  /**
   * @param type one of the output table's {@code error.type}s
   * @param message one line that says what to change
   */
  public DocumentException(String type, String message) {
    super(message);
    this.type = type;
  }

  public String type() {
    return type;
  }
}
