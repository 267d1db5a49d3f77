import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { COMMANDS } from "../../../src/core/inbound/commands.ts";
import type { InboundMessage } from "../../../src/core/inbound/inbound.ts";
import type { CommandCall } from "../../../src/core/inbound/interactions.ts";
import type { Verdict } from "../../../src/core/inbound/verdict.ts";
import { createTextCommands } from "../../../src/flows/interactions/text_commands.ts";
import type { Command } from "../../../src/interactions/base/command.ts";
import { directMessage, guildMessage } from "../../support/discord/builders.ts";
import { interactionContext } from "../../support/discord/interaction_context.ts";
import { recordingLog } from "../../support/recording_log.ts";

const ALLOWED: Verdict = { kind: "accept", why: "allowed", rule: "r" };
const DENIED: Verdict = { kind: "ignore", why: "not-manager", rule: "r", keepAsContext: false };

function build(
  { verdict = ALLOWED, kinds = COMMANDS, fields = {} as Partial<Command> } = {},
) {
  const calls: CommandCall[] = [];
  const command = (name: string, needs: Command["needs"]): Command => ({
    name,
    description: name,
    options: [{ name: "words", description: "Words", type: "text", isRequired: false }],
    needs,
    run(call) {
      calls.push(call);
      return `ran ${name}`;
    },
    ...fields,
  });
  const text = createTextCommands({
    commands: [command("status", "everyone"), command("reset", "session")],
    kinds: () => kinds,
    managesMessages: () => Promise.resolve(true),
    authorize: () => verdict,
    context: interactionContext(),
    log: recordingLog().log,
  });
  return { text, calls };
}
const say = (text: string, fields: Partial<InboundMessage> = {}) =>
  guildMessage({ text, ...fields });

describe("[K1] [M4] createTextCommands()", () => {
  it("knows which messages are commands", () => {
    const { text } = build();
    assert.ok(text.isCommand(say("/status")));
    assert.ok(text.isCommand(say("<@1> /status", { mention: "user" })));
    const others = [
      say("/status now"),
      say("<@1> /status"), // the mention of another person
      say("<@1> /status", { mention: "user", mentionsOthers: true }),
      say("/status", { asked: true }),
      say("/status", { scheduled: { scheduleId: 1, dueAt: 1 } }),
      say("/status", { sender: { ...say("").sender, automaton: "bot" } }),
    ];
    assert.deepEqual(others.map(text.isCommand), others.map(() => false));
    assert.ok(!build({ kinds: new Map() }).text.isCommand(say("/status")));
  });

  it("lets those wait that change the conversation", () => {
    const { text } = build();
    assert.deepEqual([text.changesSession(say("/status")), text.changesSession(say("/reset"))], [
      false,
      true,
    ]);
  });

  it("runs a command with its words, and with the rights that Discord tells", async () => {
    const { text, calls } = build();
    const message = say("/reset all of it");
    assert.equal(await text.run(message), "ran reset");
    const [call] = calls;
    assert.deepEqual([call?.id, call?.isText, call?.managesMessages, call?.options["words"]], [
      message.id,
      true,
      true,
      "all of it",
    ]);
  });

  it("[K3] refuses a person without the right", async () => {
    const { text, calls } = build({ verdict: DENIED });
    assert.equal(await text.run(say("/reset")), "You are not authorized to do that.");
    assert.deepEqual(calls, []);
  });

  it("answers privately only in direct messages, and names the menu otherwise", async () => {
    const { text } = build({ fields: { isPrivate: true } });
    assert.match(await text.run(say("/status")), /Use `\/status` from Discord's menu, or/);
    assert.equal(await text.run(directMessage({ text: "/status" })), "ran status");
    const menu = build({ fields: { isMenuOnly: true } });
    assert.match(await menu.text.run(directMessage({ text: "/status" })), /^Use `\/status` from/);
  });

  it("shows how to write a command whose words do not fit", async () => {
    const { text } = build({ fields: { options: [] } });
    assert.match(await text.run(say("/reset now")), /`\/reset`$/);
  });
});
