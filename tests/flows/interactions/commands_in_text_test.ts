import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { textCommandIn } from "../../../src/core/inbound/text_commands.ts";
import { TEXT_COMMANDS } from "../../../src/interactions/registry.ts";
import type { InboundMessage } from "../../../src/core/inbound/inbound.ts";
import type { CommandCall } from "../../../src/core/inbound/interactions.ts";
import type { Verdict } from "../../../src/core/inbound/verdict.ts";
import { createTextCommands } from "../../../src/flows/interactions/run_commands.ts";
import type { Command } from "../../../src/interactions/base/command.ts";
import { directMessage, guildMessage } from "../../support/discord/builders.ts";
import { createRefusals } from "../../../src/flows/interactions/refusals.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { interactionContext } from "../../support/discord/interaction_context.ts";

const ALLOWED: Verdict = { kind: "accept", why: "allowed", rule: "r" };
const DENIED: Verdict = { kind: "ignore", why: "not-manager", rule: "r", keepAsContext: false };

function build(
  { verdict = ALLOWED, fields = {} as Partial<Command> } = {},
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
  const commands = [command("status", "everyone"), command("reset", "session")];
  const clock = new FakeClock();
  const context = interactionContext();
  const refusals = createRefusals({ now: clock.now });
  const run = createTextCommands(
    { commands, authorize: () => verdict, refusals, context },
    (message) => textCommandIn(message, TEXT_COMMANDS),
    () => Promise.resolve(true),
  );
  return { run, calls };
}
const say = (text: string, fields: Partial<InboundMessage> = {}) =>
  guildMessage({ text, ...fields });

describe("[K1] [M4] createTextCommands()", () => {
  it("runs a command with its words, and with the rights that Discord tells", async () => {
    const { run, calls } = build();
    const message = say("/reset all of it");
    assert.equal(await run(message), "ran reset");
    const [call] = calls;
    assert.deepEqual([call?.id, call?.isText, call?.managesMessages, call?.options["words"]], [
      message.id,
      true,
      true,
      "all of it",
    ]);
  });

  it("[K3] refuses a person without the right", async () => {
    const { run, calls } = build({ verdict: DENIED });
    assert.equal(await run(say("/reset")), "You are not authorized to do that.");
    assert.equal(await run(say("/reset")), "", "[X4a] once a minute; then a mark");
    assert.deepEqual(calls, []);
  });

  it("answers privately only in direct messages, and names the menu otherwise", async () => {
    const { run } = build({ fields: { isPrivate: true } });
    assert.match(await run(say("/status")), /Use `\/status` from Discord's menu, or/);
    assert.equal(await run(directMessage({ text: "/status" })), "ran status");
    const menu = build({ fields: { isMenuOnly: true } });
    assert.match(await menu.run(directMessage({ text: "/status" })), /^Use `\/status` from/);
  });

  it("shows how to write a command whose words do not fit", async () => {
    const { run } = build({ fields: { options: [] } });
    assert.match(await run(say("/reset now")), /`\/reset`$/);
  });
});
