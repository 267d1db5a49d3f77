import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { testAlerts } from "../../../src/extras/alerts/command.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import { recordingIo } from "../../cli/io.ts";

/** A port of loopback on which no program listens. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address ? address.port : 0;
}

const PORT = await closedPort();
const AWAY = `http://127.0.0.1:${PORT}`;

async function run(config: string, json = false, data = "data") {
  using folder = tempDirectory();
  const file = join(folder.path, "config.jsonc");
  writeFileSync(file, config, { mode: 0o600 });
  mkdirSync(join(folder.path, "data"));
  const io = recordingIo({ DISCORD_API_URL: AWAY, HOME: folder.path });
  const code = await testAlerts({ config: file, data: join(folder.path, data), json }, io);
  return { code, stdout: io.stdout.join("\n"), stderr: io.stderr.join("\n") };
}

const channels = '"channels":{"discord":{"token":"a-token-of-the-test"}}';

describe("[O12] barnacle alerts test", () => {
  /** Config, exit code, and what a person sees. */
  const WRONG: readonly (readonly [which: string, config: string, code: number, seen: RegExp])[] = [
    ["no way", '{"alerts":{"ways":[]}}', 1, /^\nbarnacle: alerts\.ways has no way that is set/],
    [
      "a way without its address",
      '{"alerts":{"ways":["ntfy"]}}',
      1,
      /^\nntfy: not set; the key is alerts\.ntfy\nbarnacle: alerts\.ways has no way/,
    ],
    [
      "a bad address",
      '{"alerts":{"ntfy":"ntfy.sh/words"}}',
      78,
      /The address is not valid: it does not begin with https:\/\/ or http:\/\/\n {2}in alerts\.ntfy\n/,
    ],
    [
      "no token",
      '{"alerts":{"ways":["dm"]}}',
      1,
      /^skip {2}dm {2}there is no bot token\n/,
    ],
    [
      "owners by name only",
      `{${channels},"commands":{"ownerAllowFrom":["ada"]},"alerts":{"ways":["dm"]}}`,
      1,
      /^skip {2}dm {2}commands\.ownerAllowFrom has names only, and the bot has found none of them yet\n/,
    ],
    [
      "no owner",
      `{${channels},"commands":{"ownerAllowFrom":[]},"alerts":{"ways":["dm"]}}`,
      1,
      /^skip {2}dm {2}commands\.ownerAllowFrom lists no owner\n/,
    ],
    [
      "no account",
      '{"channels":{"discord":{"enabled":false}},"alerts":{"ways":["dm"]}}',
      1,
      /^skip {2}dm {2}no account of the config is enabled\n/,
    ],
    ["Discord away", `{${channels},"alerts":{"ways":["dm"]}}`, 1, /^FAIL {2}dm {2}\S.*\n/],
    [
      "Discord away, and a known owner",
      `{${channels},"commands":{"ownerAllowFrom":["900000000000000001"]},"alerts":{"ways":["dm"]}}`,
      1,
      /^FAIL {2}dm {2}\S.*\n/,
    ],
    [
      "receivers away",
      `{"alerts":{"ways":["ntfy","webhook"],"ntfy":"${AWAY}/secret-topic","webhook":"${AWAY}/secret-hook"}}`,
      1,
      /^FAIL {2}ntfy {5}cannot reach 127\.0\.0\.1:\d+.*\nFAIL {2}webhook {2}cannot reach 127\.0\.0\.1:\d+.*\n/,
    ],
  ];
  for (const [which, config, code, seen] of WRONG) {
    it(`ends with ${code} for ${which}, in words and without secrets`, async () => {
      const result = await run(config);
      const all = `${result.stdout}\n${result.stderr}`;
      assert.match(all, seen);
      assert.equal(result.code, code);
      assert.doesNotMatch(all, /secret-|a-token-of|\bat .*:\d+:\d+|undefined|\[object/);
    });
  }

  for (
    const [which, part] of [
      ["an owner by name only", '"commands":{"ownerAllowFrom":["ada"]},'],
      ["no owner", '"commands":{"ownerAllowFrom":[]},'],
      ["a token that this shell lacks", '"channels":{"discord":{"token":"${NO_SUCH_VARIABLE}"}},'],
    ] as const
  ) {
    it(`works by the webhook with ${which}`, async () => {
      let got = "";
      const server = createHttpServer(async (request, response) => {
        for await (const chunk of request) got += chunk;
        response.writeHead(204).end();
      }).listen(0, "127.0.0.1");
      await new Promise((resolve) => server.once("listening", resolve));
      const address = server.address();
      const port = typeof address === "object" && address ? address.port : 0;
      try {
        const { code, stdout } = await run(
          `{${part}"alerts":{"webhook":"http://127.0.0.1:${port}/hook"}}`,
        );
        assert.match(stdout, /^skip {2}dm {7}\S.*\nok {4}webhook {2}127\.0\.0\.1:\d+ took it$/);
        assert.equal(code, 0);
        assert.equal(JSON.parse(got).event, "test");
      } finally {
        server.close();
      }
    });
  }
});
