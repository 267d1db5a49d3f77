/** Sends on behalf of a running account: its channel queues, and the progress of turns. */

import type { ChannelId, MessageId } from "../../core/discord/ids.ts";
import type { Judged } from "../../core/inbound/inbox.ts";
import type { Delivery } from "../../core/outbound/delivery.ts";
import type { OutboxRow } from "../../core/outbound/outbound.ts";
import type { PartsStatus } from "../../http/monitor/account_health.ts";
import type { AccountContext } from "../account_context.ts";
import { createDelivery } from "./delivery.ts";
import { createSentWatch } from "../../flows/deliver/tool_messages.ts";
import { createTurnProgress } from "./turn_progress.ts";

/** Creates the outbound side of an account; it sends after `start`. */
export function createOutbound(account: AccountContext) {
  const { config, store: { outbox }, rest: client, schedule } = account;
  const { log } = account.forPart("delivery");
  const { channelQueues, messages } = createDelivery({
    ...account,
    config: config(),
    outbox,
    client,
    self: () => account.self()?.userId,
    log,
  });
  const progress = createTurnProgress(account, { messages });
  const sent = createSentWatch(schedule);

  return {
    channelQueues,
    progress,
    /** Waits for the delivery of single messages. */
    sent,
    start(): void {
      channelQueues.wake();
    },
    /** Messages wait for an answer. */
    accepted(judged: readonly Judged[]): void {
      const channels = new Set<ChannelId>();
      for (const { message, verdict } of judged) {
        channels.add(message.channelId);
        if (verdict.kind === "accept" && !message.triggered) {
          progress.accepted(message, verdict.why);
        }
      }
      for (const channelId of channels) channelQueues.heardFrom(channelId);
    },
    /** Messages have lost their turns: they need no sign that the bot has read them. */
    cut(messageIds: readonly MessageId[]): void {
      for (const messageId of messageIds) progress.cut(messageId);
    },
    /** A message of the outbox has its final result. */
    delivered: (row: OutboxRow, end: Delivery): void => progress.delivered(row, end),
    reconfigured: progress.reconfigured,
    /** Delayed messages, and the state of requests. */
    status(): Pick<PartsStatus, "delayed" | "rest"> {
      const { invalidRequests, breaker, limitedMs } = client.status();
      return { delayed: channelQueues.delayed(), rest: { invalidRequests, breaker, limitedMs } };
    },
  };
}

export type Outbound = ReturnType<typeof createOutbound>;
