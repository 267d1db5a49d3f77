/**
 * Tracks the outcome of each message, by the bot's verdicts and replies.
 *
 * The nonce of a reply is computed from the message that it answers. So replies and verdicts match by
 * nonce, in any order of arrival.
 *
 * @module
 */

import { createdAtMs, type MessageId } from "../../core/discord/ids.ts";
import { nonceOf } from "../../core/outbound/nonce.ts";
import type { Judged, Outcome } from "../../../simulator/page/bot_panel.ts";
import type { Message } from "../../../simulator/world/world.ts";
import { reasonText } from "../../render/notices/reasons.ts";
import type { RecordedVerdict } from "../../core/store/received.ts";

/** Outcomes by message. */
export interface Outcomes {
  /** Adds a verdict; returns the message's outcome. */
  decided(decision: RecordedVerdict): Judged;
  /** Adds a message of the bot; returns the outcome of the message that it answers, if known. */
  posted(message: Message): Judged | undefined;
  /** All outcomes, in the order of the verdicts. */
  all(): readonly Judged[];
}

/** Maximum number of messages of one reply, for matching. */
const PARTS = 64;

const KINDS = ["reply", "failure"] as const;

interface Part {
  readonly cause: MessageId;
  readonly kind: (typeof KINDS)[number];
}

/**
 * Creates an empty tracker.
 *
 * @param agentId Id of the agent that answers.
 */
export function createOutcomes(agentId: string): Outcomes {
  const judged = new Map<MessageId, Judged>();
  const parts = new Map<string, Part>();
  /** Messages of the bot without a known verdict. */
  const unmatched = new Map<string, Message>();

  function settle(nonce: string, { cause, kind }: Part, message: Message): Judged | undefined {
    const before = judged.get(cause);
    if (!before) return undefined;
    parts.delete(nonce);
    unmatched.delete(nonce);
    const replies = [...before.outcome?.replies ?? [], message.id];
    const outcome: Outcome = {
      kind: kind === "reply" ? "answered" : "failed",
      replies,
      afterMs: before.outcome?.afterMs ?? createdAtMs(message.id) - createdAtMs(cause),
    };
    const after = { ...before, outcome };
    judged.set(cause, after);
    return after;
  }

  return {
    decided({ messageId, verdict, why, rule }) {
      const isAccepted = verdict === "accept";
      const fresh: Judged = {
        messageId,
        verdict,
        why,
        words: reasonText(why),
        rule,
        outcome: isAccepted ? { kind: "thinking", replies: [] } : undefined,
      };
      judged.set(messageId, fresh);
      if (!isAccepted) return fresh;
      for (const kind of KINDS) {
        for (let index = 0; index < PARTS; index++) {
          const nonce = nonceOf({ cause: messageId, revision: 0, agentId, kind }, index);
          const part: Part = { cause: messageId, kind };
          parts.set(nonce, part);
          const early = unmatched.get(nonce);
          if (early) settle(nonce, part, early);
        }
      }
      return judged.get(messageId) ?? fresh;
    },
    posted(message) {
      if (typeof message.nonce !== "string") return undefined;
      const part = parts.get(message.nonce);
      if (part) return settle(message.nonce, part, message);
      unmatched.set(message.nonce, message);
      return undefined;
    },
    all: () => [...judged.values()],
  };
}
