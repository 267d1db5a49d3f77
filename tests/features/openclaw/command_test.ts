import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { importFile } from "../../../src/features/openclaw/command.ts";
import { readConfig } from "../../../src/cli/shared/read_config.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import { recordingIo } from "../../cli/io.ts";

const FLAGS = { json: false, dryRun: false };
const SOURCE = `// mine
{
  gateway: { port: 1, auth: { token: "secret-of-the-server" } },
  channels: { discord: { token: '\${BARNACLE_NOWHERE}', historyLimit: 5 } },
}
`;
const OURS = `{
  "channels": {
    "discord": {
      "token": "\${BARNACLE_NOWHERE}",
      "historyLimit": 5
    }
  }
}
`;

function setUp(text: string) {
  const directory = tempDirectory();
  const source = join(directory.path, "openclaw.json");
  writeFileSync(source, text);
  return {
    [Symbol.dispose]: () => directory[Symbol.dispose](),
    source,
    out: join(directory.path, "config.jsonc"),
    io: recordingIo({}),
  };
}

describe("barnacle config import", () => {
  it("[C11] prints the config to stdout, and skipped settings to stderr", async () => {
    using at = setUp(SOURCE);
    assert.equal(await importFile(FLAGS, at.source, at.io), 0);
    assert.equal(`${at.io.stdout.join("\n")}\n`, OURS);
    assert.match(at.io.stderr.join("\n"), /openclaw\.json:3: not imported: gateway: This is Open/);
    assert.doesNotMatch(at.io.stderr.join("\n"), /secret-of-the-server/);
  });

  it("[C10] [C11] writes a file that only its owner reads, and that loads", async () => {
    using at = setUp(SOURCE);
    assert.equal(await importFile({ ...FLAGS, out: at.out }, at.source, at.io), 0);
    assert.equal(readFileSync(at.out, "utf8"), OURS);
    assert.equal(statSync(at.out).mode & 0o777, 0o600);
    assert.deepEqual(at.io.stdout, []);
    const loaded = await readConfig(at.out, { BARNACLE_NOWHERE: "token" });
    assert.equal(loaded.kind, "loaded");
  });

  it("[C11] writes values that Barnacle refuses, too, and lists them", async () => {
    using at = setUp("{ channels: { discord: {} }, bindings: [{ agentId: 'b', match: {} }] }");
    assert.equal(await importFile({ ...FLAGS, out: at.out }, at.source, at.io), 78);
    assert.match(at.io.stderr.join("\n"), /There is no agent "b"[^]*once its errors are corrected/);
    assert.equal((await readConfig(at.out, {})).kind, "refused");
  });

  it("[C11] [P12] keeps placeholders, and says where to find the values", async () => {
    using at = setUp("{ channels: { discord: { token: 'YOUR_BOT_TOKEN' } } }");
    assert.equal(await importFile({ ...FLAGS, out: at.out }, at.source, at.io), 0);
    assert.match(readFileSync(at.out, "utf8"), /"YOUR_BOT_TOKEN"/);
    assert.match(at.io.stderr.join("\n"), /warning: "YOUR_BOT_TOKEN" is a placeholder/);
  });
});
