/** Spark's view of the engine. */
package dev.lowpass.udfs;
