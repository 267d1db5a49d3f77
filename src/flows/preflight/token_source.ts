/**
 * Hints at a safer place for the bot token of a systemd service (SEC-R38).
 *
 * @module
 */

import type { Finding } from "../../core/finding.ts";

/** The facts to judge. */
export interface TokenSource {
  /** Variables of the environment that hold a token. */
  readonly variables: readonly string[];
  /** Whether systemd runs the bot, or this command, as a service. */
  readonly isService: boolean;
}

/** Judges the tokens of all accounts in one row; there is none if it has nothing to say. */
export function judgeTokenSource({ variables, isService }: TokenSource): readonly Finding[] {
  if (variables.length === 0 || !isService) return [];
  return [{
    id: "config.tokenSource",
    what: "Token's place",
    status: "pass", // a hint, not a problem
    why: `the environment has ${variables.join(" and ")}; /proc/PID/environ shows it, and ` +
      "child processes inherit it",
    fix: "safer: load it with LoadCredential= in the unit, as packaging/systemd shows",
  }];
}
