package dev.lowpass.pipeline.model;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * Which layers use sliding-window attention: those from {@code firstLayer} on.
 *
 * @param window tokens that a token sees, itself included; {@code Integer.MAX_VALUE} for all
 * @param firstLayer index of the first layer with the window
 */
record LayerWindows(int window, int firstLayer) {
  private static final LayerWindows NONE = new LayerWindows(Integer.MAX_VALUE, 0);

  private static final String WINDOW = "sliding_window";
  private static final String LAYER_TYPES = "layer_types";
  private static final int DEFAULT_WINDOW = 4096;
  private static final int QWEN_DEFAULT_FIRST_LAYER = 28;

  /**
   * Mistral has the window in all layers unless {@code sliding_window} is null; Qwen, if {@code
   * use_sliding_window}, in those that {@code layer_types} names or from {@code max_window_layers}
   * on; Llama nowhere.
   */
  static LayerWindows parse(JsonObject json, String family, int layers) {
    LayerWindows windows =
        switch (family) {
          case "mistral" -> mistral(json);
          case "qwen2", "qwen3" -> qwen(json, layers);
          default -> NONE;
        };
    if (json.has(LAYER_TYPES)) {
      checkLayerTypes(json, windows, layers);
    }
    return windows;
  }

  private static LayerWindows mistral(JsonObject json) {
    boolean none = json.isNull(WINDOW);
    return none ? NONE : new LayerWindows(size(json), 0);
  }

  private static LayerWindows qwen(JsonObject json, int layers) {
    if (!json.flag("use_sliding_window", false) || json.isNull(WINDOW)) {
      return NONE;
    }
    int first =
        json.has(LAYER_TYPES)
            ? firstSlidingLayer(json.get(LAYER_TYPES))
            : json.natural("max_window_layers", QWEN_DEFAULT_FIRST_LAYER);
    return first >= layers ? NONE : new LayerWindows(size(json), first);
  }

  private static int size(JsonObject json) {
    return json.size(WINDOW, Integer.MAX_VALUE, DEFAULT_WINDOW);
  }

  private static int firstSlidingLayer(JsonNode layerTypes) {
    int first = 0;
    while (first < layerTypes.size() && !isSliding(layerTypes.get(first))) {
      first++;
    }
    return first;
  }

  private static boolean isSliding(JsonNode layerType) {
    return layerType.asText().equals("sliding_attention");
  }

  /** The list must say what was understood: alternating windows, for one, are not supported. */
  private static void checkLayerTypes(JsonObject json, LayerWindows windows, int layers) {
    JsonNode types = json.get(LAYER_TYPES);
    if (!types.isArray() || types.size() != layers) {
      throw json.wrong(LAYER_TYPES, "a list of " + layers + " strings, one a layer");
    }
    for (int i = 0; i < layers; i++) {
      boolean slides = windows.window() != Integer.MAX_VALUE && i >= windows.firstLayer();
      String expected = slides ? "sliding_attention" : "full_attention";
      if (!types.get(i).asText().equals(expected)) {
        throw json.problem(
            LAYER_TYPES,
            "has "
                + types.get(i)
                + " for layer "
                + i
                + " where "
                + expected
                + " follows from the other settings; only full attention, then sliding, is supported");
      }
    }
  }
}
