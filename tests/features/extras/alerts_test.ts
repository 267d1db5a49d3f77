/** Tests that the owners hear of trouble: the whole bot, with real receivers on loopback. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import { rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { ended, killBot, type Scene, withSimulation } from "../../support/bot/e2e.ts";

interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

interface Receiver {
  readonly url: string;
  readonly received: readonly Received[];
  /** Statuses of the next answers; then 200. */
  readonly statuses: number[];
}

async function withReceiver(test: (receiver: Receiver) => Promise<void>): Promise<void> {
  const received: Received[] = [];
  const statuses: number[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (chunk: string) => body += chunk).on("end", () => {
      received.push({ path: request.url ?? "", headers: request.headers, body });
      const status = statuses.shift() ?? 200;
      response.writeHead(status, status === 302 ? { location: "/elsewhere" } : {}).end();
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  try {
    await test({ url: `http://127.0.0.1:${port}`, received, statuses });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

function goDown({ simulator }: Scene): void {
  const { gateway } = simulator.faults;
  Object.assign(gateway, { welcome: "reset", welcomeTimes: Infinity });
  gateway.drop("reset");
}

function goUp({ simulator }: Scene): void {
  Object.assign(simulator.faults.gateway, { welcome: "accept" });
}

/** Whether the store has it that the owners were told of an alert. */
function isKnown(cli: Scene["cli"], kind: string): () => Promise<boolean> {
  const row = new RegExp(`"alert:${kind}".*the owners know by webhook since`);
  return async () => row.test((await cli("status", "--json")).stdout.join("\n"));
}

const QUICK = { gateway: { reconnect: { backoffMaxSec: 1 } } };
/** What looks like the secret part of a webhook's address. */
const SECRET_PATH = "/hook/SecretPartOfTheAddress";

describe("[O12] alerts of the bot", () => {
  it("tell a webhook that the connection is down, once over a kill -9, and that it is back", () =>
    withReceiver((receiver) =>
      withSimulation({
        discord: () => QUICK,
        config: { alerts: { webhook: `${receiver.url}${SECRET_PATH}`, gatewayDownSec: 2 } },
      }, async (scene) => {
        const { start, until, ask, line, cli, startBot } = scene;
        const { received } = receiver;
        const bot = await start();
        receiver.statuses.push(500);
        goDown(scene);
        await until("the retried message", () => received.length >= 2);
        const [first, again] = received;
        assert.equal(first?.path, SECRET_PATH);
        const { event, kind, about, text, content } = JSON.parse(again?.body ?? "");
        assert.deepEqual([event, kind, about], ["begins", "gateway", "default"]);
        assert.match(text, /^Barnacle is not connected to Discord, so it answers no one/);
        assert.equal(content, text);
        const failed = await line(bot, /Cannot tell the owners of an alert/);
        assert.match(failed, /status 500/);
        await line(bot, /The owners were told of an alert/);
        const metrics = await (await ask(bot, "/metrics")).text();
        assert.match(metrics, /^barnacle_alert_open\{kind="gateway"\} 1$/m);
        assert.match(metrics, /barnacle_alerts_total\{[^}]*way="webhook",outcome="failed"\} 1$/m);
        const shown = (await cli("status")).stdout.join("\n");
        assert.match(shown, /Alert +since .*the owners know by webhook since/);
        assert.ok(!bot.lines.join("\n").includes("SecretPart"), "the log has the secret address");

        await killBot(bot);
        goUp(scene);
        startBot();
        await until("the end", () => received.length >= 3);
        const over = JSON.parse(received[2]?.body ?? "");
        assert.deepEqual([over.event, over.kind], ["ends", "gateway"]);
        assert.match(over.text, /is connected to Discord again \(default\)\.\nIt lasted \d/);
        assert.equal(received.length, 3);
      })
    ));

  it("tell a topic of ntfy that the model fails, and that it answers again", () =>
    withReceiver((receiver) =>
      withSimulation({
        config: {
          alerts: { ways: ["ntfy"], ntfy: `${receiver.url}/topic`, ntfyToken: "tk_secret_of_ntfy" },
        },
      }, async ({ start, say, mention, model, until, replies }) => {
        const { received } = receiver;
        const bot = await start();
        model.behave("quota");
        say("grace", "general", `${mention} one`);
        await until("the message", () => received.length >= 1);
        const [
          { path, headers, body } = { path: "", headers: {} as IncomingHttpHeaders, body: "" },
        ] = received;
        assert.equal(path, "/topic");
        assert.equal(headers.authorization, "Bearer tk_secret_of_ntfy");
        assert.equal(headers["priority"], "high");
        assert.equal(headers["tags"], "warning");
        assert.equal(
          headers["title"],
          "Barnacle's model fails, so questions get no answer (openai/barnacle-script)",
        );
        assert.match(
          body,
          /^Cause: the quota or the credit of its API key is used up\. Next step:/,
        );
        model.behave("script");
        say("grace", "general", `${mention} two`);
        await replies("general", 2);
        await until("the end", () => received.length >= 2);
        assert.equal(received[1]?.headers["tags"], "white_check_mark");
        assert.ok(!bot.lines.join("\n").includes("tk_secret_of_ntfy"));
      })
    ));

  it("tell a webhook why the bot ends by itself", () =>
    withReceiver((receiver) =>
      withSimulation(
        { config: { alerts: { webhook: `${receiver.url}${SECRET_PATH}` } } },
        async ({ start, simulator }) => {
          const bot = await start();
          const { gateway } = simulator.faults;
          gateway.closeOnIdentify.push(4004);
          gateway.forgetSessions();
          gateway.drop("reset");
          assert.equal((await ended(bot)).code, 77);
          const { event, kind, about, cause } = JSON.parse(receiver.received[0]?.body ?? "{}");
          assert.deepEqual([event, kind, about], ["begins", "account", "default"]);
          assert.match(cause, /token/);
          assert.equal(receiver.received.length, 1);
        },
      )
    ));

  it("tell a webhook that a task has failed, once over a kill -9, and that it works again", () =>
    withReceiver(({ url, received }) =>
      withSimulation(
        { config: { alerts: { webhook: url, ways: ["webhook"] } } },
        async ({ start, startBot, say, mention, replies, until, eventually, cli, model }) => {
          const first = await start();
          const task = { action: "create", when: "0 3 1 1 *", text: "the tide", task: true };
          say("ada", "general", `${mention}\ncall: remind ${JSON.stringify(task)}`);
          await replies("general", 1);
          model.behave("garbage");
          await cli("schedules", "run", "1");
          await replies("dm", 1, "ada"); // the notice of T12
          first.kill("SIGKILL");
          await ended(first);
          const second = await start(); // it looks at once
          await eventually("the record of it", isKnown(cli, "schedule"));
          second.kill("SIGKILL");
          await ended(second);
          const third = await start();
          model.behave("script");
          await cli("schedules", "run", "1");
          await replies("general", 2);
          assert.equal(received.length, 1, "the restart mended no task");
          third.kill("SIGTERM");
          await ended(third);
          startBot();
          await until("the end", () => received.length >= 2);
          const told = received.map(({ body }) => JSON.parse(body));
          assert.deepEqual(told.map(({ event, kind, about }) => [event, kind, about]), [
            ["begins", "schedule", "1"],
            ["ends", "schedule", "1"],
          ]);
        },
      )
    ));

  it("tell a webhook that a backup has failed, once over a kill -9, and that one was made", () =>
    withReceiver(({ url, received }) =>
      withSimulation(
        { config: { alerts: { webhook: url, ways: ["webhook"] } } },
        async (scene) => {
          const { start, startBot, say, mention, until, eventually, line, cli, model, dataDir } =
            scene;
          const folder = join(dataDir, "backups");
          const first = await start();
          first.kill("SIGTERM");
          await ended(first);
          const database = new DatabaseSync(join(dataDir, "barnacle.db"));
          const state = '{"since":1}'; // a backup is due
          database.prepare("INSERT OR REPLACE INTO setting VALUES ('', 'bot', 'backups', ?, 1)")
            .run(state);
          database.close();
          writeFileSync(folder, "no folder");
          const second = await start();
          await line(second, /"The nightly backup has failed/);
          second.kill("SIGKILL");
          await ended(second);
          const third = await start();
          await eventually("the record of the beginning", isKnown(cli, "backup"));
          // The second process may have been killed between its message and the record.
          const repeated = received.length - 1;
          third.kill("SIGKILL");
          await ended(third);
          const fourth = await start();
          model.behave("quota");
          say("grace", "general", `${mention} one`);
          await until("another alert", () => received.length >= repeated + 2);
          model.behave("script");
          say("grace", "general", `${mention} two`);
          await until("its end, by a later look", () => received.length >= repeated + 3);
          fourth.kill("SIGTERM");
          await ended(fourth);
          rmSync(folder);
          assert.equal((await cli("backup")).code, 0);
          startBot();
          await until("the end", () => received.length >= repeated + 4);
          assert.ok(repeated <= 1, `${repeated}`);
          const told = received.slice(repeated).map(({ body }) => JSON.parse(body));
          assert.deepEqual(told.map(({ event, kind }) => [event, kind]), [
            ["begins", "backup"],
            ["begins", "model"], // the restart made no backup
            ["ends", "model"],
            ["ends", "backup"],
          ]);
        },
      )
    ));

  it("tell the owner by direct message that the budget of the bot is spent", () =>
    withSimulation(
      { config: { budgets: { total: { tokensPerDay: 12 } } } },
      async ({ start, say, mention, replies, until, written, cli, line }) => {
        const bot = await start();
        say("grace", "general", `${mention} one`);
        await replies("general", 1);
        const [text = ""] = await until("the message", () => {
          const texts = written("dm", "ada");
          return texts.length > 0 && texts;
        });
        assert.match(
          text,
          /^A budget of Barnacle is spent, so questions get no answer \(budgets\.total\.tokensPerDay\)\.\nCause: spent: \d+ of 12 tokens today\. Next step: raise/,
        );
        await line(bot, /The owners were told of an alert/);
        assert.match((await cli("status")).stdout.join("\n"), /Alert +budgets.* know by dm since/);
      },
    ));
});

describe("[O12] barnacle alerts test", () => {
  it("sends a test by each way, beside the bot and without it", () =>
    withReceiver((receiver) =>
      withSimulation({
        config: { alerts: { webhook: `${receiver.url}${SECRET_PATH}`, ntfy: `${receiver.url}/t` } },
      }, async ({ start, cli, written, user }) => {
        const { received, statuses } = receiver;
        const host = new URL(receiver.url).host;
        const expected = [
          `ok  dm       user ${user("ada").id} has it`,
          `ok  webhook  ${host} took it`,
          `ok  ntfy     ${host} took it`,
        ];
        const alone = await cli("alerts", "test");
        assert.deepEqual([alone.code, alone.stdout], [0, expected]);
        assert.match(
          written("dm", "ada")[0] ?? "",
          /^Test alert of Barnacle\.\n.*Nothing is wrong/,
        );
        const bot = await start();
        statuses.push(302, 403);
        const failed = await cli("alerts", "test");
        assert.deepEqual([failed.code, failed.stdout], [1, [
          `ok    dm       user ${user("ada").id} has it`,
          `FAIL  webhook  ${host} answered with status 302: write the address that it redirects to`,
          `FAIL  ntfy     ${host} answered with status 403: check the token, and whether it may publish`,
        ]]);
        assert.deepEqual(received.map(({ path }) => path), [SECRET_PATH, "/t", SECRET_PATH, "/t"]);
        await killBot(bot);
      })
    ));
});
