/**
 * Declares the tools of the whole process, and the parts of their ports that all accounts share.
 *
 * @module
 */

import type { BotConfig } from "../../config/config.ts";
import type { Tool, ToolPorts } from "../../core/turn/tool.ts";

/** The parts of {@link ToolPorts} that do not depend on an account. */
export type SharedToolPorts = Pick<ToolPorts, "web">;

/** The tools of a process. */
export interface ToolServices {
  readonly ports: SharedToolPorts;
  /** All tools that the config makes available: the same array until they change. */
  tools(): readonly Tool[];
  /** Takes another config, for turns that begin later (C9). */
  apply(config: BotConfig): void;
  /** Ends everything that tools have started. */
  stop(): Promise<void>;
}
