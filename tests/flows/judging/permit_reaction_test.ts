import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createPermitReaction } from "../../../src/flows/judging/permit_reaction.ts";
import type { CurrentPolicy } from "../../../src/flows/judging/policy_keeper.ts";
import type { Reaction } from "../../../src/core/inbound/reactions.ts";
import { prepareAuthorize } from "../../../src/policy/authorize.ts";
import { TEXT_COMMANDS } from "../../../src/interactions/registry.ts";
import { loadTestConfig } from "../../support/config.ts";
import {
  ACCOUNT,
  channelId,
  guildPlace,
  messageId,
  sender,
  userId,
} from "../../support/discord/builders.ts";

const OURS = userId("777");
const GUILD = guildPlace().guild.id;
const guild = (rules: object) => ({ guilds: { [GUILD]: rules } });

async function permit(discord: object, fields: Partial<Reaction> = {}) {
  const { discord: { access: policy } } = await loadTestConfig(discord);
  const current = { policy, authorize: prepareAuthorize(policy, TEXT_COMMANDS) } as CurrentPolicy;
  const decide = createPermitReaction({
    policy: () => current,
    isOurs: (id) => id === OURS,
    ownerIn: () => undefined,
  });
  return decide({
    kind: "reaction",
    accountId: ACCOUNT,
    change: "added",
    channelId: channelId("11"),
    guildId: GUILD,
    place: guildPlace(),
    messageId: messageId("5"),
    sender: sender(),
    emoji: "👍",
    on: "own",
    ...fields,
  })?.onlyIf;
}

describe("[H5] [P10] [P16] createPermitReaction()", () => {
  const { id } = sender();
  const direct = { place: { kind: "dm" } } as const;
  const cases: readonly [
    what: string,
    discord: object,
    reaction: Partial<Reaction>,
    onlyIf: object | undefined,
  ][] = [
    ["permits a reaction to the bot's message", guild({}), {}, {}],
    ["refuses one to another message by default", guild({}), { on: "other" }, undefined],
    ["asks the store if Discord does not tell", guild({}), { on: "unknown" }, { isOwn: true }],
    ["permits all with `all`", guild({ reactionNotifications: "all" }), { on: "unknown" }, {}],
    ["refuses all with `off`", guild({ reactionNotifications: "off" }), {}, undefined],
    ["refuses unlisted senders", guild({ users: ["1"] }), {}, undefined],
    ["refuses unlisted channels", guild({ channels: { "9": {} } }), {}, undefined],
    ["refuses other guilds", { guilds: { "1": {} } }, {}, undefined],
    ["refuses bots", guild({}), { sender: sender({ automaton: "bot" }) }, undefined],
    ["refuses our other accounts", guild({}), { sender: sender({ id: OURS }) }, undefined],
    ["permits listed users in DMs", { dm: { allowFrom: [id] } }, direct, {}],
    ["asks the store about pairing", {}, direct, { isPaired: true }],
    ["refuses users without access", { dm: { policy: "allowlist" } }, direct, undefined],
    ["takes removals of known reactions", guild({}), { change: "removed" }, { isKnown: true }],
  ];
  for (const [what, discord, reaction, onlyIf] of cases) {
    it(what, async () => assert.deepEqual(await permit(discord, reaction), onlyIf));
  }
});
