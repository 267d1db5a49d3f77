/** Connects turns with their sources: facts, rules, model and store. */

import type { MessageId } from "../../core/discord/ids.ts";
import { randomBytes } from "node:crypto";
import type { Claim } from "../../core/inbound/inbox.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { answer } from "../../flows/turn/answer.ts";
import type { AnswerPorts } from "../../flows/turn/answer_ports.ts";
import type { AnswerThreads } from "../../flows/turn/answer_threads.ts";
import { createBackfill, createThreadStarter } from "../../flows/session/backfill.ts";
import { createPromptForms } from "../../flows/turn/control/prompt_form.ts";
import type { SpeechOf } from "../../flows/turn/progress/speech.ts";
import { createTurns, type RunningTurn, type Turns } from "../../flows/turn/turns.ts";
import { type AccountContext, randomId } from "../account_context.ts";
import { schedule, whileAwake } from "../../lib/clock.ts";
import type { Download } from "../../media/download.ts";
import { StoreError } from "../../store/database/store_error.ts";
import { agentOf } from "../../config/config.ts";
import type { Carries } from "../../core/store/inbox.ts";
import type { ToolPorts } from "../../core/turn/tool.ts";
import type { CatchUp } from "../../flows/catch_up/catch_up.ts";
import type { Judging } from "../../flows/judging/judging.ts";
import type { OwnerIds } from "../../flows/owners/owner_ids.ts";
import type { RestClient } from "../../discord/rest/client/client.ts";
import { createMissingPermission } from "../../discord/rest/permissions/explain_denial.ts";
import type { AccountPorts } from "../account_interface.ts";
import type { AccountPart } from "../bot_extra.ts";
import type { ToolServices } from "../rules/tool_services.ts";
import type { ChannelQueues } from "../../flows/deliver/channel_queues.ts";
import type { History } from "./history.ts";
import { maxWaitingOf } from "../outbound/delivery.ts";
import type { createTurnProgress } from "../outbound/turn_progress.ts";
import { createCommandTurns, type TurnCommands } from "../../flows/turn/command_turn.ts";
import { prepareQueueModes, withCommands } from "../../flows/turn/control/queue_mode.ts";
import { latest, latestOf } from "../../lib/cache.ts";
import { createTurnPeople } from "../../flows/questions/turn_people.ts";
import { cleanText, prepareTurnRules, type TurnRulesPorts } from "../rules/turn_rules.ts";
import { createMissingRight } from "../../flows/turn/control/asker_rights.ts";
import { TOOLS } from "../../tools/registry.ts";

export function createAccountTurns(
  account: AccountContext,
  parts:
    & Pick<AnswerPorts, "rates" | "summaries" | "spend" | "media" | "linesUnder">
    & Pick<AccountPorts, "turnLimit">
    & {
      readonly client: RestClient;
      readonly sources: TurnRulesPorts;
      readonly toolPortsOf: (agentId: string) => Promise<ToolPorts>;
      readonly judging: Pick<Judging, "judge">;
      readonly history: Pick<History, "readBefore" | "readStarter" | "namesOf">;
      readonly inbound: { readonly commands: TurnCommands };
      readonly owners: Pick<OwnerIds, "toTell" | "ownsApplicationAsRead">;
      readonly threads: Pick<AnswerThreads, "open" | "homeOf">;
      readonly catchUp: Pick<CatchUp, "delayedChannels">;
      readonly outbound: {
        readonly channelQueues: Pick<ChannelQueues, "wake">;
        readonly progress: Pick<
          ReturnType<typeof createTurnProgress>,
          "typing" | "drafts" | "lines" | "readingLines"
        >;
      };
      readonly media: { readonly download: Download };
      readonly toolServices: Pick<ToolServices, "ready">;
      readonly own: () => AccountPart["own"];
      readonly speechOf: SpeechOf;
    },
): Turns {
  const { config, accountId, store, policy, events, stopping, ended, now } = account;
  const { log } = account.forPart("turns");
  const { sources, owners, history, catchUp, outbound: { channelQueues, progress } } = parts;
  const rulesOf = latestOf(
    config,
    (by, agentId: string) => prepareTurnRules(by, agentOf(by, agentId), sources),
  );
  const { backfill } = createBackfill({
    admit: parts.judging.judge.recall,
    history: history.readBefore,
    store: {
      addOverheard: (channelId, messages) =>
        store.turns.addOverheard(accountId, channelId, messages, now()),
    },
    schedule,
    ended,
    log,
  });

  const threadStarter = createThreadStarter({
    read: history.readStarter,
    entriesOf: store.turns.entriesOf,
    schedule,
    ended,
    log,
  });
  const missingRight = createMissingRight({
    isOwner: sources.isOwner,
    missingPermission: createMissingPermission(parts.client, now),
  });
  const { commands } = parts.inbound;
  const isCommand = (message: InboundMessage) => commands.commandOf(message) !== undefined;
  const modesNow = latest(
    config,
    (by) =>
      withCommands(
        prepareQueueModes(by, rulesOf, sources.isOwner, commands.settings.queueMode),
        isCommand,
      ),
  );
  const people = createTurnPeople({
    draw: randomBytes,
    currency: () => config().models.currency,
    questions: store.questions,
    cleanText: (message, text) => cleanText(message, text, config(), sources),
    events,
    now,
  });
  const { footerOf } = store.outbox;
  const answerStore = {
    ...store.turns,
    takeIn: store.inbox.takeIn,
    recentTalk: store.messages.recentTalk,
    footerOf,
  };

  const { rates, summaries, spend, media, threads } = parts;
  const forms = createPromptForms({
    wish: () => config().tools.prompt,
    stored: (modelId) => store.settings.known(accountId, modelId, "prompt"),
    keep(modelId, form) {
      log.info("The form of the prompt for a model is chosen", { model: modelId, prompt: form });
      const kept = store.settings.change(accountId, modelId, "prompt", form, now());
      kept.catch(() => {}); // the next turn chooses again
    },
    schedule,
  });
  /** The same for each turn. Listed, because a turn would copy all ports, and uses half of them. */
  const common = {
    ...{
      rates,
      summaries,
      spend,
      stopping,
      ended,
      media,
      threads,
      channelQueues,
      events,
    },
    store: answerStore,
    forms,
    sessions: store.sessions,
    steers: (...messages: Parameters<Carries>) => modesNow().steers(...messages),
    ...{
      backfill,
      threadStarter,
      namesOf: history.namesOf,
      missingRight,
      people,
      changesOf: (id: MessageId) => store.changes.ofTurn(accountId, id),
      linesUnder: parts.linesUnder,
      readingTools: TOOLS.filter(({ isPersonalCall }) => isPersonalCall),
      now,
      schedule: whileAwake(schedule),
      randomId,
      log,
    },
    isStoreDown: (error: unknown) => error instanceof StoreError,
  };

  /** Waits for tools that the model sees, and that are not known yet. */
  const toolsReady = (message: InboundMessage, agentId: string) => {
    if (message.own) return parts.own()?.ready(message);
    const { place, sender, hooked } = message;
    return parts.toolServices.ready(agentId, (name) => {
      const ownsApplication = () => owners.ownsApplicationAsRead(sender.id);
      const isOffer = place.kind !== "dm";
      const asker = { agentId, place, sender, hook: hooked?.hook, ownsApplication, isOffer };
      return policy().decideTools(asker, [{ name }]).some(({ isAllowed }) => isAllowed);
    });
  };

  /** The rules of one turn, fixed from its beginning to its end. */
  function answerPorts({ route, message }: Claim, turn: RunningTurn): AnswerPorts {
    const { agentId, sessionKey } = route;
    const { triggered, hooked, spoken } = message;
    const isAwaited = !triggered && !hooked && !spoken;
    const speech = spoken && parts.speechOf({
      message,
      mayShow: turn.mayShow,
      ending: turn.ending.signal,
      mark: () => store.turns.addSteps(turn.claim, [{ kind: "spoken", at: now() }], false),
    });
    const streaming = isAwaited ? config().discord.streaming : "off";
    return {
      ...common,
      maxWaiting: maxWaitingOf(config()),
      model: commands.modelOf(route),
      speech,
      manner: commands.settings.mannerOf(sessionKey),
      turn,
      rules: rulesOf(agentId),
      toolPorts: () => parts.toolPortsOf(agentId),
      drafts: streaming === "edit" ? progress.drafts : undefined,
      lines: streaming === "progress"
        ? progress.lines
        : isAwaited
        ? progress.readingLines
        : undefined,
    };
  }

  const answerWithoutModel = createCommandTurns({
    commands,
    store: store.turns,
    maxWaiting: () => maxWaitingOf(config()),
    isStoreDown: (error) => error instanceof StoreError,
    channelQueues,
    events,
    now,
    schedule,
    stopping,
    log,
  });

  return createTurns({
    claimNext: (admits) => {
      if (ended.aborted) return Promise.resolve(undefined);
      const { carries } = modesNow();
      return store.inbox.claimNext(accountId, now(), catchUp.delayedChannels(), carries, admits);
    },
    isOwner: sources.isOwner,
    runsBeside: (running, next, agentId) => modesNow().runsBeside(running, next, agentId),
    interrupts: (message, next, agentId) => modesNow().interrupts(message, next, agentId),
    isCommand,
    release: (claim) => store.inbox.release(claim),
    isRunning: store.inbox.isRunning,
    async answer(claim, turn) {
      const { message: { channelId, triggered, hooked, spoken } } = claim;
      const isSeen = !triggered && !hooked && !spoken;
      const stopTyping = isSeen ? progress.typing.begin(channelId) : () => {};
      try {
        const isForModel = !isCommand(claim.message) &&
          !store.settings.isPaused(accountId);
        if (!isForModel) return await answerWithoutModel(claim);
        const listing = toolsReady(claim.message, claim.route.agentId);
        if (listing) await listing;
        await answer(claim, answerPorts(claim, turn));
        if (claim.message.scheduled) events.emit.runEnded(claim.message.id);
      } finally {
        stopTyping();
        if (hooked) events.emit.hookEnded();
      }
    },
    turnLimit: parts.turnLimit,
    schedule,
    stopping,
    log,
  });
}
