package dev.lowpass.jobs;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** What a command said, and its exit status. */
record Command(int status, String out, String err) {
  /** Runs a command in this JVM. */
  static Command run(Object... args) {
    String[] words = new String[args.length];
    for (int i = 0; i < words.length; i++) {
      words[i] = args[i].toString();
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int status = Lowpass.run(out, err, words);
    return new Command(
        status, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }
}
