/**
 * Everything in a turn is its agent's: the first agent of this config is poisoned, and a turn of the
 * second one must show nothing of it.
 */

import { EXTRAS } from "../../src/extras/extras.ts";
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type AnsweringModels, startBot } from "../../src/bot.ts";
import type { Model, ModelRequest } from "../../src/core/model.ts";
import { scopeKeyOf, spaceOf } from "../../src/core/notes/note.ts";
import type { Charge } from "../../src/core/spending/usage.ts";
import { startSimulator } from "../../simulator/simulator.ts";
import { demoWorld } from "../../simulator/actions/demo_world.ts";
import { BUILD } from "../support/bot/health.ts";
import { loadTestConfig } from "../support/config.ts";
import {
  ACCOUNT,
  channelId,
  guildId,
  guildMessage,
  guildPlace,
  messageId,
  sender,
  userId,
} from "../support/discord/builders.ts";
import { recordingLog } from "../support/recording_log.ts";
import { accepted, batch, openTestStore } from "../support/store/store.ts";
import { tempDirectory } from "../support/temp_directory.ts";

const PATIENCE_MS = 45_000;
const HELPER = "helper";

/** Calls of the turn, one in each step. */
const CALLS: readonly (readonly [name: string, input: object])[] = [
  ["list_files", {}],
  ["write_file", { path: "made.txt", text: "by the helper" }],
  ["read_skill", { name: "kelp-skill" }],
  ["memory", { action: "search", query: "" }],
  ["memory", { action: "save", text: "the helper was here" }],
  ["memory", { action: "update", id: 1, text: "taken over" }],
  ["exec", { argv: ["pwd"] }],
  ["remind", { action: "create", when: "in 2 hours", text: "tea" }],
];

function folderOf(base: string, word: string): string {
  const folder = join(base, word);
  const skill = join(folder, "skills", `${word}-skill`);
  mkdirSync(skill, { recursive: true });
  writeFileSync(join(folder, "AGENTS.md"), `${word} file`);
  writeFileSync(join(folder, `${word}.txt`), word);
  writeFileSync(
    join(skill, "SKILL.md"),
    `---\nname: ${word}-skill\ndescription: ${word} skill\n---\n${word} words`,
  );
  return folder;
}

describe("[N1] a turn of an agent that is not the first", () => {
  it("shows, uses and pays for nothing of the first one", async () => {
    using folder = tempDirectory();
    const poison = folderOf(folder.path, "poison");
    const kelp = folderOf(folder.path, "kelp");
    const demo = demoWorld();
    const simulator = await startSimulator({ world: demo.world });
    const said = simulator.say({ as: "grace", in: "general", text: "count the tides" });
    const grace = userId(demo.people.grace.id);
    const config = await loadTestConfig({ guilds: { [demo.krill.id]: {} } }, {
      agents: {
        list: [
          {
            id: "main",
            name: "Poison",
            prompt: "poison prompt",
            workspace: poison,
            tools: { deny: ["*"] },
            skills: [],
          },
          {
            id: HELPER,
            name: "Kelp",
            prompt: "kelp prompt",
            workspace: kelp,
            tools: { deny: ["discord", "ask_agent", "handoff"] },
            skills: ["kelp-skill"],
          },
        ],
      },
      commands: { ownerAllowFrom: [grace] },
      exec: { mode: "full", sandbox: "off" },
      budgets: { perAgent: { tokensPerDay: 5_000 } },
    });
    const requests: ModelRequest[] = [];
    const model: Model = {
      id: "test/kelp",
      async *generate(request) {
        const call = CALLS[requests.length];
        requests.push(structuredClone({ ...request, isShown: undefined, onReading: undefined }));
        const usage = { inputTokens: 10, outputTokens: 1 };
        if (call) {
          const [name, input] = call;
          const id = `call${requests.length}`;
          const calls = [{ id, name, arguments: JSON.stringify(input) }];
          yield { kind: "finish", reason: "tool_calls", calls, usage };
        } else {
          yield { kind: "text", text: "the tides are counted" };
          yield { kind: "finish", reason: "stop", usage };
        }
      },
    };
    const models: AnsweringModels = {
      ids: ["test/poison", model.id],
      of(agentId) {
        if (agentId === HELPER) return model;
        throw new Error("a turn of the helper asks for the model of the first agent");
      },
      refused: () => [],
      check: () => Promise.resolve([]),
    };
    const { store, rows } = openTestStore();
    const message = guildMessage({
      id: messageId(said.id),
      channelId: channelId(said.channelId),
      guildId: guildId(demo.krill.id),
      place: guildPlace({
        guild: { id: guildId(demo.krill.id), name: demo.krill.name },
        channel: { id: channelId(said.channelId), name: "general" },
      }),
      sender: sender({ id: grace, username: "grace" }),
      text: "count the tides",
    });
    const now = Date.now();
    await store.notes.save({
      agentId: "main",
      scope: "member",
      scopeKey: scopeKeyOf("member", message) ?? "",
      space: spaceOf(message),
      authorId: grace,
      text: "poison note",
      sources: [],
      callKey: "1:before",
      isOwnWords: true,
    }, now);
    const spent: Charge = {
      ...{ userId: grace, channelId: said.channelId, agentId: "main", kind: "answer" },
      ...{ model: "test/poison", inputTokens: 9_000, cachedTokens: 0, outputTokens: 0 },
      ...{ ms: 1, audioSec: 0, at: now },
    };
    store.usage.add([spent]);
    const sessionKey = `agent:${HELPER}:discord:channel:${said.channelId}`;
    await store.inbox.acceptBatch(
      batch({ judged: [accepted(message, { agentId: HELPER, sessionKey })] }),
      now,
    );
    const { log, lines } = recordingLog();
    const { discord, ...shared } = config;
    const bot = await startBot({
      extras: EXTRAS,
      setup: {
        config: { ...shared, accounts: [discord] },
        accounts: new Map([[ACCOUNT, {
          token: simulator.token,
          models,
          apiBase: `${simulator.apiUrl}/api`,
        }]]),
      },
      store,
      logging: {
        forPart: () => log,
        addSecret() {},
        secrets: () => [],
        setLevel() {},
        clean: (text) => text,
        stop() {},
      },
      build: BUILD,
      commandKey: "key",
      dataDir: join(folder.path, "data"),
      isConnectionDebug: false,
      env: {},
      mediaFolder: join(folder.path, "media"),
    });
    try {
      const reply = await simulator.until(
        () => simulator.posted("general")[0],
        AbortSignal.timeout(PATIENCE_MS),
      );
      const [answered, receipts] = reply.content.split("\n");
      assert.equal(answered, "the tides are counted", JSON.stringify(lines.slice(-5)));
      assert.match(receipts ?? "", /^-# ✓ file written · /);
      const shown = JSON.stringify(requests);
      assert.doesNotMatch(shown, /poison/i);
      for (const own of ["Kelp", "kelp prompt", "kelp file", "kelp skill", "kelp.txt"]) {
        assert.ok(shown.includes(own), own);
      }
      const offered = requests[0]?.tools?.map(({ name }) => name) ?? [];
      assert.ok(offered.includes("exec") && !offered.includes("discord"), offered.join());
      const results = requests.at(-1)?.messages.flatMap((one) =>
        one.role === "tool" ? one.text : []
      );
      assert.match(results?.[5] ?? "", /there is no note 1 here/);
      assert.match(results?.[6] ?? "", new RegExp(kelp));
      assert.equal(readFileSync(join(kelp, "made.txt"), "utf8"), "by the helper");
      assert.equal(existsSync(join(poison, "made.txt")), false);
      assert.deepEqual(readdirSync(poison).toSorted(), ["AGENTS.md", "poison.txt", "skills"]);
      assert.deepEqual(rows("SELECT text FROM note WHERE agent_id = 'helper'"), [
        { text: "the helper was here" },
      ]);
      const [schedule] = await store.schedules.list(ACCOUNT);
      assert.equal(schedule?.origin.agentId, HELPER);
      assert.deepEqual(
        rows("SELECT DISTINCT agent_id AS id FROM usage WHERE model = 'test/kelp'"),
        [
          { id: HELPER },
        ],
      );

      // A task of the helper is due in a place where the first agent answers.
      const { id: _, accountId: __, ...made } = schedule ?? assert.fail("no reminder is stored");
      const due = { ...made, callKey: "1:task", kind: "task" as const, nextAt: Date.now() };
      await store.schedules.create(due, Date.now());
      bot.changedByCommand("schedules");
      const second = await simulator.until(
        () => simulator.posted("general")[1],
        AbortSignal.timeout(PATIENCE_MS),
      );
      assert.equal(second.content, "the tides are counted");
      assert.equal(requests.at(-1)?.sessionKey, requests[0]?.sessionKey);
    } finally {
      await bot.stop();
      store.close();
      await simulator.close();
    }
  });
});
