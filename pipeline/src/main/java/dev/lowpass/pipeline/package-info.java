/** One document in, one completion out, without Spark. */
package dev.lowpass.pipeline;
