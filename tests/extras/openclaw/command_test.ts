import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { importFile } from "../../../src/extras/openclaw/command.ts";
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
const OURS = `// mine
{
  "channels": { "discord": { "token": "\${BARNACLE_NOWHERE}", "historyLimit": 5 } }
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
    assert.match(
      at.io.stderr.join("\n"),
      /openclaw\.json:3: not imported: gateway: This is Open/,
    );
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

  for (const text of ["{}", "{ agents: {}, channels: { telegram: {} } }"]) {
    it(`[C11] [O7] exits with 1 for ${text}, which has no Discord keys`, async () => {
      using at = setUp(text);
      assert.equal(await importFile({ ...FLAGS, out: at.out }, at.source, at.io), 1);
      assert.ok(!existsSync(at.out));
      assert.match(at.io.stderr.join("\n"), /has no channels\.discord, so nothing is imported/);
      assert.doesNotMatch(at.io.stderr.join("\n"), /dmScope/, "nothing has changed");
      assert.equal(await importFile({ ...FLAGS, json: true }, at.source, at.io), 1);
      assert.equal(JSON.parse(at.io.stdout.join("")).ok, false);
    });
  }

  it("[C11] names YAML", async () => {
    using at = setUp("# mine\nchannels:\n  discord: {}\n");
    assert.equal(await importFile(FLAGS, at.source, at.io), 78);
    assert.match(at.io.stderr.join("\n"), /openclaw\.json:2: error: This is YAML; /);
  });

  it("[C11] [P12] keeps placeholders, and says where to find the values", async () => {
    using at = setUp("{ channels: { discord: { token: 'YOUR_BOT_TOKEN' } } }");
    assert.equal(await importFile({ ...FLAGS, out: at.out }, at.source, at.io), 0);
    assert.match(readFileSync(at.out, "utf8"), /"YOUR_BOT_TOKEN"/);
    assert.match(at.io.stderr.join("\n"), /warning: "YOUR_BOT_TOKEN" is a placeholder/);
  });

  it("[C11] overwrites no file", async () => {
    using at = setUp(SOURCE);
    writeFileSync(at.out, "{}");
    assert.equal(await importFile({ ...FLAGS, out: at.out }, at.source, at.io), 1);
    assert.equal(readFileSync(at.out, "utf8"), "{}");
    assert.match(at.io.stderr.join(), /already exists/);
  });

  it("[C11] --dry-run creates no file, and prints the list", async () => {
    using at = setUp(SOURCE);
    assert.equal(await importFile({ ...FLAGS, dryRun: true, out: at.out }, at.source, at.io), 0);
    assert.ok(!existsSync(at.out));
    assert.deepEqual(at.io.stdout, []);
    assert.match(at.io.stderr.join("\n"), /not imported: gateway/);
  });

  it("[O10] --json prints one line with the text and the list", async () => {
    using at = setUp(SOURCE);
    assert.equal(await importFile({ ...FLAGS, json: true }, at.source, at.io), 0);
    const { ok, text, notes } = JSON.parse(at.io.stdout.join(""));
    assert.deepEqual({ ok, text }, { ok: true, text: OURS });
    assert.deepEqual(notes.map(({ path, line }: { path: string; line: number }) => [path, line]), [
      ["session.dmScope", 0], // no line has it
      ["gateway", 3],
    ]);
    assert.deepEqual(at.io.stderr, []);
  });

  it("[C11] [O7] imports nothing if it cannot read an access rule", async () => {
    using at = setUp('{ channels: { discord: { groupPolicy: "opne" } } }');
    assert.equal(await importFile({ ...FLAGS, out: at.out }, at.source, at.io), 78);
    assert.ok(!existsSync(at.out));
    assert.match(
      at.io.stderr.join("\n"),
      /:1: error: channels\.discord\.groupPolicy: .*\nNothing imported/,
    );
  });

  it("[O7] reports an unreadable file", async () => {
    using at = setUp(SOURCE);
    assert.equal(await importFile(FLAGS, `${at.source}.not`, at.io), 1);
    assert.match(at.io.stderr.join(), /cannot read .*: there is no such file$/);
  });
});
