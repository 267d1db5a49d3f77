/** Tests how the demo reads its bot's status. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { readBotStatus } from "../../../../src/extras/demo/simulation/bot_status.ts";
import { startHttpServer } from "../../../../src/host/http_server.ts";
import { HEALTHY } from "../../../support/bot/health.ts";
import { tempDirectory } from "../../../support/temp_directory.ts";

/** Reads the status of a bot with this answer, whose lock file names the process `pid`. */
async function read(answer: () => Response, pid = process.pid) {
  using data = tempDirectory();
  const keys: (string | null)[] = [];
  const server = await startHttpServer({ port: 0 }, (request) => {
    keys.push(request.headers.get("authorization"));
    return answer();
  });
  const http = `127.0.0.1:${server.port}`;
  writeFileSync(
    join(data.path, "lock"),
    JSON.stringify({ pid, startedAt: 1, http, httpKey: "key" }),
  );
  try {
    return { status: await readBotStatus(data.path), keys };
  } finally {
    await server.close();
  }
}

const healthy = () => Response.json({ snapshot: HEALTHY });

describe("[O5] readBotStatus()", () => {
  it("asks the bot with the key of its lock file", async () => {
    const outbox = { ...HEALTHY.outbox, pending: 2, sending: 1 };
    const { status, keys } = await read(() => Response.json({ snapshot: { ...HEALTHY, outbox } }));
    assert.deepEqual(keys, ["Bearer key"]);
    assert.equal(status?.isReady, true);
    assert.equal(status?.unsent, 3);
  });

  it("sends no key to another program that has the port of a bot that ended", async () => {
    const { status, keys } = await read(healthy, spawnSync("true").pid);
    assert.deepEqual({ status, keys }, { status: undefined, keys: [] });
  });

  for (
    const [what, answer] of [
      ["refuses", () => new Response(null, { status: 401 })],
      ["answers with another form", () => Response.json({ snapshot: {} })],
      ["answers without JSON", () => new Response("<html>")],
    ] as const
  ) {
    it(`has no status of a bot that ${what}`, async () =>
      assert.equal((await read(answer)).status, undefined));
  }

  it("has no status without a bot", async () => {
    using data = tempDirectory();
    assert.equal(await readBotStatus(data.path), undefined);
  });
});
