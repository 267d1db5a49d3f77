import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { TurnOutcome } from "../../../src/core/step.ts";
import type { InboundMessage } from "../../../src/core/inbound/inbound.ts";
import { rulesOf } from "../../../src/flows/turn/turn_rules.ts";
import { type Given, OWNER, SELF, testAccount } from "../../support/bot/test_account.ts";
import {
  channelId,
  directMessage,
  guildMessage,
  guildPlace,
  sender,
  userId,
} from "../../support/discord/builders.ts";
import { guildData } from "../../support/discord/payloads.ts";
import { toolNamed } from "../../support/model/tools.ts";
import { sameData } from "../../support/same_data.ts";
import type { Frozen } from "../../../src/core/outbound/outbound.ts";
import { withLinesUnder } from "../../../src/flows/turn/steps.ts";
import type { MadeChange } from "../../../src/store/changes/changes.ts";
import { bareAccount } from "../../support/account.ts";
import { frozen } from "../../support/store/store.ts";
import { turnEnded } from "../../../src/flows/turn/answer.ts";

const { guild: { id: GUILD }, channel: { id: CHANNEL } } = guildPlace();
const MIB = 1_048_576;

/** The rules of turns by a config. */
async function setUp(discord: object = {}, beside: object = {}, given: Given = {}) {
  const scene = await testAccount({ discord, beside, ...given });
  return {
    ...scene,
    rules: (message: InboundMessage, agentId = "main") => rulesOf(scene.account, agentId)(message),
  };
}

const from = (id: InboundMessage["sender"]["id"], message = guildMessage()) => ({
  ...message,
  sender: sender({ id }),
});

describe("the rules of a turn", () => {
  it("[H1] [H2] have overheard messages in channels, and turns of direct messages by user", async () => {
    const bob = userId("987654321098765432");
    const history = { historyLimit: 7, dmHistoryLimit: 9, dms: { [bob]: { historyLimit: 3 } } };
    const { rules } = await setUp(history);
    const limits = (message: InboundMessage) => {
      const { historyLimit, userTurns } = rules(message);
      return [historyLimit, userTurns];
    };
    assert.deepEqual(limits(guildMessage()), [7, undefined]);
    assert.deepEqual(limits(directMessage()), [0, 9]);
    assert.deepEqual(limits(from(bob, directMessage())), [0, 3]);
  });

  it("[R15] have a footer for owners of the bot, and not for people whom a place's list names", async () => {
    const listed = sender();
    const lists = { dm: { allowFrom: [listed.id] }, guilds: { [GUILD]: { users: [listed.id] } } };
    const { rules } = await setUp(lists, { messages: { footer: "owners" } });
    for (const message of [guildMessage(), directMessage()]) {
      assert.equal(rules(from(listed.id, message)).hasFooter, false);
      assert.equal(rules(from(OWNER, message)).hasFooter, true);
    }
  });

  it("[N1] [R15] name the agent that is not the first, if the config says so", async () => {
    const list = [{ id: "main", name: "Barney" }, { id: "research", name: "Quill" }, {
      id: "night",
    }];
    const signatures = async (agentName: boolean) => {
      const { rules } = await setUp({}, { agents: { list }, messages: { agentName } });
      return list.map(({ id }) => rules(guildMessage(), id).signature);
    };
    assert.deepEqual(await signatures(true), [undefined, "Quill", "night"]);
    assert.deepEqual(await signatures(false), [undefined, undefined, undefined]);
  });

  it("follow the server, and the tools of the moment", async () => {
    let tools = [toolNamed("remind")];
    const { rules, receive } = await setUp({ mediaMaxMb: 80, guilds: { [GUILD]: {} } }, {
      messages: { footer: "owners" },
    }, { toolServices: { tools: () => tools } });
    const place = guildPlace();
    const first = rules(guildMessage({ place }));
    assert.equal(rules(from(OWNER, guildMessage({ place }))).hasFooter, true);
    await receive("GUILD_CREATE", guildData({ id: GUILD, premium_tier: 2 }));
    assert.notEqual(rules(guildMessage({ place })).maxFileBytes, first.maxFileBytes);
    tools = [toolNamed("web_fetch")];
    assert.deepEqual(rules(guildMessage({ place })).tools, tools);
    assert.equal(rules(guildMessage({ place })).where, first.where);
  });

  it("[P10] give the model the ids on the place's allow list", async () => {
    const { rules } = await setUp({ guilds: { [GUILD]: { users: [OWNER] } } });
    assert.deepEqual([rules(from(OWNER)).ownerId, rules(guildMessage()).ownerId], [
      OWNER,
      undefined,
    ]);
  });

  it("[S6] [P12] have the agent's prompt everywhere, and a channel's only there, also renamed", async () => {
    const systemPrompt = "Only about krill.";
    const { rules } = await setUp(
      { guilds: { [GUILD]: { channels: { [CHANNEL]: { systemPrompt } } } } },
      { agents: { list: [{ id: "main", name: "Barney", prompt: "Be kind." }] } },
    );
    const none = { files: [], skills: [], hasTools: false, hasNoSearch: false };
    const common = { hasTables: true, hasReplyTags: false, ...none };
    const everywhere = { ...common, agentName: "Barney", agentPrompt: "Be kind." };
    const at = (id: typeof CHANNEL, name: string) =>
      guildMessage({ place: guildPlace({ channel: { id, name } }) });
    sameData(rules(directMessage()).instructions, everywhere);
    for (const name of ["help", "renamed"]) {
      const { instructions } = rules(at(CHANNEL, name));
      sameData(instructions, { ...everywhere, channelPrompt: systemPrompt });
    }
    const { instructions } = rules(at(channelId("1499999999999999999"), "help"));
    assert.equal(instructions.channelPrompt, undefined);
  });

  const limits = [
    ["what the config allows", 8, 8_000_000, 8_000_000],
    ["what Discord allows", 80, 50 * MIB, 10 * MIB],
  ] as const;
  for (const [what, mediaMaxMb, inGuild, inDm] of limits) {
    it(`[R12] limit a file by ${what}`, async () => {
      const { rules, receive } = await setUp({ mediaMaxMb });
      await receive("GUILD_CREATE", guildData({ id: GUILD, premium_tier: 2 }));
      assert.equal(rules(guildMessage()).maxFileBytes, inGuild);
      assert.equal(rules(directMessage()).maxFileBytes, inDm);
    });
  }

  it("[R12a] forbid files in a place that takes none", async () => {
    const { rules, receive } = await setUp();
    assert.equal(rules(guildMessage()).takesNoFiles, undefined);
    const channelId = CHANNEL;
    await receive(
      "GUILD_CREATE",
      guildData({
        id: GUILD,
        roles: [{ id: GUILD, name: "@everyone", permissions: "0" }],
        members: [{ user: { id: SELF.userId }, roles: [] }],
        channels: [{ id: channelId, type: 0, name: "help", permission_overwrites: [] }],
        threads: [],
      }),
    );
    assert.equal(rules(guildMessage({ channelId })).takesNoFiles, true);
  });

  it("[T13a] take room for the mark of a person's own account, and no tools or skills of others", async () => {
    const [tool, ofSkill] = [toolNamed("remind"), toolNamed("web_fetch")];
    const skills = [{ name: "x", tools: [ofSkill] }];
    const of = () => ({ skills: { now: () => ({ skills }) } }) as never;
    const tools = [tool];
    const { rules } = await setUp({}, {}, { toolServices: { tools: () => tools, of } });
    const plain = rules(directMessage());
    const own = rules(directMessage({ origin: { kind: "own", server: "cal" } }));
    assert.deepEqual([plain.tools, own.tools, own.offered], [[tool, ofSkill], [], []]);
    assert.equal(rules(directMessage()).tools, plain.tools, "the provider caches them");
    assert.ok(own.chunks.limit < plain.chunks.limit);
  });
});

const voice = { durationSec: 1, waveform: "AA==" };
const claim = {
  message: guildMessage(),
  route: { agentId: "main", sessionKey: "x" },
  attempt: 1,
  isAnother: false,
};
const part = (at: number, of: number, content: string, more: object = {}): Frozen =>
  frozen({
    content,
    of: { cause: claim.message.id, revision: 0, kind: "reply", part: at, parts: of },
    ...more,
  });

describe("[R15a] withLinesUnder()", () => {
  const rows: readonly (readonly [string, readonly Frozen[], readonly (readonly string[])[]])[] = [
    ["a short answer", [part(0, 1, "Done!")], [["Done!\n-# ✓ x set", "Undo"]]],
    ["an answer with a footer", [part(0, 1, "Done!\n-# 3 s", { footer: "-# 3 s" })], [
      ["Done!\n-# 3 s\n-# ✓ x set", "Undo"],
    ]],
    ["a spoken answer", [part(0, 2, "Done!"), part(1, 2, "", { voice })], [
      ["Done!\n-# ✓ x set", "Undo"],
      [""],
    ]],
    ["a full message, whose marks may double the line", [part(0, 1, "x".repeat(1_990))], [
      ["x".repeat(1_990)],
      ["-# ✓ x set", "Undo"],
    ]],
    ["no answer", [], []],
  ];
  for (const [what, outbox, expected] of rows) {
    it(`puts the line and the button together: ${what}`, async () => {
      const calls = [{ id: "1", name: "x", arguments: "{}" }];
      const steps = [
        { kind: "answer", text: "", calls, at: 1 },
        { kind: "result", callId: "1", end: "done", text: "ok", at: 2 },
      ] as const;
      const tools = [{ name: "x", effect: () => ({ object: "x", did: "set" }) }];
      const change: Partial<MadeChange> = {
        undo: { does: "x", needs: [], requests: [] },
        isUndone: false,
        madeAt: 1,
      };
      const account = bareAccount({
        now: () => 2,
        store: {
          turns: { stepsOf: () => Promise.resolve(steps) },
          changes: { ofTurn: () => Promise.resolve([change as MadeChange]) },
        } as never,
      });
      const ended = await withLinesUnder(
        { claim, entries: [], end: { kind: "answered" }, outbox },
        {
          account,
          config: { messages: { receipts: "effects" } },
          rules: { tools, chunks: { limit: 2_000 } },
        } as never,
      );
      const shown = ended.outbox.map((
        { message: { content, buttons = [] } },
      ) => [content, ...buttons.map(({ label }) => label)]);
      assert.deepEqual(shown, expected);
      for (const { message: { content, footer = "", of } } of ended.outbox) {
        assert.ok(content.endsWith(footer));
        assert.equal(of?.parts, ended.outbox.length);
      }
    });
  }
});

/** The engine's switch, in the place of this runtime's own while the test lasts. */
function spiedJit() {
  const scales: number[] = [];
  const before = Reflect.getOwnPropertyDescriptor(globalThis, "Bun");
  const fake = { unsafe: { setJITPolicy: (scale: number) => void scales.push(scale) } };
  const bun: unknown = before?.value;
  const unsafe: unknown = typeof bun === "object" && bun && Reflect.get(bun, "unsafe");
  if (typeof unsafe !== "object" || !unsafe) {
    Object.defineProperty(globalThis, "Bun", { value: fake, configurable: true });
    return { scales, [Symbol.dispose]: () => void Reflect.deleteProperty(globalThis, "Bun") };
  }
  const own: unknown = Reflect.get(unsafe, "setJITPolicy");
  Object.assign(unsafe, fake.unsafe);
  return { scales, [Symbol.dispose]: () => void Reflect.set(unsafe, "setJITPolicy", own) };
}

describe("[B3] turnEnded()", () => {
  it("has the engine compile hot code sooner once the bot is busy", async () => {
    using jit = spiedJit();
    const { account } = await testAccount();
    for (let turn = 0; turn < 99; turn++) turnEnded(account, { kind: "interrupted" }, 1, "test/x");
    assert.deepEqual(jit.scales, []);
    turnEnded(account, { kind: "interrupted" }, 1, "test/x");
    turnEnded(account, { kind: "interrupted" }, 1, "test/x");
    assert.deepEqual(jit.scales, [1]);
  });

  it("counts a tool step as a turn", async () => {
    using jit = spiedJit();
    const { account } = await testAccount();
    const taken = { steps: Array.from({ length: 98 }, () => ({})) };
    const outcome = { kind: "reply", taken } as unknown as TurnOutcome;
    turnEnded(account, outcome, 1, "test/x");
    assert.deepEqual(jit.scales, []);
    turnEnded(account, { kind: "interrupted" }, 1, "test/x");
    assert.deepEqual(jit.scales, [1]);
  });
});
