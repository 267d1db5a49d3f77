/**
 * Creates the parts of an account, each from parts created before it.
 *
 * A part reports to the others by its events, which `wiring.ts` connects.
 */

import { takesFiles, uploadLimitOf } from "../../discord/gateway/decode/guild_index.ts";
import { createDuplicateWatch } from "../../flows/preflight/duplicate_instance.ts";
import { createAudioSpending } from "../../core/turn/audio_spending.ts";
import { createReadMember } from "../../discord/rest/calls/members.ts";
import { createMissingPermission } from "../../discord/rest/permissions/explain_denial.ts";
import { createTokenRates } from "../../session/history.ts";
import { createAccountCatchUp } from "../gateway/catch_up.ts";
import { statusOf } from "../../http/monitor/account_health.ts";
import { createInbound } from "../inbound/inbound.ts";
import { createJudging } from "../../flows/judging/judging.ts";
import { createOwnerIds } from "../../flows/owners/owner_ids.ts";
import { createOutbound } from "../outbound/outbound.ts";
import type { Parts } from "./account_parts.ts";
import { createAccountContext } from "../account_context.ts";
import type { AccountOptions, AccountPorts } from "../account_interface.ts";
import { createPolicyKeeper } from "../../flows/judging/policy_keeper.ts";
import { createInstructionFiles } from "../../host/files/instruction_files.ts";
import { latest } from "../../lib/cache.ts";
import { workspaceOf } from "../../workspace/skill_library.ts";
import { createAccountFiles } from "../turn/account_files.ts";
import type { GatewayParts } from "./gateway_parts.ts";
import { createAccountThreads } from "../turn/answer_threads.ts";
import { createIsOwner, createTurnTools } from "../../flows/judging/turn_tools.ts";
import { createAccountSchedules } from "../schedules/schedules.ts";
import { createAccountCards } from "../questions/cards.ts";
import type { ToolServices } from "../rules/tool_services.ts";
import { createSpending } from "../../flows/turn/spending/budgets.ts";
import { createHistory, createReadStarter } from "../turn/history.ts";
import { createAccountTurns } from "../turn/turns.ts";
import { createMayDecide } from "../../flows/questions/may_decide.ts";
import { createShow } from "../../discord/gateway/decode/shown_message.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";
import { mayBeSeen } from "../../flows/turn/backfill.ts";
import { skillsOf } from "../../policy/tool_access.ts";
import { TOOLS } from "../../tools/registry.ts";
import { createToolPorts } from "../turn/tool_ports.ts";
import type { TurnRulesPorts } from "../rules/turn_rules.ts";

/**
 * Creates the parts. None of them acts before it is started. The function is long because it is a
 * list: one part after the other.
 *
 * @throws {StoreError} If the store cannot be read.
 */
export async function createParts(
  gateway: GatewayParts,
  options: AccountOptions,
  toolServices: ToolServices,
  { health, meter, turnLimit, memory, isOurs, now }: AccountPorts,
): Promise<Parts> {
  const { store, logging, stored, version } = options;
  const { accountId } = options.config.discord;
  const { settings, client, applications, connectionState, presence } = gateway;
  const { connection, stopping } = gateway;
  const reader = await gateway.reader();
  const config = () => settings.config;
  const ended = new AbortController();
  const policy = await createPolicyKeeper(options.config, options.text, {
    store,
    now,
    log: logging.forPart("policy"),
  });
  const named = Promise.withResolvers<void>();
  const owners = createOwnerIds(
    applications,
    policy.now,
    connectionState.applicationOwner,
    now,
    named.promise,
  );
  const account = createAccountContext({
    config,
    store,
    policy: policy.now,
    self: () => reader.self,
    stopping: stopping.signal,
    ended: ended.signal,
    logging,
    now,
  });
  const common = { config, store, client, meter, logging, connection, now };
  const outbound = createOutbound({
    ...common,
    outbox: store.outbox,
    problems: store.usage,
    self: () => reader.self?.userId,
    ownerIds: owners.toTell,
    events: account.events,
  });
  const questions = createAccountCards(account, client);
  const rates = createTokenRates();
  const agentId = () => config().agent.id;
  const spend = createSpending({ now }, { config, usage: store.usage });
  const threads = createAccountThreads(account, {
    client,
    model: () => settings.model,
    spend,
    cleanSecrets: outbound.cleanSecrets,
  });
  const skills = (asker: Parameters<typeof skillsOf>[0]) =>
    skillsOf(asker, toolServices.skills.now(), policy.now().policy);
  const files = createAccountFiles(account, {
    client,
    speech: () => settings.speech,
    apiBase: options.apiBase,
    files: options.files,
    audio: createAudioSpending({ spend, agentId, now }),
  });
  const known = { policy: policy.now, ownsApplication: owners.ownsApplicationAsRead };
  const isOwner = createIsOwner(known);
  const turnRules: TurnRulesPorts = {
    cleanSecrets: outbound.cleanSecrets,
    uploadLimit: (guildId) => uploadLimitOf(reader.index, guildId),
    takesFiles: (place) => takesFiles(reader.index, place, reader.self?.userId),
    tools: createTurnTools({ tools: toolServices.tools, ...known }),
    skills,
    instructionFiles: createInstructionFiles(
      latest(config, (by) => workspaceOf(by, options.dataDir)),
      now,
      logging.forPart("turns"),
    ).read,
    isOwner,
    policy: () => policy.now().policy,
  };
  const judging = createJudging(account, {
    readMember: createReadMember(client),
    owners,
    threads,
    isOurs,
  });
  const show = createShow({
    accountId,
    reader,
    maySee: (message) => mayBeSeen(judging.judge.recall(message)),
    footerOf: store.outbox.footerOf,
  });
  const toolPorts = createToolPorts(account, {
    ...turnRules,
    client,
    reader,
    settings,
    services: toolServices,
    outbound,
    files,
    threads,
    spend,
    show,
    skills,
    ownerIds: owners.toTell,
    setPresence: presence.set,
    searchNotes: options.searchNotes,
  });
  const inbound = createInbound(account, {
    client,
    keeper: policy,
    rates,
    model: () => settings.model,
    version,
    reader,
    owners,
    outbound,
    threads,
    memory,
    judging,
    isOurs,
    isOwner,
    choices: () => settings.choices,
    configFile: () => settings.configFile,
    skills,
    dataDir: options.dataDir,
    folder: options.files.folder,
    spend,
    onNamed: named.resolve,
    onDecided: questions.decided,
    mayDecide: createMayDecide({ now }, {
      tools: TOOLS,
      ports: toolPorts,
      isOwner,
      isOfDiscord: (error) => error instanceof RestError,
    }),
    status: () => statusOf(health, version, now()),
  });
  const catchUp = createAccountCatchUp(account, {
    reader,
    client,
    shardCount: stored.shardCount ?? 1,
    acceptHistory: inbound.acceptHistory,
  });
  const turns = createAccountTurns(
    account,
    {
      ...turnRules,
      toolPorts,
      rates,
      spend,
      admit: judging.judge.recall,
      commands: inbound.commands,
      history: createHistory(client, reader, accountId),
      readStarter: createReadStarter(client, reader, show),
      ownerIds: owners.toTell,
      missingPermission: createMissingPermission(client, now),
      threads,
      held: catchUp.delayedChannels,
      files,
      turnLimit,
      progress: outbound.progress,
      toolsReady: ({ place, sender }) =>
        toolServices.ready((name) => {
          const ownsApplication = () => owners.ownsApplicationAsRead(sender.id);
          const asker = { place, sender, ownsApplication };
          return policy.now().decideTools(asker, [{ name }]).some(({ isAllowed }) => isAllowed);
        }),
      hasTraces: options.onTrace !== undefined,
    },
  );
  const schedules = createAccountSchedules(account, {
    client,
    reader,
    judging,
    outbound,
  });
  const duplicates = createDuplicateWatch(account);
  return {
    ...gateway,
    reader,
    policy,
    outbound,
    inbound,
    catchUp,
    turns,
    files,
    schedules,
    questions,
    account,
    duplicates,
    ended,
  };
}
