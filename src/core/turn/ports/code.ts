/**
 * Runs scripts for tools.
 *
 * @module
 */

import type { InboundMessage } from "../../inbound/inbound.ts";

/** A script, and the files that it reads. */
export interface Script {
  /** JavaScript. */
  readonly source: string;
  /** Names of attachments, as the model wrote them. */
  readonly files: readonly string[];
}

/** The end of a script. */
export interface ScriptEnd {
  /** Lines that it wrote, within bounds. */
  readonly output: string;
  /** The value of its last expression; absent if it failed. */
  readonly value?: string;
  /** Why it failed; absent if it did not. */
  readonly failure?: string;
}

/** What tools can compute. */
export interface CodePort {
  /**
   * Runs a script in a sandbox, with limits of time and memory.
   *
   * @param messages The messages whose attachments the script may read, those of their quotes too.
   * @throws {Error} If a file cannot be read, or the sandbox fails, with the reason for the model.
   */
  run(
    script: Script,
    messages: readonly InboundMessage[],
    signal: AbortSignal,
  ): Promise<ScriptEnd>;
}
