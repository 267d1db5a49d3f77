/** Tests the HTTP endpoints of a running bot. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { withSimulation } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";

describe("[O1] the HTTP endpoints of a running bot", () => {
  const play = sharedBot({});

  it("[O2] count events under Prometheus's names", () =>
    play(async ({ say, mention, replies, ask, eventually, here }, bot) => {
      say("mallory", "dm", "let me in");
      say("grace", here, `${mention} hello`);
      await replies(here, 1);
      const metrics = async () => await (await ask(bot, "/metrics")).text();
      await eventually(
        "refusals to be counted",
        async () =>
          /^barnacle_decisions_total\{verdict="ignore",reason="dm-not-allowed"\} 1$/m.test(
            await metrics(),
          ),
      );
      // Its own message may reach the bot before Discord's answer does.
      const sent = /^barnacle_outbox_sent_total\{ack="(response|echo)"\} 1$/m;
      await eventually("the answer to be counted", async () => sent.test(await metrics()));
      const text = await metrics();
      for (
        const line of [
          /^barnacle_up_ready 1$/m,
          /^barnacle_gateway_identify_total 1$/m,
          /^barnacle_gateway_state\{shard="default\/0",state="ready"\} 1$/m,
          sent,
          /^barnacle_outbox_depth\{state="uncertain"\} 0$/m,
          /^barnacle_llm_requests_total\{provider="\w+",model="barnacle-script",outcome="ok"\} 1$/m,
          /^barnacle_discord_requests_total\{.*method="POST".*status="2xx".*\} 1$/m,
        ]
      ) assert.match(text, line);
      assert.doesNotMatch(text, /="\d{17,20}"/, "an id is a label");
      assert.doesNotMatch(text, /mallory|grace|hello/);
    }, {
      discord: () => ({ dm: { policy: "allowlist", allowFrom: ["ada"] } }),
    }));

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

  it("report not ready while the gateway is away, and ready once it is back", () =>
    play(async ({ ask, eventually, simulator }, bot) => {
      const isReady = async () => (await ask(bot, "/readyz")).status;
      await eventually("it to be ready", async () => await isReady() === 200);
      Object.assign(simulator.faults.gateway, { welcome: "ignore" });
      simulator.faults.gateway.drop("reset");
      await eventually("it not to be ready", async () => await isReady() === 503);
      const health = await ask(bot, "/healthz");
      assert.equal(health.status, 200, "an outage of Discord's is no reason for a restart");
      assert.equal((await health.json()).status, "warn");
      assert.equal((await ask(bot, "/livez")).status, 200);
      assert.match(await (await ask(bot, "/metrics")).text(), /^barnacle_up_ready 0$/m);
      Object.assign(simulator.faults.gateway, { welcome: "accept" });
      await eventually("it to be ready again", async () => await isReady() === 200);
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

  it("show no secret and no text of a person", () =>
    play(async ({ here, say, mention, replies, ask, simulator }, bot) => {
      say("grace", here, `${mention} my password is hunter2`);
      await replies(here, 1);
      for (const path of ["/status", "/healthz", "/readyz?verbose", "/metrics"]) {
        const text = await (await ask(bot, path)).text();
        assert.ok(!text.includes(simulator.token), path);
        assert.doesNotMatch(text, /hunter2|canary/, path);
      }
    }));
});

describe("[O7] barnacle status", () => {
  it("exits with 75 if no bot has run, or none runs any more", () =>
    withSimulation({}, async ({ start, eventually, command, dataDir }) => {
      const never = await command(["status", "--data", dataDir]);
      assert.equal(never.code, 75);
      assert.match(never.stderr.join(""), /no bot runs with the data in/);
      const bot = await start();
      await eventually(
        "it to listen",
        () => Promise.resolve(/Barnacle is running/.test(bot.lines.join("\n"))),
      );
      bot.kill("SIGKILL");
      await bot.exited;
      const gone = await command(["status", "--json", "--data", dataDir]);
      assert.equal(gone.code, 75);
      assert.match(gone.stderr.join(""), /no bot runs with the data in/);
      assert.equal(JSON.parse(gone.stdout.join("")).isRunning, false);
    }));
});
