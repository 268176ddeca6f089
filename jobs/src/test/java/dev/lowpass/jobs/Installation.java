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
            List.of(
                JAVA.toString(),
                "-Xmx768m",
                "--add-modules",
                "jdk.incubator.vector",
                "-cp",
                sparkClasspath(),
                mainClass));
    command.addAll(List.of(args));
    assertThat(JAR).exists();
    return command;
  }
}
