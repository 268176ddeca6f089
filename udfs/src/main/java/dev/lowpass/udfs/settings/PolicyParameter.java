package dev.lowpass.udfs.settings;

import dev.lowpass.udfs.InputException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Predicate;

/** A parameter of prefill and cache policies, and which of them use it. */
public enum PolicyParameter {
  PREFILL("", policy -> true),
  CACHE("", policy -> true),
  CACHE_TOKENS("", policy -> true),
  CACHE_TYPE("", policy -> true),
  SINKS("a bounded --cache or --prefill fastkv", policy -> policy.bounded() || policy.selects()),
  RETAINED_RATIO("--cache freqkv or hybrid", policy -> policy.cacheIs("freqkv", "hybrid")),
  RECENT("a bounded --cache", PolicyName::bounded),
  EXACT_SHARE("--cache snapkv or hybrid", policy -> policy.cacheIs("snapkv", "hybrid")),
  OBSERVATION_WINDOW(Users.SCORED, PolicyName::scores),
  POOLING(Users.SCORED, PolicyName::scores),
  POOLING_KERNEL(Users.SCORED, PolicyName::scores),
  POSITIONS(Users.CHOOSING, PolicyName::chooses),
  PROBE(
      "--cache hybrid, or --prefill fastkv without --cache snapkv,",
      policy -> policy.scores() && !policy.cacheIs("snapkv")),
  TSP_LAYER("--prefill fastkv", PolicyName::selects),
  TSP_RATE("--prefill fastkv", PolicyName::selects),
  TSP_LENGTH(Users.WHOLE_PROMPT, PolicyName::selectsOnce),
  RETENTION_RATE(Users.WHOLE_PROMPT, PolicyName::selectsOnce),
  RETENTION_TOKENS(Users.WHOLE_PROMPT, PolicyName::selectsOnce);

  private static final class Users {
    static final String CHOOSING = "a bounded --cache or --prefill fastkv";
    static final String SCORED = "--cache snapkv or hybrid, or --prefill fastkv,";
    static final String WHOLE_PROMPT = "--prefill fastkv with --cache full";
  }

  /** Two ways to say the same: who gives one has no default of the other. */
  private static final List<List<PolicyParameter>> EITHER =
      List.of(List.of(TSP_RATE, TSP_LENGTH), List.of(RETENTION_RATE, RETENTION_TOKENS));

  private final String users;
  private final Predicate<PolicyName> used;

  PolicyParameter(String users, Predicate<PolicyName> used) {
    this.users = users;
    this.used = used;
  }

  /** Its name on the command line, without dashes. */
  public String option() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** The parameter of an option's name, with or without dashes. */
  public static Optional<PolicyParameter> of(String option) {
    String bare = option.startsWith("--") ? option.substring(2) : option;
    return Arrays.stream(values()).filter(value -> value.option().equals(bare)).findFirst();
  }

  public boolean usedBy(PolicyName policy) {
    return used.test(policy);
  }

  /** The other way to say the same, if there is one. */
  Optional<PolicyParameter> alternative() {
    return EITHER.stream()
        .filter(pair -> pair.contains(this))
        .map(pair -> pair.get(1 - pair.indexOf(this)))
        .findFirst();
  }

  /**
   * Refuses it where no policy uses it.
   *
   * @param policies those that were chosen
   */
  public void checkUsed(List<PolicyName> policies) {
    if (policies.stream().noneMatch(this::usedBy)) {
      throw new InputException(
          "--%s is given, and only %s has a use for it; leave it out".formatted(option(), users));
    }
  }
}
