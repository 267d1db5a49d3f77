/**
 * Connects turns with their sources: facts, rules, model and store.
 *
 * @module
 */

import { randomBytes } from "node:crypto";
import type { Config } from "../../config/config.ts";
import type { AccountId, ChannelId, MessageId } from "../../core/discord/ids.ts";
import { type Judged, lastOf } from "../../core/inbound/inbox.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { Skill } from "../../core/skills/skill.ts";
import type { Model } from "../../core/model.ts";
import type { ToolPorts } from "../../core/turn/tool.ts";
import type { SharedToolPorts } from "../rules/tool_services.ts";
import { decodeHistory } from "../../discord/gateway/decode/decode.ts";
import type { Reader } from "../../discord/gateway/read/reader.ts";
import type { RestClient } from "../../discord/rest/client/client.ts";
import { createReadHistory, MAX_HISTORY } from "../../discord/rest/calls/history.ts";
import { answer } from "../../flows/turn/answer.ts";
import type { AnswerPorts } from "../../flows/turn/answer_ports.ts";
import type { AnswerThreads } from "../../flows/turn/answer_threads.ts";
import { type BackfillPorts, createBackfill } from "../../flows/turn/backfill.ts";
import { createThreadStarter } from "../../flows/turn/thread_starter.ts";
import { createTurns, type Turns, type TurnsPorts } from "../../flows/turn/turns.ts";
import { schedule } from "../../lib/schedule.ts";
import type { Logging } from "../../log.ts";
import type { Download } from "../../media/download.ts";
import type { Store } from "../../store/store.ts";
import { StoreError } from "../../store/database/store_error.ts";
import type { RunningAccount } from "../ports.ts";
import { timezoneOf } from "../schedules/schedules.ts";
import { queueOf } from "../outbound/delivery.ts";
import type { TurnProgress } from "../outbound/turn_progress.ts";
import { prepareQueueModes } from "../rules/queue_mode.ts";
import { createHistoryPort } from "./history_port.ts";
import { createTurnPeople, type TurnPeopleOptions } from "../questions/people.ts";
import { composeToolMessage } from "../../render/tool_message.ts";
import { type AskerRightsOptions, createMissingRight } from "./asker_rights.ts";
import { createMemoryPort } from "./memory_port.ts";
import { createReadStarter } from "./read_starter.ts";
import { createSkillsPort } from "./skills_port.ts";
import { createDiscordPort, type DiscordPortOptions } from "./discord/discord_port.ts";
import { createMediaReads } from "./discord/media.ts";
import { createThreadsPort, type ThreadsPortOptions } from "./threads_port.ts";
import { createSchedulesPort } from "./schedules_port.ts";
import { prepareTurnRules, toolTextRules, type TurnRulesPorts } from "../rules/turn_rules.ts";

/** The dependencies of an account's turns. */
export interface TurnsOptions {
  /** The current config and model. A running turn keeps those it began with (C9). */
  readonly config: () => Config;
  readonly model: () => Model;
  readonly accountId: AccountId;
  readonly store: {
    readonly inbox: Pick<Store["inbox"], "claimNext" | "isRunning" | "release" | "takeIn">;
    readonly turns: Store["turns"];
    readonly sessions: Store["sessions"];
    readonly notes: Store["notes"];
    readonly schedules: Store["schedules"];
    readonly changes: Store["changes"];
    readonly questions: Store["questions"];
  };
  readonly logging: Logging;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

/** Reads a channel's history in the gateway's form, without the bot's own messages. */
export function createHistory(
  client: RestClient,
  reader: Reader,
  accountId: AccountId,
): BackfillPorts["history"] {
  const read = createReadHistory(client);
  return async ({ channelId, guildId, id: before }, limit) => {
    const { self, index } = reader;
    if (!self) return [];
    const page = await read(channelId, { before, limit: Math.min(limit, MAX_HISTORY) });
    return page.flatMap((message) => {
      const event = decodeHistory(message, guildId, { accountId, self, index });
      return event?.kind === "message" ? [event] : [];
    });
  };
}

/** An account's turns, with the size of their caches. */
export interface AccountTurns extends Turns, Pick<RunningAccount, "caches"> {
  /** Messages wait for turns. In the mode `interrupt`, they end the one that runs (S5). */
  accepted(judged: readonly Judged[]): void;
}

/** Creates the account's turns on the main thread. */
export function createAccountTurns(
  { config, model, accountId, store, logging, now }: TurnsOptions,
  ports:
    & Pick<
      AnswerPorts,
      | "rates"
      | "spend"
      | "stopping"
      | "ended"
      | "files"
      | "onOutbox"
      | "onNoFiles"
      | "onTurn"
      | "onTrace"
    >
    & Pick<TurnsPorts, "turnLimit">
    & TurnRulesPorts
    & Pick<BackfillPorts, "admit" | "history">
    & Pick<AskerRightsOptions, "missingPermission">
    & Pick<
      DiscordPortOptions,
      "client" | "reader" | "outbox" | "sent" | "onRefused" | "setPresence"
    >
    & Omit<ThreadsPortOptions, "threads">
    & Pick<TurnPeopleOptions, "ownerIds" | "onParked">
    & {
      /** The threads of the account's answers. */
      readonly threads: Pick<AnswerThreads, "open" | "homeOf">;
      /** Channels in which no turn may begin yet (G6). */
      readonly held: () => "all" | readonly ChannelId[];
      readonly progress: Pick<TurnProgress, "typing" | "drafts" | "lines">;
      /** Whether the sender of a message is an owner of the bot. */
      readonly isOwner: (message: InboundMessage) => boolean;
      /** The skills of a message's turn. */
      readonly skills: (message: InboundMessage) => readonly Skill[];
      /** Schedules have changed. */
      readonly onSchedules: () => void;
      /** The turn of a scheduled task has ended. */
      readonly onScheduledEnd: (messageId: MessageId) => void;
      readonly toolPorts: SharedToolPorts;
      readonly drawPort: ToolPorts["draw"];
      readonly codePort: ToolPorts["code"];
      /** Reads files of Discord. */
      readonly files: { readonly download: Download };
      /** A message of a tool waits to be sent. */
      readonly onToolMessage: (channelId: ChannelId) => void;
      /** Waits for tools that the sender may have, and that are not known yet. */
      readonly toolsReady: (message: InboundMessage) => Promise<void>;
    },
): AccountTurns {
  const log = logging.forPart("turns");
  const { progress } = ports;
  const rulesNow = latest(config, (by) => prepareTurnRules(by, ports));
  const queueNow = latest(config, (by) => queueOf(by, ports.takesFiles));
  const { backfill, bytes } = createBackfill({
    admit: ports.admit,
    history: ports.history,
    store: {
      addOverheard: (channelId, messages) =>
        store.turns.addOverheard(accountId, channelId, messages, now()),
    },
    schedule,
    ended: ports.ended,
    log,
  });

  const threadStarter = createThreadStarter({
    read: createReadStarter({ ...ports, accountId }),
    entriesOf: store.turns.entriesOf,
    schedule,
    ended: ports.ended,
    log,
  });
  const missingRight = createMissingRight(ports);
  const retryAt = new Map<string, number>();
  const toolPorts: ToolPorts = {
    ...ports.toolPorts,
    code: ports.codePort,
    draw: ports.drawPort,
    history: createHistoryPort({
      ...ports,
      accountId,
      model,
      agentId: () => config().agent.id,
      randomId,
      now,
      log,
    }),
    discord: createDiscordPort({
      ...ports,
      accountId,
      changes: store.changes,
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
    questions: { askTimeoutMs: () => config().askTimeoutMs },
    schedules: createSchedulesPort({
      ...ports,
      schedules: store.schedules,
      timezone: () => timezoneOf(config()),
      linkHosts: () => config().messages.linkHosts,
      onChanged: ports.onSchedules,
      now,
    }),
  };

  const people = createTurnPeople({
    config,
    questions: store.questions,
    ownerIds: ports.ownerIds,
    cleanText: (message, text) => cleanText(message, text, config(), ports),
    onParked() {
      ports.onParked();
      turns.wake();
    },
    now,
  });
  const modesNow = latest(config, (by) => prepareQueueModes(by, rulesNow, ports.isOwner));
  const answerStore = { ...store.turns, takeIn: store.inbox.takeIn };

  /** The rules of one turn, fixed from its beginning to its end. */
  function answerPorts(): AnswerPorts {
    const drafts = progress.drafts();
    const lines = progress.lines();
    return {
      ...ports,
      ...queueNow(),
      store: answerStore,
      sessions: store.sessions,
      retryAt,
      steers: (message, next) => modesNow().steers(message, next),
      model: model(),
      rules: rulesNow(),
      backfill,
      threadStarter,
      missingRight,
      people,
      toolPorts,
      ...(drafts && { drafts }),
      ...(lines && { lines }),
      now,
      schedule,
      randomId,
      isStoreDown: (error) => error instanceof StoreError,
      log,
    };
  }

  const turns = createTurns({
    claimNext: () =>
      ports.ended.aborted
        ? Promise.resolve(undefined)
        : store.inbox.claimNext(accountId, now(), ports.held(), modesNow().carries),
    release: (claim) => store.inbox.release(claim),
    isRunning: store.inbox.isRunning,
    async answer(claim, turn) {
      const stopTyping = progress.typing.begin(claim.message.channelId);
      try {
        await ports.toolsReady(claim.message);
        await answer(claim, { ...answerPorts(), turn });
        if (claim.message.scheduled) ports.onScheduledEnd(claim.message.id);
      } finally {
        stopTyping();
      }
    },
    turnLimit: ports.turnLimit,
    schedule,
    log,
  });
  return {
    ...turns,
    accepted(judged) {
      for (const { message, route } of judged) {
        const running = route && turns.inSession(route.sessionKey);
        if (running && modesNow().interrupts(lastOf(running.claim), message)) {
          turns.interrupt(running);
        }
      }
      turns.wake();
    },
    caches: () => ({ filled_channels: bytes() }),
  };
}

/** Caches a value derived from the config, and derives it again for another config. */
function latest<Derived>(config: () => Config, derive: (config: Config) => Derived): () => Derived {
  let last: { readonly source: Config; readonly derived: Derived } | undefined;
  return () => {
    const source = config();
    if (last?.source !== source) last = { source, derived: derive(source) };
    return last.derived;
  };
}

/** A text of the model for people, as an answer would have it. */
function cleanText(
  message: InboundMessage,
  text: string,
  config: Config,
  ports: Pick<TurnRulesPorts, "cleanSecrets" | "uploadLimit" | "takesFiles">,
): string {
  const rules = toolTextRules(config, message, ports);
  const agentId = config.agent.id;
  const composed = composeToolMessage({ ...message, message, agentId, callKey: "", text }, rules);
  return (composed ?? []).map(({ message: { content } }) => content).join("\n");
}

/** 12 hex digits. */
function randomId(): string {
  return randomBytes(6).toString("hex");
}
