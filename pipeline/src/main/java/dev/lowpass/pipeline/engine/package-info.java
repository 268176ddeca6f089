/** A loaded model that completes prompts: what a Spark executor holds one of. */
package dev.lowpass.pipeline.engine;
