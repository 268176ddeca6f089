package dev.lowpass.udfs;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * An object as a model wrote it in JSON, with the place of each value. Of one that was cut short it
 * has what was whole by then: half a text or number is none, nor is a list without its end.
 *
 * @param object the object; null where not even its beginning was written
 * @param cut where it was cut, as a JSON pointer; null if it is whole
 */
record JsonAnswer(Part object, String cut) {
  /**
   * A value.
   *
   * @param scalar null for objects and arrays
   * @param begin where it begins in the text, in chars
   * @param end behind it
   * @param members an object's
   * @param elements an array's
   */
  record Part(JsonNode scalar, int begin, int end, Map<String, Part> members, List<Part> elements) {
    /** Whether there is nothing to tell, as for null. */
    boolean isNull() {
      return scalar != null && scalar.isNull();
    }
  }

  private static final JsonFactory JSON = new JsonFactory();

  /**
   * Reads an answer.
   *
   * @param text what satisfies a schema of an object, or what that begins with
   */
  static JsonAnswer of(String text) {
    try (JsonParser parser = JSON.createParser(text)) {
      Reader reader = new Reader(parser, text.length());
      return new JsonAnswer(reader.next(), reader.cut);
    } catch (IOException e) {
      throw new IllegalStateException("what satisfies a schema is JSON", e);
    }
  }

  /** Reads value after value, until the text ends. */
  private static final class Reader {
    private final JsonParser parser;
    private final int length;

    /** Where the text ended within a value. */
    private String cut;

    Reader(JsonParser parser, int length) {
      this.parser = parser;
      this.length = length;
    }

    /** The next token; null at the text's end. */
    private JsonToken token() throws IOException {
      try {
        JsonToken token = parser.nextToken();
        if (token != null && token.isScalarValue()) {
          parser.getText(); // reads it to its end
        }
        if (token == null) {
          cut = "";
        }
        return token;
      } catch (JsonProcessingException e) {
        // Nothing else can be wrong with what a schema let through.
        cut = parser.getParsingContext().pathAsPointer().toString();
        return null;
      }
    }

    /** The next value; null where there is none, or only a part. */
    Part next() throws IOException {
      JsonToken token = token();
      return token == null || token == JsonToken.END_ARRAY ? null : value(token);
    }

    private Part value(JsonToken token) throws IOException {
      int begin = (int) parser.currentTokenLocation().getCharOffset();
      return switch (token) {
        case START_OBJECT -> object(begin);
        case START_ARRAY -> array(begin);
        default -> scalar(token, begin);
      };
    }

    private Part object(int begin) throws IOException {
      Map<String, Part> members = new LinkedHashMap<>();
      while (cut == null && token() == JsonToken.FIELD_NAME) {
        String name = parser.currentName();
        Part member = next();
        if (member != null) {
          members.put(name, member);
        }
      }
      return new Part(null, begin, end(), members, List.of());
    }

    private Part array(int begin) throws IOException {
      List<Part> elements = new ArrayList<>();
      for (Part element = next(); element != null && cut == null; element = next()) {
        elements.add(element);
      }
      return cut == null ? new Part(null, begin, end(), Map.of(), elements) : null;
    }

    private Part scalar(JsonToken token, int begin) throws IOException {
      if (token.isNumeric() && end() == length) {
        cut = parser.getParsingContext().pathAsPointer().toString();
        return null; // more digits might follow
      }
      JsonNodeFactory nodes = JsonNodeFactory.instance;
      JsonNode value =
          switch (token) {
            case VALUE_STRING -> nodes.textNode(parser.getText());
            case VALUE_TRUE -> nodes.booleanNode(true);
            case VALUE_FALSE -> nodes.booleanNode(false);
            case VALUE_NULL -> nodes.nullNode();
            default -> nodes.numberNode(parser.getDecimalValue());
          };
      return new Part(value, begin, end(), Map.of(), List.of());
    }

    private int end() {
      return (int) parser.currentLocation().getCharOffset();
    }
  }
}
