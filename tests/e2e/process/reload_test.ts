/** Changes, breaks and fixes the config of a running bot, while people talk. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { SimulatedProcess } from "../../../src/features/demo/simulation/simulation.ts";
import { type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";

/** Milliseconds to wait for an answer before asking again. */
const TRY_MS = 250;

/** Lets each of many repeated questions be answered. */
const QUICK = { rateLimits: false } as const;

const channels = (...open: readonly string[]) => (simulator: Scene["simulator"]) => {
  const [krill] = simulator.world.guilds.values();
  assert.ok(krill);
  return {
    guilds: { [krill.id]: { channels: Object.fromEntries(open.map((name) => [name, {}])) } },
  };
};

/** Asks again and again, until the bot answers in a channel. */
async function becomesOpen(
  { say, mention, written, eventually }: Scene,
  where: string,
): Promise<void> {
  await eventually(`an answer in ${where}`, async () => {
    say("grace", where, `${mention} now?`);
    await sleep(TRY_MS);
    return written(where).length > 0;
  });
}

async function isOpen({ say, mention, replies, written }: Scene, where: string): Promise<void> {
  const count = written(where).length + 1;
  say("grace", where, `${mention} still?`);
  await replies(where, count);
}

/** Asserts that there was one session on one connection so far. */
function wentOn({ simulator }: Scene): void {
  const { identifies, resumes, connections } = simulator.account();
  assert.deepEqual([identifies.length, resumes.length, connections], [1, 0, 1]);
}

const readiness = async ({ ask }: Scene, bot: SimulatedProcess) => {
  const response = await ask(bot, "/readyz");
  const { status, degraded = [] } = await response.json();
  return { code: response.status, status, isOld: degraded.includes("config:current") };
};

describe("[C9] the config file of a running bot", () => {
  const play = sharedBot({});
  const quick = sharedBot({ simulator: QUICK });

  it("changes nothing while it is invalid, and health reports it until it is fixed", () =>
    play(async (scene, bot) => {
      await scene.eventually(
        "it to be ready",
        async () => (await readiness(scene, bot)).code === 200,
      );
      const broken: readonly string[] = [
        '{ "channels": {',
        '{ "channels": { "discord": { "groupPolicy": "opne" } } }',
        "",
      ];
      for (const text of broken) {
        writeFileSync(scene.configFile, text);
        await scene.eventually(
          `${text} to be noticed`,
          async () => (await readiness(scene, bot)).isOld,
        );
        const { code, status } = await readiness(scene, bot);
        assert.deepEqual([code, status], [200, "warn"]);
        await isOpen(scene, "general");
        const closed = scene.say("grace", "help", `${scene.mention} hello`);
        assert.equal(await scene.decided(closed), "ignore: channel-not-listed");
      }
      scene.rewrite({ discord: channels("general", "help") });
      await becomesOpen(scene, "help");
      await scene.eventually("health to be well", async () => !(await readiness(scene, bot)).isOld);
      wentOn(scene);
    }, { discord: channels("general") }));

  it("may bring another token: the bot reconnects and answers as the other bot", () =>
    withSimulation({}, async (scene) => {
      const { simulator, say, until, replies, mention } = scene;
      const [, limpet] = simulator.world.applications.values();
      assert.ok(limpet);
      const token = (of: string) => ({ discord: () => ({ token: of }) });
      scene.rewrite(token(simulator.token));
      await scene.start();
      say("grace", "general", `${mention} hello`);
      await replies("general", 1);
      scene.rewrite(token(limpet.token));
      await until(
        "Limpet to be online",
        () => simulator.account(limpet).identifies.length === 1 && simulator.connected() === 1,
      );
      say("grace", "general", `<@${limpet.userId}> hello`);
      await until("Limpet to answer", () => simulator.posted("general", limpet).length === 1);
      assert.equal(simulator.posted("general").length, 1);
    }));

  it("[C6] starts an added account, and stops a removed one", () =>
    play(async (scene) => {
      const { simulator, until } = scene;
      const squid = simulator.addBot({ username: "Squid", guilds: ["Krill & Co"] });
      scene.rewrite({ discord: () => ({ accounts: { squid: { token: squid.token } } }) });
      await until("Squid to be online", () => simulator.connected() === 2);
      scene.say("grace", "help", `<@${squid.userId}> hello`);
      await until("Squid to answer", () => simulator.posted("help", squid).length === 1);
      scene.rewrite({});
      await until("Squid to be gone", () => simulator.connected() === 1);
      await isOpen(scene, "general");
      wentOn(scene);
    }));

  it("loses no message while it is reloaded", () =>
    quick(async (scene) => {
      const { say, mention, written, until, here } = scene;
      const count = 20;
      for (let n = 0; n < count; n += 1) {
        say("grace", here, `${mention} question ${n}.`);
        if (n % 4 === 0) scene.rewrite({ discord: () => ({ textChunkLimit: 1_000 + n }) });
      }
      await until("all answers", () => written(here).length >= count);
      const asked = written(here).map((text) => /question (\d+)\./.exec(text)?.[1]);
      assert.deepEqual(new Set(asked).size, count);
      assert.equal(asked.length, count);
      wentOn(scene);
    }));
});

describe("[O1] the HTTP endpoints of a running bot", () => {
  const play = sharedBot({});

  it("agree with each other and with barnacle status", () =>
    play(async (scene, bot) => {
      const { here, say, mention, replies, ask, status, command, eventually, dataDir } = scene;
      say("grace", here, `${mention} hello`);
      await replies(here, 1);
      await eventually("all to be well", async () =>
        (await status(bot)).findings.every(({ status, isReady }) =>
          status === "pass" && isReady !== false
        ));

      assert.equal((await ask(bot, "/livez")).status, 200);
      assert.equal((await ask(bot, "/readyz")).status, 200);
      const health = await ask(bot, "/healthz");
      assert.equal(health.status, 200);
      assert.match(health.headers.get("content-type") ?? "", /application\/health\+json/);
      const { status: overall, releaseId, checks } = await health.json();
      assert.equal(overall, "pass");

      // Figures of the store may be a second old, and from before the reply.
      await eventually("figures of an idle inbox", async () => {
        const { stdout: [line = ""] } = await command(["status", "--json", "--data", dataDir]);
        return JSON.parse(line).snapshot.inbox.running === 0;
      });
      const asJson = await command(["status", "--json", "--data", dataDir]);
      assert.equal(asJson.code, 0, asJson.stderr.join("\n"));
      assert.equal(asJson.stdout.length, 1);
      const report = JSON.parse(asJson.stdout[0] ?? "");
      assert.equal(report.status, overall);
      assert.equal(report.build.version, releaseId);
      const names = new Set(report.findings.map(({ id }: { id: string }) =>
        id
      ));
      // The first heartbeat's answer, which may come meanwhile, adds checks.
      const isNew = (name: string) => /^gateway:(heartbeatAckAge|latency)$/.test(name);
      const others = (of: Iterable<unknown>) => [...of].map(String).filter((one) => !isNew(one));
      assert.deepEqual(others(names).toSorted(), others(Object.keys(checks)).toSorted());
      assert.deepEqual(report.snapshot.inbox, { waiting: 0, running: 0, oldestMs: 0 });
      assert.equal(report.snapshot.accounts[0].connection.state, "ready");

      const forPeople = await command(["status", "--verbose", "--data", dataDir]);
      assert.match(
        forPeople.stdout.join("\n"),
        /^Healthy: running, Barnacle .*\n[\s\S]*Last answer [\s\S]*Servers +2: Krill[\s\S]*Connection/,
      );
    }));

  it("report not ready while the bot drains", () =>
    withSimulation({}, async ({ start, say, mention, model, until, ask, line }) => {
      const bot = await start();
      model.behave("hang");
      say("grace", "general", `${mention} hello`);
      await until("the turn to run", () => model.requests.length > 0);
      bot.kill("SIGTERM");
      await line(bot, /"Stopping"/);
      assert.equal((await ask(bot, "/readyz")).status, 503);
    }));
});
