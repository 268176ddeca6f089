package dev.lowpass.udfs;

import java.util.List;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkEnv;
import org.apache.spark.api.java.JavaSparkContext;

/** A Spark application that prints where the engines of two executors would run. */
public final class PlacementProbe {
  private PlacementProbe() {}

  /** Prints a line {@code EXECUTOR DEVICE THREADS} for each of two tasks. */
  public static void main(String[] args) {
    try (JavaSparkContext spark = new JavaSparkContext(new SparkConf().setAppName("placement"))) {
      spark
          .parallelize(List.of(0, 1), 2)
          .map(task -> SparkEnv.get().executorId() + " " + place())
          .collect()
          .forEach(System.out::println);
    }
  }

  private static String place() {
    Placement place = Placement.of("auto", 0);
    return place.device() + " " + place.threads();
  }
}
