/**
 * Tests faults that prevent a start: each prints one clear line, has its exit code, and overwrites
 * nothing.
 */

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import {
  API_KEY,
  commandUnderTest,
  type Ran,
  type Scene,
  stopBot,
  withSimulation,
  writeConfig,
} from "../../support/bot/e2e.ts";

/** Elsewhere, no one tells which process has a port. */

/** The operator's settings, which a test removes or replaces. */
function environment({ simulator, model }: Scene) {
  return {
    DISCORD_API_URL: simulator.apiUrl,
    DISCORD_BOT_TOKEN: simulator.token,
    OPENAI_BASE_URL: model.baseUrl,
    OPENAI_API_KEY: API_KEY,
    OPENAI_MODEL: "barnacle-script",
  };
}

function run(
  scene: Scene,
  { data = join(scene.dataDir, "data"), env = {} }: {
    readonly data?: string;
    readonly env?: Readonly<Record<string, string | undefined>>;
  } = {},
): Promise<Ran> {
  return scene.command(["run", "--config", scene.configFile, "--data", data], {
    ...environment(scene),
    ...env,
  });
}

/** The lines of stderr without config warnings; stdout is always empty. */
function judge({ code, stdout, stderr }: Ran, expected: number): string {
  assert.equal(code, expected, stderr.join("\n"));
  assert.deepEqual(stdout, []);
  assert.doesNotMatch(stderr.join("\n"), /internal error|^ +at /m);
  return stderr.join("\n");
}

function lineOf(ran: Ran, expected: number): string {
  judge(ran, expected);
  const lines = ran.stderr.filter((line) => line.startsWith("barnacle: "));
  assert.equal(lines.length, 1, ran.stderr.join("\n"));
  return lines[0] ?? "";
}

/** Lets this process use a port. */
async function usedPort(wanted: number): Promise<AsyncDisposable> {
  const server = createServer();
  await new Promise<void>((resolve, reject) =>
    server.once("error", reject).listen(wanted, "127.0.0.1", resolve)
  );
  return {
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe("[O7] barnacle run with a fault that prevents the start", () => {
  it("explains in two lines how to set a token", () =>
    withSimulation({}, async (scene) => {
      writeConfig(scene, {});
      const ran = await run(scene, { env: { DISCORD_BOT_TOKEN: undefined } });
      const said = judge(ran, 78);
      assert.match(said, /token/);
      assert.match(said, /DISCORD_BOT_TOKEN/);
      assert.equal(ran.stderr.filter((line) => !/every guild|^ +(in|=)/.test(line)).length, 1);
      assert.equal(scene.simulator.requests.records().length, 0);
    }));

  it("[O1] takes the next free port if the default one is in use, and status finds it", () =>
    withSimulation({}, async (scene) => {
      // Another test may have the port already, which is as good.
      await using _used = await usedPort(8_787).catch(() => ({
        [Symbol.asyncDispose]: async () => {},
      }));
      scene.rewrite({ config: { http: {} } });
      const bot = await scene.start();
      const { fields } = JSON.parse(await scene.line(bot, /listens on another port/));
      assert.equal(fields.insteadOf, 8_787);
      assert.ok(fields.port > 8_787);
      assert.equal((await scene.ask(bot, "/livez")).status, 200);
      const { code, stdout } = await scene.cli("status");
      assert.equal(code, 0);
      assert.match(stdout.join("\n"), /another program uses port 8787, so it listens on \d+/);
    }));

  it("names a data directory that it cannot create", () =>
    withSimulation({}, async (scene) => {
      const file = join(scene.dataDir, "a-file");
      writeFileSync(file, "mine");
      assert.ok(lineOf(await run(scene, { data: join(file, "data") }), 74).includes(file));
      assert.ok(lineOf(await run(scene, { data: file }), 74).includes(file));
      assert.equal(readFileSync(file, "utf8"), "mine");
    }));

  it("names the other Barnacle on the same data directory, which continues, and starts on them once that is killed", () =>
    withSimulation({ simulator: { identifyLimit: { spacingMs: 0 } } }, async (scene) => {
      const bot = await scene.start();
      const said = lineOf(await run(scene, { data: scene.dataDir }), 75);
      assert.ok(said.includes(`pid ${bot.pid}`), said);
      scene.say("grace", "general", `${scene.mention} still there?`);
      await scene.replies("general", 1);
      assert.equal(scene.simulator.account().identifies.length, 1);
      bot.kill("SIGKILL");
      await bot.exited;
      await scene.start();
      scene.say("grace", "general", `${scene.mention} back again?`);
      await scene.replies("general", 2);
    }));

  it("says which token is wrong in a used data directory, and nothing of another bot", () =>
    withSimulation({ mayRefuse: ({ status }) => status === 401 }, async (scene) => {
      const bot = await scene.start();
      await scene.line(bot, /"Barnacle is running"/);
      bot.kill("SIGTERM");
      await bot.exited;
      const env = { ...environment(scene), DISCORD_BOT_TOKEN: "MTIz.nobody.knows" };
      const ran = await run(scene, { data: scene.dataDir, env });
      const said = judge(ran, 77);
      assert.match(said, /token of DISCORD_BOT_TOKEN\..*Reset Token/);
      assert.doesNotMatch(said, /another bot/i);
    }));

  it("stops without a failure while Discord does not answer", () =>
    withSimulation({}, async (scene) => {
      const silent = createServer(); // accepts, and sends nothing
      const asked = once(silent, "connection");
      await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
      try {
        const address = silent.address();
        assert.ok(typeof address === "object" && address);
        const bot = scene.startBot({ DISCORD_API_URL: `http://127.0.0.1:${address.port}` });
        await Promise.all([asked, scene.line(bot, /"Barnacle is running"/)]);
        await stopBot(bot);
        const wrong = /"stack"|will try again/;
        assert.deepEqual(bot.lines.filter((line) => wrong.test(line)), []);
      } finally {
        silent.close();
      }
    }));
});

const SKIP = process.platform !== "linux"
  ? "only Linux shows a process's environment"
  : commandUnderTest().args.length > 0 && "only the compiled binary restarts";

/** Names and values of a process's environment, as its start had them. */
function environmentOf(pid: number | undefined): readonly string[] {
  return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
}

describe("[O4] the compiled bot's engine", { skip: SKIP }, () => {
  it("has a bot's options, and the bot keeps its process ID", () =>
    withSimulation({}, async ({ start }) => {
      const bot = await start();
      assert.ok(environmentOf(bot.pid).includes("BUN_JSC_useFTLJIT=false"));
      await stopBot(bot);
    }));

  it("has the operator's options instead, if there are any", () =>
    withSimulation({ env: { BUN_JSC_useFTLJIT: "true" } }, async ({ start }) => {
      const bot = await start();
      const names = environmentOf(bot.pid).filter((entry) => entry.startsWith("BUN_JSC_"));
      assert.deepEqual(names, ["BUN_JSC_useFTLJIT=true"]);
    }));
});
