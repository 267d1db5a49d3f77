/**
 * Creates what the tools of an account's turns use of the outside.
 *
 * @module
 */

import type { Config } from "../../../config/config.ts";
import type { AccountId, ChannelId } from "../../../core/discord/ids.ts";
import type { InboundMessage } from "../../../core/inbound/inbound.ts";
import type { Model } from "../../../core/model.ts";
import type { Skill } from "../../../core/skills/skill.ts";
import type { ToolPorts } from "../../../core/turn/tool.ts";
import type { Log } from "../../../lib/log.ts";
import { randomId } from "../../../host/random_id.ts";
import { schedule } from "../../../lib/clock.ts";
import type { Download } from "../../../media/download.ts";
import { serverQuestion } from "../../../render/questions/server_question.ts";
import { timezoneOf } from "../../schedules/schedules.ts";
import type { SharedToolPorts } from "../../rules/tool_services.ts";
import { toolTextRules, type TurnRulesPorts } from "../../rules/turn_rules.ts";
import { createDiscordPort, type DiscordPortOptions } from "../discord/discord_port.ts";
import { createMediaReads } from "../../../media/discord_pictures.ts";
import { createExecPort, type ExecPortOptions } from "./exec_port.ts";
import { createHistoryPort, type HistoryPortOptions } from "./history_port.ts";
import { createMemoryPort, type MemoryPortOptions } from "./memory_port.ts";
import { createSchedulesPort } from "./schedules_port.ts";
import { createSkillsPort } from "./skills_port.ts";
import { createThreadsPort, type ThreadsPortOptions } from "../../../flows/tools/threads.ts";
import type { Store } from "../../../core/store/store.ts";

/** The dependencies of the ports. */
export type ToolPortsOptions =
  & Pick<
    DiscordPortOptions,
    "client" | "reader" | "outbox" | "sent" | "ownerIds" | "setPresence"
  >
  & Omit<HistoryPortOptions, "agentId" | "footerOf" | "randomId">
  & ThreadsPortOptions
  & Pick<ExecPortOptions, "hostCommands">
  & Pick<MemoryPortOptions, "searchNotes">
  & TurnRulesPorts
  & {
    readonly config: () => Config;
    readonly model: () => Model;
    readonly accountId: AccountId;
    readonly store:
      & Pick<Store, "changes" | "notes" | "questions" | "schedules" | "sessions">
      & {
        readonly inbox: Pick<Store["inbox"], "askerOf">;
        readonly outbox: Pick<Store["outbox"], "footerOf">;
      };
    /** The ports that all accounts share. */
    readonly toolPorts: SharedToolPorts;
    readonly drawPort: ToolPorts["draw"];
    readonly codePort: ToolPorts["code"];
    /** The skills of a message's turn. */
    readonly skills: (message: InboundMessage) => readonly Skill[];
    /** Reads files of Discord. */
    readonly files: { readonly download: Download };
    /** A message of a tool waits to be sent. */
    readonly onToolMessage: (channelId: ChannelId) => void;
    /** Schedules have changed. */
    readonly onSchedules: () => void;
    readonly log: Log;
    /** Unix time in milliseconds. */
    readonly now: () => number;
  };

/** Creates the ports. */
export function createToolPorts(ports: ToolPortsOptions): ToolPorts {
  const { config, model, accountId, store, now, log } = ports;
  return {
    ...ports.toolPorts,
    code: ports.codePort,
    draw: ports.drawPort,
    history: createHistoryPort({
      ...ports,
      accountId,
      model,
      footerOf: store.outbox.footerOf,
      agentId: () => config().agent.id,
      randomId,
      now,
      log,
    }),
    discord: createDiscordPort({
      ...ports,
      accountId,
      changes: store.changes,
      askerOf: store.inbox.askerOf,
      footerOf: store.outbox.footerOf,
      texts: () => config().texts,
      escalates: () => config().escalates,
      approvalTimeoutMs: () => config().discord.execApprovals.timeoutMs,
      maxDestructive: () => config().discordTool.maxDestructive,
      alsoGuilds: () => config().discordTool.alsoGuilds,
      media: createMediaReads(ports.files.download),
      schedule,
      onOutbox: ports.onToolMessage,
      agentId: () => config().agent.id,
      rulesIn: (target) => toolTextRules(config(), target, ports),
      now,
    }).port,
    recall: { recall: store.sessions.recall },
    skills: createSkillsPort(ports),
    memory: createMemoryPort({
      ...ports,
      notes: store.notes,
      agentId: () => config().agent.id,
      now,
    }),
    threads: createThreadsPort(ports),
    exec: createExecPort({
      ...ports,
      approvers: () => ports.policy().approvers,
      rules: store.questions,
    }),
    questions: {
      askTimeoutMs: () => config().askTimeoutMs,
      ofServer: (asked) => serverQuestion(asked, config().texts),
    },
    schedules: createSchedulesPort({
      ...ports,
      schedules: store.schedules,
      timezone: () => timezoneOf(config()),
      linkHosts: () => config().messages.linkHosts,
      onChanged: ports.onSchedules,
      now,
    }),
  };
}
