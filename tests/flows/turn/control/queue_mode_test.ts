import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { prepareQueueModes, type RightsOf } from "../../../../src/flows/turn/turn_rules.ts";
import type { QueueMode } from "../../../../src/core/config_file.ts";
import type { InboundMessage } from "../../../../src/core/inbound/inbound.ts";
import type { Tool } from "../../../../src/core/turn/tool.ts";
import { TOOLS } from "../../../../src/tools/registry.ts";
import { loadTestConfig } from "../../../support/config.ts";
import { channelId, guildMessage, sender, userId } from "../../../support/discord/builders.ts";

const ADA = userId("987654321098765001");
const BOB = userId("987654321098765002");

const from = (id: typeof ADA): InboundMessage => guildMessage({ sender: sender({ id }) });
const named = (...names: readonly string[]) => TOOLS.filter(({ name }) => names.includes(name));

/** Whether a message of Ada's and one of Bob's share a turn, or one ends the other's. */
async function modesWith(
  tools: readonly Tool[],
  { others = [], mode = "collect", beside = {}, isOwner = () => false, chosenIn = () => undefined }:
    {
      /** Tools of the agent `other`. */
      readonly others?: readonly Tool[];
      readonly mode?: string;
      readonly beside?: object;
      readonly isOwner?: (message: InboundMessage) => boolean;
      readonly chosenIn?: (message: InboundMessage) => QueueMode | undefined;
    } = {},
) {
  const config = await loadTestConfig({}, { messages: { queue: { mode } }, ...beside });
  const rights = (tools: readonly Tool[]): RightsOf => () => ({
    tools,
    instructions: { hasTables: true, hasReplyTags: false, hasTools: tools.length > 0 },
  });
  const rightsOf = (agentId: string) => rights(agentId === "other" ? others : tools);
  const isCommand = ({ text }: InboundMessage) => text.startsWith("/");
  return prepareQueueModes(config, { rightsOf, isOwner, isCommand, chosenIn });
}

describe("[S5] prepareQueueModes()", () => {
  it("[K2] prefers the mode that a person has chosen for the place of the later message", async () => {
    const chosenIn = ({ text }: InboundMessage) => text === "now" ? "interrupt" : undefined;
    const modes = await modesWith([], { mode: "followup", chosenIn });
    assert.equal(modes.interrupts(from(ADA), { ...from(ADA), text: "now" }, "main"), true);
    assert.equal(modes.interrupts({ ...from(ADA), text: "now" }, from(ADA), "main"), false);
    assert.equal(modes.carries(from(ADA), from(ADA), "main"), false);
  });

  it("lets several people share a turn whose tools act for no one in particular", async () => {
    for (const tools of [[], named("web_fetch", "recall", "code")]) {
      const modes = await modesWith(tools);
      assert.equal(modes.carries(from(ADA), from(BOB), "main"), true);
    }
  });

  it("[T4] gives another person a turn of their own if a tool acts for its asker", async () => {
    for (const name of ["memory", "remind", "reply_in_thread", "discord"]) {
      for (const mode of ["collect", "steer", "interrupt"]) {
        const { carries, steers } = await modesWith(named(name, "web_fetch"), { mode });
        assert.equal(carries(from(ADA), from(BOB), "main"), false, `${name}, ${mode}`);
        assert.equal(steers(from(ADA), from(BOB), "main"), false, `${name}, ${mode}`);
        assert.equal(carries(from(ADA), from(ADA), "main"), true, `${name}, ${mode}`);
      }
    }
  });

  it("[N1] decides by the tools of the agent that answers", async () => {
    const modes = await modesWith(named("code"), { others: named("memory"), mode: "steer" });
    for (const decide of [modes.carries, modes.steers]) {
      assert.equal(decide(from(ADA), from(BOB), "main"), true);
      assert.equal(decide(from(ADA), from(BOB), "other"), false);
    }
  });

  it("[T14] gives members of one PluralKit system turns of their own", async () => {
    const member = (memberId: string): InboundMessage =>
      guildMessage({ sender: sender({ id: ADA, pluralkit: { memberId, name: memberId } }) });
    const { carries } = await modesWith(named("memory"));
    assert.equal(carries(member("aaaaa"), member("bbbbb"), "main"), false);
    assert.equal(carries(member("aaaaa"), from(ADA), "main"), false);
    assert.equal(carries(member("aaaaa"), member("aaaaa"), "main"), true);
    const isOwner = ({ sender: { pluralkit } }: InboundMessage) => pluralkit?.memberId === "aaaaa";
    const byOwner = await modesWith([], { isOwner });
    assert.equal(byOwner.carries(member("aaaaa"), member("bbbbb"), "main"), false);
  });

  it("[P10] gives an owner a turn of their own with any tools", async () => {
    const isOwner = ({ sender: { id } }: InboundMessage) => id === ADA;
    for (const mode of ["collect", "steer", "interrupt"]) {
      const { carries, steers, interrupts } = await modesWith([], { mode, isOwner });
      assert.equal(carries(from(ADA), from(BOB), "main"), false, mode);
      assert.equal(steers(from(ADA), from(BOB), "main"), false, mode);
      assert.equal(interrupts(from(ADA), from(BOB), "main"), false, mode);
    }
  });

  it("[X4] lets no one speak at the cost of another person if there is a budget", async () => {
    const beside = { budgets: { perUser: { tokensPerDay: 1_000 } } };
    const { carries } = await modesWith([], { beside });
    assert.equal(carries(from(ADA), from(BOB), "main"), false);
    assert.equal(carries(from(BOB), from(BOB), "main"), true);
  });

  it("lets a person end the turn of another one with the same rights in `interrupt`", async () => {
    const { interrupts } = await modesWith(named("memory"), { mode: "interrupt" });
    assert.equal(interrupts(from(ADA), from(BOB), "main"), true);
  });

  describe("side by side", () => {
    const CHRIS = userId("987654321098765003");
    const personal = named("memory");

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
      const isOwner = ({ sender: { id } }: InboundMessage) => id === CHRIS;
      const modes = await modesWith(personal, { isOwner });
      const three = ["4", "5", "6"].map((end) => from(userId(`98765432109876500${end}`)));
      assert.equal(modes.runsBeside(three, from(CHRIS), "main"), true);
    });

    it("runs one turn after another with `turnsPerChannel` 1", async () => {
      const modes = await modesWith(personal, {
        beside: { messages: { queue: { mode: "collect", turnsPerChannel: 1 } } },
        isOwner: () => true,
      });
      assert.equal(modes.runsBeside([from(ADA)], from(BOB), "main"), false);
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
