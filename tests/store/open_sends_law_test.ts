/**
 * The law of the messages to be sent: a process sends what a new process would send by the tables, in
 * the same order, and knows as much about earlier attempts.
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { OutboxRow } from "../../src/core/outbound/outbound.ts";
import type { Store } from "../../src/store/store.ts";
import { openStore } from "../support/store/open_database.ts";
import { ACCOUNT, channelId, guildMessage, messageId } from "../support/discord/builders.ts";
import { cases } from "../support/long_form.ts";
import { sameData } from "../support/same_data.ts";
import { accepted, batch, frozen, heard, openTestStore, part } from "../support/store/store.ts";
import { tempDirectory } from "../support/temp_directory.ts";

const START = Date.UTC(2026, 0, 1);
const CHANNELS = ["11", "12"].map((id) => channelId(id));
const FIRST = 1_400_000_000_000_002_000n;

const KINDS = [
  "answer",
  "answer",
  "answer with a file",
  "answer after a draft",
  "notice",
  "begin",
  "send",
  "send",
  "echo",
  "refused",
  "failing",
  "waiting",
  "absent",
  "dead",
  "uncertain",
  "outage",
  "park",
  "unpark",
  "drop",
  "fail",
] as const;

interface Step {
  readonly kind: (typeof KINDS)[number];
  readonly channel: number;
  /** Whether the next step does not wait for its end. */
  readonly isOpen: boolean;
}

const steps = fc.array(
  fc.record({
    kind: fc.constantFrom(...KINDS),
    channel: fc.nat({ max: CHANNELS.length - 1 }),
    isOpen: fc.boolean(),
  }),
  { maxLength: 30, size: "max" },
);

const file = { name: "a.txt", bytes: new Uint8Array([1]) };

function live(store: Store) {
  let now = START;
  let said = 0;
  let seq = 1;
  const accept = (fields: Parameters<typeof batch>[0]) =>
    store.inbox.acceptBatch(batch({ heard: heard(++seq), ...fields }), now);

  const head = async (channel: number): Promise<OutboxRow | undefined> =>
    (await store.outbox.heads(ACCOUNT, CHANNELS.slice(channel, channel + 1)))[0];

  /** The first row of a channel, with an attempt at it. */
  async function begun(channel: number): Promise<OutboxRow | undefined> {
    const row = await head(channel);
    return row && await store.outbox.markSending(row, now) ? row : undefined;
  }

  async function answer(kind: Step["kind"], channel: number): Promise<void> {
    const id = messageId(String(FIRST + (BigInt(++said) << 22n)));
    const target = CHANNELS[channel]!;
    const message = guildMessage({ id, channelId: target });
    await accept({ judged: [accepted(message, { agentId: "main", sessionKey: `${id}` })] });
    const claim = await store.inbox.claimNext(ACCOUNT, now, []);
    if (!claim) return;
    const { message: { id: cause, channelId: place } } = claim;
    const mayHaveDrafts = kind === "answer after a draft";
    if (mayHaveDrafts) {
      const of = part(cause, { kind: "draft" });
      await store.outbox.add(frozen({ channelId: place, nonce: `${cause}/d`, of }), now);
    }
    const files = kind === "answer with a file" ? [file] : [];
    const outbox = [0, 1].map((index) => {
      const of = part(cause, { part: index, parts: 2 });
      return frozen({ channelId: place, nonce: `${cause}/${index}`, of }, { files });
    });
    const ended = { claim, end: { kind: "answered" }, entries: [], outbox, mayHaveDrafts } as const;
    await store.turns.finishTurn(ended, now);
    await begun(channel); // an intent that was stored with the answer is used at once
  }

  async function take({ kind, channel }: Step): Promise<unknown> {
    now += 1_000;
    const target = CHANNELS[channel]!;
    switch (kind) {
      case "answer":
      case "answer with a file":
      case "answer after a draft":
        return await answer(kind, channel);
      case "notice":
        return await store.outbox.add(frozen({ channelId: target, nonce: `n${++said}` }), now);
      case "begin":
        return await begun(channel);
      case "outage":
        return await store.outbox.shiftFailing(ACCOUNT, 500, now - 500);
      case "park":
        return await store.outbox.park(ACCOUNT, target, { reason: "no", now, nextTryAt: now });
      case "unpark":
        return await store.outbox.unpark(ACCOUNT, "all");
      case "fail": {
        const message = guildMessage({ id: messageId(String(FIRST + (BigInt(++said) << 22n))) });
        return await accept({ judged: [{ ...accepted(message), route: undefined }] });
      }
    }
    const row = await begun(channel);
    if (!row) return;
    switch (kind) {
      case "send":
        return await store.outbox.markSent(row, messageId(`9${row.id}`));
      case "echo": {
        const { message: { nonce, channelId } } = row;
        const echo = { nonce, channelId, messageId: messageId(`9${row.id}`), heardAt: now };
        return await accept({ echoes: [echo] });
      }
      case "refused":
        return await store.outbox.markRefused(row, "no", now);
      case "failing":
        return await store.outbox.markFailing(row, now);
      case "waiting":
        return await store.outbox.markWaiting(row, "later", now);
      case "absent":
        return await store.outbox.markAbsent(row);
      case "dead":
        return await store.outbox.markDead(row, "no");
      case "uncertain":
        return await store.outbox.markUncertain(row, "unknown");
      case "drop":
        return await store.outbox.release(row.id, "drop");
    }
  }

  /** Everything that is still sent, if nothing more comes. */
  async function rest() {
    const sent: unknown[] = [];
    now = START + 3_600_000;
    await store.outbox.unpark(ACCOUNT, "all");
    for (const channel of CHANNELS.keys()) {
      for (let row = await head(channel); row; row = await head(channel)) {
        sent.push({ ...row, files: await store.outbox.filesOf(row) });
        assert.ok(await store.outbox.markSending(row, now));
        assert.ok(await store.outbox.markSent(row, messageId(`9${row.id}`)));
      }
    }
    return sent;
  }

  return { take, rest };
}

describe("the law of the messages to be sent", () => {
  it("[D1] [D2] memory is what a new process reads from the tables", async () => {
    using directory = tempDirectory();
    let copies = 0;
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const { database, store } = openTestStore();
        const { take, rest } = live(store);
        let open: Promise<unknown>[] = [];
        for (const step of all) {
          open.push(take(step));
          if (step.isOpen) continue;
          await Promise.allSettled(open);
          open = [];
        }
        await Promise.allSettled(open);
        store.catchUp();
        const path = join(directory.path, `${copies++}.db`);
        database.prepare("VACUUM INTO ?").run(path);
        const next = openStore(path, { elapsed: () => 0, now: START });
        sameData(await rest(), await live(next).rest());
        next.close();
      }),
      { numRuns: cases(60, 3_000) },
    );
  });
});
