/**
 * What tools may know about questions to people.
 *
 * @module
 */

import type { Question, ServerQuestion } from "../../people/question.ts";

/** Settings of questions. */
export interface QuestionsPort {
  /** Milliseconds until a question of the tool `ask` expires, from `tools.askExpiresMin`. */
  askTimeoutMs(): number;
  /** Writes a question of an MCP server for people (T13). */
  ofServer(asked: ServerQuestion): Question;
}
