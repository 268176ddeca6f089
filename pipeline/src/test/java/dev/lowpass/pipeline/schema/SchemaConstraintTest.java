package dev.lowpass.pipeline.schema;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lowpass.pipeline.text.TextTokenizer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Tokens under a schema: the bundled model's, and small vocabularies. */
class SchemaConstraintTest {
  private static final int END = 2;
  private static TextTokenizer tokenizer;
  private static TokenTrie trie;

  @BeforeAll
  static void load() {
    tokenizer = TextTokenizer.load(Path.of("../sample-data/model"));
    trie = new TokenTrie(Vocabulary.of(tokenizer));
  }

  @AfterAll
  static void close() {
    tokenizer.close();
  }

  private static TokenConstraint start(String schema) {
    return SchemaConstraint.compile(
            "test", schema.replace('\'', '"'), Absence.LEFT_OUT, trie, Set.of(END))
        .start();
  }

  private static void write(TokenConstraint constraint, String text) {
    for (int token : tokenizer.encode(text.replace('\'', '"'))) {
      constraint.accept(token);
    }
  }

  /** The texts of the tokens that may come next. */
  private static List<String> allowed(TokenConstraint constraint, int vocabulary) {
    return IntStream.range(0, vocabulary)
        .filter(constraint::allows)
        .mapToObj(token -> new String(tokenizer.bytes(token), StandardCharsets.UTF_8))
        .toList();
  }

  @Test
  void onlyWhatFitsMayComeNext() {
    TokenConstraint constraint = start("{'enum':['net 30','net 45','no']}");
    write(constraint, "'n");
    List<String> allowed = allowed(constraint, trie.vocabulary().size());
    assertThat(allowed)
        .contains("o", "e")
        .allMatch(text -> text.startsWith("e") || text.startsWith("o"));
    write(constraint, "et ");
    assertThat(allowed(constraint, trie.vocabulary().size()))
        .contains("3", "4")
        .allMatch(text -> "30\"".startsWith(text) || "45\"".startsWith(text));
  }

  @Test
  void theMaskIsWhatIsAllowed() {
    TokenConstraint constraint =
        start(
            "{'type':'object','properties':{'a':{'type':'string','maxLength':3}},'required':['a']}");
    for (String text : List.of("{'a':'", "\u00e9", "\\n", "x", "'", "}")) {
      float[] logits = new float[trie.vocabulary().size() + 3];
      constraint.mask(logits);
      for (int token = 0; token < logits.length; token++) {
        assertThat(logits[token] == 0).as("token %d", token).isEqualTo(constraint.allows(token));
      }
      write(constraint, text);
    }
    assertThat(constraint.finished()).isTrue();
  }

  @Test
  void theBestAllowedTokenIsTakenAndTheFirstOfEquals() {
    TokenConstraint constraint = start("{'enum':[true,false]}");
    float[] logits = new float[trie.vocabulary().size()];
    int f = tokenizer.encode("f")[0];
    int t = tokenizer.encode("t")[0];
    logits[tokenizer.encode("x")[0]] = 5;
    logits[f] = 2;
    logits[t] = 2;
    assertThat(constraint.best(logits)).isEqualTo(Math.min(f, t));
    logits[t] = 3;
    assertThat(constraint.best(logits)).isEqualTo(t);
  }

  @Test
  void theEndComesWhereAValueIsCompleteAndOtherControlTokensNever() {
    TokenConstraint constraint = start("{'type':'integer'}");
    assertThat(constraint.allows(END)).isFalse();
    write(constraint, "12");
    assertThat(constraint.allows(END)).isTrue();
    assertThat(constraint.finished()).isFalse();
    for (int control : tokenizer.controlTokens()) {
      assertThat(constraint.allows(control)).isEqualTo(control == END);
    }
    constraint.accept(END);
    assertThat(constraint.finished()).isTrue();
    assertThat(constraint.allows(END)).isFalse();
    assertThatThrownBy(() -> constraint.accept(END)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void whatMustComeIsForcedInTheTokenizersOwnSpelling() {
    TokenConstraint constraint =
        start(
            "{'type':'object','properties':{'client"
                + " name':{'type':'string'},'paid':{'const':true}},'required':['client"
                + " name','paid']}");
    int[] forced = constraint.forced();
    int[] whole = tokenizer.encode("{\"client name\":\"");
    assertThat(whole).startsWith(forced);
    assertThat(forced.length).isGreaterThanOrEqualTo(whole.length - 1).isPositive();
    for (int token : forced) {
      constraint.accept(token);
    }
    int[] rest = Arrays.copyOfRange(whole, forced.length, whole.length);
    Arrays.stream(rest).forEach(constraint::accept);
    assertThat(constraint.forced()).isEmpty();
    write(constraint, "x'");
    int[] end = constraint.forced();
    assertThat(tokenizer.decode(end)).isEqualTo(",\"paid\":true}");
    Arrays.stream(end).forEach(constraint::accept);
    assertThat(constraint.finished()).isTrue();
    assertThat(constraint.forced()).isEmpty();
  }

  /** A vocabulary of strings; texts are spelled by the longest that fit. */
  private record Strings(List<String> tokens) implements Vocabulary {
    @Override
    public int size() {
      return tokens.size();
    }

    @Override
    public byte[] bytes(int token) {
      return tokens.get(token).getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public int[] encode(String text) {
      List<Integer> ids = new ArrayList<>();
      for (int at = 0; at < text.length(); ) {
        int longest = -1;
        for (int id = 0; id < tokens.size(); id++) {
          if (text.startsWith(tokens.get(id), at)
              && (longest < 0 || tokens.get(id).length() > tokens.get(longest).length())) {
            longest = id;
          }
        }
        ids.add(longest);
        at += tokens.get(longest).length();
      }
      return ids.stream().mapToInt(id -> id).toArray();
    }
  }

  private static int[] forced(String schema, String... tokens) {
    TokenTrie small = new TokenTrie(new Strings(List.of(tokens)));
    return SchemaConstraint.compile(
            "test", schema.replace('\'', '"'), Absence.LEFT_OUT, small, Set.of())
        .start()
        .forced();
  }

  @Test
  void aTokenThatCouldReachIntoWhatIsFreeIsLeftToTheModel() {
    String schema = "{'enum':['net 30','net 45']}";
    assertThat(forced(schema, "\"", "net", " ", "30", "45")).containsExactly(0, 1, 2);
    assertThat(forced(schema, "\"", "net", " ", "30", "45", " 3")).containsExactly(0, 1);
    // It could not go on like this.
    assertThat(forced(schema, "\"", "net", " ", "30", "45", " 5")).containsExactly(0, 1, 2);
    assertThat(forced(schema, "\"", "\"n", "\"net", "\"net 4", " ")).isEmpty();
  }

  @Test
  void aVocabularyThatCannotGoOnSaysSo() {
    TokenTrie small = new TokenTrie(new Strings(List.of("[", "x")));
    TokenConstraint constraint =
        SchemaConstraint.compile(
                "test", "{\"enum\":[[1],\"x\"]}", Absence.LEFT_OUT, small, Set.of(7))
            .start();
    assertThat(constraint.best(new float[2])).isZero();
    constraint.accept(0);
    assertThatThrownBy(() -> constraint.best(new float[2]))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void aForcedSpanEndsBetweenCharacters() {
    // Both characters begin with the bytes f0 9f 98.
    int[] forced =
        forced("{'enum':['a\ud83d\ude00','a\ud83d\ude01']}", "\"", "a", "\ud83d\ude00", "b");
    assertThat(forced).containsExactly(0, 1);
  }

  @Test
  void statesThatWereForgottenAreDerivedAnew() {
    Expressions expressions = new Expressions();
    Expression language =
        SchemaCompiler.compile(
            "test",
            "{\"type\":\"string\",\"pattern\":\"^(ab|\u00e9){2,9}$\"}",
            Absence.LEFT_OUT,
            expressions);
    expressions.keep();
    byte[] text = "\"ab\u00e9ab\"".getBytes(StandardCharsets.UTF_8);
    Expression state = language;
    for (byte b : text) {
      state = expressions.row(state)[b & 0xff];
      expressions.forgetDerivatives();
      assertThat(expressions.derived()).isZero();
    }
    assertThat(state).isSameAs(expressions.empty());
    assertThat(expressions.accepts(language, text)).isTrue();
    assertThat(expressions.accepts(language, "\"ab\"".getBytes(StandardCharsets.UTF_8))).isFalse();
  }
}
