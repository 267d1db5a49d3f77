/** Builds open turns, and the messages in them. */

import assert from "node:assert/strict";
import type { WaitingMessage } from "../../../src/store/memory/backlog.ts";
import {
  applyTurn,
  createOpenTurns,
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
    ...fields,
  };
}

/** A message that waits in a channel. */
export const inChannel = (id: number, channel: string) =>
  waiting(id, { channelId: channelId(channel) });

/** Open turns with these waiting messages, as the tables have them, and short forms of their events. */
export function filled(...entries: readonly WaitingMessage[]) {
  const turns = createOpenTurns();
  const apply = (event: TurnEvent) => applyTurn(turns, event);
  const fill = (...waiting: readonly WaitingMessage[]) =>
    apply({ kind: "read", waiting, parked: [], running: new Map() });
  apply({ kind: "counted", open: [] });
  fill(...entries);
  return {
    turns,
    apply,
    fill,
    /** Adds a message that this process accepts. */
    add(id: number, channel: string, text = "hello") {
      const message = guildMessage({ id: messageId(`${id}`), channelId: channelId(channel), text });
      const route = { agentId: "main", sessionKey: `session ${channel}` };
      apply({ kind: "accepted", message, route });
    },
    /** Claims the next message of an account, if no turn of its session runs. */
    take(accountId = ACCOUNT) {
      const entry = turns.backlog.next(accountId, (_, running) => running.length === 0);
      if (entry) apply({ kind: "claimed", entry, now: 0 });
      return entry;
    },
    end: (taken: WaitingMessage | undefined) => apply({ kind: "ended", claim: claimOf(taken) }),
  };
}

export function claimOf(taken: WaitingMessage | undefined) {
  assert.ok(taken, "nothing is free");
  const message = guildMessage({ id: taken.messageId, channelId: taken.channelId });
  return { message, route: taken.route, attempt: taken.attempts + 1 };
}
