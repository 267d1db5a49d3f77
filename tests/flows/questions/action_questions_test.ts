import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Decision } from "../../../src/core/people/question.ts";
import { withActions } from "../../discord/rest/actions/actions_harness.ts";

const YES: Decision = { kind: "answered", answer: { choice: "once" }, about: "escalation" };

describe("[T11] an action that its asker may not do", () => {
  it("is a question to the owners, and its probe changes nothing", () =>
    withActions(async ({ ask, writes, target, demo: { channels } }) => {
      const cases = [
        { action: "channelEdit", channelId: channels.help.id, name: "new" },
        { action: "kick", userId: target.id },
        { action: "deleteMessage", messageId: "1", channelId: channels.help.id },
      ];
      for (const args of cases.slice(0, 2)) {
        const question = await ask(args);
        assert.equal(question?.kind, "escalation");
        assert.equal(question.exact, JSON.stringify(args));
      }
      assert.equal(await ask({ ...cases[2] }), undefined); // there is no such message
      assert.deepEqual(writes(), []);
    }));

  it("is no question to anyone without `approvals.escalate`", () =>
    withActions(async ({ ask, rules, target, demo: { channels } }) => {
      rules.escalates = false;
      for (
        const args of [
          { action: "channelEdit", channelId: channels.help.id, name: "new" },
          { action: "kick", userId: target.id },
        ]
      ) assert.equal(await ask(args), undefined);
    }));

  it("is no question if the asker may do it", () =>
    withActions(async ({ ask, permit, writes, demo: { channels } }) => {
      permit("manageChannels");
      const args = { action: "channelEdit", channelId: channels.help.id, name: "new" };
      assert.equal(await ask(args), undefined);
      assert.equal(await ask({ action: "sendMessage", text: "hello" }), undefined);
      assert.deepEqual(writes(), []);
    }));

  it('happens if an owner allows it; a "Go on" or a denial is no right', () =>
    withActions(async ({ run, demo: { channels } }) => {
      const args = { action: "channelEdit", channelId: channels.help.id, name: "new" };
      assert.match(await run(args, { decision: { ...YES, about: "limit" } }), /Manage Channels/);
      assert.match(
        await run(args, { decision: { ...YES, answer: { choice: "deny" } } }),
        /Manage Channels; a person who may allow it said no/,
      );
      assert.match(await run(args, { decision: { kind: "expired" } }), /no one has allowed it/);
      assert.match(await run(args, { decision: YES }), /^Changed/);
    }));
});
