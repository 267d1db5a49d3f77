import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { InboundMessage, Sender } from "../../../src/core/inbound/inbound.ts";
import { partedText } from "../../../src/core/inbound/inbound.ts";
import { envelopeOf, systemPromptOf } from "../../../src/render/prompt/prompt.ts";
import { composeRequest } from "../../../src/flows/turn/gather.ts";
import {
  channelId,
  guildId,
  guildMessage,
  guildPlace,
  messageId,
  overheard,
  roleId,
  sender,
  userId,
} from "../../support/discord/builders.ts";
import { sameData } from "../../support/same_data.ts";

const ID = messageId("1400000000000000001");

describe("composeRequest()", () => {
  it("[H3] puts the turn's message last, after the history", () => {
    const history = [
      { role: "user", text: "u1", messageId: ID, at: 0 },
      { role: "assistant", text: "a1", messageId: ID, at: 0 },
    ] as const;
    sameData(composeRequest({ system: "s", history, envelope: "now" }), {
      system: "s",
      messages: [...history, { role: "user", text: "now" }],
    });
  });

  it("[SEC-R1] puts no text by people into the system prompt, and all of it into the user's message", () => {
    const fields = [
      "guild",
      "channel",
      "thread",
      "topic",
      "text",
      "quotedTag",
      "quotedText",
      "attachment",
      "sticker",
      "poll",
      "embed",
      "forward",
      "overheardTag",
      "overheardText",
    ] as const;
    const canary = (field: string) => `canary-${field}-7Q`;
    const said = (who: Partial<Sender>) =>
      guildMessage({
        text: canary("text"),
        sender: sender({
          username: canary("username"),
          roles: [{ id: roleId("5"), name: "canary-role-7Q" }],
          ...who,
        }),
        place: guildPlace({
          guild: { id: guildId("1"), name: canary("guild") },
          channel: { id: channelId("2"), name: canary("channel") },
          thread: { id: channelId("3"), name: canary("thread") },
          topic: canary("topic"),
        }),
        quoted: {
          id: ID,
          author: { id: userId("4"), tag: canary("quotedTag") },
          text: canary("quotedText"),
        },
        extras: (["attachment", "sticker", "poll", "embed", "components", "forward"] as const)
          .map((kind) => ({ kind, text: canary(kind) })),
      });
    const requestOf = (message: InboundMessage) =>
      composeRequest({
        system: systemPromptOf({ agentName: "Krill", agentPrompt: "p", channelPrompt: "c" }),
        history: [],
        envelope: partedText(
          envelopeOf({
            message,
            overheard: [overheard({ tag: canary("overheardTag"), text: canary("overheardText") })],
            overheardChars: 10_000,
            timezone: "UTC",
          }),
          "k3f9q2zz",
        ).text,
      });
    const fencesAndFrom =
      /<(\w+) boundary="k3f9q2zz">\n[\s\S]*?\n<\/\1>|^\[(?:from|in reply to): .*$/gm;
    const member = { memberId: "abcde", name: canary("member"), system: canary("system") };
    const speakers: readonly [Partial<Sender>, readonly string[]][] = [
      [{}, ["username"]],
      [{ pluralkit: member }, ["member", "system"]],
    ];
    for (const [who, names] of speakers) {
      const request = requestOf(said(who));
      assert.doesNotMatch(request.system, /canary/);
      const user = request.messages.at(-1)?.text ?? "";
      for (const field of [...fields, ...names]) assert.ok(user.includes(canary(field)), field);
      assert.doesNotMatch(user.replace(fencesAndFrom, ""), /canary/);
    }
  });

  it("has the same system prompt in every turn, byte for byte", () => {
    const [one, two] = ["a", "b"].map((envelope) =>
      composeRequest({ system: systemPromptOf({}), history: [], envelope }).system
    );
    assert.equal(one, two);
  });
});
