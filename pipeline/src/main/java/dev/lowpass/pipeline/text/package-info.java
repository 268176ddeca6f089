/**
 * Text in and text out: the tokenizer, the chat template, the prompts' wording and the extraction
 * schema. A document is data here: whatever it says, it becomes ordinary text tokens.
 */
package dev.lowpass.pipeline.text;
