/**
 * Sends texts of the tool `discord` by the outbox.
 *
 * They are rows of the outbox, keyed by the call. So a crash neither loses nor doubles them, and they
 * keep their order with the answer (D1).
 *
 * @module
 */

import type { ChannelId, MessageId } from "../../../core/discord/ids.ts";
import type { Frozen } from "../../../core/outbound/outbound.ts";
import type { DiscordCall } from "../../../core/turn/ports/discord.ts";
import type { ReplyRules } from "../../../render/reply.ts";
import { composeToolMessage } from "../../../render/tool_message.ts";
import type { SendResult } from "../../../core/store/outbox.ts";
import type { Store } from "../../../core/store/store.ts";
import type { SentWatch } from "../../../flows/deliver/sent_watch.ts";
import type { ToolTarget } from "./targets/targets.ts";
import { badArguments } from "../../../core/refused_call.ts";

/** The dependencies of sending. */
export interface OutgoingOptions {
  /** The store's outbox. */
  readonly outbox: Pick<Store["outbox"], "addAll" | "sendResultsOf">;
  /** Waits for deliveries. */
  readonly sent: Pick<SentWatch, "ended">;
  /** Messages of a channel wait to be sent. */
  readonly onOutbox: (channelId: ChannelId) => void;
  /** Id of the agent. */
  readonly agentId: () => string;
  /** Rules for texts in a place. */
  readonly rulesIn: (target: ToolTarget) => ReplyRules;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

/** Sends the messages of a tool. */
export interface Outgoing {
  /**
   * Cleans a text, and cuts it into messages.
   *
   * @throws {Error} If it has nothing to show.
   */
  composed(
    call: DiscordCall,
    text: string,
    target: ToolTarget,
    replyTo?: MessageId,
  ): readonly Frozen[];
  /** Adds the rows, and waits for Discord. A repeated call finds the rows of the first one. */
  deliver(frozen: readonly Frozen[], signal: AbortSignal): Promise<readonly SendResult[]>;
}

/** Creates the sending of one account. */
export function createOutgoing(
  { outbox, sent, onOutbox, agentId, rulesIn, now }: OutgoingOptions,
): Outgoing {
  return {
    composed({ message, callKey }, text, target, replyTo) {
      const frozen = composeToolMessage({
        message,
        agentId: agentId(),
        callKey: `${callKey}:${target.channelId}`,
        ...target,
        text,
        ...(replyTo !== undefined && { replyTo }),
      }, rulesIn(target));
      if (!frozen) throw badArguments("`text` has nothing to show");
      return frozen;
    },
    async deliver(frozen, signal) {
      const ended = sent.ended(frozen.map(({ message: { nonce } }) => nonce), signal);
      const rows = await outbox.addAll(frozen, now());
      for (const { message: { channelId } } of frozen.slice(0, 1)) onOutbox(channelId);
      if (!rows.every(({ state }) => state === "sent")) await ended;
      return await outbox.sendResultsOf(rows.map(({ id }) => id));
    },
  };
}
