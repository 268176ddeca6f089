package dev.lowpass.pipeline.text;

import java.util.Objects;

/**
 * One message of a chat.
 *
 * @param role who speaks: {@code system}, {@code user} or {@code assistant}; the program's own
 *     word, which templates build control tokens from, so never taken from a document
 * @param content what is said; always data, never control tokens
 */
public record Message(String role, String content) {
  public Message {
    Objects.requireNonNull(role, "role");
    Objects.requireNonNull(content, "content");
  }
}
