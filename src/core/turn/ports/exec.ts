/**
 * Runs commands on the host for tools (A1).
 *
 * @module
 */

import type { InboundMessage } from "../../inbound/inbound.ts";
import type { Decision, Question } from "../../people/question.ts";

/** A command of the tool `exec`. */
export interface ExecCall {
  /** The program and its arguments. */
  readonly argv: readonly string[];
  /** Folder within the workspace; empty for the workspace itself. */
  readonly cwd: string;
  /** Whether it runs as a job, beside the turn. */
  readonly isJob: boolean;
  /** Milliseconds that it may run. */
  readonly timeoutMs: number;
}

/** The turn that asks for a command. */
export interface ExecAsker {
  /** The message of the turn. */
  readonly message: InboundMessage;
  /** Key of the turn's session. */
  readonly sessionKey: string;
  /** The decision of a person about the call; absent: no person was asked. */
  readonly decision?: Decision;
  /** Aborted when the turn ends, or the call takes too long. */
  readonly signal: AbortSignal;
}

/** What tools can do with commands. */
export interface ExecPort {
  /**
   * What an approver must decide before a command runs.
   *
   * @returns `undefined` if no approval is needed, or if there is no approver.
   * @throws {Error} If the command cannot run at all; as a rejection.
   */
  question(call: ExecCall, context: ExecAsker): Promise<Question | undefined>;
  /**
   * Runs a command, if it may run.
   *
   * @returns Output and end, for the model.
   * @throws {Error} If it may not run, or cannot be started; as a rejection.
   */
  run(call: ExecCall, context: ExecAsker): Promise<string>;
  /** The state of a job of this session, for the model. @throws {Error} If there is none. */
  poll(job: number, context: ExecAsker): Promise<string>;
  /** Ends a job of this session. @throws {Error} If there is none. */
  kill(job: number, context: ExecAsker): Promise<string>;
}
