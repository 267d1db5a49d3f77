import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { asMembers, type ProxiedMessage } from "../../../src/pluralkit/client.ts";
import {
  channelId,
  guildId,
  guildMessage,
  messageId,
  sender,
  userId,
} from "../../support/discord/builders.ts";

const webhook = guildMessage({
  id: messageId("1400000000000000500"),
  sender: sender({ id: userId("777"), username: "Aria", automaton: "webhook" }),
});

function proxied(fields: Partial<ProxiedMessage> = {}): ProxiedMessage {
  return {
    id: webhook.id,
    original: messageId("1400000000000000499"),
    sender: userId("123456789012345678"),
    channelId: webhook.channelId,
    guildId: webhook.guildId!,
    member: { memberId: "abcde", name: "Aria", system: "The Crew" },
    ...fields,
  };
}

describe("[P13] [SEC-R33] asMembers()", () => {
  it("makes the webhook's message the member's, and no automaton's", () => {
    assert.deepEqual(asMembers(webhook, proxied()), {
      ...webhook,
      sender: {
        id: "123456789012345678",
        username: "pk:abcde",
        roles: [],
        pluralkit: { memberId: "abcde", name: "Aria", system: "The Crew" },
      },
    });
  });

  const forged: readonly [what: string, fields: Partial<ProxiedMessage>][] = [
    ["another message", { id: messageId("1400000000000000501") }],
    ["its original", { id: messageId("1400000000000000499") }],
    ["another channel", { channelId: channelId("1") }],
    ["another guild", { guildId: guildId("1") }],
  ];
  for (const [what, fields] of forged) {
    it(`refuses an answer about ${what}`, () => {
      assert.equal(asMembers(webhook, proxied(fields)), undefined);
    });
  }

  it("refuses an answer without a member", () => {
    const { member: _, ...nobody } = proxied();
    assert.equal(asMembers(webhook, nobody), undefined);
  });

  it("needs no guild if none is named", () => {
    const { guildId: _, ...anywhere } = proxied();
    assert.ok(asMembers(webhook, anywhere));
  });
});
