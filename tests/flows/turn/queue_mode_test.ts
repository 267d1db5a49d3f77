import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { prepareQueueModes } from "../../../src/flows/turn/turn_rules.ts";
import type { InboundMessage } from "../../../src/core/inbound/inbound.ts";
import { TOOLS } from "../../../src/tools/registry.ts";
import { OWNER, testAccount } from "../../support/bot/test_account.ts";
import {
  channelId,
  guildMessage,
  guildPlace,
  sender,
  userId,
} from "../../support/discord/builders.ts";

const ADA = userId("987654321098765001");
const BOB = userId("987654321098765002");

const from = (id: typeof ADA): InboundMessage => guildMessage({ sender: sender({ id }) });

/** Which messages share turns of agents with these tools, and which end others. */
async function modesWith(
  names: readonly string[],
  { others = [], mode = "collect", beside = {} }: {
    /** Tools of the agent `other`. */
    readonly others?: readonly string[];
    readonly mode?: string;
    readonly beside?: object;
  } = {},
) {
  const tools = TOOLS.filter(({ name }) => [...names, ...others].includes(name));
  const of = (id: string, allow: readonly string[]) => ({ id, tools: { allow } });
  const { account } = await testAccount({
    discord: { guilds: { [guildPlace().guild.id]: { users: ["*"] } } },
    beside: {
      agents: { list: [of("main", names), of("other", others)] },
      messages: { queue: { mode } },
      ...beside,
    },
    toolServices: { tools: () => tools },
  });
  return { ...prepareQueueModes(account), account };
}

describe("[S5] prepareQueueModes()", () => {
  it("[K2] prefers the mode that a person has chosen for the place of the later message", async () => {
    const { account } = await modesWith([], { mode: "followup" });
    const there = { ...from(ADA), channelId: channelId("987654321098765099") };
    const { accountId, store, now } = account;
    await store.settings.change(accountId, there.channelId, "queue", "interrupt", now());
    const { interrupts, carries } = prepareQueueModes(account);
    assert.equal(interrupts(there, there, "main"), true);
    assert.equal(interrupts(from(ADA), from(ADA), "main"), false);
    assert.equal(carries(from(ADA), from(ADA), "main"), false);
  });

  it("lets several people share a turn whose tools act for no one in particular", async () => {
    for (const tools of [[], ["web_fetch", "recall", "code"]]) {
      const modes = await modesWith(tools);
      assert.equal(modes.carries(from(ADA), from(BOB), "main"), true);
    }
  });

  it("[T4] gives another person a turn of their own if a tool acts for its asker", async () => {
    for (const name of ["memory", "remind", "reply_in_thread", "discord"]) {
      for (const mode of ["collect", "steer", "interrupt"]) {
        const { carries, steers } = await modesWith([name, "web_fetch"], { mode });
        assert.equal(carries(from(ADA), from(BOB), "main"), false, `${name}, ${mode}`);
        assert.equal(steers(from(ADA), from(BOB), "main"), false, `${name}, ${mode}`);
        assert.equal(carries(from(ADA), from(ADA), "main"), true, `${name}, ${mode}`);
      }
    }
  });

  it("[N1] decides by the tools of the agent that answers", async () => {
    const modes = await modesWith(["code"], { others: ["memory"], mode: "steer" });
    for (const decide of [modes.carries, modes.steers]) {
      assert.equal(decide(from(ADA), from(BOB), "main"), true);
      assert.equal(decide(from(ADA), from(BOB), "other"), false);
    }
  });

  it("[V5] gives a spoken message a turn of its own, also of the same person", async () => {
    const { carries } = await modesWith([]);
    const spoken = { ...from(ADA), origin: { kind: "speech", seconds: 1 } } as const;
    assert.equal(carries(from(ADA), spoken, "main"), false);
    assert.equal(carries(spoken, from(ADA), "main"), false);
  });

  it("[T14] gives members of one PluralKit system turns of their own", async () => {
    const member = (memberId: string): InboundMessage =>
      guildMessage({ sender: sender({ id: ADA, pluralkit: { memberId, name: memberId } }) });
    const { carries } = await modesWith(["memory"]);
    assert.equal(carries(member("aaaaa"), member("bbbbb"), "main"), false);
    assert.equal(carries(member("aaaaa"), from(ADA), "main"), false);
    assert.equal(carries(member("aaaaa"), member("aaaaa"), "main"), true);
  });

  it("[P10] gives an owner a turn of their own with any tools", async () => {
    for (const mode of ["collect", "steer", "interrupt"]) {
      const { carries, steers, interrupts } = await modesWith([], { mode });
      assert.equal(carries(from(OWNER), from(BOB), "main"), false, mode);
      assert.equal(steers(from(OWNER), from(BOB), "main"), false, mode);
      assert.equal(interrupts(from(OWNER), from(BOB), "main"), false, mode);
    }
  });

  it("[X4] lets no one speak at the cost of another person if there is a budget", async () => {
    const beside = { budgets: { perUser: { tokensPerDay: 1_000 } } };
    const { carries } = await modesWith([], { beside });
    assert.equal(carries(from(ADA), from(BOB), "main"), false);
    assert.equal(carries(from(BOB), from(BOB), "main"), true);
  });

  it("lets a person end the turn of another one with the same rights in `interrupt`", async () => {
    const { interrupts } = await modesWith(["memory"], { mode: "interrupt" });
    assert.equal(interrupts(from(ADA), from(BOB), "main"), true);
  });

  describe("side by side", () => {
    const CHRIS = userId("987654321098765003");
    const personal = ["memory"];

    it("runs turns of different people, up to the number of the config", async () => {
      const modes = await modesWith(personal);
      assert.equal(modes.runsBeside([from(ADA)], from(BOB), "main"), true);
      assert.equal(modes.runsBeside([from(ADA), from(BOB)], from(CHRIS), "main"), true);
      const three = [from(ADA), from(BOB), from(userId("987654321098765004"))];
      assert.equal(modes.runsBeside(three, from(CHRIS), "main"), false);
      assert.equal(
        modes.runsBeside([from(ADA), from(BOB)], from(ADA), "main"),
        false,
        "one of a person",
      );
    });

    it("[X4a] lets an owner begin beside any number", async () => {
      const modes = await modesWith(personal);
      const three = ["4", "5", "6"].map((end) => from(userId(`98765432109876500${end}`)));
      assert.equal(modes.runsBeside(three, from(OWNER), "main"), true);
    });

    it("runs one turn after another with `turnsPerChannel` 1", async () => {
      const modes = await modesWith(personal, {
        beside: { messages: { queue: { mode: "collect", turnsPerChannel: 1 } } },
      });
      assert.equal(modes.runsBeside([from(ADA)], from(OWNER), "main"), false);
    });

    it("leaves messages to a turn that collects them, or that they interrupt", async () => {
      assert.equal((await modesWith([])).runsBeside([from(ADA)], from(BOB), "main"), false);
      const followup = await modesWith([], { mode: "followup" });
      assert.equal(followup.runsBeside([from(ADA)], from(BOB), "main"), true);
      const interrupt = await modesWith(personal, { mode: "interrupt" });
      assert.equal(interrupt.runsBeside([from(ADA)], from(BOB), "main"), false);
    });

    it("runs none beside a turn of another channel, nor beside a command", async () => {
      const modes = await modesWith(personal);
      const elsewhere = { ...from(ADA), channelId: channelId("987654321098765099") };
      assert.equal(modes.runsBeside([elsewhere], from(BOB), "main"), false);
      const { runsBeside } = modes;
      assert.equal(runsBeside([{ ...from(ADA), text: "/reset" }], from(BOB), "main"), false);
      assert.equal(runsBeside([from(ADA)], { ...from(BOB), text: "/reset" }, "main"), false);
    });
  });
});
