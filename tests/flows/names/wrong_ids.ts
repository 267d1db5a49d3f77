/** Two guilds of the bot, and a Discord that knows a few more ids, for tests of wrong ids. */

import type { GuildId } from "../../../src/core/discord/ids.ts";
import type { PossiblePerson } from "../../../src/flows/names/find_wrong_ids.ts";
import { createUnknownIds } from "../../../src/flows/names/unknown_ids.ts";
import type { AccessPolicy } from "../../../src/policy/rules/rules.ts";
import { channelId, guildId, roleId, userId } from "../../support/discord/builders.ts";
import { policy as accessPolicy } from "../../policy/policies.ts";
import { recordingLog } from "../../support/recording_log.ts";

export const GENERAL = { id: channelId("1400000000000000020"), name: "general" };
export const OPS = { id: channelId("1400000000000000990"), name: "ops" };
export const MODS = { id: roleId("1400000000000000030"), name: "Mods" };
export const KRILL = {
  id: guildId("1400000000000000010"),
  name: "Krill & Co",
  channels: [GENERAL, OPS],
  roles: [MODS],
};
export const WHALES = {
  id: guildId("1400000000000000011"),
  name: "Whales",
  channels: [],
  roles: [],
};
export const WRONG = "1400000000000000012";
export const ADA = userId("1400000000000000040");
export const THREAD = channelId("1400000000000000050");
const USERS = new Map<string, string>([[ADA, "ada"]]);

export const CATEGORY_ELSEWHERE = channelId("1400000000000000051");
export const HIDDEN = channelId("1400000000000000052");
export const WHALES_THREAD = channelId("1400000000000000054");
export const DIRECT = channelId("1400000000000000053");
export const HOOK = userId("1400000000000000060");
const CHANNELS = new Map<string, { readonly guildId?: GuildId } | "hidden">([
  [THREAD, { guildId: KRILL.id }],
  [CATEGORY_ELSEWHERE, { guildId: guildId("1400000000000000013") }],
  [WHALES_THREAD, { guildId: WHALES.id }],
  [HIDDEN, "hidden"],
  [DIRECT, {}],
]);

/** A report over the two guilds, with a Discord that answers from lists. */
export function setUp(
  guilds: AccessPolicy["guilds"],
  others: Partial<AccessPolicy> = {},
  known: () => Promise<readonly PossiblePerson[]> = () => Promise.resolve([]),
) {
  const { log, lines } = recordingLog();
  const told: string[] = [];
  const asked: string[] = [];
  let isUp = true;
  let reads = 0;
  const answer = <Answer>(question: string, found: Answer): Promise<Answer> => {
    asked.push(question);
    return isUp ? Promise.resolve(found) : Promise.reject(new Error("down"));
  };
  const report = createUnknownIds({ texts: () => ({}), log }, {
    user: (id) => answer(`user ${id}`, USERS.get(id)),
    channel: (id) => answer(`channel ${id}`, CHANNELS.get(id)),
    hasWebhook: (id) => answer(`webhook ${id}`, id === HOOK),
    people() {
      reads += 1;
      return known();
    },
  }, (text) => {
    told.push(text);
    return Promise.resolve();
  });
  const policy = accessPolicy({ ...others, guilds });
  return {
    told,
    asked,
    lines,
    policy,
    down: (is: boolean) => void (isUp = !is),
    /** How often it read the people whom Barnacle knows. */
    reads: () => reads,
    whys: () => report.findings().map(({ why }) => why.replace(/^channels\.discord\./, "")),
    check: () => report.check(policy, [KRILL, WHALES]),
    report,
  };
}

export const people = (...ids: string[]) =>
  ids.map((id) => ({ kind: "user", id: userId(id) } as const));
