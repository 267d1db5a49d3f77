/** Joins the rules of turns with the guild index, the policy, the tools and the agent's own files. */

import { skillsFor } from "../../core/skills/skill.ts";
import { agentOf } from "../../config/config.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { hookedOf } from "../../core/inbound/origin.ts";
import type { SkillTool } from "../../core/skills/skill_tool.ts";
import type { Tool } from "../../core/turn/tool.ts";
import { takesFiles, uploadLimitOf } from "../../discord/gateway/decode/guild_index.ts";
import type { Reader } from "../../discord/gateway/read/reader.ts";
import { turnTools } from "../../flows/judging/turn_tools.ts";
import { isOwner, ownsApplicationAsRead } from "../../flows/owners/owner_ids.ts";
import { cleanSecrets } from "../../account/secrets.ts";
import { createInstructionFiles } from "../../host/files/instruction_files.ts";
import { eachOnce, latest, latestOf } from "../../lib/cache.ts";
import { skillsOf } from "../../policy/tool_access.ts";
import { workspaceOf } from "../../workspace/skill_library.ts";
import { toolOf } from "../../tools/skill_tool.ts";
import type { BotAccount } from "../../account/account.ts";
import type { AccountPart } from "../../account/extra_parts.ts";
import type { ToolServices } from "../rules/tool_services.ts";
import type { TurnRulesPorts } from "../../flows/turn/turn_rules.ts";

export function createRuleSources(
  account: BotAccount,
  { options, reader, toolServices, own }: {
    readonly options: { readonly dataDir: string };
    readonly reader: Pick<Reader, "index" | "self">;
    readonly toolServices: Pick<ToolServices, "of">;
    readonly own: () => AccountPart["own"];
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
  const skillsIn = (asker: Parameters<typeof skillsOf>[0], agentId: string) =>
    skillsOf(asker, skillsNow(agentId)(), policy().policy);

  /** Adds tools of skills (T7a), and of own accounts: a turn that reads one has no others (T13a). */
  function toolsOf(message: InboundMessage, agentId: string, isOffer = false): readonly Tool[] {
    const isOwn = message.origin?.kind === "own";
    const base = isOwn ? NO_TOOLS : turnTools(account, message, agentId, isOffer);
    const skills = isOwn ? [] : skillsIn(message, agentId);
    const more = [...skills.flatMap(({ tools }) => tools ?? []), ...own()?.tools(message) ?? []];
    if (more.length === 0) return base;
    // `mcp__<server>__privately` has decided who may.
    const ownsApplication = () => ownsApplicationAsRead(account, message.sender.id);
    const asker = {
      ...message,
      agentId,
      hook: hookedOf(message)?.hook,
      ownsApplication,
      forAnyone: isOwn,
    };
    const decided = policy().decideTools({ ...asker, isOffer }, more);
    return more.filter((_, at) => decided[at]?.isAllowed).reduce(withTool, base);
  }

  const filesOf = eachOnce((agentId: string) =>
    createInstructionFiles(() => workspaceNow(agentId), log)
  );
  return {
    cleanSecrets: (text) => cleanSecrets(account, text),
    uploadLimit: (guildId) => uploadLimitOf(reader.index, guildId),
    takesFiles: (place) => takesFiles(reader.index, place, reader.self?.userId),
    tools: toolsOf,
    skills: skillsIn,
    instructionFiles: (agentId) => filesOf(agentId).read(),
    isOwner: (message) => isOwner(account, message),
    policy: () => policy().policy,
  };
}

const NO_TOOLS: readonly Tool[] = [];
/** Lists with one more tool: the same array for the same list and tool. */
const longer = new WeakMap<readonly Tool[], WeakMap<SkillTool | Tool, readonly Tool[]>>();

function withTool(tools: readonly Tool[], tool: SkillTool | Tool): readonly Tool[] {
  const known = longer.get(tools) ?? new WeakMap<SkillTool | Tool, readonly Tool[]>();
  longer.set(tools, known);
  const all = known.get(tool) ?? [...tools, "run" in tool ? tool : toolOf(tool)];
  known.set(tool, all);
  return all;
}
