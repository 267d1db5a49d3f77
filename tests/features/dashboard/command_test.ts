import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { join } from "node:path";
import { createCallHandler } from "../../../src/cli/shared/store_methods.ts";
import { serveDashboard } from "../../../src/features/dashboard/host.ts";
import { printLink } from "../../../src/features/dashboard/print_link.ts";
import { serveSocket } from "../../../src/host/bot_socket.ts";
import { acquireLock } from "../../../src/host/locks/lock.ts";
import { recordingIo } from "../../cli/io.ts";
import { commandAccount } from "../../support/bot/commands.ts";
import { withServed } from "./parts_fixture.ts";

const BASE = "http://127.0.0.1:8787";

describe("[O6] /dashboard", () => {
  it("gives its owner a link, and says where the dashboard is not", async () => {
    const { slash, account } = await commandAccount();
    const link = (given: object) =>
      Object.assign(account.bot, { dashboardLink: () => Promise.resolve(given) });
    assert.match(await slash("dashboard"), /dashboard is off/);
    link({ kind: "link", url: "http://127.0.0.1:8765/#t", validSec: 300 });
    assert.match(
      await slash("dashboard"),
      /within 5 minutes: <http:\/\/127.*> If it does not open/,
    );
    link({ kind: "link", url: "https://bot.example/#t", validSec: 300 });
    assert.match(await slash("dashboard"), /<https:\/\/bot\.example\/#t>$/);
  });
});

it("[O6] barnacle dashboard prints a link of the running bot, which reads a newer config first", () =>
  withServed(async (served) => {
    const http = { dashboard: false };
    let next = false;
    const more = {
      ...{ setup: { config: { http }, accounts: new Map() }, base: () => BASE },
      reload: () => Promise.resolve(void (http.dashboard = next)),
    };
    const { methods, answer } = serveDashboard(Object.assign(served, more as never));
    const data = served.dataDir;
    const run = async (flags: object = {}, env = {}) => {
      const io = recordingIo(env);
      const code = await printLink({ data, config: undefined, json: false, ...flags }, io);
      return [code, io.stdout.join("\n"), io.stderr.join("\n")] as const;
    };
    assert.match(
      (await run({ data: join(data, "none") })).join(),
      /^75,,.*no data directory .*none/,
    );
    assert.match((await run()).join(), /^75,,.*no bot runs with the data in .*; start it/);
    const lock = await acquireLock(join(data, "lock"), 0);
    const server = await serveSocket(data, createCallHandler(served.store, () => {}, methods));
    try {
      assert.match(
        (await run()).join(),
        /^78,,.*is off; run `barnacle config set http\.dashboard true`/,
      );
      assert.equal(answer?.(new Request(`${BASE}/dashboard`)), undefined);
      next = true;
      const [code, url, said] = await run({}, { SSH_CONNECTION: "1.1.1.1 9 192.0.2.5 22" });
      assert.equal(code, 0);
      assert.match(url, /^http:\/\/127\.0\.0\.1:8787\/dashboard#[\w-]{43}$/);
      assert.match(
        said,
        /^It logs one browser in, once, within 5 minutes\.\nssh -L 8787:127.*192\.0/,
      );
      const [, json, nothing] = await run({ json: true });
      assert.deepEqual([Object.keys(JSON.parse(json)), nothing], [["url", "validSec"], ""]);
      assert.equal(
        (await answer?.(new Request(url, { headers: { host: "127.0.0.1:8787" } })))?.status,
        302,
      );
      assert.equal(answer?.(new Request(`${BASE}/dashboards`)), undefined);
    } finally {
      await server.close();
      if (lock.kind === "held") lock.release();
    }
  }));
