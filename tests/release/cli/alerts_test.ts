/** Tests that the owners hear of trouble: the whole bot, with real receivers on loopback. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { ended, type Scene, withSimulation } from "../../support/bot/e2e.ts";

interface Received {
  readonly path: string;
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
      received.push({ path: request.url ?? "", body });
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

/** Whether the store has it that the owners were told of an alert. */
function isKnown(cli: Scene["cli"], kind: string): () => Promise<boolean> {
  const row = new RegExp(`"alert:${kind}".*the owners know since`);
  return async () => row.test((await cli("status", "--json")).stdout.join("\n"));
}

/** What looks like the secret part of a webhook's address. */
const SECRET_PATH = "/hook/SecretPartOfTheAddress";

describe("[O12] alerts of the bot", () => {
  it("tell a webhook that a backup has failed, once over a kill -9, and that one was made", () =>
    withReceiver(({ url, received }) =>
      withSimulation(
        { config: { alerts: { webhook: url, dm: false } } },
        async ({ start, startBot, say, mention, until, eventually, line, cli, model, dataDir }) => {
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
});

describe("[O12] barnacle doctor --alerts", () => {
  it("posts a test to the webhook, and says what is wrong without its address", () =>
    withReceiver((receiver) =>
      withSimulation({
        config: { alerts: { webhook: `${receiver.url}${SECRET_PATH}` } },
      }, async ({ cli }) => {
        const { received, statuses } = receiver;
        const host = new URL(receiver.url).host;
        const tested = await cli("doctor", "--alerts");
        assert.deepEqual([tested.code, tested.stdout], [0, [
          `ok    Webhook  ${host} took a test alert`,
        ]]);
        assert.equal(JSON.parse(received[0]?.body ?? "").event, "test");
        statuses.push(302);
        const failed = await cli("doctor", "--alerts");
        assert.equal(failed.code, 1);
        assert.match(
          failed.stdout.join("\n"),
          /answered with status 302: write the address that it redirects to$/,
        );
        assert.deepEqual(received.map(({ path }) => path), [SECRET_PATH, SECRET_PATH]);
        await cli("config", "set", "alerts.webhook", "http://127.0.0.1:1/SecretPart");
        const away = await cli("doctor", "--alerts");
        assert.match(away.stdout.join("\n"), /cannot reach 127\.0\.0\.1:1/);
        assert.doesNotMatch(away.stdout.join("\n"), /SecretPart/);
      })
    ));
});
