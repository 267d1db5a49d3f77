/**
 * The agent's skills for tools (T7).
 *
 * @module
 */

import type { InboundMessage } from "../../inbound/inbound.ts";

/** What tools can do with skills. */
export interface SkillsPort {
  /**
   * Reads a skill, or one of its files.
   *
   * @param file Path within the skill's folder; absent: its instructions, with a list of its files.
   * @throws {Error} If the message's place has no such skill, or the skill no such file.
   */
  read(asker: InboundMessage, name: string, file?: string): Promise<string>;
}
