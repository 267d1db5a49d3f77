/** Builds open turns, and the messages in them. */

import assert from "node:assert/strict";
import type { ChannelId } from "../../../src/core/discord/ids.ts";
import type { MayBegin, WaitingMessage } from "../../../src/store/memory/backlog.ts";
import {
  applyTurn,
  createOpenTurns,
  type OpenTurnState,
  type TurnEvent,
} from "../../../src/store/memory/open_turns.ts";
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
    ...fields,
  };
}

/** A message that waits in a channel. */
export const inChannel = (id: number, channel: string) =>
  waiting(id, { channelId: channelId(channel) });

/** The open turns of a store, with short forms of their events. */
export function openTurns(turns: OpenTurnState = createOpenTurns()) {
  const apply = (event: TurnEvent) => applyTurn(turns, event);

  function takeIf(mayBegin: MayBegin, accountId = ACCOUNT) {
    const entry = turns.backlog.next(accountId, mayBegin);
    if (entry) apply({ kind: "claimed", entry, now: 0 });
    return entry;
  }

  return {
    turns,
    apply,
    fill: (...waiting: readonly WaitingMessage[]) =>
      apply({ kind: "read", waiting, parked: [], running: new Map() }),
    /** Adds a message that this process accepts. */
    add(id: number, channel: string, text = "hello") {
      const message = guildMessage({ id: messageId(`${id}`), channelId: channelId(channel), text });
      const route = { agentId: "main", sessionKey: `session ${channel}` };
      apply({ kind: "accepted", message, route });
    },
    /** Claims the next message of an account, if no turn of its session runs. */
    take(accountId = ACCOUNT, blocked: readonly ChannelId[] = []) {
      return takeIf(
        (entry, running) => !blocked.includes(entry.channelId) && alone(entry, running),
        accountId,
      );
    },
    takeIf,
    end: (taken: WaitingMessage | undefined) => apply({ kind: "ended", claim: claimOf(taken) }),
  };
}

/** Open turns with these waiting messages, as the tables have them. */
export function filled(...entries: readonly WaitingMessage[]) {
  const queue = openTurns();
  queue.apply({ kind: "counted", open: [] });
  queue.fill(...entries);
  return queue;
}

export function claimOf(taken: WaitingMessage | undefined) {
  assert.ok(taken, "nothing is free");
  const message = guildMessage({ id: taken.messageId, channelId: taken.channelId });
  return { message, route: taken.route, attempt: taken.attempts + 1 };
}

/** Lets a message begin if no turn of its session runs. */
export const alone: MayBegin = (_, running) => running.length === 0;
