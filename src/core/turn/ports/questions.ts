/**
 * What tools may know about questions to people.
 *
 * @module
 */

/** Settings of questions. */
export interface QuestionsPort {
  /** Milliseconds until a question of the tool `ask` expires, from `tools.askExpiresMin`. */
  askTimeoutMs(): number;
}
