import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { check } from "../../../src/cli/config/show.ts";
import { doctor } from "../../../src/cli/diagnose/doctor.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import { recordingIo } from "../io.ts";

describe("[O3] barnacle doctor", () => {
  it("[C2] shows problems of the config as `config check` does", async () => {
    using folder = tempDirectory();
    const config = join(folder.path, "config.jsonc");
    const text = '{\n  "channels": { "discord": { "groupPolicy": "allow" } },\n  "htpp": {}\n}\n';
    writeFileSync(config, text, { mode: 0o600 });
    const [checked, diagnosed, machine] = [recordingIo(), recordingIo(), recordingIo()];
    assert.equal(await check({ config, json: false }, checked), 78);
    const flags = { config, json: false, fix: false, yes: false };
    const user = { confirm: () => Promise.resolve(false) };
    assert.equal(await doctor(flags, diagnosed, user), 78);
    assert.equal(diagnosed.stdout.join("\n"), checked.stderr.join("\n"));
    assert.match(diagnosed.stdout.join("\n"), /^ {2}= did you mean "allowlist"\?$/m);
    assert.equal(await doctor({ ...flags, json: true }, machine, user), 78);
    const { findings } = JSON.parse(machine.stdout.join(""));
    assert.deepEqual(findings.map((one: { fix: string }) => one.fix), [
      'did you mean "allowlist"?',
      'did you mean "http"?',
    ]);
  });
});
