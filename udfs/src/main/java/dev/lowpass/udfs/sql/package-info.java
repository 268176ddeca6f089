/**
 * Lowpass's SQL functions inside Spark's query engine: expressions, one operator, and its rules.
 */
package dev.lowpass.udfs.sql;
