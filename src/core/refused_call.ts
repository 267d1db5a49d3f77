/**
 * Says that a call of a tool was refused before it did anything, and for which reason.
 *
 * The model reads the words. Metrics count the reason, and `barnacle why` shows both. So the reasons
 * are a fixed list: none has an id, a name or a text.
 */

import type { MissingRight } from "./rights/rights.ts";

export type RefusalReason =
  /** A right of the asker at Discord is missing (T4). */
  | MissingRight["kind"]
  /**
   * - `unknown_tool`, `unknown_action`: nothing has this name.
   * - `closed_tool`: the config, or the rules for tools, leave the tool out here.
   * - `closed_gate`: the config closes the gate of the action.
   * - `bad_arguments`: the arguments are not JSON, or do not fit.
   * - `too_many_calls`: an answer has more calls than run.
   * - `same_id`: another call of the answer has the same id.
   * - `place`: the target is outside of the turn's reach.
   * - `policy`: the access rules close the target to the asker.
   * - `owners_only`: only an owner of the bot may do it.
   * - `max_destructive`: the turn has made its destructive changes.
   * - `irreversible`: the action cannot be undone, and no person got a question about it.
   * - `exec_rules`: no rule allows the command, and no person can.
   * - `changed`: the command has changed since a person approved it.
   * - `secret`: the arguments have a secret of the config.
   * - `declined`, `expired`, `withdrawn`: a person said no, gave no answer in time, or
   *   could not be reached.
   * - `budget`: a budget is used up.
   * - `bot_permission`: the bot itself lacks a right.
   * - `discord`: Discord refused the request.
   */
  | "unknown_tool"
  | "closed_tool"
  | "unknown_action"
  | "closed_gate"
  | "bad_arguments"
  | "too_many_calls"
  | "same_id"
  | "place"
  | "policy"
  | "owners_only"
  | "max_destructive"
  | "irreversible"
  | "exec_rules"
  | "changed"
  | "secret"
  | "declined"
  | "expired"
  | "withdrawn"
  | "budget"
  | "bot_permission"
  | "discord";

/** A refused call. Its message is for the model. */
export class RefusedCall extends Error {
  /** Name of the class, for logs. */
  override name = "RefusedCall";
  readonly reason: RefusalReason;

  /**
   * Creates a refusal.
   *
   * @param words For the model: what is refused and why.
   */
  constructor(reason: RefusalReason, words: string, options?: ErrorOptions) {
    super(words, options);
    this.reason = reason;
  }
}

/** A refusal of arguments that do not fit together, or to the target. */
export function badArguments(words: string): RefusedCall {
  return new RefusedCall("bad_arguments", words);
}

/** Names of errors that end a call in another way than by failing. */
const OTHER_ENDS: ReadonlySet<string> = new Set([
  "ProbeEnded",
  "UnknownOutcomeError",
  "WaitsForPerson",
  "AbortError",
]);

/**
 * Runs a later step of an action. Its failure says what the earlier steps have done, so it is no
 * refusal: the model must not repeat them.
 *
 * @param done As the start of a sentence: `"the thread 5 is open"`.
 */
export async function afterDone<Result>(
  done: string,
  step: () => Promise<Result>,
): Promise<Result> {
  try {
    return await step();
  } catch (error) {
    if (!(error instanceof Error) || OTHER_ENDS.has(error.name)) throw error;
    throw new Error(`${done}, but the next step failed: ${error.message}`, { cause: error });
  }
}
