import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import process from "node:process";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { playScript, SCENES } from "../../../src/extras/demo/scenes/play.ts";
import { readHolder } from "../../../src/host/locks/lock.ts";
import { startOwnProcess } from "../../../src/host/process/own_process.ts";
import type { Judged } from "../../../simulator/page/bot_panel.ts";
import type { Opening } from "../../../simulator/page/page.ts";
import { commandUnderTest } from "../../support/bot/e2e.ts";
import { IS_LONG } from "../../support/long_form.ts";
import { skipUnless } from "../../support/skip.ts";
import { recordingIo } from "../../cli/io.ts";
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
  it("plays scenes successfully; the long form plays all", LIMIT, async () => {
    const scenes = SCENES.filter((_, index) => IS_LONG || index % 3 === 0);
    const io = recordingIo();
    const code = await playScript({ command: commandUnderTest(), scenes, json: true }, io);
    const reports = io.stdout.map((line) => JSON.parse(line));
    const failed = reports.filter(({ ok }) => ok !== true);
    assert.deepEqual(failed, []);
    assert.deepEqual(reports.map(({ scene }) => scene), scenes.map(({ name }) => name));
    assert.ok(reports.every(({ asserted }) => asserted.length > 0));
    assert.equal(code, 0);
  });

  it("plays them by --script", LIMIT, async () => {
    const lines: string[] = [];
    const args = ["demo", "--", "--script", "--json"];
    const demo = startOwnProcess(
      commandUnderTest(),
      args,
      surroundings(),
      (line) => lines.push(line),
    );
    const report = JSON.parse(await until(() => lines[0]));
    assert.deepEqual([report.scene, report.ok], [SCENES[0]?.name, true]);
    demo.kill("SIGINT");
    await demo.exited;
  });

  it("opens on a finished scene, also after it starts over", LIMIT, async () => {
    const demo = await startDemo();
    const stop = new AbortController();
    const open = async () => {
      const opening = (await eventsOf(demo.page, stop.signal).next()).value as Opening;
      return opening.world.messages.map(({ text }) => text.replace(/^<@\d+>/, "@"));
    };
    try {
      const first = await open();
      assert.deepEqual(first, [
        "@ Remember that the ferry leaves at nine",
        "I will remember that the ferry leaves at nine. Ask me about it any time.\n" +
        "-# ✓ note 1 saved",
        "The tide table is in the harbour office",
        "@ What do you remember about the ferry?",
        "You told me that the ferry leaves at nine.",
      ]);
      const body = JSON.stringify({ control: "reset" });
      const headers = { "content-type": "application/json" };
      await fetch(`${demo.page}press`, { method: "POST", headers, body });
      assert.deepEqual(await open(), first);
    } finally {
      stop.abort();
      await demo.end();
    }
  });

  it(
    "runs twice in parallel, serves other machines with a key only, and leaves no files",
    LIMIT,
    async () => {
      const first = await startDemo();
      const second = await startDemo(["--port", new URL(first.page).port, "--host", "0.0.0.0"]);
      const { port, hash } = new URL(second.page);
      assert.notEqual(port, new URL(first.page).port);
      assert.notEqual(second.data, first.data);
      const key = hash.slice(1);
      assert.equal(key.length, 32);
      const page = `http://127.0.0.1:${port}/`;
      for (const one of [first.page, page]) {
        assert.match(await (await fetch(one)).text(), /Barnacle demo/);
      }
      const refused = await fetch(`${page}events`);
      assert.equal(refused.status, 403);
      assert.match(await refused.text(), /ends with a key/);
      const stop = new AbortController();
      const { status } = await fetch(`${page}events?key=${key}`, { signal: stop.signal });
      assert.equal(status, 200);
      stop.abort();
      const exits = await Promise.all([first.end(), second.end()]);
      assert.deepEqual(exits.map(({ code }) => code), [0, 0]);
      for (const { data } of [first, second]) assert.ok(!existsSync(data), data);
    },
  );

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
        const bot = readHolder(`${demo.data}/lock`)?.pid ?? 0;
        await demo.end();
        assert.ok(!isAlive(bot), "the bot goes with the demo");
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
