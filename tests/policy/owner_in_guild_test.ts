import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { InboundMessage } from "../../src/core/inbound/inbound.ts";
import type { KnownFacts } from "../../src/core/inbound/facts.ts";
import { type AccessEventKind, prepareAuthorize } from "../../src/policy/authorize.ts";
import type { AccessPolicy } from "../../src/policy/rules/rules.ts";
import { TEXT_COMMANDS } from "../../src/interactions/registry.ts";
import { directMessage, guildMessage, sender } from "../support/discord/builders.ts";
import { admit, bot, inWords, policy } from "./policies.ts";

/** The policy of a bot with nothing but a token. */
const OPEN = policy({ groupPolicy: "open", needsOwnerInGuild: true });
const MENTION = guildMessage({ mention: "user", text: "hello" });
const CHATTER = guildMessage({ text: "hello" });

describe("[P6] admit() › a guild that needs an owner", () => {
  const cases: readonly [
    name: string,
    message: InboundMessage,
    ownerInGuild: KnownFacts["ownerInGuild"],
    verdict: string,
  ][] = [
    ["a mention, owner there", MENTION, "member", "accept: mentioned by guilds.*.requireMention"],
    ["a mention, no owner there", MENTION, "absent", "ignore: owner-not-in-guild by groupPolicy"],
    ["a mention, owner unknown", MENTION, "unknown", "ignore: owner-unknown by groupPolicy"],
    ["a mention, not asked yet", MENTION, undefined, "undecided: owner-in-guild by groupPolicy"],
    ["talk, owner there", CHATTER, "member", "ignore: no-mention+ by guilds.*.requireMention"],
    ["talk, no owner there", CHATTER, "absent", "ignore: owner-not-in-guild by groupPolicy"],
    [
      "talk, not asked yet, which is no context",
      CHATTER,
      undefined,
      "ignore: no-mention by guilds.*.requireMention",
    ],
    [
      "a bot's mention, for which Discord is not asked",
      { ...MENTION, sender: bot },
      undefined,
      "ignore: bot by allowBots",
    ],
    [
      "a direct message, for which Discord is not asked",
      directMessage(),
      undefined,
      "challenge: pairing by dm.policy",
    ],
  ];
  for (const [name, message, ownerInGuild, verdict] of cases) {
    it(name, () => {
      assert.equal(inWords(admit(message, OPEN, ownerInGuild ? { ownerInGuild } : {})), verdict);
    });
  }

  it("needs no owner once the config says something about guilds", () => {
    const rules: Partial<AccessPolicy> = { groupPolicy: "open" };
    assert.equal(admit(MENTION, policy(rules), { ownerInGuild: "absent" }).kind, "accept");
  });
});

describe("[P6] [P16] authorize() › a guild that needs an owner", () => {
  const kinds = ["button", "select", "modal", "slash"] as const satisfies AccessEventKind[];
  const verdicts = [
    ["member", "accept: allowed"],
    ["absent", "ignore: owner-not-in-guild"],
    ["unknown", "ignore: owner-unknown"],
    [undefined, "undecided: owner-in-guild"],
  ] as const;
  for (const kind of kinds) {
    for (const [ownerInGuild, expected] of verdicts) {
      it(`${kind}, owner ${ownerInGuild ?? "not asked"}`, () => {
        const { place, channelId } = MENTION;
        const event = { kind, place, channelId, sender: sender(), needs: "everyone" } as const;
        const knownFacts = ownerInGuild ? { ownerInGuild } : {};
        const { kind: verdict, why } = prepareAuthorize(OPEN, TEXT_COMMANDS)(event, knownFacts);
        assert.equal(`${verdict}: ${why}`, expected);
      });
    }
  }
});
