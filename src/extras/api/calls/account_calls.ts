/** Connects the calls of programs with Discord, the policy and the tools of an account (O14). */

import { agentOf } from "../../../config/config.ts";
import type { CallService } from "../../../core/programs/service.ts";
import type { ToolPorts } from "../../../core/turn/tool.ts";
import { placeOfTarget } from "../../../discord/gateway/decode/places.ts";
import { namedRoles } from "../../../discord/gateway/decode/senders.ts";
import type { Reader } from "../../../discord/gateway/read/reader.ts";
import { createFindChannel, createOpenDirect } from "../../../discord/rest/requests/channel.ts";
import { createReadMember, createReadUser } from "../../../discord/rest/requests/members.ts";
import type { RestClient } from "../../../discord/rest/client/client.ts";
import { RestError } from "../../../discord/rest/exchange/rest_error.ts";
import { createExplainDenial } from "../../../discord/rest/permissions/explain_denial.ts";
import { createActs } from "./acts.ts";
import { createOpenCalls, type OpenCalls } from "./open_calls.ts";
import { waitingRulesOf } from "../../../flows/inbound/notice_reply.ts";
import type { Judging } from "../../../flows/judging/judging.ts";
import { latest } from "../../../lib/cache.ts";
import { prepareReach } from "../../../policy/router.ts";
import type { AccountContext } from "../../../bot/account_context.ts";
import type { Outbound } from "../../../bot/outbound/outbound.ts";
import type { TurnRulesPorts } from "../../../bot/rules/turn_rules.ts";

export type AccountCalls = OpenCalls & CallService;

export function createAccountCalls(
  account: AccountContext,
  { client, reader, judging, sources, outbound, toolPortsOf }: {
    readonly client: RestClient;
    readonly reader: Pick<Reader, "index">;
    readonly judging: Pick<Judging, "judge" | "route" | "presence">;
    readonly sources: TurnRulesPorts;
    readonly outbound: Pick<Outbound, "cleanSecrets" | "progress">;
    readonly toolPortsOf: (agentId: string) => Promise<ToolPorts>;
  },
): AccountCalls {
  const { config, policy } = account;
  const { judge } = judging.judge;
  const isOfDiscord = (error: unknown) => error instanceof RestError;
  const reachNow = latest(policy, ({ policy }) => prepareReach(policy.router));
  const readMember = createReadMember(client);
  const findChannel = createFindChannel(client, {});
  const explainDenial = createExplainDenial(client, () => 0);
  const own = account.forPart("http");
  const open = createOpenCalls(own, {
    agentIds: () => config().agentList.map(({ id }) => id),
    mayReach: (agentId, userId) => reachNow()(agentId, userId),
    judge,
    route: judging.route,
    waiting: () => waitingRulesOf(config().messages.queue, account.texts(), sources.isOwner),
    openDirect: createOpenDirect(client),
    readUser: createReadUser(client),
    isOfDiscord,
    harmlessPart: outbound.progress.drafts.harmlessPart,
  });
  const act = createActs(own, open, {
    judge,
    isOfDiscord,
    ownerIn: async (guildId) =>
      policy().policy.needsOwnerInGuild ? await judging.presence.ask(guildId) : undefined,
    async find(channelId) {
      const found = await findChannel(channelId);
      return found === "hidden" ? undefined : found;
    },
    async rolesIn({ guildId, channelId, userId }) {
      const member = await readMember(guildId, userId);
      if (!member || await explainDenial({ guildId, channelId, userId }, ["View Channel"])) {
        return undefined;
      }
      return namedRoles(member.roles, reader.index.get(guildId));
    },
    placeOf: (guildId, target) => placeOfTarget(guildId, target, reader.index.get(guildId)),
    tools: sources.tools,
    portsOf: (agentId) => toolPortsOf(agentOf(config(), agentId).id),
    isOwner: sources.isOwner,
    cleanSecrets: outbound.cleanSecrets,
  });
  return { ...open, act };
}
