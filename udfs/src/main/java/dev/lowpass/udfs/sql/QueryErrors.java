package dev.lowpass.udfs.sql;

import java.util.Map;
import org.apache.spark.sql.AnalysisException;
import scala.Option;

/** What is wrong with a query, in Spark's form of errors. */
final class QueryErrors {
  private QueryErrors() {}

  /** A schema that cannot be extracted by. */
  static RuntimeException schema(String function, RuntimeException cause) {
    return thrown(error("LOWPASS_SCHEMA", "22023", function + ": " + cause.getMessage(), cause));
  }

  /** Constants that make no sense. */
  static RuntimeException arguments(String function, RuntimeException cause) {
    return thrown(error("LOWPASS_ARGUMENTS", "22023", function + ": " + cause.getMessage(), cause));
  }

  /** A model that cannot be used, or settings that do not go with it. */
  static RuntimeException settings(String function, String message, Exception cause) {
    return thrown(error("LOWPASS_SETTINGS", "22023", function + ": " + message, cause));
  }

  /** A place in a query where the model cannot be asked. */
  static RuntimeException unsupported(String function, String message) {
    return thrown(error("LOWPASS_UNSUPPORTED", "0A000", function + ": " + message, null));
  }

  private static AnalysisException error(
      String condition, String state, String message, Exception cause) {
    return new AnalysisException(
        condition,
        state,
        "<message>",
        Scala.map(Map.of("message", message)),
        Option.apply(cause),
        Option.empty());
  }

  /** Spark throws checked exceptions that its Java signatures do not declare; so does this. */
  static RuntimeException thrown(Throwable error) {
    throw QueryErrors.<RuntimeException>unchecked(error);
  }

  @SuppressWarnings("unchecked")
  private static <E extends Throwable> E unchecked(Throwable error) throws E {
    throw (E) error;
  }
}
