import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { createToolServices } from "../../../src/bot/process/tool_services.ts";
import { testBot } from "../../support/bot/process.ts";
import { batch, openTestStore } from "../../support/store/store.ts";
import { loadTestConfig } from "../../support/config.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import type { Bot } from "../../../src/account/account.ts";
import { createSlowChecks, readAllBudgets } from "../../../src/bot/process/slow_checks.ts";
import { chargeOf, usedBy } from "../../../src/core/spending/budget.ts";
import { GUILD, GUILD_SNAPSHOT, HELP } from "../../cli/data_fixture.ts";
import { ACCOUNT, guildMessage } from "../../support/discord/builders.ts";
import { filesWithSecrets, serversOf } from "../../../src/bot/mcp/ports.ts";
import { homedir } from "node:os";
import { configOf } from "../../config/support.ts";

describe("[T7] createToolServices()", () => {
  it("has the skills of each agent for the first one who asks", async () => {
    using folder = tempDirectory();
    const workspace = join(folder.path, "own");
    for (
      const [name, of] of [["tides", folder.path], ["reefs", join(workspace, "skills")]] as const
    ) {
      mkdirSync(join(of, name), { recursive: true });
      const text = `---\nname: ${name}\ndescription: Reads tables\n---\nLook.`;
      writeFileSync(join(of, name, "SKILL.md"), text);
    }
    const one = await loadTestConfig({}, {
      agents: { list: [{ id: "main" }, { id: "other", workspace }] },
      skills: { folders: [folder.path] },
    });
    const config = { ...one, accounts: [one.discord] };
    const setup = { config, accounts: new Map() };
    const { store } = openTestStore();
    const { log } = recordingLog();
    const services = await createToolServices(testBot({ setup, store, log, dataDir: folder.path }));
    for (const id of ["main", "other"]) {
      await (id === "main" ? services.skillsRead(id) : services.ready(id, () => true));
      const names = services.of(id).skills.now().skills.map(({ name }) => name).sort();
      assert.deepEqual(names, id === "main" ? ["tides"] : ["reefs", "tides"]);
    }
    const all = services.tools();
    assert.ok(all.some(({ name }) => name === "remind"));
    assert.equal(services.tools(), all);
    await services.apply({ ...config });
    assert.notEqual(services.tools(), all);
    await services.stop();
  });
});

const NOW = Date.UTC(2026, 10, 21, 12);

describe("[X4] readAllBudgets()", () => {
  it("has the budgets of all, and names a guild with a spent one", async () => {
    const { store } = openTestStore();
    await store.gateway.saveIntents(ACCOUNT, 0); // the account has been online
    await store.inbox.acceptBatch(batch({ guilds: [GUILD_SNAPSHOT] }), NOW);
    const message = guildMessage({ channelId: HELP, guildId: GUILD });
    const spend = () =>
      store.usage.add([
        chargeOf(
          { inputTokens: 9, outputTokens: 1 },
          "a/x",
          "answer",
          usedBy(message, "main"),
          5,
          NOW,
        ),
      ]);
    const config = {
      budgets: {
        perUser: { tokensPerDay: 1 },
        perRole: {},
        perGuild: { tokensPerMonth: 20 },
        perAgent: {},
        total: { tokensPerDay: 100 },
      },
      agentList: [{ id: "main" }],
    };
    const read = () =>
      readAllBudgets({ store, setup: { config }, now: () => NOW } as unknown as Bot);
    spend();
    assert.deepEqual((await read()).map(({ rule }) => rule), ["budgets.total.tokensPerDay"]);
    spend();
    assert.deepEqual((await read()).map(({ rule, of, name }) => [rule, of, name]), [
      ["budgets.total.tokensPerDay", undefined, undefined],
      ["budgets.perGuild.tokensPerMonth", GUILD, "Friends of Barnacle"],
    ]);
  });
});

it("[O9] createSlowChecks() › reads once a minute, and takes a killed bot for well after an hour", async () => {
  using folder = tempDirectory();
  const { store } = openTestStore();
  const clock = new FakeClock();
  for (const runId of ["killed", "this"]) {
    await store.gateway.startRun({ runId, startedAt: clock.now() });
  }
  const setup = { config: await loadTestConfig() };
  const { now } = clock;
  const bot = { store, setup, dataDir: folder.path, env: {}, now } as unknown as Bot;
  const check = createSlowChecks(bot);
  const first = await check();
  const runs = async () => (await check()).find(({ id }) => id === "host.runs")?.status;
  clock.advance(59_999);
  assert.equal(await check(), first);
  clock.advance(1);
  assert.notEqual(await check(), first);
  assert.equal(await runs(), "warn");
  clock.advance(3_540_000);
  assert.equal(await runs(), "pass");
});

describe("[T13] filesWithSecrets()", () => {
  it("has the config, the files of its secrets, and the backup that a change leaves beside its real path", () => {
    using directory = tempDirectory();
    const real = join(directory.path, "real");
    mkdirSync(real);
    writeFileSync(join(real, "config.jsonc"), "{}");
    const link = join(directory.path, "config.jsonc");
    symlinkSync(join(real, "config.jsonc"), link);
    const hidden = filesWithSecrets({ file: link, secretFiles: ["/run/secrets/token"] });
    assert.ok(hidden.includes(link));
    assert.ok(hidden.includes("/run/secrets/token"));
    assert.ok(hidden.includes(join(real, "config.jsonc.bak")));
  });
});

describe("[T13] serversOf()", () => {
  it("takes ~ of a program and of its folders as the home folder", async () => {
    const server = { command: "~/bin/files", writable: ["~/files", "/srv"] };
    const [found] = serversOf(await configOf(JSON.stringify({ mcp: { servers: { a: server } } })));
    assert.ok(found?.transport.kind === "stdio");
    assert.equal(found.transport.command, join(homedir(), "bin/files"));
    assert.deepEqual(found.transport.writable, [join(homedir(), "files"), "/srv"]);
  });

  it("has those of the operator apart from those that each person signs in to", async () => {
    const url = "https://mcp.example";
    const servers = { a: { url, login: "operator" }, b: { url, login: "each" } };
    const config = await configOf(JSON.stringify({ mcp: { servers } }));
    const each = serversOf(config).map(({ transport }) =>
      "isEach" in transport && transport.isEach
    );
    assert.deepEqual(each, [false, true]);
    assert.deepEqual(serversOf(config, "operator").map(({ id }) => id), ["a"]);
  });
});
