import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import process from "node:process";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { SCENES } from "../../../src/extras/demo/scenes/play.ts";
import { readHolder } from "../../../src/host/locks/lock.ts";
import { startOwnProcess } from "../../../src/host/process/own_process.ts";
import type { Judged } from "../../../simulator/page/bot_panel.ts";
import type { Opening } from "../../../simulator/page/page.ts";
import { commandUnderTest } from "../../support/bot/e2e.ts";
import { skipUnless } from "../../support/skip.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import { eventsOf, startDemo, surroundings } from "./demo_process.ts";

/** The scenes take 45 s on a calm machine. */
const LIMIT = { timeout: 600_000 };

/** Runs a `demo` that ends by itself. */
async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const lines: string[] = [];
  const { exited } = startOwnProcess(
    commandUnderTest(),
    ["demo", ...args],
    surroundings(env),
    (line) => lines.push(line),
  );
  const { code } = await exited;
  return { code, lines };
}

describe("[O5] barnacle demo", LIMIT, () => {
  it("plays all scenes successfully", LIMIT, async () => {
    const { code, lines } = await run(["--", "--script", "--json"]);
    const reports = lines.map((line) => JSON.parse(line));
    const failed = reports.filter(({ ok }) => ok !== true);
    assert.deepEqual(failed, []);
    assert.deepEqual(reports.map(({ scene }) => scene), SCENES.map(({ name }) => name));
    assert.ok(reports.every(({ asserted }) => asserted.length > 0));
    assert.equal(code, 0);
  });

  it("runs twice in parallel, and leaves no files behind", LIMIT, async () => {
    const first = await startDemo();
    const port = new URL(first.page).port;
    const second = await startDemo(["--port", port]);
    assert.notEqual(second.page, first.page);
    assert.notEqual(second.data, first.data);
    for (const { page } of [first, second]) {
      assert.match(await (await fetch(page)).text(), /Barnacle demo/);
    }
    const exits = await Promise.all([first.end(), second.end()]);
    assert.deepEqual(exits.map(({ code }) => code), [0, 0]);
    for (const { data } of [first, second]) assert.ok(!existsSync(data), data);
  });

  it("serves other machines only with the key in the printed address", LIMIT, async () => {
    const demo = await startDemo(["--port", "0", "--host", "0.0.0.0"]);
    try {
      const { port, hash } = new URL(demo.page);
      const key = hash.slice(1);
      assert.equal(key.length, 32);
      const page = `http://127.0.0.1:${port}/`;
      assert.match(await (await fetch(page)).text(), /Barnacle demo/);
      const refused = await fetch(`${page}events`);
      assert.equal(refused.status, 403);
      assert.match(await refused.text(), /ends with a key/);
      const stop = new AbortController();
      const { status } = await fetch(`${page}events?key=${key}`, { signal: stop.signal });
      assert.equal(status, 200);
      stop.abort();
    } finally {
      await demo.end();
    }
  });

  const noProc = skipUnless(existsSync("/proc/self/stat"), "the end of npx: no /proc here");

  it("ends if npx is killed alone", { ...LIMIT, ...noProc }, async () => {
    const { program, args } = commandUnderTest();
    const lines: string[] = [];
    const npx = startOwnProcess(
      // As npx does: a shell, and a program in it that waits for the demo.
      { program: "sh", args: ["-c", 'sh -c \'"$@" & wait\' sh "$@" & wait', "sh", program] },
      [...args, "demo", "--json", "--port", "0"],
      surroundings({ npm_command: "exec" }),
      (line) => lines.push(line),
    );
    const said = await until(() => lines.find((line) => line.startsWith('{"page"')));
    const { data } = JSON.parse(said);
    npx.kill("SIGKILL");
    await until(() => existsSync(data) ? undefined : true);
  });

  it("ends and cleans up even if its bot is dead", LIMIT, async () => {
    const demo = await startDemo();
    const pid = await until(() => readHolder(`${demo.data}/lock`)?.pid);
    process.kill(pid, "SIGKILL");
    await until(() => isAlive(pid) ? undefined : true);
    const { code } = await demo.end();
    assert.equal(code, 0);
    assert.ok(!existsSync(demo.data));
  });

  it("restarts a killed bot", LIMIT, async () => {
    const demo = await startDemo();
    const lock = `${demo.data}/lock`;
    const pid = await until(() => {
      const holder = readHolder(lock);
      return holder?.http === undefined ? undefined : holder.pid;
    });
    process.kill(pid, "SIGKILL");
    const next = await until(() => {
      const holder = readHolder(lock);
      return holder?.http !== undefined && holder.pid !== pid ? holder.pid : undefined;
    });
    assert.ok(isAlive(next));
    await demo.end();
    assert.ok(!isAlive(next), "the bot goes with the demo");
  });

  it(
    "plays a config of the visitor by the rules of its account, without its token",
    LIMIT,
    async () => {
      using directory = tempDirectory();
      const file = `${directory.path}/own.jsonc`;
      const guilds = { "900000000000000001": { requireMention: false } };
      const accounts = { work: { token: "token-of-work", guilds } };
      writeFileSync(file, JSON.stringify({ channels: { discord: { accounts } } }), { mode: 0o600 });
      const demo = await startDemo(["--port", "0", "--config", file]);
      const stop = new AbortController();
      try {
        const events = eventsOf(demo.page, stop.signal);
        const { world } = (await events.next()).value as Opening;
        const grace = world.people.find(({ username }) => username === "grace")!.id;
        const general = world.channels.find(({ name }) => name === "general")!.id;
        const { status } = await fetch(`${demo.page}say`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ as: grace, channel: general, text: "no mention at all" }),
        });
        assert.equal(status, 204);
        for await (const news of events) {
          const { judged } = news as { judged?: Judged };
          if (judged?.outcome?.kind !== "answered") continue;
          assert.equal(judged.why, "mention-not-required");
          break;
        }
      } finally {
        stop.abort();
        await demo.end();
      }
    },
  );

  it("refuses an invalid config with 78, and names the place", async () => {
    using directory = tempDirectory();
    const file = `${directory.path}/wrong.jsonc`;
    writeFileSync(file, '{ "chanels": {} }', { mode: 0o600 });
    const { code, lines } = await run(["--port", "0", "--config", file]);
    assert.equal(code, 78);
    assert.match(lines.join("\n"), /wrong\.jsonc:1:3: error/);
  });

  it("lists the available models if the requested one is missing", async () => {
    const { code, lines } = await run(["--port", "0"], { BARNACLE_DEMO_MODEL: "gpt-9" });
    assert.equal(code, 2);
    assert.match(lines.join("\n"), /"gpt-9"; available: script/);
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
