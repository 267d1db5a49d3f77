/**
 * Bench: the cost of storing a reply before sending it. It measures from the end of its turn to its
 * request, with T3 and T4 on this disk in between. It runs in Bun, the binary's runtime, in a
 * process of its own.
 */

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createChannelQueues } from "../../src/flows/deliver/channel_queues.ts";
import { schedule } from "../../src/lib/clock.ts";
import { openStore } from "../../src/store/store.ts";
import {
  ACCOUNT,
  channelId,
  guildMessage,
  messageId,
  userId,
} from "../../tests/support/discord/builders.ts";
import { accepted, batch, frozen, part } from "../../tests/support/store/store.ts";
import { readInBun } from "../stand/in_bun.ts";
import { quantile, type Readings } from "../stand/stats.ts";

const WARM_UP = 100;
const REPLIES = 1_000;
const CHANNELS = 50;

/** Milliseconds, p50 and p99. */
async function readings(): Promise<Readings> {
  mkdirSync("dist", { recursive: true });
  const dir = mkdtempSync(join("dist", "bench-")); // not in /tmp, which may be no disk
  const store = openStore(join(dir, "barnacle.db"), {
    now: Date.now(),
    elapsed: () => performance.now(),
  });
  let left = Promise.withResolvers<number>();
  let sent = Promise.withResolvers<void>();
  const nobody = () => Promise.reject(new Error("nothing is looked up, edited or refused here"));
  const silent = () => {};
  const queues = createChannelQueues({
    accountId: ACCOUNT,
    outbox: store.outbox,
    messages: {
      create(message) {
        left.resolve(performance.now());
        return Promise.resolve({ kind: "created", messageId: messageId(message.nonce) });
      },
      edit: nobody,
      delete: nobody,
    },
    history: nobody,
    canReadHistory: nobody,
    self: () => userId("1"),
    explain: nobody,
    withoutFiles: (message) => message,
    nonceWindowMs: 60_000,
    bootedAt: () => 0,
    steadyNow: () => performance.now(),
    retry: { attempts: 3, minDelayMs: 500, maxDelayMs: 30_000, jitter: 0.1 },
    now: Date.now,
    schedule,
    random: Math.random,
    log: { debug: silent, info: silent, warn: silent, error: console.error },
    events: {
      emit: {
        delivered: () => sent.resolve(),
        attempted: silent,
        parked: silent,
        setAside: silent,
        filesRefused: silent,
        dead: silent,
      },
    },
  });

  const waits: number[] = [];
  for (let number = 0; number < WARM_UP + REPLIES; number++) {
    left = Promise.withResolvers();
    sent = Promise.withResolvers();
    const id = String(10_000_000 + number);
    const channel = channelId(String(1_000 + number % CHANNELS));
    const message = guildMessage({ id: messageId(id), channelId: channel });
    await store.inbox.acceptBatch(batch({ judged: [accepted(message)] }), Date.now());
    const claim = await store.inbox.claimNext(ACCOUNT, Date.now(), []);
    if (!claim) throw new Error("There is nothing to claim");
    const reply = frozen({ channelId: channel, nonce: id, of: part(id) });
    const startedAt = performance.now();
    await store.turns.finishTurn(
      { claim, end: { kind: "answered" }, entries: [], outbox: [reply] },
      Date.now(),
    );
    queues.wake([channel]);
    waits.push(await left.promise - startedAt);
    await sent.promise;
  }
  await queues.stop();
  store.close();
  rmSync(dir, { recursive: true, force: true });
  const kept = waits.slice(WARM_UP);
  return { outboxP50: quantile(kept, 0.5), outboxP99: quantile(kept, 0.99) };
}

/** Milliseconds in Bun from the end of a turn to its request. */
export function benchOutbox(): Readings {
  return readInBun(import.meta.url);
}

if (import.meta.main) console.log(JSON.stringify(await readings()));
