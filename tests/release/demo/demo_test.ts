import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import process from "node:process";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { readHolder } from "../../../src/host/locks/lock.ts";
import { startOwnProcess } from "../../../src/host/process/own_process.ts";
import type { Opening } from "../../../simulator/page/page.ts";
import { commandUnderTest } from "../../support/bot/e2e.ts";
import { eventsOf, startDemo, surroundings } from "./demo_process.ts";

const LIMIT = { timeout: 600_000 };

describe("[O5] barnacle demo", LIMIT, () => {
  it(
    "sends a message of each kind by --check, and all are dealt with as they should",
    LIMIT,
    async () => {
      const lines: string[] = [];
      const args = ["demo", "--check", "--json"];
      const { exited } = startOwnProcess(
        commandUnderTest(),
        args,
        surroundings(),
        (line) => lines.push(line),
      );
      assert.equal((await exited).code, 0, lines.join("\n"));
      const steps = lines.map((line) => JSON.parse(line));
      assert.ok(steps.length > 8 && steps.every(({ ok }) => ok === true));
    },
  );

  it("opens on a finished scene", LIMIT, async () => {
    const demo = await startDemo();
    const stop = new AbortController();
    try {
      const opening = (await eventsOf(demo.page, stop.signal).next()).value as Opening;
      const texts = opening.world.messages.map(({ text }) => text.replace(/^<@\d+>/, "@"));
      assert.deepEqual(texts, [
        "@ Remember that the ferry leaves at nine",
        "I will remember that the ferry leaves at nine. Ask me about it any time.\n" +
        "-# ✓ note 1 saved",
        "The tide table is in the harbour office",
        "@ What do you remember about the ferry?",
        "You told me that the ferry leaves at nine.",
      ]);
    } finally {
      stop.abort();
      await demo.end();
    }
  });

  it(
    "runs twice in parallel, and leaves no files",
    LIMIT,
    async () => {
      const first = await startDemo();
      const second = await startDemo(["--port", new URL(first.page).port]);
      assert.notEqual(second.page, first.page);
      assert.notEqual(second.data, first.data);
      for (const one of [first.page, second.page]) {
        assert.match(await (await fetch(one)).text(), /Barnacle demo/);
      }
      const exits = await Promise.all([first.end(), second.end()]);
      assert.deepEqual(exits.map(({ code }) => code), [0, 0]);
      for (const { data } of [first, second]) assert.ok(!existsSync(data), data);
    },
  );

  it("restarts a killed bot, and ends and cleans up even if it is dead", LIMIT, async () => {
    const demo = await startDemo();
    const pidOf = (old?: number) =>
      until(() => {
        const holder = readHolder(`${demo.data}/lock`);
        return holder?.http !== undefined && holder.pid !== old ? holder.pid : undefined;
      });
    const pid = await pidOf();
    process.kill(pid, "SIGKILL");
    const next = await pidOf(pid);
    process.kill(next, "SIGKILL");
    await until(() => isAlive(next) ? undefined : true);
    assert.equal((await demo.end()).code, 0);
    assert.ok(!existsSync(demo.data));
  });
});

async function until<Value>(check: () => Value | undefined): Promise<Value> {
  for (let tries = 0; tries < 3_000; tries++) {
    const value = check();
    if (value !== undefined) return value;
    await sleep(20);
  }
  throw new Error("waited in vain");
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false; // no such process
  }
}
