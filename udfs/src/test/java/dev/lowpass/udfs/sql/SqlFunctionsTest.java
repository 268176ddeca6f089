package dev.lowpass.udfs.sql;

import static org.apache.spark.sql.functions.call_function;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.expr;
import static org.apache.spark.sql.functions.lit;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lowpass.pipeline.text.TextTokenizer;
import dev.lowpass.udfs.FunctionException;
import dev.lowpass.udfs.Lowpass;
import dev.lowpass.udfs.TestModel;
import dev.lowpass.udfs.TestSpark;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Date;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the functions give, where in a query they are evaluated, and how often. */
class SqlFunctionsTest {
  private static final Path MODEL = TestModel.above("sample-data/model");
  private static final Path CONTRACTS = TestModel.above("sample-data/contracts");

  private static final String FEE =
      """
      {"properties": {
        "total_fee": {"type": "number", "description": "What is the total fee in dollars?"}}}""";

  private static final String FEE_OF = "lowpass_extract(body, '" + FEE + "').total_fee";

  private final SparkSession spark = TestSpark.session();
  private final List<String> set = new ArrayList<>();

  /** Three contracts of one model's training, and a row without one. */
  @BeforeEach
  void contracts() throws IOException {
    set("model", MODEL);
    List<Row> rows = new ArrayList<>();
    for (int id = 1; id <= 3; id++) {
      String body = Files.readString(CONTRACTS.resolve("contract-00" + id + ".txt"));
      rows.add(RowFactory.create(id, id == 2 ? "supply" : "license", body));
    }
    rows.add(RowFactory.create(4, "none", null));
    StructType columns =
        new StructType()
            .add("id", DataTypes.IntegerType)
            .add("kind", DataTypes.StringType)
            .add("body", DataTypes.StringType);
    spark.createDataFrame(rows, columns).createOrReplaceTempView("contracts");
  }

  @AfterEach
  void reset() {
    set.forEach(spark.conf()::unset);
    spark.catalog().dropTempView("contracts");
  }

  private void set(String key, Object value) {
    spark.conf().set("spark.lowpass." + key, value.toString());
    set.add("spark.lowpass." + key);
  }

  /** What the documents' generator knows. */
  private static JsonNode expected(int id) throws IOException {
    Path file = TestModel.above("sample-data/contracts.expected.jsonl");
    return new ObjectMapper().readTree(Files.readAllLines(file).get(id - 1)).get("fields");
  }

  @Test
  void extractedFieldsAreTypedAndTheirRows() throws IOException {
    Dataset<Row> rows =
        spark.sql(
            """
            SELECT id, lowpass_extract(body, '{"properties": {
              "total_fee": {"type": "number", "description": "What is the total fee in dollars?"},
              "effective_date": {"type": "string", "format": "date",
                                 "description": "When does the agreement take effect?"}}}') terms
            FROM contracts ORDER BY id""");
    assertThat(rows.schema().apply("terms").dataType().sql())
        .isEqualTo("STRUCT<total_fee: DOUBLE, effective_date: DATE>");
    List<Row> found = rows.collectAsList();
    assertThat(found).hasSize(4);
    for (int id = 1; id <= 3; id++) {
      Row terms = found.get(id - 1).getStruct(1);
      assertThat(terms.getDouble(0)).isEqualTo(expected(id).get("total_fee").asDouble());
      assertThat(terms.getDate(1))
          .isEqualTo(Date.valueOf(expected(id).get("effective_date").asText()));
    }
    assertThat(found.get(3).isNullAt(1)).isTrue();
    assertThat(documents(rows)).isEqualTo(3);
    assertThat(metric(rows, "failed")).isZero();
    assertThat(metric(rows, "promptTokens")).isGreaterThan(1000);
    assertThat(metric(rows, "outputTokens")).isPositive();
    assertThat(metric(rows, "prefillTime")).isPositive();
  }

  @Test
  void theTokenizersFunctionsTakeNoModel() throws IOException {
    Dataset<Row> rows =
        spark.sql(
            "SELECT body, lowpass_count_tokens(body), lowpass_chunks(body, 100, 0),"
                + " lowpass_chunks(body, 100, 20) FROM contracts WHERE id IN (1, 4) ORDER BY id");
    assertThat(rows.queryExecution().executedPlan().toString()).doesNotContain("LowpassEval");
    Row row = rows.head();
    try (TextTokenizer tokenizer = TextTokenizer.load(MODEL)) {
      int tokens = tokenizer.encode(row.getString(0)).length;
      assertThat(row.getInt(1)).isEqualTo(tokens);
      assertThat(row.getList(2)).hasSize((tokens + 99) / 100);
      assertThat(row.getList(3)).hasSize((tokens - 100 + 79) / 80 + 1);
    }
    assertThat(String.join("", row.<String>getList(2))).isEqualTo(row.getString(0));
    Row empty = rows.collectAsList().get(1);
    assertThat(List.of(empty.isNullAt(1), empty.isNullAt(2))).containsOnly(true);
    // Compiled code, too.
    spark.conf().set("spark.sql.codegen.factoryMode", "CODEGEN_ONLY");
    spark.conf().set("spark.sql.codegen.wholeStage", true);
    try {
      assertThat(
              spark
                  .sql("SELECT lowpass_count_tokens(body) FROM contracts WHERE id = 1")
                  .head()
                  .getInt(0))
          .isEqualTo(row.getInt(1));
    } finally {
      spark.conf().set("spark.sql.codegen.factoryMode", "NO_CODEGEN");
      spark.conf().set("spark.sql.codegen.wholeStage", false);
    }
  }

  /** Each document counts once where the model was asked once. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        // A filter on an answer, and one that needs none, of a view with an answer nobody reads.
        "1 | SELECT id FROM (SELECT id, FEE fee, lowpass_summarize(body) s FROM contracts) WHERE fee > 0 AND id = 2 | 2",
        // The same answer twice.
        "3 | SELECT FEE fee, count(*) FROM contracts WHERE id < 4 GROUP BY FEE ORDER BY fee DESC | 662000.0",
        // Before an aggregation, and not after.
        "3 | SELECT max(FEE) FROM contracts | 662000.0",
        "2 | SELECT max(FEE) FROM contracts WHERE kind = 'license' | 662000.0",
        // The first of an order that is not the answers'.
        "1 | SELECT FEE FROM contracts WHERE body IS NOT NULL ORDER BY kind, id DESC LIMIT 1 | 662000.0",
        "2 | SELECT FEE, id FROM contracts LIMIT 2 | 438443.0",
        "3 | SELECT FEE fee FROM contracts ORDER BY fee DESC LIMIT 1 | 662000.0",
        // Branches.
        "1 | SELECT CASE WHEN id = 2 THEN FEE ELSE 0 END x FROM contracts ORDER BY x DESC | 114000.0",
        "1 | SELECT coalesce(if(id = 2, NULL, 7D), FEE) x FROM contracts ORDER BY x DESC | 114000.0",
        "1 | SELECT id FROM contracts WHERE id = 3 OR (id = 1 AND FEE > 1) ORDER BY id | 1",
        "3 | SELECT count(*) FROM (SELECT CASE WHEN rand(1) < 0.5 THEN FEE ELSE 1 END x FROM contracts WHERE id < 4) WHERE x IS NULL | 0",
        // Joins.
        "1 | SELECT a.id FROM contracts a JOIN contracts b ON a.id = b.id AND lowpass_extract(b.body, SCHEMA).total_fee > 0 WHERE b.id = 2 | 2",
        "1 | SELECT lowpass_extract(a.body, SCHEMA).total_fee FROM contracts a JOIN contracts b ON a.id = b.id WHERE b.kind = 'supply' | 114000.0",
        // Nobody asks.
        "0 | SELECT count(*) FROM (SELECT FEE FROM contracts) | 4",
        "0 | SELECT FEE FROM contracts WHERE body IS NULL | null",
      })
  void theModelIsAskedNoMoreThanNeeded(int documents, String query, String first) {
    Dataset<Row> rows = spark.sql(query.replace("FEE", FEE_OF).replace("SCHEMA", "'" + FEE + "'"));
    List<Row> found = rows.collectAsList();
    assertThat(String.valueOf(found.get(0).get(0))).isEqualTo(first);
    assertThat(documents(rows)).isEqualTo(documents);
  }

  @Test
  void callsStandInCallsAndOverGroups() {
    set("maxNewTokens", 6);
    Dataset<Row> nested =
        spark.sql(
            """
            SELECT kind, lowpass_summarize(concat_ws(' ', sort_array(collect_list(s)))) FROM (
              SELECT kind, lowpass_summarize(body) s FROM contracts WHERE id < 4)
            GROUP BY kind HAVING count(*) > 0 ORDER BY kind""");
    List<Row> found = nested.collectAsList();
    assertThat(found).extracting(row -> row.getString(0)).containsExactly("license", "supply");
    assertThat(documents(nested)).isEqualTo(5);
    Dataset<Row> inOne =
        spark.sql(
            "SELECT lowpass_summarize(concat('', lowpass_summarize(body))) FROM contracts WHERE id = 2");
    assertThat(inOne.head().getString(0)).isEqualTo(found.get(1).getString(1));
  }

  @Test
  void shufflesCompiledCodeAndAdaptivePlansGiveTheSame() {
    String query = "SELECT kind, sum(" + FEE_OF + ") s FROM contracts GROUP BY kind ORDER BY kind";
    List<Row> plain = spark.sql(query).collectAsList();
    assertThat(plain).extracting(row -> row.get(1)).containsExactly(1100443.0, null, 114000.0);
    spark.conf().set("spark.sql.codegen.factoryMode", "FALLBACK");
    spark.conf().set("spark.sql.codegen.wholeStage", true);
    spark.conf().set("spark.sql.adaptive.enabled", true);
    try {
      assertThat(spark.sql(query).collectAsList()).isEqualTo(plain);
    } finally {
      spark.conf().set("spark.sql.codegen.factoryMode", "NO_CODEGEN");
      spark.conf().set("spark.sql.codegen.wholeStage", false);
      spark.conf().set("spark.sql.adaptive.enabled", false);
    }
  }

  @Test
  void columnsAndTransformsAreTheSameFunctions() {
    set("maxNewTokens", 6);
    Dataset<Row> rows = spark.table("contracts").where("id = 1");
    List<Row> sql =
        spark
            .sql("SELECT *, lowpass_summarize(body) s FROM contracts WHERE id = 1")
            .collectAsList();
    assertThat(
            rows.withColumn("s", call_function("lowpass_summarize", col("body"))).collectAsList())
        .isEqualTo(sql);
    assertThat(rows.withColumn("s", expr("lowpass_summarize(body)")).collectAsList())
        .isEqualTo(sql);
    assertThat(Lowpass.on(rows).text("body").summarize().collectAsList()).isEqualTo(sql);
    assertThat(Lowpass.on(rows).text("body").extract(FEE).select("fields.total_fee").first().get(0))
        .isEqualTo(438443.0);
    Dataset<Row> generated = Lowpass.on(rows).generate(lit("What is this?"));
    assertThat(generated.columns()).contains("completion");
    assertThat(generated.first().<String>getAs("completion"))
        .isEqualTo(spark.sql("SELECT lowpass_generate('What is this?')").head().getString(0));
    // The same rows twice.
    Dataset<Row> summaries = Lowpass.on(rows).text("body").summarize();
    assertThat(summaries.as("a").join(summaries.as("b"), expr("a.id = b.id")).count()).isOne();
  }

  @Test
  void aTextThatCannotBeAnsweredFailsTheQueryOrIsNull() {
    String query = "SELECT lowpass_summarize(if(id = 2, ' ', body)) s FROM contracts WHERE id = 2";
    assertThatThrownBy(() -> spark.sql(query).collectAsList())
        .hasStackTraceContaining(FunctionException.class.getName())
        .hasStackTraceContaining(
            "[LOWPASS_DOCUMENT.INPUT_EMPTY] lowpass_summarize: the text is blank");
    set("maxInputTokens", 20);
    String all = "SELECT id, lowpass_summarize(body) s FROM contracts ORDER BY id";
    assertThatThrownBy(() -> spark.sql(all.replace("ORDER BY id", "WHERE id = 1")).collectAsList())
        .hasStackTraceContaining("LOWPASS_DOCUMENT.INPUT_TOO_LONG")
        .hasStackTraceContaining("spark.lowpass.maxInputTokens allows 20")
        .hasStackTraceContaining("The text is \"LICENSE AGREEMENT This license agreement");
    set("onError", "null");
    Dataset<Row> rows = spark.sql(all);
    assertThat(rows.collectAsList()).hasSize(4).allMatch(row -> row.isNullAt(1));
    assertThat(metric(rows, "failed")).isEqualTo(3);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "lowpass_summarize() | WRONG_NUM_ARGS.WITHOUT_SUGGESTION | requires [1, 2] parameters",
        "lowpass_count_tokens(body, 1) | WRONG_NUM_ARGS.WITHOUT_SUGGESTION | requires 1 parameters",
        "lowpass_summarize(id) | DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE | requires the \"STRING\" type, however \"id\" has the type \"INT\"",
        "lowpass_chunks(body, kind, 0) | DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE | second parameter requires the \"INT\" type",
        "lowpass_chunks(body, 5, 5) | LOWPASS_ARGUMENTS | chunks of 5 tokens that overlap by 5; give an overlap of 0 to 4",
        "lowpass_summarize(body, kind) | NON_FOLDABLE_ARGUMENT | `instruction`",
        "lowpass_extract(body, kind) | NON_FOLDABLE_ARGUMENT | `schema`",
        "lowpass_extract(body, NULL) | NON_FOLDABLE_ARGUMENT | `schema`",
        "lowpass_extract(body, 'no.json') | LOWPASS_SCHEMA | no.json: is no JSON object, and cannot be read as a file",
        "lowpass_extract(body, '{\"properties\": {\"a\": {\"type\": \"string\", \"contentEncoding\": \"x\"}}}') | LOWPASS_SCHEMA | #/properties/a/contentEncoding: keyword 'contentEncoding' is not supported",
        "transform(array(body), x -> lowpass_summarize(x)) | LOWPASS_UNSUPPORTED | explode the array",
      })
  void aQueryThatCannotBeIsRefused(String call, String condition, String message) {
    assertThatThrownBy(() -> spark.sql("SELECT " + call + " FROM contracts"))
        .isInstanceOfSatisfying(
            AnalysisException.class, e -> assertThat(e.getCondition()).isEqualTo(condition))
        .hasMessageContaining(message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "model | /no/such/model | spark.lowpass.model /no/such/model: no such folder",
        "cache | nope | spark.lowpass.cache is 'nope'; use one of full, streaming",
        "retentionRate | 0.5 | spark.lowpass.retentionRate is given, and only spark.lowpass.prefill fastkv",
        "device | tpu | spark.lowpass.device tpu: no such device",
        "maxNewTokens | many | spark.lowpass.maxNewTokens is 'many'; give a whole number",
        "deadline | soon | spark.lowpass.deadline: 'soon' is not a time",
        "onError | ignore | spark.lowpass.onError is 'ignore'; use one of fail, null",
      })
  void aSettingThatCannotBeIsNamed(String key, String value, String message) {
    set(key, value);
    assertThatThrownBy(() -> spark.sql("SELECT lowpass_summarize(body) FROM contracts"))
        .isInstanceOfSatisfying(
            AnalysisException.class,
            e -> assertThat(e.getCondition()).isEqualTo("LOWPASS_SETTINGS"))
        .hasMessageContaining("lowpass_summarize: " + message);
  }

  /** How many documents the model was asked of. */
  private static long documents(Dataset<Row> rows) {
    return metric(rows, "documents");
  }

  /** A metric of all the operators of a query that has run. */
  private static long metric(Dataset<Row> rows, String name) {
    return sum(rows.queryExecution().executedPlan(), name);
  }

  private static long sum(SparkPlan plan, String name) {
    long sum = plan instanceof LowpassEvalExec eval ? eval.metrics().apply(name).value() : 0;
    for (SparkPlan child : Scala.list(plan.children())) {
      sum += sum(child, name);
    }
    return sum;
  }
}
