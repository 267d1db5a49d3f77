/** Plays the recipes of docs/upkeep.md: an upgrade, another token, a watch from a phone. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { ended, stopBot, withSimulation } from "../../support/bot/e2e.ts";
import { skipUnless } from "../../support/skip.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const BINARY = process.env["BARNACLE_BIN"] ?? "";
const onBinary = skipUnless(
  BINARY !== "" && process.platform === "linux",
  "only a binary of Linux is replaced while it runs",
);

/** Asks under a name of the host, as a monitor in a VPN does. */
async function askAs(host: string, url: string): Promise<readonly [status: number, body: string]> {
  const sent = request(url, { headers: { host } }).end();
  const [response] = await once(sent, "response");
  let body = "";
  for await (const chunk of response) body += chunk;
  return [response.statusCode, body];
}

describe("docs/upkeep.md", () => {
  it(
    "upgrades: the running bot goes on, the new program resumes and answers",
    onBinary,
    async () => {
      using folder = tempDirectory();
      const program = join(folder.path, "barnacle");
      const install = () => execFileSync("install", ["-m755", BINARY, program]);
      install();
      await withSimulation({ command: { program, args: [] } }, async (scene) => {
        const { start, say, mention, replies, cli, simulator } = scene;
        const first = await start();
        say("grace", "general", `${mention} one`);
        await replies("general", 1);
        assert.equal((await cli("config", "check")).code, 0);
        install(); // over the file of the running program
        // A tool and a command load code that the bot has not used so far.
        say("grace", "general", `${mention} two\ncall: read_channel_history {"limit":3}`);
        await replies("general", 2);
        await scene.eventually("its state", async () => {
          return /^(?:Healthy|Works)/.test((await cli("status")).stdout.join("\n"));
        });
        await stopBot(first);
        say("grace", "general", `${mention} three`);
        const second = await start();
        assert.match((await replies("general", 3))[2] ?? "", /three/);
        assert.equal(simulator.account().identifies.length, 1, "the session was not resumed");
        await stopBot(second);
      });
    },
  );

  it("rotates the token: the bot ends with 77, and goes on with the new one", () =>
    withSimulation({
      discord: () => ({ token: { file: "discord_token" } }),
      mayRefuse: ({ status }) => status === 401,
    }, async (scene) => {
      const { start, say, mention, replies, simulator, configFile, cli } = scene;
      const file = join(dirname(configFile), "discord_token");
      writeFileSync(file, simulator.token, { mode: 0o600 });
      const first = await start();
      say("grace", "general", `${mention} one`);
      await replies("general", 1);
      Object.assign(simulator.application, { token: "another-token-of-the-portal" });
      simulator.faults.gateway.forgetSessions();
      simulator.faults.gateway.drop(4004);
      assert.equal((await ended(first)).code, 77);
      say("grace", "general", `${mention} two`);
      writeFileSync(file, "another-token-of-the-portal\n");
      const second = await start();
      assert.match((await replies("general", 2))[1] ?? "", /two/);
      const checked = await cli("doctor", "--only", "discord");
      assert.match(checked.stdout.join("\n"), /^ok +Token/m);
      await stopBot(second);
    }));

  it("is watched from a phone: alerts by a webhook, and /readyz under a name of the VPN", async () => {
    const bodies: string[] = [];
    const receiver = createServer((request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (chunk: string) => body += chunk)
        .on("end", () => {
          bodies.push(body);
          response.end();
        });
    }).listen(0, "127.0.0.1");
    await once(receiver, "listening");
    const { port } = receiver.address() as AddressInfo;
    const token = "a-key-of-32-characters-or-more-01";
    const publicUrl = "http://bot.vpn.example:8787";
    try {
      await withSimulation({
        config: { http: { port: 0, required: true, token: "${BARNACLE_HTTP_TOKEN}", publicUrl } },
        env: { BARNACLE_HTTP_TOKEN: token },
      }, async ({ start, cli, line }) => {
        const address = `http://127.0.0.1:${port}/t`;
        assert.equal((await cli("config", "set", "alerts.webhook", address)).code, 0);
        const tested = await cli("alerts", "test");
        assert.deepEqual([tested.code, tested.stdout], [0, [`ok  127.0.0.1:${port} took it`]]);
        assert.match(bodies.join(), /"text":"Test alert of Barnacle\./);
        const bot = await start();
        const [, url = ""] = /"health":"(http:[^"]+)\/healthz"/
          .exec(await line(bot, /"Barnacle is running"/)) ?? [];
        const [status, body] = await askAs("bot.vpn.example:8787", `${url}/readyz`);
        assert.deepEqual([status, JSON.parse(body)], [200, { status: "pass" }]);
        assert.equal((await askAs("other.example", `${url}/readyz`))[0], 403);
        await stopBot(bot);
      });
    } finally {
      receiver.close();
    }
  });
});
