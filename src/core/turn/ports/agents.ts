/** Other agents of the bot, for tools (N4). */

import type { PassedWork } from "../../step.ts";

export interface AgentQuestion {
  /** Absent: a helper that is the asking agent itself. */
  readonly agentId?: string;
  readonly question: string;
}

/** The answer of an agent. Untrusted: it may contain text of the web and of people. */
export interface AgentAnswer {
  readonly agentId: string;
  readonly end: "done" | "failed";
  readonly text: string;
}

export interface AgentCall {
  readonly callKey: string;
  /** Ends the asked agents, too. */
  readonly signal: AbortSignal;
  /** Whether the questions go to helpers, which work side by side and ask no one. */
  readonly areHelpers?: true;
}

/** The agents that one agent may ask in its turn. */
export interface AgentsPort {
  /**
   * Asks agents, each in a session of its own, with the rights of the turn's person. A repeated call
   * goes on where a crash has cut it.
   *
   * @returns The answers, in the order of the questions.
   * @throws {RefusedCall} If one of them may not be asked; then none is. As a rejection.
   * @throws {WaitsInside} If calls of asked agents wait for people; as a rejection.
   */
  ask(questions: readonly AgentQuestion[], call: AgentCall): Promise<readonly AgentAnswer[]>;
  /**
   * Ends the turn, which goes on with another agent.
   *
   * @throws {PassesOn} Always, unless that agent may not go on: a `RefusedCall`.
   */
  passOn(work: PassedWork): never;
}
