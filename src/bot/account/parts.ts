/**
 * Creates the parts of an account, each from parts created before it.
 *
 * A part reports to the others by its events, which `wiring.ts` connects.
 */

import { NO_THREADS } from "../../core/inbound/threads.ts";
import { placeIn } from "../../discord/gateway/decode/places.ts";
import { namedRoles } from "../../discord/gateway/decode/senders.ts";
import { isRefusal, RestError } from "../../discord/rest/exchange/rest_error.ts";
import { createExplainDenial } from "../../discord/rest/permissions/explain_denial.ts";
import { createOpenDirect, createThreadRequests } from "../../discord/rest/requests/channel.ts";
import { createReadMember } from "../../discord/rest/requests/members.ts";
import { createIsOwner } from "../../flows/judging/turn_tools.ts";
import { createJudging } from "../../flows/judging/judging.ts";
import { createPolicyKeeper } from "../../flows/judging/policy_keeper.ts";
import { createOwnerIds } from "../../flows/owners/owner_ids.ts";
import { createDuplicateWatch } from "../../flows/preflight/duplicate_instance.ts";
import { createQuestionCards } from "../../flows/questions/cards.ts";
import { createSchedules } from "../../flows/schedules/schedules.ts";
import { createAnswerThreads, createTitleByModel } from "../../flows/turn/answer_threads.ts";
import { createSpending } from "../../flows/turn/spending/budgets.ts";
import { createSummaries } from "../../flows/session/compact.ts";
import { rulesFor } from "../../policy/rules/place_rules.ts";
import { createTokenRates } from "../../session/history.ts";
import { agentOf } from "../../config/config.ts";
import { eachOnce } from "../../lib/cache.ts";
import type { GuildId } from "../../core/discord/ids.ts";
import { createAccountContext } from "../account_context.ts";
import type { AccountOptions, AccountPorts } from "../account_interface.ts";
import { createAccountCatchUp } from "../gateway/catch_up.ts";
import { createExtraParts } from "./extra_parts.ts";
import { createInbound } from "../inbound/inbound.ts";
import { createOutbound } from "../outbound/outbound.ts";
import type { ToolServices } from "../rules/tool_services.ts";
import { createAccountMedia } from "../turn/account_media.ts";
import { createHistory } from "../turn/history.ts";
import { createClosedBy } from "../turn/closed_by.ts";
import { createRuleSources } from "../turn/rule_sources.ts";
import { chunkRulesOf, timezoneOf } from "../rules/turn_rules.ts";
import { createAccountTurns } from "../turn/turns.ts";
import type { GatewayParts } from "./gateway_parts.ts";

/**
 * Creates the parts. None of them acts before it is started.
 *
 * @throws {StoreError} If the store cannot be read.
 */
export async function createParts(
  gateway: GatewayParts,
  options: AccountOptions,
  toolServices: ToolServices,
  ports: AccountPorts,
) {
  const { store, logging, text } = options;
  const { applications, client, connection, connectionState, presence, settings } = gateway;
  const { health, isOnly, isOurs, memory, now, ours, changedInAll, turnLimit } = ports;
  const log = logging.forPart("policy");
  const reader = await gateway.reader();
  const voiceIndex = gateway.voice();
  const ended = new AbortController();
  const policy = await createPolicyKeeper(options.config, text, { store, now, log });
  const account = createAccountContext({
    config: () => settings.config,
    store,
    policy: policy.now,
    self: () => reader.self,
    stopping: gateway.stopping.signal,
    ended: ended.signal,
    logging,
    now,
  });
  const owners = createOwnerIds(account, { applications, connectionState });
  const outbound = createOutbound(account, { client, options, owners, settings });
  const questions = createQuestionCards(account.forPart("questions"), {
    openDirect: createOpenDirect(client),
    isRefused: isRefusal, // a question goes to the other people, and waits for none
    tellChannel: outbound.tellChannel,
    asCards: () => account.config().messages.cards === "components",
  });
  const rates = createTokenRates();
  const summaries = createSummaries();
  const spend = createSpending(account);
  const turnParts = account.forPart("turns");
  const threads = createAnswerThreads(turnParts, {
    store: store.turns,
    requests: createThreadRequests(client),
    refusalOf(error) {
      if (!(error instanceof RestError)) return undefined;
      return error.kind === "unsent" || error.kind === "unavailable" ? undefined : error.kind;
    },
    rules({ place }) {
      if (place.kind !== "guild") return NO_THREADS;
      const rules = rulesFor(place, account.policy().policy);
      return rules.kind === "open" ? rules.threads.value : NO_THREADS;
    },
    matchesPattern: (text) => account.policy().policy.matchesPattern(text),
    titleByModel: createTitleByModel(turnParts, {
      modelOf: (agentId) => settings.models.of(agentId),
      spend,
    }),
    cleanSecrets: outbound.cleanSecrets,
  });
  const media = createAccountMedia(account, { client, options, settings, spend });
  const isOwner = createIsOwner(account, owners);
  const own = () => extras.own; // made below, as it uses other parts
  const sources = createRuleSources(account, {
    ...{ options, reader, owners, isOwner, toolServices, outbound, own },
  });
  const readMember = createReadMember(client);
  const guildOf = (guildId: GuildId) => reader.index.get(guildId);
  const judging = createJudging(account, {
    ...{ owners, threads, isOurs, ours, guildOf },
  });
  ports.publish(judging.view); // before any message is judged
  const history = createHistory(account, { client, reader, judging });
  const closedBy = createClosedBy(account, { reader, isOwner: sources.isOwner });
  const portsOf = eachOnce(async (agentId: string) => {
    const { createToolPorts } = await import("../turn/tool_ports.ts");
    return createToolPorts(account, {
      ...{ agentId, client, reader, settings, presence, owners, toolServices, sources },
      ...{ outbound, media, threads, spend, history, closedBy },
      voice: (...call) => extras.voice(...call), // made below, as it uses other parts
    });
  });
  const toolPortsOf = (agentId: string) => portsOf(agentOf(account.config(), agentId).id);
  const inbound = createInbound(account, {
    ...{ options, client, connection, reader, settings, policy, owners, outbound, judging },
    ...{ threads, sources, spend, rates, summaries, toolPortsOf },
    ...{ health, memory, isOnly, isOurs, changedInAll },
    eventsOf: (told) => extras.eventsOf(told), // made below, as they use other parts
    turns: { accepted: (judged) => turns.accepted(judged) }, // made below, with the commands
    byExtra: (use) => extras.run(use),
  });
  const catchUp = createAccountCatchUp(account, {
    ...{ options, client, reader, inbound, outbound },
    missedEvents: (guildId, since) => extras.missedEvents(guildId, since),
  });
  const turns = createAccountTurns(account, {
    ...{ options, client, owners, outbound, judging, threads, media, sources, history },
    ...{ spend, rates, summaries, toolPortsOf, toolServices, turnLimit, inbound, catchUp },
    own,
    linesUnder: (turn) => extras.linesUnder(turn), // made below, as they use other parts
    speechOf: (turn) => extras.speechOf(turn),
  });
  const explainDenial = createExplainDenial(client, () => 0); // who is in timeout may still see
  const schedules = createSchedules(account.forPart("schedules"), {
    judging,
    hasAgent: (agentId) => account.config().agentList.some(({ id }) => id === agentId),
    async rolesNow({ guildId, channelId, sender: { id: userId } }) {
      const member = await readMember(guildId, userId);
      if (!member || await explainDenial({ guildId, channelId, userId }, ["View Channel"])) {
        return undefined;
      }
      return namedRoles(member.roles, guildOf(guildId));
    },
    placeNow: ({ guildId, channelId }) => placeIn(guildId, channelId, guildOf(guildId)),
    timezone: () => timezoneOf(account.config()),
    reminderRules: () => ({
      chunks: chunkRulesOf(account.config()),
      cleanSecrets: outbound.cleanSecrets,
      tables: account.config().messages.tables,
    }),
    tellOwners: (text) => void outbound.tellOwners(text),
  });
  const extras = await createExtraParts(options.extras, account, {
    ...{ client, reader, judging, spend, dataDir: options.dataDir, version: options.version },
    speech: () => settings.speech,
    env: options.env,
    ...{ closedBy, show: history.show },
    modelOf: (agentId) => settings.models.of(agentId),
    ask: inbound.ask,
    cleanSecrets: outbound.cleanSecrets,
    harmlessPart: outbound.progress.drafts.harmlessPart,
    voice: voiceIndex && {
      ...voiceIndex,
      set: connection.setVoice,
      hasLoaded: memory.hasLoaded,
      scheme: new URL(options.apiBase).protocol === "http:" ? "ws" : "wss",
    },
  });
  const duplicates = createDuplicateWatch(account);
  return {
    ...{ ...gateway, reader, policy, owners, outbound, inbound, catchUp, turns, media, schedules },
    extras,
    questions,
    account,
    /** Learns of the bot's own messages. */
    intent: judging.intent,
    /** Watches for a second process with the same token. */
    duplicates,
    /** Aborted when the account ends by itself: no turn begins after that. */
    ended,
  };
}

export type Parts = Awaited<ReturnType<typeof createParts>>;
