package dev.lowpass.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lowpass.udfs.TestModel;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What {@code mvn package} made, as a user has it. */
final class Installation {
  static final Path LAUNCHER = TestModel.above("jobs/bin/lowpass");
  static final Path JAR = TestModel.above("jobs/target/lowpass.jar");

  private static final Path CLASS_ARCHIVE = TestModel.above("jobs/target/spark.jsa");
  private static final Path JAVA = Path.of(System.getProperty("java.home"), "bin", "java");

  private Installation() {}

  /** A Spark installation of the project's own Spark jars: a folder with a {@code jars} folder. */
  static Path sparkHome(Path folder) throws IOException {
    Path jars = Files.createDirectories(folder.resolve("jars"));
    for (String jar : sparkClasspath().split(File.pathSeparator)) {
      Files.createSymbolicLink(jars.resolve(Path.of(jar).getFileName()), Path.of(jar));
    }
    return folder;
  }

  static String sparkClasspath() throws IOException {
    return Files.readString(TestModel.above("jobs/target/spark.classpath")).strip();
  }

  /** A command line that runs a class of Spark's. */
  static List<String> spark(String mainClass, String... args) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(JAVA.toString(), "-Xmx768m", "--add-modules", "jdk.incubator.vector"));
    command.addAll(classArchive());
    command.addAll(List.of("-cp", sparkClasspath(), mainClass));
    command.addAll(List.of(args));
    assertThat(JAR).exists();
    return command;
  }

  /** Options that make a JVM on Spark's class path start quicker. */
  private static List<String> classArchive() {
    return List.of(
        "-XX:SharedArchiveFile=" + CLASS_ARCHIVE,
        "-Xshare:auto",
        "-Xlog:cds=off",
        "-Xlog:cds+dynamic=off");
  }

  /** The same for executors, as options of spark-submit. */
  static List<String> executorClassArchive() throws IOException {
    return List.of(
        "--conf",
        "spark.executor.extraJavaOptions=" + String.join(" ", classArchive()),
        "--conf",
        // In front of Spark's jars: the archive is good for a class path that begins like its own.
        "spark.executor.extraClassPath=" + sparkClasspath());
  }
}
