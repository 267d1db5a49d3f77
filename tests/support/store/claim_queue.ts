/** Builds claim queues and the messages in them. */

import assert from "node:assert/strict";
import type { ChannelId } from "../../../src/core/discord/ids.ts";
import type { MayBegin, WaitingMessage } from "../../../src/store/memory/backlog.ts";
import { type ClaimQueue, createClaimQueue } from "../../../src/store/memory/claim_queue.ts";
import { ACCOUNT, channelId, guildMessage, messageId, sender } from "../discord/builders.ts";

/** A message as the table has it; the channel names its session. */
export function waiting(id: number, fields: Partial<WaitingMessage> = {}): WaitingMessage {
  const channel = fields.channelId ?? channelId("11");
  return {
    messageId: messageId(`${id}`),
    accountId: ACCOUNT,
    channelId: channel,
    route: { agentId: "main", sessionKey: `session ${channel}` },
    arrival: id,
    attempts: 0,
    sender: sender(),
    isScheduled: false,
    isFresh: false,
    ...fields,
  };
}

/** A message that waits in a channel. */
export const inChannel = (id: number, channel: string) =>
  waiting(id, { channelId: channelId(channel) });

/** Adds a message that this process accepts. */
export function add(queue: ClaimQueue, id: number, channel: string, text = "hello"): void {
  const message = guildMessage({ id: messageId(`${id}`), channelId: channelId(channel), text });
  queue.add(message, { agentId: "main", sessionKey: `session ${channel}` });
}

/** A queue that the tables have filled with these messages, and no others. */
export function filled(...entries: readonly WaitingMessage[]): ClaimQueue {
  const queue = createClaimQueue();
  queue.fill(entries);
  return queue;
}

/** The claim of a taken message. */
export function claimOf(taken: WaitingMessage | undefined) {
  assert.ok(taken, "nothing is free");
  const message = guildMessage({ id: taken.messageId, channelId: taken.channelId });
  return { message, route: taken.route, attempt: taken.attempts + 1 };
}

/** Lets a message begin if no turn of its session runs. */
export const alone: MayBegin = (_, running) => running.length === 0;

/** The id of the next message of the default account, if no turn of its session runs. */
export const take = (queue: ClaimQueue, blocked: readonly ChannelId[] = []) =>
  queue.take(
    ACCOUNT,
    (entry, running) => !blocked.includes(entry.channelId) && alone(entry, running),
    0,
  )?.messageId;
