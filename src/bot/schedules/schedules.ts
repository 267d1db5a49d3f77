/** Connects an account's schedules with Discord and with the rules of texts (T12). */

import type { AccountContext } from "../account_context.ts";
import { namedRoles } from "../../discord/gateway/decode/senders.ts";
import { placeIn } from "../../discord/gateway/decode/places.ts";
import type { Reader } from "../../discord/gateway/read/reader.ts";
import { createReadMember } from "../../discord/rest/requests/members.ts";
import type { RestClient } from "../../discord/rest/client/client.ts";
import { createExplainDenial } from "../../discord/rest/permissions/explain_denial.ts";
import type { Judging } from "../../flows/judging/judging.ts";
import type { Runner } from "../../flows/schedules/runner.ts";
import { createSchedules } from "../../flows/schedules/schedules.ts";
import type { Outbound } from "../outbound/outbound.ts";
import { chunkRulesOf, timezoneOf } from "../rules/turn_rules.ts";

/** Creates the schedules of an account; none runs before `start`. */
export function createAccountSchedules(
  account: AccountContext,
  { client, reader, judging, outbound }: {
    readonly client: RestClient;
    readonly reader: Pick<Reader, "index">;
    readonly judging: Pick<Judging, "judge" | "route" | "presence">;
    readonly outbound: Pick<Outbound, "cleanSecrets" | "tellOwners">;
  },
): Runner {
  const { config } = account;
  const readMember = createReadMember(client);
  const explainDenial = createExplainDenial(client, () => 0); // who is in timeout may still see
  return createSchedules(account.forPart("schedules"), {
    judging,
    hasAgent: (agentId) => config().agentList.some(({ id }) => id === agentId),
    async rolesNow({ guildId, channelId, sender: { id: userId } }) {
      const member = await readMember(guildId, userId);
      if (!member || await explainDenial({ guildId, channelId, userId }, ["View Channel"])) {
        return undefined;
      }
      return namedRoles(member.roles, reader.index.get(guildId));
    },
    placeNow: ({ guildId, channelId }) => placeIn(guildId, channelId, reader.index.get(guildId)),
    timezone: () => timezoneOf(config()),
    reminderRules: () => ({
      chunks: chunkRulesOf(config()),
      cleanSecrets: outbound.cleanSecrets,
      tables: config().messages.tables,
      texts: account.texts(),
    }),
    tellOwners: (text) => void outbound.tellOwners(text),
  });
}
