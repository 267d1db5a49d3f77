import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import {
  ACCOUNT_MAX,
  applyTurn,
  createOpenTurns,
  isRunning,
  mayRetract,
  runningMessages,
  SESSION_MAX,
  type TurnEvent,
  type WaitingMessage,
} from "../../../src/store/memory/memory.ts";
import {
  ACCOUNT,
  channelId,
  guildMessage,
  messageId,
  sender,
} from "../../support/discord/builders.ts";

/** A message as the table has it; the channel names its session. */
function waiting(id: number, fields: Partial<WaitingMessage> = {}): WaitingMessage {
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
const inChannel = (id: number, channel: string) => waiting(id, { channelId: channelId(channel) });

/** Open turns with these waiting messages, as the tables have them, and short forms of their events. */
function filled(...entries: readonly WaitingMessage[]) {
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

function claimOf(taken: WaitingMessage | undefined) {
  assert.ok(taken, "nothing is free");
  const message = guildMessage({ id: taken.messageId, channelId: taken.channelId });
  return { message, route: taken.route, attempt: taken.attempts + 1 };
}

const SECOND = toAccountId("second");

describe("applyTurn(), after a reading of the tables", () => {
  it("[D2] keeps a running turn claimed after undone work", () => {
    const { turns, take, add, apply, fill, end } = filled(inChannel(1, "11"), inChannel(2, "11"));
    const taken = take();
    apply({ kind: "undone" });
    assert.ok(turns.isStale);
    add(3, "12"); // the next reading will bring it
    assert.deepEqual(runningMessages(turns), ["1"]);
    fill(inChannel(2, "11"), inChannel(3, "12"));
    assert.ok(isRunning(turns, claimOf(taken)));
    assert.deepEqual([take()?.messageId, take()], ["3", undefined]);
    end(taken);
    assert.equal(take()?.messageId, "2");
  });

  it("[C6] voids the turns of one account", () => {
    const { turns, take, apply } = filled(waiting(1, { accountId: SECOND }), inChannel(2, "12"));
    const [other, own] = [claimOf(take(SECOND)), claimOf(take())];
    apply({ kind: "voided", accountId: SECOND });
    assert.deepEqual([isRunning(turns, other), isRunning(turns, own)], [false, true]);
    assert.equal(take(SECOND)?.attempts, 1);
  });

  it("[P13] takes a message back only before its first turn", () => {
    const { turns, take, apply } = filled(
      inChannel(1, "11"),
      inChannel(2, "12"),
      waiting(3, { attempts: 1 }),
    );
    assert.equal(mayRetract(turns, SECOND, messageId("1")), false, "of another account");
    assert.equal(mayRetract(turns, ACCOUNT, messageId("1")), true);
    apply({ kind: "retracted", messageId: messageId("1") });
    assert.equal(take()?.messageId, "2");
    assert.equal(mayRetract(turns, ACCOUNT, messageId("2")), false, "its turn runs");
    assert.equal(mayRetract(turns, ACCOUNT, messageId("3")), false, "it had a turn");
    assert.equal(mayRetract(turns, ACCOUNT, messageId("9")), false);
    apply({ kind: "undone" });
    assert.equal(mayRetract(turns, ACCOUNT, messageId("9")), true, "only the tables can tell");
  });

  it("[A1] keeps a turn that waits for people, with its messages", () => {
    const { turns, take, apply, fill } = filled();
    const parked = [waiting(1, { attempts: 2 }), waiting(2, { turnOf: messageId("1") })];
    apply({ kind: "read", waiting: [inChannel(3, "11")], parked, running: new Map() });
    assert.equal(take()?.messageId, "3");
    apply({ kind: "put back", turn: messageId("3") });
    apply({ kind: "resumed", turn: messageId("1") });
    const next = take()!;
    assert.deepEqual([next.messageId, next.attempts], ["1", 2]);
    assert.equal(turns.backlog.ofTurn(next)[0]?.messageId, "2");
    fill();
    apply({ kind: "read", waiting: [], parked: [inChannel(4, "11")], running: new Map() });
    apply({ kind: "edited", message: guildMessage({ id: messageId("4") }) });
    apply({ kind: "put back", turn: messageId("1") });
    assert.deepEqual([take()?.messageId, turns.parked.size], ["1", 0]);
  });

  it("keeps texts up to a limit, and leaves later ones to the tables", () => {
    const { add, take } = filled();
    const text = "x".repeat(1024 * 1024);
    for (const id of [1, 2, 3]) add(id, `1${id}`, text);
    const texts = [1, 2, 3].map(() => take()?.message?.text.length);
    assert.deepEqual(texts, [text.length, text.length, undefined]);
  });

  it("[S5] keeps a limited part of each session, and reads the tables once it is empty", () => {
    const { turns, add, take, end, fill } = filled();
    for (let id = 1; id <= SESSION_MAX + 1; id++) add(id, "11");
    add(1_000, "12");
    let taken = 0;
    while (!turns.isStale) {
      end(take());
      taken++;
    }
    assert.ok(taken >= SESSION_MAX);
    fill(inChannel(SESSION_MAX + 1, "11"));
    assert.equal(take()?.messageId, `${SESSION_MAX + 1}`);
  });

  it("[C6] keeps a limited part of each account, and room for the other accounts", () => {
    const { add, take, apply } = filled();
    for (let id = 1; id <= ACCOUNT_MAX + 1; id++) add(id, `${100_000 + id}`, "");
    const message = guildMessage({ id: messageId("999999999"), accountId: SECOND });
    apply({ kind: "accepted", message, route: { agentId: "main", sessionKey: "other" } });
    assert.equal(take(SECOND)?.accountId, SECOND);
  });

  it("[S5] lets no session with a long backlog delay the others", () => {
    const entries = Array.from({ length: ACCOUNT_MAX }, (_, index) => inChannel(index + 1, "11"));
    const { turns, take, add } = filled(...entries);
    add(1_000_000, "12");
    assert.equal(take()?.channelId, "11");
    assert.ok(take() !== undefined || turns.isStale, "the tables are not read, either");
  });
});
