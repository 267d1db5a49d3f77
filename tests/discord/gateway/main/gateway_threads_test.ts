import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import { createGatewayThreads } from "../../../../src/discord/gateway/main/gateway_threads.ts";
import { cleanUpAfterEach } from "../../../support/cleanups.ts";
import { ACCOUNT } from "../../../support/discord/builders.ts";
import { fakeGatewaysOf } from "../../../support/gateway/fake_gateway.ts";
import { gatewayOptions } from "../../../support/gateway/gateway_shard.ts";
import { recordingLog } from "../../../support/recording_log.ts";

/** It sends two batches, and reports each message about commits. */
const SCRIPTED_WORKER = new URL("../../../support/gateway/scripted_worker.ts", import.meta.url);

const cleanups = cleanUpAfterEach();
const fake = fakeGatewaysOf(cleanups);

describe("createGatewayThreads()", () => {
  it("[G5b] tells the thread of all commits of one turn of the event loop at once, after it", async () => {
    const clock = await fake();
    const { log, lines } = recordingLog();
    const tickets: number[] = [];
    const { shards, ...options } = gatewayOptions("ws://unused");
    const threads = createGatewayThreads(options, {
      workerUrl: SCRIPTED_WORKER,
      random: () => 0,
      accountId: ACCOUNT,
      store: {
        takeIdentify: () => Promise.resolve({ kind: "granted" }),
        identifyBudget: () => Promise.resolve({ left: 1_000 }),
        identifyInMs: () => Promise.resolve(0),
      },
      isHolding: () => false,
      onBudget: () => {},
      proxyFor: () => undefined,
      now: Date.now,
      log,
      onBatch: ({ ticket }) => void tickets.push(ticket),
      onState: () => {},
      onBeat: () => {},
      onSessionEnded: () => {},
      onRefused: () => {},
      onDelay: () => {},
      onFinal: () => {},
    });
    cleanups.push(threads.stop);
    threads.open(shards, 1);
    await clock.until(() => tickets.length === 2, "two batches");
    for (const ticket of tickets) threads.committed(ticket);
    assert.equal(threads.stats()?.uncommitted, 2);
    await setImmediate();
    assert.equal(threads.stats()?.uncommitted, 0);
    const told = () => lines.filter(({ event }) => event === "committed");
    await clock.until(() => told().length > 0, "the news");
    assert.deepEqual(told().map(({ fields }) => fields), [
      { received: JSON.stringify({ shardId: 0, number: 2 }) },
    ]);
    await threads.stop();
    threads.open(shards, 1);
    await clock.until(() => tickets.length === 4, "two batches of the next thread");
    assert.deepEqual(tickets, [1, 2, 3, 4]);
  });
});
