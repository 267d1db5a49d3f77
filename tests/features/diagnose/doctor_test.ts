import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { check } from "../../../src/features/config/check.ts";
import { doctor } from "../../../src/features/diagnose/doctor.ts";
import { acquireLock } from "../../../src/host/locks/lock.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import { recordingIo } from "../../cli/io.ts";

describe("[O3] barnacle doctor", () => {
  it("[C2] shows problems of the config as `config check` does", async () => {
    using folder = tempDirectory();
    const config = join(folder.path, "config.jsonc");
    const text = '{\n  "channels": { "discord": { "groupPolicy": "allow" } },\n  "htpp": {}\n}\n';
    writeFileSync(config, text, { mode: 0o600 });
    const [checked, diagnosed, machine] = [recordingIo(), recordingIo(), recordingIo()];
    assert.equal(await check({ config, json: false }, checked), 78);
    const flags = { config, json: false, network: false, alerts: false, fix: false, yes: false };
    assert.equal(await doctor(flags, diagnosed), 78);
    assert.equal(diagnosed.stdout.join("\n"), checked.stderr.join("\n"));
    assert.match(diagnosed.stdout.join("\n"), /^ {2}= did you mean "allowlist"\?$/m);
    assert.equal(await doctor({ ...flags, json: true }, machine), 78);
    const { findings } = JSON.parse(machine.stdout.join(""));
    assert.deepEqual(findings.map((one: { fix: string }) => one.fix), [
      'did you mean "allowlist"?',
      'did you mean "http"?',
    ]);
  });

  it("says that the running bot reads another config", async () => {
    using folder = tempDirectory();
    const [config, other] = ["config.jsonc", "other.jsonc"].map((name) => join(folder.path, name));
    const text = '{ "channels": { "discord": { "enabled": false } } }';
    for (const file of [config, other]) writeFileSync(file ?? "", text, { mode: 0o600 });
    const data = join(folder.path, "data");
    mkdirSync(data, { mode: 0o700 });
    const lock = await acquireLock(join(data, "lock"), Date.now(), undefined, { config });
    assert.ok(lock.kind === "held");
    lock.setHttp("127.0.0.1:1", ""); // so that no one waits until it listens
    const only = ["host"] as const;
    const asked = async (config: string | undefined) => {
      const io = recordingIo({ HOME: folder.path });
      await doctor({
        config,
        data,
        json: true,
        network: false,
        alerts: false,
        fix: false,
        yes: false,
        only,
      }, io);
      const { findings } = JSON.parse(io.stdout.join(""));
      return findings.filter(({ id }: { id: string }) => id === "config")
        .map(({ status, why }: Record<string, string>) => `${status}: ${why}`);
    };
    assert.deepEqual(await asked(config), ["pass: valid"]);
    assert.deepEqual(await asked(other), [
      "pass: valid",
      `warn: these findings are of this file, and the running bot (pid ${process.pid}) reads ${config}`,
    ]);
    assert.match(
      (await asked(undefined)).at(-1) ?? "",
      /^warn: this command found no file, and the running bot \(pid \d+\) reads /,
    );
    if (lock.kind === "held") lock.release();
  });
});
