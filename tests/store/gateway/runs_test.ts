import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseSnowflake } from "../../../src/core/discord/ids.ts";
import { ACCOUNT, userId } from "../../support/discord/builders.ts";
import { openTestStore } from "../../support/store/store.ts";
import { sameData } from "../../support/same_data.ts";

const NOW = Date.UTC(2026, 0, 1);
const SELF = {
  userId: userId("1"),
  applicationId: parseSnowflake<"application">("2")!,
  username: "barnacle",
};
const session = (sessionId: string) => ({ sessionId, resumeUrl: "wss://resume", seq: 1 });

describe("createRuns()", () => {
  it("[O9] returns the run before a new one, and none for the first", async () => {
    const { store } = openTestStore();
    assert.equal(
      await store.gateway.startRun({ runId: "a", startedAt: NOW, bootId: "boot" }),
      undefined,
    );
    await store.gateway.endRun("a", "stopped", NOW + 5);
    assert.deepEqual(await store.gateway.startRun({ runId: "b", startedAt: NOW + 10 }), {
      startedAt: NOW,
      aliveAt: NOW + 5,
      bootId: "boot",
      ending: "stopped",
    });
    sameData(await store.gateway.startRun({ runId: "c", startedAt: NOW + 20 }), {
      startedAt: NOW + 10,
      aliveAt: NOW + 10,
    });
  });

  it("[O9] counts a session's sign of life for the current run", async () => {
    const { store } = openTestStore();
    await store.gateway.startRun({ runId: "killed", startedAt: NOW });
    await store.gateway.startSession(ACCOUNT, 0, session("a"), SELF, NOW + 1);
    await store.gateway.touchAlive(ACCOUNT, [{ shardId: 0, heardAt: NOW + 60 }], NOW + 60);
    const alive = async () => (await store.gateway.runs(0)).map(({ aliveAt }) => aliveAt - NOW);
    assert.deepEqual(await alive(), [60]);
    assert.equal((await store.gateway.runsAround(NOW + 60)).before?.aliveAt, NOW + 60);
    const last = await store.gateway.startRun({ runId: "this", startedAt: NOW + 100 });
    assert.equal(last?.aliveAt, NOW + 60);
    await store.gateway.touchAlive(ACCOUNT, [{ shardId: 0, heardAt: NOW + 160 }], NOW + 160);
    assert.deepEqual(await alive(), [60, 160]);
    await store.gateway.touchAlive(ACCOUNT, [{ shardId: 0, heardAt: NOW + 160 }], NOW + 220);
    assert.deepEqual(await alive(), [60, 220], "a run without a gateway lives, too");
  });

  it("[O9] lists the runs that lived since a time, oldest first", async () => {
    const { store } = openTestStore();
    for (const [index, runId] of ["a", "b", "c"].entries()) {
      await store.gateway.startRun({ runId, startedAt: NOW + index * 100 });
      await store.gateway.touchAlive(ACCOUNT, [], NOW + index * 100 + 50);
    }
    const names = async (since: number) =>
      (await store.gateway.runs(since)).map(({ runId }) => runId);
    assert.deepEqual(await names(NOW + 150), ["b", "c"]);
    assert.deepEqual(await names(NOW + 151), ["c"]);
    assert.deepEqual(await names(NOW + 251), []);
  });
});

describe("runsAround()", () => {
  async function open() {
    const { store } = openTestStore();
    await store.gateway.startRun({ runId: "stopped", startedAt: NOW });
    await store.gateway.endRun("stopped", "stopped", NOW + 50_000);
    await store.gateway.startRun({ runId: "killed", startedAt: NOW + 100_000 });
    await store.gateway.touchAlive(ACCOUNT, [], NOW + 150_000);
    await store.gateway.startRun({ runId: "this", startedAt: NOW + 600_000 });
    return async (at: number) => {
      const { wasRunning, before, after } = await store.gateway.runsAround(NOW + at);
      return [before?.runId, wasRunning, after?.runId];
    };
  }

  it("[P1] knows the first start after any number of others, and which runs it has forgotten", async () => {
    const { store } = openTestStore();
    for (let number = 0; number < 200; number++) {
      const run = { runId: `run ${number}`, startedAt: NOW + number * 1_000 };
      await store.gateway.startRun(run);
      await store.gateway.endRun(run.runId, "stopped", run.startedAt + 500);
    }
    const around = async (at: number) => {
      const { before, after, isForgotten } = await store.gateway.runsAround(NOW + at);
      return [before?.runId, after?.runId, isForgotten];
    };
    assert.deepEqual(await around(-1), [undefined, "run 0", false]);
    assert.deepEqual(await around(400), ["run 0", "run 150", false]);
    assert.deepEqual(await around(90_700), ["run 0", "run 150", true]);
    assert.deepEqual(await around(160_700), ["run 160", "run 161", false]);
  });

  it("[P1] tells whether Barnacle ran at a time, with the runs before and after", async () => {
    const around = await open();
    type Around = [before: string | undefined, wasRunning: boolean, after: string | undefined];
    const TABLE: readonly (readonly [at: number, expected: Around])[] = [
      [-1, [undefined, false, "stopped"]],
      [0, ["stopped", true, "killed"]],
      [50_000, ["stopped", true, "killed"]],
      [50_001, ["stopped", false, "killed"]],
      [100_000, ["killed", true, "this"]],
      [465_000, ["killed", true, "this"]], // an idle one says so every five minutes only
      [465_001, ["killed", false, "this"]],
      [600_000, ["this", true, undefined]],
    ];
    for (const [at, expected] of TABLE) assert.deepEqual(await around(at), expected, String(at));
  });
});
