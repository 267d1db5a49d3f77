/**
 * Explains decisions about messages to the people who wrote them (P1).
 *
 * `barnacle why` shows the operator each check. In Discord, people see the reason and the rule, and
 * nothing about other people's messages.
 *
 * @module
 */

import type { CommandCall } from "../../core/inbound/interactions.ts";
import type { InteractionContext } from "../../interactions/base/context.ts";
import { reasonText } from "../../render/notices/reasons.ts";
import type { Store } from "../../core/store/store.ts";

/** The dependencies of explanations. */
export interface WhyOptions {
  /** Stored messages with their verdicts. */
  readonly received: Pick<Store["received"], "messageRecordOf">;
  /** Whether the asker is an owner of the bot. */
  readonly isOwner: (call: CommandCall) => Promise<boolean>;
}

/** Creates the port of commands. */
export function createWhy({ received, isOwner }: WhyOptions): InteractionContext["why"] {
  return async (call, messageId) => {
    const record = await received.messageRecordOf({ messageId });
    const decision = record?.decisions.findLast(({ accountId }) => accountId === call.accountId);
    if (!record || !decision) return undefined;
    const isTheirs = decision.authorId === call.sender.id && decision.channelId === call.channelId;
    if (!isTheirs && !await isOwner(call)) return undefined;
    const { verdict, why, rule } = decision;
    const { turn } = record;
    const lines = [`**${verdict}**: ${reasonText(why)} (\`${rule}\`)`];
    if (turn) {
      const reason = turn.failureId === undefined ? "" : ` (\`${turn.failureId}\`)`;
      lines.push(`Turn: ${turn.state}${reason}`);
    }
    const unsent = record.outbox.find(({ reason }) => reason !== undefined);
    if (unsent?.reason !== undefined) lines.push(`Delivery: ${unsent.state}: ${unsent.reason}`);
    return lines.join("\n").slice(0, MAX_LENGTH);
  };
}

/** Characters of an answer. */
const MAX_LENGTH = 1_900;
