/** A thousand accounts that flood the bot with direct messages. */

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { it } from "node:test";
import { addUser } from "../../../simulator/world/create_world.ts";
import { withSimulation } from "../../support/bot/e2e.ts";
import { IS_LONG } from "../../support/long_form.ts";

const SENDERS = 1_000;
const MESSAGES = IS_LONG ? 50 : 20;
/** For all unknown senders together, in any minute. */
const REPLIES_A_MINUTE = 10;
const MIB = 1_024 * 1_024;
/** Measured: up to 30 MiB on Bun, and 75 MiB on Deno. */
const GARBAGE = 150 * MIB;

/** Resident memory of a process in bytes; 0 if the system has no `/proc`. */
function residentBytes(pid: number | undefined): number {
  const file = `/proc/${pid}/status`;
  if (!existsSync(file)) return 0;
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(file, "utf8"))?.[1]) * 1_024;
}

it(`[SEC-R14] a flood of direct messages › by ${SENDERS} senders costs no model call, few replies and little memory`, () =>
  withSimulation({ simulator: { rateLimits: false, requestLogLimit: 1_000 } }, async (scene) => {
    const { simulator, start, say, decided, replies, mention, model, rows } = scene;
    const senders = Array.from(
      { length: SENDERS },
      (_, number) => addUser(simulator.world, { username: `stranger${number}` }, Date.now()).id,
    );
    const bot = await start();
    const flood = async (messages: number) => {
      for (let round = 0; round < messages; round += 1) {
        let last;
        for (const id of senders) last = say(id, "dm", `let me in, it is round ${round}`);
        assert.ok(last);
        await decided(last);
      }
    };
    const startedAt = performance.now();
    await flood(10); // the runtime compiles code, and its memory grows to the size of its pools
    const before = residentBytes(bot.pid);
    await flood(MESSAGES - 10);
    const after = residentBytes(bot.pid);
    say("grace", "general", `${mention} are you well?`);
    await replies("general", 1);
    assert.equal(model.requests.length, 1, "only Grace's message reached the model");
    const told = senders.flatMap((id) => scene.written("dm", id));
    const minutes = Math.ceil((performance.now() - startedAt) / 60_000);
    assert.ok(told.length <= REPLIES_A_MINUTE * minutes, `${told.length} replies`);
    const [{ n } = { n: 0 }] = rows("SELECT count(*) AS n FROM pairing_request");
    assert.ok(Number(n) <= REPLIES_A_MINUTE * minutes, `${n} requests`);
    assert.ok(after - before < GARBAGE, `${(after - before) / MIB} MiB more`);
  }));
