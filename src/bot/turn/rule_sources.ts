/** Joins the rules of turns with the guild index, the policy, the tools and the agent's own files. */

import { skillsFor } from "../../core/skills/skill.ts";
import { agentOf } from "../../config/config.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { takesFiles, uploadLimitOf } from "../../discord/gateway/decode/guild_index.ts";
import type { Reader } from "../../discord/gateway/read/reader.ts";
import { createTurnTools } from "../../flows/judging/turn_tools.ts";
import type { OwnerIds } from "../../flows/owners/owner_ids.ts";
import { createInstructionFiles } from "../../host/files/instruction_files.ts";
import { eachOnce, latest, latestOf } from "../../lib/cache.ts";
import { skillsOf } from "../../policy/tool_access.ts";
import { workspaceOf } from "../../workspace/skill_library.ts";
import type { OwnPart } from "../../core/turn/own_servers.ts";
import type { AccountContext } from "../account_context.ts";
import type { AccountOptions } from "../account_interface.ts";
import type { Outbound } from "../outbound/outbound.ts";
import type { ToolServices } from "../rules/tool_services.ts";
import type { TurnRulesPorts } from "../rules/turn_rules.ts";

export function createRuleSources(
  account: AccountContext,
  { options, reader, owners, isOwner, toolServices, outbound, own }: {
    readonly options: Pick<AccountOptions, "dataDir">;
    readonly reader: Pick<Reader, "index" | "self">;
    readonly owners: Pick<OwnerIds, "ownsApplicationAsRead">;
    readonly isOwner: (message: Pick<InboundMessage, "sender">) => boolean;
    readonly toolServices: Pick<ToolServices, "tools" | "of">;
    readonly outbound: Pick<Outbound, "cleanSecrets">;
    readonly own: () => OwnPart | undefined;
  },
): TurnRulesPorts {
  const { config, policy } = account;
  const { log } = account.forPart("turns");
  const workspaceNow = latestOf(
    config,
    (by, agentId: string) => workspaceOf(by, agentOf(by, agentId), options.dataDir),
  );
  const skillsNow = latestOf(config, (by, agentId: string) => {
    const { skills: names } = agentOf(by, agentId);
    return latest(toolServices.of(agentId).skills.now, ({ skills }) => skillsFor(skills, names));
  });
  const filesOf = eachOnce((agentId: string) =>
    createInstructionFiles(() => workspaceNow(agentId), log)
  );
  return {
    cleanSecrets: outbound.cleanSecrets,
    uploadLimit: (guildId) => uploadLimitOf(reader.index, guildId),
    takesFiles: (place) => takesFiles(reader.index, place, reader.self?.userId),
    tools: createTurnTools(account, {
      ...{ toolServices, owners },
      ownTools: (message) => own()?.now()?.tools(message) ?? [],
    }),
    skills: (asker, agentId) => skillsOf(asker, skillsNow(agentId)(), policy().policy),
    instructionFiles: (agentId) => filesOf(agentId).read(),
    isOwner,
    policy: () => policy().policy,
  };
}
