/**
 * The law of the open turns: the memory of a process is that of a new process that reads its tables.
 *
 * Random events happen to a store, some of them at once. Then both processes accept messages up to
 * their limits, and answer everything that waits: in the same order, with the same texts, messages
 * and attempts.
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { AcceptedBatch, Claim, Judged } from "../../src/core/inbound/inbox.ts";
import type { InboundMessage } from "../../src/core/inbound/inbound.ts";
import type { Question } from "../../src/core/people/question.ts";
import type { Store } from "../../src/store/store.ts";
import { openStore } from "../support/store/open_database.ts";
import {
  ACCOUNT,
  channelId,
  guildMessage,
  messageId,
  userId,
} from "../support/discord/builders.ts";
import { cases } from "../support/long_form.ts";
import { sameData } from "../support/same_data.ts";
import { accepted, batch, heard, ignored, openTestStore } from "../support/store/store.ts";
import { tempDirectory } from "../support/temp_directory.ts";

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
    store.inbox.acceptBatch(batch({ heard: heard(++seq), waiting: WAITING, ...fields }), NOW);
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
    assert.ok((await finish(store, claimed)).stored);
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
