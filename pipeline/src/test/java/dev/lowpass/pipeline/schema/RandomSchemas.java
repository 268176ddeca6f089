package dev.lowpass.pipeline.schema;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Supplier;

/** Random schemas over what is supported, with random values that satisfy them. */
final class RandomSchemas {
  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  /** A schema and a source of its instances. */
  record Sample(ObjectNode schema, Supplier<JsonNode> instances) {}

  private final Random random;
  private ObjectNode definitions = NODES.objectNode();

  RandomSchemas(long seed) {
    this.random = new Random(seed);
  }

  /** A schema whose references are its own. */
  Sample next() {
    definitions = NODES.objectNode();
    Sample sample = value(3);
    if (!definitions.isEmpty()) {
      sample.schema.set("$defs", definitions);
    }
    return sample;
  }

  private Sample value(int depth) {
    if (depth > 0 && chance(3)) {
      return switch (random.nextInt(4)) {
        case 0, 1 -> object(depth);
        case 2 -> array(depth);
        default -> chance(2) ? definition(depth) : list(depth);
      };
    }
    return switch (random.nextInt(8)) {
      case 0 -> string();
      case 1 -> pattern();
      case 2 -> dates();
      case 3 -> integer();
      case 4 -> number();
      case 5 -> choice();
      case 6 -> alternatives();
      default -> plain();
    };
  }

  private boolean chance(int of) {
    return random.nextInt(of) > 0;
  }

  private static ObjectNode typed(String type) {
    return NODES.objectNode().put("type", type);
  }

  private Sample plain() {
    return random.nextBoolean()
        ? new Sample(typed("boolean"), () -> NODES.booleanNode(random.nextBoolean()))
        : new Sample(typed("null"), NODES::nullNode);
  }

  private Sample string() {
    ObjectNode schema = typed("string");
    int min = random.nextInt(3);
    int max = min + random.nextInt(6);
    if (random.nextBoolean()) {
      schema.put("minLength", min);
    }
    if (chance(4)) {
      schema.put("maxLength", max);
    }
    return new Sample(schema, () -> NODES.textNode(text(min + random.nextInt(max - min + 1))));
  }

  /** Characters of every length in UTF-8, and those that JSON escapes. */
  private String text(int length) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < length; i++) {
      int c =
          switch (random.nextInt(6)) {
            case 0 -> random.nextInt(0x80);
            case 1 -> 0x80 + random.nextInt(0x780);
            case 2 -> 0x800 + random.nextInt(0xd000);
            case 3 -> 0x10000 + random.nextInt(0x100000);
            case 4 -> "\"\\/\n\t\u001f\u007f\u0000".charAt(random.nextInt(8));
            default -> 'a' + random.nextInt(26);
          };
      text.appendCodePoint(c);
    }
    return text.toString();
  }

  private Sample pattern() {
    ObjectNode schema = typed("string");
    return switch (random.nextInt(6)) {
      case 0 ->
          new Sample(
              schema.put("pattern", "^[a-c]{2,4}$"), () -> NODES.textNode(letters(2, 4, "abc")));
      case 1 ->
          new Sample(
              schema.put("pattern", "^(?:EUR|USD) \\d+(\\.\\d\\d)?$").put("maxLength", 9),
              () -> NODES.textNode(random.nextBoolean() ? "EUR 1.50" : "USD 12345"));
      case 2 ->
          new Sample(
              schema.put("pattern", "b+[^b]"),
              () -> NODES.textNode(letters(0, 3, "xb") + "b\"" + letters(0, 3, "b\n")));
      case 3 ->
          new Sample(
              schema.put("pattern", "^\\p{Lu}\\p{Ll}*|-$").put("minLength", 2),
              () -> NODES.textNode(random.nextBoolean() ? "\u00c4rger" : "x-"));
      case 4 ->
          new Sample(
              schema.put("pattern", "^([A-Z]-)*(\\ud83d\\ude00)?x$").put("maxLength", 20),
              () -> NODES.textNode("A-B-" + (random.nextBoolean() ? "\ud83d\ude00" : "") + "x"));
      default ->
          new Sample(
              schema.put("pattern", "^\\S{1,3}[\\w.-]$"), () -> NODES.textNode("\u00e9" + "_"));
    };
  }

  private String letters(int min, int max, String of) {
    StringBuilder letters = new StringBuilder();
    for (int i = min + random.nextInt(max - min + 1); i > 0; i--) {
      letters.append(of.charAt(random.nextInt(of.length())));
    }
    return letters.toString();
  }

  private Sample dates() {
    Supplier<LocalDate> dates =
        () -> LocalDate.of(1 + random.nextInt(9999), 1, 1).plusDays(random.nextInt(365));
    return random.nextBoolean()
        ? new Sample(
            typed("string").put("format", "date"), () -> NODES.textNode(dates.get().toString()))
        : new Sample(
            typed("string").put("format", "date-time"),
            () ->
                NODES.textNode(
                    dates.get()
                        + List.of("T00:00:59Z", "T23:59:00.25+05:30", "T09:10:11.000000001-18:00")
                            .get(random.nextInt(3))));
  }

  private Sample integer() {
    long low = random.nextInt(3) == 0 ? -random.nextInt(2000) : random.nextInt(300);
    long high = low + 2 + random.nextInt(random.nextBoolean() ? 10 : 100_000);
    ObjectNode schema = typed("integer");
    boolean exclusive = random.nextBoolean();
    schema.put(exclusive ? "exclusiveMinimum" : "minimum", low);
    schema.put(exclusive ? "exclusiveMaximum" : "maximum", high);
    int inner = exclusive ? 1 : 0;
    return new Sample(
        schema, () -> NODES.numberNode(random.nextLong(low + inner, high - inner + 1)));
  }

  private Sample number() {
    BigDecimal low =
        BigDecimal.valueOf(random.nextInt(4000) - 2000, random.nextInt(4)).stripTrailingZeros();
    BigDecimal width = BigDecimal.valueOf(1 + random.nextInt(5000), random.nextInt(3));
    ObjectNode schema = typed("number");
    boolean exclusive = random.nextBoolean();
    schema.put(exclusive ? "exclusiveMinimum" : "minimum", low);
    schema.put(exclusive ? "exclusiveMaximum" : "maximum", low.add(width));
    boolean cents = random.nextBoolean() && !exclusive;
    if (cents) {
      schema.put("multipleOf", new BigDecimal("0.001"));
    }
    return new Sample(
        schema,
        () -> {
          BigDecimal share = BigDecimal.valueOf(1 + random.nextInt(998), 3);
          BigDecimal value = low.add(width.multiply(share));
          return NODES.numberNode(cents ? value.setScale(3, RoundingMode.DOWN).max(low) : value);
        });
  }

  private Sample choice() {
    List<JsonNode> values =
        List.of(
            NODES.textNode("net 30"),
            NODES.textNode("net 45"),
            NODES.textNode("\u00fcber \"all\""),
            NODES.numberNode(12),
            NODES.numberNode(new BigDecimal("-1.5")),
            NODES.nullNode(),
            NODES.objectNode().put("a", 1).put("b", "x"));
    ObjectNode schema = NODES.objectNode();
    if (random.nextInt(3) == 0) {
      JsonNode value = values.get(random.nextInt(values.size()));
      return new Sample(schema.set("const", value), () -> value);
    }
    ArrayNode listed = schema.putArray("enum");
    int from = random.nextInt(values.size());
    values.subList(from, values.size()).forEach(listed::add);
    return new Sample(schema, () -> listed.get(random.nextInt(listed.size())));
  }

  private Sample alternatives() {
    List<Sample> samples = new ArrayList<>(List.of(integer(), pattern(), plain()));
    ObjectNode schema = NODES.objectNode();
    ArrayNode list = schema.putArray(random.nextBoolean() ? "oneOf" : "anyOf");
    samples.forEach(sample -> list.add(sample.schema));
    return new Sample(schema, () -> samples.get(random.nextInt(3)).instances.get());
  }

  private Sample object(int depth) {
    ObjectNode schema = typed("object");
    ObjectNode properties = schema.putObject("properties");
    ArrayNode required = schema.putArray("required");
    schema.put("additionalProperties", false);
    List<String> names = List.of("name", "na", "\u00e4\"b", "total amount", "x");
    List<Supplier<JsonNode>> instances = new ArrayList<>();
    List<Boolean> needed = new ArrayList<>();
    int count = 1 + random.nextInt(names.size());
    for (String name : names.subList(0, count)) {
      Sample sample = value(depth - 1);
      properties.set(name, sample.schema);
      instances.add(sample.instances);
      needed.add(random.nextBoolean());
      if (needed.get(needed.size() - 1)) {
        required.add(name);
      }
    }
    return new Sample(
        schema,
        () -> {
          ObjectNode object = NODES.objectNode();
          for (int i = 0; i < count; i++) {
            if (needed.get(i) || random.nextBoolean()) {
              object.set(names.get(i), instances.get(i).get());
            }
          }
          return object;
        });
  }

  private Sample array(int depth) {
    Sample item = value(depth - 1);
    ObjectNode schema = typed("array").set("items", item.schema);
    int min = random.nextInt(3);
    int max = min + random.nextInt(3);
    if (random.nextBoolean()) {
      schema.put("minItems", min);
    }
    if (chance(3)) {
      schema.put("maxItems", max);
    }
    return new Sample(
        schema,
        () -> {
          ArrayNode array = NODES.arrayNode();
          for (int i = min + random.nextInt(max - min + 1); i > 0; i--) {
            array.add(item.instances.get());
          }
          return array;
        });
  }

  private Sample definition(int depth) {
    Sample sample = value(depth - 1);
    String name = "d" + definitions.size() + "/~";
    definitions.set(name, sample.schema);
    return new Sample(
        NODES.objectNode().put("$ref", "#/$defs/d" + (definitions.size() - 1) + "~1~0"),
        sample.instances);
  }

  /** A linked list: a schema that contains itself. */
  private Sample list(int depth) {
    Sample item = value(depth - 1);
    String name = "list" + definitions.size();
    ObjectNode schema = typed("object");
    definitions.set(name, schema);
    ObjectNode properties = schema.putObject("properties");
    properties.set("item", item.schema);
    properties.putObject("next").put("$ref", "#/$defs/" + name);
    schema.putArray("required").add("item");
    schema.put("additionalProperties", false);
    return new Sample(
        NODES.objectNode().put("$ref", "#/$defs/" + name),
        () -> {
          ObjectNode list = NODES.objectNode();
          list.set("item", item.instances.get());
          for (int i = random.nextInt(3); i > 0; i--) {
            ObjectNode head = NODES.objectNode();
            head.set("item", item.instances.get());
            head.set("next", list);
            list = head;
          }
          return list;
        });
  }
}
