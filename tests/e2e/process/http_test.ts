/** Tests the HTTP endpoints of a running bot. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { withSimulation } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";

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
      assert.equal(report.snapshot.accounts[0].shards[0].state, "ready");

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
