import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Env } from "../../../src/lib/env.ts";
import { createSupervisor } from "../../../src/extras/demo/supervisor.ts";
import type { SimulatedProcess } from "../../../src/extras/demo/simulation/simulation.ts";
import type { Exit } from "../../../src/host/process/own_process.ts";

/** Bots that end on request, with a stopped clock. */
function setUp(sleep: () => Promise<void> = () => Promise.resolve()) {
  const bots: { readonly env: Env; readonly end: (exit: Exit) => void; signal?: string }[] = [];
  const notices: string[] = [];
  const slept: number[] = [];
  const clock = { now: 0 };
  const supervisor = createSupervisor({ MODEL: "one" }, {
    start(env): SimulatedProcess {
      const { promise: exited, resolve: end } = Promise.withResolvers<Exit>();
      const bot: (typeof bots)[number] = { env, end };
      bots.push(bot);
      return {
        pid: bots.length,
        exited,
        lines: ["last words"],
        kill(signal) {
          bot.signal = signal;
        },
      };
    },
    sleep(ms) {
      slept.push(ms);
      return sleep();
    },
    now: () => clock.now,
    tell: (text) => notices.push(text),
  });
  return { supervisor, bots, notices, slept, clock };
}

const KILLED: Exit = { code: null, signal: "SIGKILL" };
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("[O5] createSupervisor()", () => {
  it("kills with SIGKILL, and restarts after a while", async () => {
    const { supervisor, bots, notices, slept } = setUp();
    supervisor.kill();
    assert.equal(bots[0]?.signal, "SIGKILL");
    bots[0]?.end(KILLED);
    await turn();
    assert.equal(bots.length, 2);
    assert.ok(slept[0]! > 1_000, "long enough to write to it meanwhile");
    assert.equal(supervisor.pid(), 2);
    assert.match(notices.join(), /kill -9 1/);
  });

  it("kills only once for several requests", async () => {
    const { supervisor, bots, notices } = setUp();
    supervisor.kill();
    supervisor.kill();
    bots[0]?.end(KILLED);
    await turn();
    assert.equal(notices.length, 1);
    assert.equal(bots.length, 2);
  });

  it("restarts with another environment at once, by SIGTERM", async () => {
    const { supervisor, bots, slept } = setUp();
    supervisor.restart({ MODEL: "two" });
    assert.equal(bots[0]?.signal, "SIGTERM");
    bots[0]?.end({ code: 0, signal: null });
    await turn();
    assert.deepEqual(bots[1]?.env, { MODEL: "two" });
    assert.deepEqual(slept, [0]);
  });

  it("gives up on a bot that ends early by itself, with its last lines", async () => {
    const { supervisor, bots } = setUp();
    bots[0]?.end({ code: 78, signal: null });
    assert.deepEqual(await supervisor.gaveUp, { code: 78, signal: null, lines: ["last words"] });
    await turn();
    assert.equal(bots.length, 1);
  });

  it("restarts a killed bot, but not forever", async () => {
    const { supervisor, bots } = setUp();
    for (let death = 0; death < 3; death++) {
      bots[death]?.end(KILLED);
      await turn();
      assert.equal(bots.length, death + 2);
    }
    bots[3]?.end(KILLED);
    assert.deepEqual(await supervisor.gaveUp, { ...KILLED, lines: ["last words"] });
  });

  it("restarts a bot that ran for a while, with a notice", async () => {
    const { bots, notices, clock } = setUp();
    clock.now = 60_000;
    bots[0]?.end({ code: 1, signal: null });
    await turn();
    assert.equal(bots.length, 2);
    assert.match(notices.join(), /ended by itself \(exit code 1\)/);
  });

  it("restarts no bot once it is stopped", async () => {
    const { supervisor, bots, notices } = setUp();
    supervisor.stop();
    bots[0]?.end({ code: 0, signal: null });
    await turn();
    assert.equal(bots.length, 1);
    assert.deepEqual(notices, []);

    const { promise: awake, resolve: wake } = Promise.withResolvers<void>();
    const other = setUp(() => awake);
    other.supervisor.kill();
    other.bots[0]?.end(KILLED);
    await turn();
    other.supervisor.stop(); // while the next one waits for its start
    wake();
    await turn();
    assert.equal(other.bots.length, 1);
  });
});
