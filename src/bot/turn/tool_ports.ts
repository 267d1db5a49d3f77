/**
 * Connects the tools of an account's turns with Discord, the store and the services of the process.
 */

import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { Model } from "../../core/model.ts";
import type { SpendPort } from "../../core/spending/metered_model.ts";
import type { OutboundFilesPort } from "../../core/turn/ports/outbound_files.ts";
import type { VoicePort } from "../../core/turn/ports/voice.ts";
import type { ToolPorts } from "../../core/turn/tool.ts";
import type { Reader } from "../../discord/gateway/read/reader.ts";
import { createActions } from "../../discord/rest/actions/actions.ts";
import { createHistoryRead } from "../../discord/rest/actions/history.ts";
import type { ActionsOptions } from "../../discord/rest/actions/options.ts";
import { createOpenDirect } from "../../discord/rest/requests/channel.ts";
import type { RestClient } from "../../discord/rest/client/client.ts";
import { createToolMessages } from "../../flows/deliver/tool_messages.ts";
import { closedBy } from "../../flows/judging/closed_by.ts";
import { showing } from "../../flows/judging/showing.ts";
import { isOwner, ownersToTell } from "../../flows/owners/owner_ids.ts";
import { tellExtras } from "../../account/extra_parts.ts";
import { cleanSecrets } from "../../account/secrets.ts";
import type { createAccountPresence } from "../../flows/presence.ts";
import { createActionQuestions } from "../../flows/questions/action_questions.ts";
import { createCodePort } from "../../flows/tools/code.ts";
import { createDrawPort } from "../../flows/tools/draw.ts";
import { createOutboundFilesPort } from "../../flows/tools/outbound_files.ts";
import { createExecPort } from "../../flows/tools/exec.ts";
import { createMemoryPort } from "../../flows/tools/memory.ts";
import { createSkillToolsPort } from "../../flows/tools/skill_tools.ts";
import { createSummarise } from "../../flows/session/summarise_channel.ts";
import { type AnswerThreads, createThreadsPort } from "../../flows/turn/answer_threads.ts";
import { asPicture } from "../../media/image.ts";
import { threadTitle } from "../../render/name.ts";
import { createSkillsPort } from "../../workspace/skill_library.ts";
import type { AccountContext } from "../account_context.ts";
import type { RunningSettings } from "../rules/setup.ts";
import type { AccountMedia } from "./account_media.ts";
import type { History } from "./history.ts";
import type { AgentServices, ToolServices } from "../rules/tool_services.ts";
import { toolTextRules, type TurnRulesPorts } from "../../flows/turn/turn_rules.ts";

export function createToolPorts(account: AccountContext, parts: {
  readonly agentId: string;
  readonly client: RestClient;
  readonly reader: Reader;
  readonly settings: Pick<RunningSettings, "models" | "drawing">;
  readonly presence: Pick<Awaited<ReturnType<typeof createAccountPresence>>, "set">;
  readonly toolServices: ToolServices;
  readonly sources: TurnRulesPorts;
  readonly media: Pick<
    AccountMedia,
    "download" | "drawings" | "find" | "image" | "isMediaUrl" | "sent"
  >;
  readonly threads: Pick<AnswerThreads, "open">;
  readonly spend: SpendPort;
  readonly history: Pick<History, "show">;
  readonly voice: VoicePort;
}): ToolPorts {
  const { accountId, config, store, schedule, now } = account;
  const { client, reader, settings, toolServices, media, spend, sources } = parts;
  const model = (): Model => settings.models.of(agentId);
  const { agentId } = parts;
  const services = toolServices.of(agentId);
  const clean = (text: string) => cleanSecrets(account, text);
  const rights = {
    ...{ accountId, client, agentId, spend, model, schedule, now },
    isOwner: (message: InboundMessage) => isOwner(account, message),
    cleanSecrets: clean,
  };
  const ownerIds = () => ownersToTell(account);
  const sharesDirect = () => config().session.dmScope === "main";
  const reads: Pick<ActionsOptions, "self" | "closedBy" | "sharesDirect" | "show"> = {
    sharesDirect,
    self: () => reader.self?.userId,
    closedBy: (asker, target) => closedBy(account, asker, target),
    show: parts.history.show,
  };
  const outboundFiles = outboundFilesFor(account, services, parts);
  return {
    ...services.ports,
    files: outboundFiles,
    code: createCodePort({ runCode: toolServices.runCode, readFile: media.find }),
    draw: createDrawPort(account, {
      ...rights,
      drawing: () => settings.drawing,
      drawings: media.drawings,
    }),
    history: {
      read: createHistoryRead({ ...rights, ...reads }),
      summarise: createSummarise(account.forPart("turns"), rights),
    },
    discord: createActions({
      ...rights,
      ...reads,
      ...createToolMessages(account, {
        ...rights,
        rulesIn: (target) => toolTextRules(config(), target, sources),
      }),
      ...createActionQuestions(account, {
        maxDestructive: () => config().tools.discord.maxDestructive,
        ownerIds,
        approvalTimeoutMs: () => config().discord.execApprovals.timeoutSec * 1_000,
      }),
      changes: store.changes,
      onUndone: (turnId) => tellExtras(account, "undone", turnId),
      askerOf: store.inbox.askerOf,
      maxDestructive: () => config().tools.discord.maxDestructive,
      alsoGuilds: () => config().tools.discord.alsoGuilds,
      titleOf: (written) => clean(threadTitle(written)),
      media: async (...source) => asPicture(await outboundFiles.read(...source)),
      fileFor: outboundFiles.forPeople,
      openDirect: createOpenDirect(client),
      setPresence: parts.presence.set,
    }),
    recall: { recall: store.sessions.recall },
    skills: {
      ...createSkillsPort((asker) => sources.skills(asker, agentId)),
      ...createSkillToolsPort(account, {
        ...{ cleanSecrets: clean, ownerIds, rules: store.questions },
        runTool: toolServices.runTool,
        fetch: toolServices.fetchForTool,
      }),
    },
    memory: createMemoryPort(account, {
      ...rights,
      showing: (message) => showing(account, message),
    }),
    threads: createThreadsPort({ threads: parts.threads, cleanSecrets: clean }),
    exec: createExecPort(rights, {
      ...rights,
      config,
      commands: services.commands,
      approvers: () => account.policy().policy.approvers,
      rules: store.questions,
    }),
    questions: {
      askTimeoutMs: () => config().tools.askExpiresMin * 60_000,
    },
    voice: parts.voice,
  };
}

/** Connects the files that tools send with their sources. */
function outboundFilesFor(
  { config }: Pick<AccountContext, "config">,
  { ports }: Pick<AgentServices, "ports">,
  { media, sources }: {
    readonly media: Pick<AccountMedia, "download" | "find" | "image" | "isMediaUrl" | "sent">;
    readonly sources: TurnRulesPorts;
  },
): OutboundFilesPort {
  return createOutboundFilesPort({
    ...ports,
    ...media,
    findAttachment: media.find,
    kept: media.sent,
    rulesIn: (target) => toolTextRules(config(), target, sources),
  });
}
