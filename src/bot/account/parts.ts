/**
 * Creates the parts of an account, each from parts created before it.
 *
 * A part reports to the others by its events, which `wiring.ts` connects.
 */

import { createReadMember } from "../../discord/rest/calls/members.ts";
import { createIsOwner } from "../../flows/judging/turn_tools.ts";
import { createJudging } from "../../flows/judging/judging.ts";
import { createPolicyKeeper } from "../../flows/judging/policy_keeper.ts";
import { createOwnerIds } from "../../flows/owners/owner_ids.ts";
import { createDuplicateWatch } from "../../flows/preflight/duplicate_instance.ts";
import { createSpending } from "../../flows/turn/spending/budgets.ts";
import { createSummaries } from "../../flows/session/compact.ts";
import { createTokenRates } from "../../session/history.ts";
import { agentOf } from "../../config/config.ts";
import { eachOnce } from "../../lib/cache.ts";
import { createLoader } from "../../lib/loader.ts";
import type { GuildId } from "../../core/discord/ids.ts";
import { createAccountContext } from "../account_context.ts";
import type { AccountOptions, AccountPorts } from "../account_interface.ts";
import { createAccountCatchUp } from "../gateway/catch_up.ts";
import { createExtraParts } from "./extra_parts.ts";
import { createInbound } from "../inbound/inbound.ts";
import { createOutbound } from "../outbound/outbound.ts";
import { createAccountCards } from "../questions/cards.ts";
import type { ToolServices } from "../rules/tool_services.ts";
import { createAccountSchedules } from "../schedules/schedules.ts";
import { createAccountFiles } from "../turn/account_files.ts";
import { createAccountThreads } from "../turn/answer_threads.ts";
import { createHistory } from "../turn/history.ts";
import { createAccountKnowledge } from "../turn/knowledge.ts";
import { createRuleSources } from "../turn/rule_sources.ts";
import { intentWeightsIn } from "../rules/intent_weights.ts";
import { createToolPorts } from "../turn/tool_ports.ts";
import { createAccountTurns } from "../turn/turns.ts";
import type { AccountCalls } from "../../extras/api/calls/account_calls.ts";
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
  const { now } = ports;
  const log = logging.forPart("policy");
  const reader = await gateway.reader();
  const ended = new AbortController();
  const policy = await createPolicyKeeper(options.config, text, { store, now, log });
  const account = createAccountContext({
    config: () => gateway.settings.config,
    store,
    policy: policy.now,
    self: () => reader.self,
    stopping: gateway.stopping.signal,
    ended: ended.signal,
    logging,
    now,
  });
  const owners = createOwnerIds(account, gateway);
  const given = { ...gateway, ...ports, options, toolServices, reader, policy, owners };
  const outbound = createOutbound(account, given);
  const questions = createAccountCards(account, { ...given, outbound });
  const rates = createTokenRates();
  const summaries = createSummaries();
  const spend = createSpending(account);
  const threads = createAccountThreads(account, { ...given, spend, outbound });
  const files = createAccountFiles(account, { ...given, spend });
  const isOwner = createIsOwner(account, owners);
  const sources = createRuleSources(account, { ...given, isOwner, outbound });
  const readMember = createReadMember(gateway.client);
  const { weights, problem } = intentWeightsIn(options.dataDir);
  if (problem !== undefined) {
    log.warn("Cannot use the weights of the intent filter; using the shipped ones", { problem });
  }
  const guildOf = (guildId: GuildId) => reader.index.get(guildId);
  const judging = createJudging(account, { ...given, readMember, threads, weights, guildOf });
  ports.publish(judging.view); // before any message is judged
  const history = createHistory(account, { ...given, judging });
  const knowledge = createAccountKnowledge(account, { ...given, sources, history });
  const counts = { rates, summaries, spend };
  const own = { outbound, threads, files, sources, judging, history, knowledge };
  const made = { ...given, ...counts, ...own };
  const portsOf = eachOnce((agentId: string) => createToolPorts(account, { ...made, agentId }));
  const toolPortsOf = (agentId: string) => portsOf(agentOf(account.config(), agentId).id);
  const inbound = createInbound(account, {
    ...{ ...made, toolPortsOf },
    turns: { accepted: (judged) => turns.accepted(judged) }, // made below, with the commands
  });
  const catchUp = createAccountCatchUp(account, { ...given, inbound, outbound });
  /** The calls of programs, which are loaded with the first one (O14). */
  let loaded: AccountCalls | undefined;
  const loading = createLoader(async () => {
    const { createAccountCalls } = await import("../../extras/api/calls/account_calls.ts");
    return loaded = createAccountCalls(account, { ...made, toolPortsOf });
  });
  const calls = { now: () => loaded, load: loading.get };
  const turns = createAccountTurns(account, { ...made, toolPortsOf, inbound, catchUp, calls });
  const schedules = createAccountSchedules(account, made);
  const extras = await createExtraParts(options.extras, account, {
    ...gateway,
    reader,
    judging,
    cleanSecrets: outbound.cleanSecrets,
    web: toolServices.of(account.config().agentList[0].id).ports.web,
  });
  const duplicates = createDuplicateWatch(account);
  return {
    ...{ ...gateway, reader, policy, owners, outbound, inbound, catchUp, turns, files, schedules },
    extras,
    questions,
    calls,
    account,
    knowledge: knowledge.upkeep,
    /** Learns of the bot's own messages. */
    intent: judging.intent,
    /** Watches for a second process with the same token. */
    duplicates,
    /** Aborted when the account ends by itself: no turn begins after that. */
    ended,
  };
}

/** The parts of an account. */
export type Parts = Awaited<ReturnType<typeof createParts>>;
