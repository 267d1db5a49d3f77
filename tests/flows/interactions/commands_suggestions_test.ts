import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ApplicationId } from "../../../src/core/discord/ids.ts";
import type { OptionTyping } from "../../../src/core/inbound/interactions.ts";
import type { Verdict } from "../../../src/core/inbound/verdict.ts";
import { createSuggestions } from "../../../src/flows/interactions/run_commands.ts";
import type { Choice, Command, CommandOption } from "../../../src/interactions/base/command.ts";
import { callOf } from "../../support/discord/calls.ts";
import { interactionContext } from "../../support/discord/interaction_context.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { settle } from "../../support/settle.ts";

const ALLOWED: Verdict = { kind: "accept", why: "allowed", rule: "r" };
const DENIED: Verdict = { kind: "ignore", why: "not-owner", rule: "r", keepAsContext: false };
const CHOICE: Choice = { name: "High", value: "high" };
const TYPING: OptionTyping = {
  ...callOf("tide"),
  kind: "typing",
  token: "s3cret",
  applicationId: "99" as ApplicationId,
  typed: { option: "when", text: "h" },
};
type Suggest = NonNullable<CommandOption["suggest"]>;

function build(suggest: Suggest, verdict = ALLOWED) {
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const sent: (readonly Choice[])[] = [];
  const when = { name: "when", description: "When", type: "text", isRequired: false } as const;
  const tide: Command = {
    name: "tide",
    description: "Tide",
    options: [{ ...when, suggest }],
    needs: "owner",
    run: () => "",
  };
  const context = interactionContext({ log });
  const refusals = { next: () => assert.fail("a suggestion is no refusal") };
  const runner = { commands: [tide], authorize: () => verdict, refusals, context };
  const handle = createSuggestions(runner, (_, choices) => {
    sent.push(choices);
    return Promise.resolve();
  }, clock.schedule);
  return { handle, clock, sent, lines };
}

describe("[K2] createSuggestions()", () => {
  it("sends what the option suggests, at most 25 values", async () => {
    const { handle, sent } = build(() => Array.from({ length: 30 }, () => CHOICE));
    await handle(TYPING);
    assert.deepEqual(sent, [Array.from({ length: 25 }, () => CHOICE)]);
  });

  it("[K3] sends nothing to a person without the right, nor for an unknown option", async () => {
    const denied = build(() => assert.fail("it was asked"), DENIED);
    await denied.handle(TYPING);
    await denied.handle({ ...TYPING, name: "gone" });
    const { handle, sent } = build(() => assert.fail("it was asked"));
    await handle({ ...TYPING, typed: { option: "where", text: "" } });
    await handle({ ...TYPING, name: "gone" });
    assert.deepEqual([denied.sent, sent], [[], [[], []]]);
  });

  it("[K5] sends nothing after a second, and after a failure", async () => {
    const slow = build(() => new Promise(() => {}));
    const done = slow.handle(TYPING);
    await settle();
    slow.clock.advance(1_000);
    await done;
    const broken = build(() => Promise.reject(new Error("disk full")));
    await broken.handle(TYPING);
    assert.deepEqual([slow.sent, broken.sent], [[[]], [[]]]);
    assert.equal(broken.lines[0]?.level, "debug");
    assert.doesNotMatch(JSON.stringify(broken.lines), /s3cret/);
  });
});
