package dev.lowpass.jobs;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** Imports run one way: kernels, pipeline, udfs, jobs. */
@AnalyzeClasses(packages = "dev.lowpass", importOptions = ImportOption.DoNotIncludeTests.class)
class ImportDirectionTest {
  @ArchTest
  static final ArchRule ONE_WAY =
      layeredArchitecture()
          .consideringOnlyDependenciesInLayers()
          .layer("kernels")
          .definedBy("dev.lowpass.kernels..")
          .layer("pipeline")
          .definedBy("dev.lowpass.pipeline..")
          .layer("udfs")
          .definedBy("dev.lowpass.udfs..")
          .layer("jobs")
          .definedBy("dev.lowpass.jobs..")
          .whereLayer("kernels")
          .mayNotAccessAnyLayer()
          .whereLayer("pipeline")
          .mayOnlyAccessLayers("kernels")
          .whereLayer("udfs")
          .mayOnlyAccessLayers("kernels", "pipeline")
          .whereLayer("jobs")
          .mayOnlyAccessLayers("udfs", "pipeline");

  @ArchTest
  static final ArchRule SPARK_ONLY_IN_UDFS_AND_JOBS =
      noClasses()
          .that()
          .resideInAnyPackage("dev.lowpass.kernels..", "dev.lowpass.pipeline..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("org.apache.spark..", "org.apache.hadoop..", "scala..");

  @ArchTest
  static final ArchRule JCUDA_ONLY_IN_KERNELS_CUDA =
      noClasses()
          .that()
          .resideOutsideOfPackage("dev.lowpass.kernels.cuda..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("jcuda..");
}
