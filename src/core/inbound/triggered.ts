/**
 * Runs of passive agents (N1): each has a message of its own, which Discord does not have.
 *
 * Its id follows from the message that a trigger matched, so a crash or a repeated event makes no
 * second run.
 */

import { createdAtMs, type MessageId, snowflakeAt } from "../discord/ids.ts";

/** The events on which a passive agent acts. */
export type TriggerKind = "pattern" | "reaction" | "command";

export interface Triggered {
  readonly agentId: string;
  readonly event: TriggerKind;
  /** Config path of the trigger: `"router.assignments.watcher.triggers[0]"`. */
  readonly rule: string;
  /** The message that matched, or that got the reaction. */
  readonly messageId: MessageId;
  /** Whether an active agent may answer that message: the run posts no text. */
  readonly isAnswered?: true;
}

const LOW_IDS = 2n ** 22n;

/** The id of the run of a message: a millisecond later than it. */
export function triggeredIdOf(messageId: MessageId, agentId: string): MessageId {
  const low = Number(BigInt(messageId) % LOW_IDS) + numberOf(agentId);
  return snowflakeAt<"message">(createdAtMs(messageId) + 1, low);
}

/** The id of the run of a reaction, which has no id of its own. */
export function reactionRunIdOf(
  reaction: readonly string[],
  agentId: string,
  now: number,
): MessageId {
  return snowflakeAt<"message">(now, numberOf([agentId, ...reaction].join(" ")));
}

/** A number of 32 bits that depends on each character (FNV-1a). */
function numberOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) >>> 0;
  }
  return hash;
}
