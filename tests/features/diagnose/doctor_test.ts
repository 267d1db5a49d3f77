import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { startModelServer } from "../../../simulator/model/server.ts";
import { startSimulator } from "../../../simulator/simulator.ts";
import { check } from "../../../src/features/config/check.ts";
import { doctor } from "../../../src/features/diagnose/doctor.ts";
import { status } from "../../../src/features/diagnose/status.ts";
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

describe("[O3] doctor and status --probe at Discord", () => {
  it("judge each account; intents are granted after a yes alone; a refused token ends with 77", async () => {
    using folder = tempDirectory();
    const [simulator, model] = await Promise.all([startSimulator(), startModelServer()]);
    const [guild = ""] = simulator.world.guilds.keys();
    const config = join(folder.path, "config.jsonc");
    const write = (token: string) => {
      const accounts = { default: {}, work: { enabled: false } };
      const discord = { token, accounts, guilds: { [guild]: { channels: { help: {} } } } };
      const { baseUrl } = model;
      const providers = { near: { kind: "openai-compatible", baseUrl } };
      const more = {
        agents: { defaults: { model: "near/barnacle-script" } },
        models: { providers },
      };
      writeFileSync(config, JSON.stringify({ channels: { discord }, ...more }), { mode: 0o600 });
    };
    const flags = {
      ...{ config, data: join(folder.path, "data"), json: true, network: false, alerts: false },
      ...{ fix: true, yes: false, only: ["host", "discord", "model"] as const },
    };
    const ask = async (confirm?: () => Promise<boolean>, yes = false) => {
      const io = recordingIo({ DISCORD_API_URL: simulator.apiUrl, HOME: folder.path });
      const code = await doctor({ ...flags, yes }, { ...io, confirm });
      const { findings } = JSON.parse(io.stdout.join(""));
      const rows = findings.map((one: Record<string, string>) => `${one.what}: ${one.status}`);
      return { code, rows, said: io.stderr.join(), text: findings.at(-1).why };
    };
    const probe = async () => {
      const io = recordingIo({ DISCORD_API_URL: simulator.apiUrl, HOME: folder.path });
      const more = { probe: true, verbose: false, quiet: false };
      const code = await status({ ...flags, json: false, ...more }, io);
      return { code, text: io.stdout.join("\n") };
    };
    try {
      write(simulator.token);
      Object.assign(simulator.application, { privilegedIntents: 0 });
      simulator.permit({ to: "Barnacle", what: "attachFiles", as: "denied", in: "help" });
      const [off, on] = ["Message Content Intent (default): warn", "Intents (default): pass"];
      for (
        const [answer, said, intents] of [
          [undefined, /^barnacle: nothing changed: to enable message_content .* add --yes/, off],
          [false, /^Nothing changed\.$/, off],
          [true, /^Done: asked Discord to enable message_content for Barnacle\./, on],
        ] as const
      ) {
        const seen = await ask(answer === undefined ? answer : () => Promise.resolve(answer));
        assert.match(seen.said, said);
        assert.equal(seen.code, 3);
        assert.match(seen.text, /; tools: \w+, images: \w+, window: \d+ tokens/);
        assert.deepEqual(seen.rows.slice(5), [
          ...["Allowlists (default): warn", "Allowlists (work): warn"],
          ...["Direct messages (default): pass", "REST API: TCP: pass", "REST API: HTTP: pass"],
          ...["Clock: pass", "Gateway: TCP: pass", "Gateway: WebSocket: pass"],
          ...["Token (default): pass", intents, "Guilds (default): pass"],
          ...["New sessions (default): pass", "Answers in servers (default): pass"],
          ...["Permissions (default): warn", "Discord (work): skipped", "Model: pass"],
        ]);
      }
      const { code, text } = await probe();
      assert.equal(code, 0);
      assert.match(text, /^skip {2}channel {2}help {2}not audited: the bot has not found it/m);
      assert.match(
        text,
        /^warn +#help +7 of 8 permissions; lacks Attach Files .* answers everyone, when mentioned/m,
      );
      assert.match(text, /^skip {2}not audited: Elsewhere: the config lets the bot answer no one/m);
      write(`${simulator.token}x`);
      const refused = [await ask(), await probe()];
      assert.deepEqual(refused.map((one) => one.code), [77, 77]);
      assert.match(refused[1]?.text ?? "", /^Permissions: not audited: Discord does not accept/);
    } finally {
      await model.close();
      await simulator.close();
    }
  });
});
