import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import type { InboundMessage } from "../../../src/core/inbound/inbound.ts";
import type { AcceptedBatch, Claim, Judged } from "../../../src/core/inbound/inbox.ts";
import type { Question } from "../../../src/core/people/question.ts";
import {
  applyTurn,
  createOpenTurns,
  isRunning,
  mayRetract,
  runningMessages,
  type TurnEvent,
  type WaitingMessage,
} from "../../../src/store/memory/memory.ts";
import type { Store } from "../../../src/store/store.ts";
import {
  ACCOUNT,
  channelId,
  guildMessage,
  messageId,
  sender,
  userId,
} from "../../support/discord/builders.ts";
import { cases } from "../../support/long_form.ts";
import { sameData } from "../../support/same_data.ts";
import { openStore } from "../../support/store/open_database.ts";
import { accepted, batch, ignored, openTestStore } from "../../support/store/store.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

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
    apply({ kind: "read", waiting, parked: [] });
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
      apply({ kind: "accepted", message, route, arrival: id });
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
    apply({ kind: "read", waiting: [inChannel(3, "11")], parked });
    assert.equal(take()?.messageId, "3");
    apply({ kind: "put back", turn: messageId("3") });
    apply({ kind: "resumed", turn: messageId("1") });
    const next = take()!;
    assert.deepEqual([next.messageId, next.attempts], ["1", 2]);
    assert.equal(turns.backlog.ofTurn(next)[0]?.messageId, "2");
    fill();
    apply({ kind: "read", waiting: [], parked: [inChannel(4, "11")] });
    apply({ kind: "edited", message: guildMessage({ id: messageId("4") }) });
    apply({ kind: "put back", turn: messageId("1") });
    assert.deepEqual([take()?.messageId, turns.parked.size], ["1", 0]);
  });
});

const NOW = Date.UTC(2026, 0, 1);
const FIRST = 1_400_000_000_000_002_000n;
const WAITING = { perUser: 6, perChannel: 9, turnsPerChannel: 1, isOwner: () => false };
const QUESTION: Question = {
  kind: "approval",
  tool: "exec",
  text: "May I?",
  facts: [],
  exact: "[]",
  choices: [{ key: "once" }],
  asked: "anyone",
  where: "direct",
  binding: "hash",
  timeoutMs: 600_000,
};

const REPLACED = {
  kind: "ignore",
  why: "pk-original",
  rule: "pluralkit",
  keepAsContext: false,
} as const;

const KINDS = [
  "say",
  "say",
  "say",
  "edit",
  "withdraw",
  "delete",
  "claim",
  "claim",
  "take in",
  "finish",
  "release",
  "park",
  "decide",
  "stop",
  "stop all",
  "retract",
  "void",
  "fail",
] as const;

interface Step {
  readonly kind: (typeof KINDS)[number];
  /** The message, the turn or the place that it is about. */
  readonly of: number;
  /** Whether the next step does not wait for its end. */
  readonly isOpen: boolean;
}

const steps = fc.array(
  fc.record({ kind: fc.constantFrom(...KINDS), of: fc.nat({ max: 5 }), isOpen: fc.boolean() }),
  { maxLength: 30, size: "max" },
);

/**
 * Two turns run, and the tables are read again. The stop has a row, so the second turn had the number
 * in memory that the first one has in the tables.
 */
const READ_WHILE_TURNS_RUN: readonly Step[] = [
  { kind: "stop", of: 0, isOpen: false },
  { kind: "say", of: 4, isOpen: false },
  { kind: "say", of: 0, isOpen: false },
  { kind: "say", of: 4, isOpen: false },
  { kind: "claim", of: 0, isOpen: false },
  { kind: "claim", of: 0, isOpen: false },
  { kind: "fail", of: 0, isOpen: true },
  { kind: "delete", of: 1, isOpen: false },
  { kind: "say", of: 0, isOpen: false },
];

/** A message leaves the queue while a running turn takes it in. */
const RETRACTED_WHILE_TAKEN_IN: readonly Step[] = [
  { kind: "say", of: 2, isOpen: false },
  { kind: "claim", of: 0, isOpen: false },
  { kind: "say", of: 2, isOpen: false },
  { kind: "retract", of: 0, isOpen: true },
  { kind: "take in", of: 0, isOpen: false },
];

/** A stop ends the first message of a turn whose claim is not in the tables yet. */
const STOPPED_WHILE_CLAIMED: readonly Step[] = [
  { kind: "say", of: 3, isOpen: false },
  { kind: "say", of: 2, isOpen: false },
  { kind: "say", of: 0, isOpen: false },
  { kind: "fail", of: 0, isOpen: false },
  { kind: "say", of: 0, isOpen: false },
  { kind: "stop all", of: 0, isOpen: true },
  { kind: "claim", of: 0, isOpen: false },
];

function live(store: Store) {
  const said: InboundMessage[] = [];
  const running: Claim[] = [];
  let seq = 1;
  let codes = 0;

  function next(of: number): Judged {
    const id = messageId(String(FIRST + (BigInt(said.length) << 22n)));
    const channel = channelId(String(11 + of % 3));
    const sender = { id: userId(String(1 + of % 2)), username: "grace", roles: [] };
    const message = guildMessage({ id, channelId: channel, text: `said ${id}`, sender });
    said.push(message);
    return accepted(message, { agentId: "main", sessionKey: `session ${channel}` });
  }

  const accept = (fields: Partial<AcceptedBatch>) =>
    store.inbox.acceptBatch(batch({ heard: ++seq, waiting: WAITING, ...fields }), NOW);
  const claim = (atOnce = 1) =>
    store.inbox.claimNext(ACCOUNT, NOW, [], () => true, (_, running) => running.length < atOnce);
  const messageAt = (of: number) => said.at(-1 - of);
  const turnAt = (of: number) => running.splice(of % Math.max(1, running.length), 1)[0];

  async function take({ kind, of }: Step): Promise<unknown> {
    const message = messageAt(of);
    switch (kind) {
      case "say":
        return await accept({ judged: [next(of)] });
      case "edit":
      case "withdraw": {
        if (!message) return;
        const changed = { ...message, text: `edited ${++seq}`, revision: seq };
        const { verdict } = kind === "edit" ? accepted(message) : ignored(message);
        const change = { kind: "edited", message: changed, verdict } as const;
        const judged = of === 5 ? [next(of)] : []; // together with another message
        return await accept({ judged, changes: [change] });
      }
      case "delete": {
        if (!message) return;
        const change = { channelId: message.channelId, messageIds: [message.id] };
        return await accept({ changes: [{ kind: "deleted", ...change }] });
      }
      case "claim": {
        const claimed = await claim(2);
        if (claimed) running.push(claimed);
        return;
      }
      case "take in": {
        const turn = turnAt(of); // which does nothing else meanwhile
        if (!turn) return;
        const more = await store.inbox.takeIn(turn, NOW, () => true, () => []).catch(() => turn);
        running.push(more ?? turn);
        return;
      }
      case "finish": {
        const turn = turnAt(of);
        return turn && await finish(store, turn);
      }
      case "release": {
        const turn = turnAt(of);
        return turn && await store.inbox.release(turn);
      }
      case "park": {
        const turn = turnAt(of);
        const code = `CDEFGH${"ABCDEFGHJKLMNPQRSTUVWXYZ"[codes++ % 24]}A`;
        const asked = [{ callKey: `key ${codes}`, question: QUESTION, code }];
        const park = { claim: turn!, steps: [], charges: [], asked, now: NOW };
        return turn && await store.questions.park(park);
      }
      case "decide": {
        const [open] = await store.questions.open(NOW);
        if (!open) return;
        if (of === 0) return await store.questions.withdraw(open.id, NOW);
        if (of === 1) return await store.questions.expire(ACCOUNT, NOW + 600_000);
        const by = { code: open.code };
        return await store.questions.decide({ by, answer: { choice: "once" }, now: NOW });
      }
      case "stop": {
        const judged = next(of);
        const scope = { accountId: ACCOUNT, channelId: judged.message.channelId };
        return await accept({ judged: [{ ...judged, stop: { scope, reply: [], nothing: [] } }] });
      }
      case "stop all":
        return await store.inbox.stopTurns({ accountId: ACCOUNT, userId: userId("2") }, NOW);
      case "retract":
        return message && await store.inbox.retract(ACCOUNT, message.id, REPLACED);
      case "void":
        running.length = 0;
        return await store.inbox.voidClaims();
      case "fail": // undoes a transaction
        return await accept({ judged: [{ ...next(of), route: undefined }] }).catch(() => {});
    }
  }

  return { take, next, accept, claim, said };
}

const finish = (store: Store, claim: Claim) =>
  store.turns.finishTurn({ claim, end: { kind: "declined" }, entries: [], outbox: [] }, NOW);

/** Everything that a store still does, if nothing more comes. */
async function rest(store: Store, from: number) {
  await store.inbox.voidClaims();
  const { next, accept, claim, said } = live(store);
  said.length = from;
  const done: unknown[] = [];
  for (let of = 0; of < 12; of++) {
    const { accepted } = await accept({ judged: [next(of)] });
    done.push(accepted.length);
  }
  for (let claimed = await claim(); claimed; claimed = await claim()) {
    done.push(claimed);
    assert.ok(await finish(store, claimed));
  }
  return done;
}

describe("the law of the open turns", () => {
  it("[D1] [D2] memory is what a new process reads from the tables", async () => {
    using directory = tempDirectory();
    let copies = 0;
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const { database, store } = openTestStore();
        const { take, said } = live(store);
        await store.inbox.claimNext(ACCOUNT, NOW, []); // from now on, memory has the open turns
        await store.inbox.acceptBatch(batch({ waiting: WAITING, judged: [] }), NOW);
        let open: Promise<unknown>[] = [];
        for (const step of all) {
          open.push(take(step));
          if (step.isOpen) continue;
          await Promise.allSettled(open);
          open = [];
        }
        await Promise.allSettled(open);
        const path = join(directory.path, `${copies++}.db`);
        database.prepare("VACUUM INTO ?").run(path);
        const next = openStore(path, { elapsed: () => 0, now: NOW });
        sameData(await rest(store, said.length), await rest(next, said.length));
        next.close();
      }),
      {
        numRuns: cases(60, 3_000),
        examples: [READ_WHILE_TURNS_RUN, RETRACTED_WHILE_TAKEN_IN, STOPPED_WHILE_CLAIMED]
          .map((all) => [all.slice()]),
      },
    );
  });
});
