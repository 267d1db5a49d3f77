/**
 * A turn that has ended, for the export of traces. It has no text of people or of the model.
 *
 * @module
 */

import type { AccountId, MessageId } from "../discord/ids.ts";
import type { TimelineEntry } from "./timeline.ts";

/** The trace of one turn. Times are Unix times in milliseconds. */
export interface TurnTrace {
  /** The account that answers. */
  readonly accountId: AccountId;
  /** The agent of the turn. */
  readonly agentId: string;
  /** Key of the conversation. */
  readonly sessionKey: string;
  /** The answered message. */
  readonly messageId: MessageId;
  /** The model: `"<provider>/<model>"`. */
  readonly modelId: string;
  /** When the turn began. */
  readonly startedAt: number;
  /** When it ended. */
  readonly endedAt: number;
  /** Kind of the failure; absent if the turn has an answer. */
  readonly failure?: string;
  /** Requests to the model and tool calls. */
  readonly entries: readonly TimelineEntry[];
}
