package dev.lowpass.udfs;

import java.io.Serializable;

/**
 * What a session says of all its SQL functions: functions of the same settings are answered
 * together.
 *
 * @param nullOnError whether a text that cannot be answered gives null; else it fails the query
 */
public record FunctionSettings(
    EngineSpec engine, Policy policy, DocumentLimits limits, boolean nullOnError)
    implements Serializable {}
