import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { discordOf } from "./import_support.ts";

describe("[C11] imported groups of direct messages", () => {
  const TOLD: readonly (readonly [entry: string, told: RegExp | undefined])[] = [
    ["book-club", undefined],
    ["123456789012345678", undefined],
    ["*", /OpenClaw's page has this entry, but OpenClaw finds no group by it/],
    ["channel:55", /OpenClaw's page has this entry/],
    ["Book Club", /write "book-club"/],
    ["日本語", /OpenClaw finds no group by this; write the id/],
    ["user:5", /is not a group DM/],
  ];
  for (const [entry, told] of TOLD) {
    it(`have ${told ? "a note" : "no note"} about "${entry}"`, async () => {
      const found = await discordOf(`dm: { groupChannels: ["1", "${entry}"] }`);
      assert.equal(found.told.length, told ? 1 : 0, found.told.join("\n"));
      if (told) assert.match(found.told.join(), told);
    });
  }
});

describe("[C11] imported channels.discord", () => {
  /** The drift table: the seed's spelling and today's, ours for both, and the number of notes. */
  const KEYS: readonly (readonly [written: string, ours: unknown, notes?: number])[] = [
    ['dm: { policy: "allowlist", allowFrom: ["1"] }', {
      dm: { policy: "allowlist", allowFrom: ["1"] },
    }],
    ['dmPolicy: "allowlist", allowFrom: ["1"]', { dm: { policy: "allowlist", allowFrom: ["1"] } }],
    ["allowFrom: [123456789012345678]", { dm: { allowFrom: ["123456789012345678"] } }],
    ['dm: { policy: "open", allowFrom: ["*"] }', { dm: { policy: "open", allowFrom: ["*"] } }],
    [
      'dm: { policy: "open", allowFrom: ["1"] }',
      { dm: { policy: "allowlist", allowFrom: ["1"] } },
      1,
    ],
    ['dmPolicy: "open"', { dm: { policy: "allowlist" } }, 1],
    ["dm: { groupEnabled: true, groupChannels: [55, 'channel:55', 'a', '*', 'user:5'] }", {
      dm: { groupEnabled: true, groupChannels: ["55", "channel:55", "a", "*"] },
    }, 3],
    ['chunkMode: "newline"', { chunkMode: "newline" }],
    ['streaming: { chunkMode: "newline", mode: "partial" }', {
      chunkMode: "newline",
      streaming: "edit",
    }],
    ['streaming: "progress"', { streaming: "progress" }],
    ["streaming: true", { streaming: "edit" }],
    ["streaming: false", { streaming: "off" }],
    ['streamMode: "block"', { streaming: "edit" }, 1],
    ['replyToMode: "batched"', { replyToMode: "first" }, 1],
    ["mediaMaxMb: 100", { mediaMaxMb: 100 }],
    ["mediaMaxMb: 9000", { mediaMaxMb: 500 }, 1],
    ["textChunkLimit: 4000", { textChunkLimit: 2000 }, 1],
    ["textChunkLimit: 5", { textChunkLimit: 100 }, 1],
    ["historyLimit: 1.4", { historyLimit: 1 }, 1],
    ["historyLimit: Infinity", {}, 1],
    ["allowBots: true", { allowBots: true }],
    ['allowBots: "mentions"', { allowBots: false }, 1],
    ["retry: { attempts: 99, jitter: 0.2, other: 1 }", { retry: { attempts: 20, jitter: 0.2 } }, 2],
    ["execApprovals: { enabled: true, approvers: [1, 'discord:2', '<@3>', 'x'], target: 'dm' }", {
      execApprovals: { enabled: true, approvers: ["1", "2", "3"] },
    }, 2],
    ["actions: { roles: true, juggling: true }", { actions: { roles: true } }, 1],
    ["dms: { '1': { historyLimit: 5 }, ada: { historyLimit: 5 } }", {
      dms: { "1": { historyLimit: 5 } },
    }, 1],
    ['activity: "reading", status: "idle", activityType: 4', {
      presence: { activity: "reading", status: "idle" },
    }, 1],
    ['token: { source: "env", provider: "default", id: "BOT" }', { token: "${BOT}" }],
    ['token: { source: "exec", id: "x" }', {}, 1],
    ['token: "${BOT}"', { token: "${BOT}" }],
    ['enabled: true, token: "YOUR_BOT_TOKEN"', { enabled: true, token: "YOUR_BOT_TOKEN" }],
    ["configWrites: false", { configWrites: false }],
    ['pluralkit: { enabled: true, token: "pk_live_..." /* optional */ }', {
      pluralkit: { enabled: true, token: "pk_live_..." },
    }],
    ['token: "a${BOT}"', {}, 1],
    ['commands: { native: "auto", nativeSkills: true }', { commands: { native: "auto" } }, 1],
  ];
  for (const [written, ours, notes = 0] of KEYS) {
    it(`${written}`, async () => {
      const { value, told } = await discordOf(written);
      assert.deepEqual([value, told.length], [ours, notes], told.join("\n"));
    });
  }

  it("prefers today's spelling, as OpenClaw does", async () => {
    const { value, told } = await discordOf(
      'dmPolicy: "disabled", dm: { policy: "open", allowFrom: ["*"], enabled: true }, allowFrom: ["1"]',
    );
    assert.deepEqual(value, { dm: { policy: "disabled", enabled: true, allowFrom: ["1"] } });
    assert.equal(told.filter((line) => line.includes("overrides it")).length, 2);
  });

  it("shows no part of a token", async () => {
    const { told } = await discordOf(
      'token: "hunter2${X}", accounts: { a: { token: ["hunter2"] } }',
    );
    assert.ok(told.length > 0 && !told.join().includes("hunter2"), told.join("\n"));
  });

  it("[C6] leaves accounts unchanged if none of their sections would be merged", async () => {
    const { value } = await discordOf(
      'token: "r", historyLimit: 5, guilds: { g: {} }, accounts: { a: { token: "a", historyLimit: 6 } }',
    );
    assert.deepEqual(value, {
      token: "r",
      historyLimit: 5,
      guilds: { g: {} },
      accounts: { a: { token: "a", historyLimit: 6 } },
    });
  });

  it("[C6] writes out an account's keys if its section would be merged with the shared one", async () => {
    const { value, told } = await discordOf(
      'token: "r", groupPolicy: "open", guilds: { shared: {} }, dm: { enabled: false }, ' +
        'accounts: { a: { token: "a", guilds: { own: {} } }, b: { token: "b" } }',
    );
    const shared = { groupPolicy: "open", guilds: { shared: {} }, dm: { enabled: false } };
    assert.deepEqual(value, {
      token: "r",
      accounts: {
        default: shared,
        a: { token: "a", guilds: { own: {} }, groupPolicy: "open", dm: { enabled: false } },
        b: { token: "b", ...shared },
      },
    });
    assert.match(told.join("\n"), /In OpenClaw, an account's section replaces the shared one/);
  });

  it("[C6] adds no default account that OpenClaw would not have", async () => {
    const { value } = await discordOf(
      'guilds: { shared: {} }, groupPolicy: "open", accounts: { a: { token: "a", guilds: {} } }',
    );
    assert.deepEqual(value, { accounts: { a: { token: "a", guilds: {}, groupPolicy: "open" } } });
  });

  it("[C6] keeps accounts off if the whole bot is off", async () => {
    const { value, told } = await discordOf(
      'enabled: false, accounts: { a: { token: "a", enabled: true } }',
    );
    assert.deepEqual(value, { enabled: false, accounts: { a: { token: "a" } } });
    assert.match(told.join("\n"), /The whole bot is off/);
  });

  it("[C6] says that an account needs its own token", async () => {
    const { told } = await discordOf('token: "r", accounts: { a: {} }');
    assert.match(told.join("\n"), /Accounts do not inherit a token here/);
  });
});
