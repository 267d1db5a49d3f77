/**
 * Ends the run of a tool whose call has begun and waits for a person (T10, T13).
 *
 * The tool keeps the call in memory. The turn is parked, and the tool's next run gets the decision.
 *
 * @module
 */

import type { Question } from "../people/question.ts";

/** Thrown by a tool: its call waits for a person. */
export class WaitsForPerson extends Error {
  /** Tells it from failures. */
  override readonly name = "WaitsForPerson";
  /** The question. */
  readonly question: Question;

  /** Creates the error. */
  constructor(question: Question) {
    super("the call waits for a person");
    this.question = question;
  }
}

/**
 * The key of a question about a call. No other call has it: keys of calls begin with the id of a
 * message and a colon, and only their end comes from the model.
 *
 * @param round 0: a question before the call begins. From 1: those that it waits for.
 */
export function questionKey(callKey: string, round: number): string {
  return round === 0 ? callKey : `${round}@${callKey}`;
}
