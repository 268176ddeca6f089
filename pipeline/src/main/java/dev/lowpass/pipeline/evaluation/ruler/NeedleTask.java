package dev.lowpass.pipeline.evaluation.ruler;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** Needles in a haystack: RULER's {@code niah}. */
final class NeedleTask implements SampleGenerator {
  private static final String TEMPLATE =
      "Some special magic {type_needle_v} are hidden within the following text. Make sure to"
          + " memorize it. I will quiz you about the {type_needle_v} afterwards.\n{context}\n"
          + "What are all the special magic {type_needle_v} for {query} mentioned in the provided"
          + " text?";

  private static final String ANSWER_PREFIX =
      " The special magic {type_needle_v} for {query} mentioned in the provided text are";

  private static final String NEEDLE =
      "One of the special magic {type_needle_v} for {key} is: {value}.";

  static final String NOISE =
      "The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again.";

  static final int ANSWER_TOKENS = 128;
  private static final int ESSAY_STEP = 500;
  private static final int STEP = 25;
  private static final int SHORT_STEP = 5;

  /** Below it, haystacks change in smaller steps. */
  static final int SHORT_TOKENS = 4096;

  /** Percentages of an essay's sentences after which needles may stand: 40, evenly spread. */
  private static final List<Integer> DEPTHS =
      IntStream.range(0, 40).mapToObj(i -> (int) Math.rint(i * (100.0 / 39))).toList();

  /** What the needles lie in. */
  enum Filler {
    NOISE,
    ESSAY,
    /** Other needles. */
    NEEDLES
  }

  /** What keys and values are. */
  enum Kind {
    NUMBERS("numbers"),
    WORDS("words"),
    UUIDS("uuids");

    private final String plural;

    Kind(String plural) {
      this.plural = plural;
    }
  }

  /**
   * A variant.
   *
   * @param valuesPerKey all are asked for
   * @param queries keys that are asked for, of {@code keys}
   */
  record Variant(Filler filler, Kind key, Kind value, int keys, int valuesPerKey, int queries) {}

  private final Variant variant;
  private final RulerSettings settings;
  private final PythonRandom random;
  private final CompoundWords words;
  private final SizeFit fit;

  NeedleTask(Variant variant, RulerSettings settings) {
    this.variant = variant;
    this.settings = settings;
    this.random = new PythonRandom(settings.seed());
    this.words = settings.sources().words().compounds();
    this.fit = new SizeFit(settings.counter(), settings.maxTokens(), ANSWER_TOKENS, step(settings));
  }

  private int step(RulerSettings settings) {
    if (variant.filler == Filler.ESSAY) {
      return ESSAY_STEP;
    }
    return settings.maxTokens() < SHORT_TOKENS ? SHORT_STEP : STEP;
  }

  @Override
  public List<RulerSample> generate(int count) {
    int upperBound = fit.upperBound(draw(fit.step()).prompt(), fit.step());
    int size = fit.largest(upperBound, 0, this::draw);
    List<RulerSample> samples = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      samples.add(sample(fit.draw(size, this::draw)));
    }
    return samples;
  }

  private RulerSample sample(SizeFit.Draw draw) {
    int split = RulerSample.inputEnd(draw.prompt(), ANSWER_PREFIX);
    String input = draw.prompt().substring(0, split);
    int place = input.indexOf(draw.outputs().get(0));
    return new RulerSample(
        input.codePointCount(0, place),
        input,
        draw.outputs(),
        fit.tokens(draw.prompt()),
        draw.prompt().substring(split),
        settings.counter().count(input.substring(0, place)));
  }

  private SizeFit.Draw draw(int size) {
    List<String> keys = new ArrayList<>();
    List<List<String>> values = new ArrayList<>();
    List<String> needles = new ArrayList<>();
    for (int i = 0; i < variant.keys; i++) {
      keys.add(word(variant.key));
      List<String> its = new ArrayList<>();
      for (int j = 0; j < variant.valuesPerKey; j++) {
        its.add(word(variant.value));
        needles.add(needle(keys.get(i), its.get(j)));
      }
      values.add(its);
    }
    new PythonRandom(settings.seed()).shuffle(needles);
    String context =
        variant.filler == Filler.ESSAY ? inEssay(needles, size) : inLines(needles, size);
    List<Integer> asked = random.sample(variant.keys, variant.queries);
    List<String> answers = asked.stream().flatMap(i -> values.get(i).stream()).toList();
    return new SizeFit.Draw(
        prompt(context, listed(asked.stream().map(keys::get).toList())), answers);
  }

  private String word(Kind kind) {
    return switch (kind) {
      case NUMBERS -> Integer.toString(random.between(1_000_000, 9_999_999));
      case WORDS -> words.get(random.below(words.size()));
      case UUIDS -> random.uuid().toString();
    };
  }

  private String needle(String key, String value) {
    return Template.fill(
        NEEDLE, Map.of("type_needle_v", variant.value.plural, "key", key, "value", value));
  }

  private String inEssay(List<String> needles, int size) {
    List<String> sentences = Sentences.split(settings.sources().requireHaystack().words(size));
    List<Integer> ends = new ArrayList<>();
    for (int depth : random.sample(DEPTHS, needles.size())) {
      ends.add((int) (sentences.size() * (depth / 100.0)));
    }
    Collections.sort(ends);
    ends.add(sentences.size());
    List<String> pieces = new ArrayList<>();
    int start = 0;
    for (int i = 0; i < ends.size(); i++) {
      pieces.add(String.join(" ", sentences.subList(start, ends.get(i))));
      start = ends.get(i);
      if (i < needles.size()) {
        pieces.add(needles.get(i));
      }
    }
    return String.join(" ", pieces);
  }

  private String inLines(List<String> needles, int size) {
    List<String> lines = new ArrayList<>(size + needles.size());
    for (int i = 0; i < size; i++) {
      lines.add(
          variant.filler == Filler.NOISE ? NOISE : needle(word(variant.key), word(variant.value)));
    }
    List<Integer> places = new ArrayList<>(random.sample(size, needles.size()));
    places.sort(Collections.reverseOrder());
    for (int i = 0; i < places.size(); i++) {
      lines.add(places.get(i), needles.get(i));
    }
    return String.join("\n", lines);
  }

  private static String listed(List<String> keys) {
    int last = keys.size() - 1;
    return last == 0
        ? keys.get(0)
        : String.join(", ", keys.subList(0, last)) + ", and " + keys.get(last);
  }

  private String prompt(String context, String query) {
    String template = TEMPLATE + ANSWER_PREFIX;
    String kind = variant.value.plural;
    if (variant.queries * variant.valuesPerKey == 1) {
      template = template.replace("Some", "A").replace("are all", "is").replace("are", "is");
      kind = kind.substring(0, kind.length() - 1);
    }
    return Template.fill(
        template, Map.of("type_needle_v", kind, "context", context, "query", query));
  }
}
