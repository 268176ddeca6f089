package dev.lowpass.pipeline.engine;

import dev.lowpass.pipeline.model.ModelConfig;

/**
 * The model that an engine runs.
 *
 * @param name its folder's name
 * @param digest what its weights, configuration and tokenizer hash to
 */
public record ModelInfo(String name, String digest, ModelConfig config) {}
