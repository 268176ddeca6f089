package dev.lowpass.udfs;

import dev.lowpass.udfs.sql.ExtractModelCalls;
import dev.lowpass.udfs.sql.KeepBeforeSort;
import dev.lowpass.udfs.sql.LimitLowpassEval;
import dev.lowpass.udfs.sql.LowpassStrategy;
import dev.lowpass.udfs.sql.SqlFunction;
import dev.lowpass.udfs.sql.TrimLowpassEval;
import org.apache.spark.sql.SparkSessionExtensions;
import scala.runtime.AbstractFunction1;
import scala.runtime.BoxedUnit;

/**
 * Gives sessions the {@code lowpass_*} functions: {@code
 * spark.sql.extensions=dev.lowpass.udfs.LowpassExtensions}. Settings are the session's {@code
 * spark.lowpass.*} keys.
 */
public final class LowpassExtensions extends AbstractFunction1<SparkSessionExtensions, BoxedUnit> {
  @Override
  public BoxedUnit apply(SparkSessionExtensions extensions) {
    for (SqlFunction function : SqlFunction.values()) {
      function.inject(extensions);
    }
    extensions.injectPostHocResolutionRule(session -> new ExtractModelCalls());
    extensions.injectOptimizerRule(session -> new TrimLowpassEval());
    extensions.injectPreCBORule(session -> new LimitLowpassEval());
    extensions.injectPreCBORule(session -> new KeepBeforeSort());
    extensions.injectPlannerStrategy(session -> new LowpassStrategy());
    return BoxedUnit.UNIT;
  }
}
