/** Connects commands and components with the parts of the bot that they may use. */

import process from "node:process";
import { type ReferenceKey, referenceKeys } from "../../config/reference.ts";
import { configSchema } from "../../config/schema/root.ts";
import type { ConfigFile } from "../../core/config_file.ts";
import { agentOf } from "../../config/config.ts";
import type { Interaction } from "../../core/inbound/interactions.ts";
import type { CommandNeeds } from "../../core/inbound/text_commands.ts";
import type { Verdict } from "../../core/inbound/verdict.ts";
import type { RestClient } from "../../discord/rest/client/client.ts";
import { createOpenDirect } from "../../discord/rest/requests/channel.ts";
import { storedLine } from "../../flows/receipts/receipts.ts";
import { undo } from "../../flows/actions/undo.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";
import { StoreError } from "../../store/database/store_error.ts";
import { createReadUser } from "../../discord/rest/requests/members.ts";
import { createAllowlists } from "../../flows/interactions/allowlists.ts";
import { type Asks, createAsk } from "../../flows/interactions/ask.ts";
import type { AskingInteraction } from "../../flows/interactions/authorize.ts";
import {
  type AccountModels,
  type ConversationParts,
  createContextFacts,
  createConversations,
} from "../../flows/interactions/conversations.ts";
import { createForget, createWhy } from "../../interactions/parts/records.ts";
import { createRestart } from "../../interactions/parts/switches.ts";
import type { ConfigPort, InteractionContext } from "../../interactions/base/context.ts";
import { COMMANDS } from "../../interactions/registry.ts";
import { listenForCallback, pastedUrl } from "../../host/sign_in_callback.ts";
import { decided } from "../../flows/questions/cards.ts";
import { readBudgets } from "../../flows/turn/spending/budgets.ts";
import { usedBy } from "../../core/spending/usage.ts";
import { dropLogins } from "../../host/files/data_dir.ts";
import { isSupervised } from "../../lib/env.ts";
import { BUILD_NAME } from "../../version.ts";
import type { AccountContext } from "../account_context.ts";
import type { AccountOptions, AccountPorts } from "../account_interface.ts";
import type { RunningSettings } from "../rules/setup.ts";
import type { TurnRulesPorts } from "../../flows/turn/turn_rules.ts";
import { statusOf } from "../../http/monitor/account_health.ts";
import { TOOLS } from "../../tools/registry.ts";
import { createMcpSignIns } from "../../interactions/parts/mcp_sign_ins.ts";
import { stopTurns, waitingRules } from "../../flows/inbound/waiting_turns.ts";
import { chosenSettings, judge, routeOf, sessionOf } from "../../flows/judging/judge.ts";
import type { Conversation } from "../../session/session_key.ts";
import { tellPerson } from "../../flows/tell.ts";
import { cleanSecrets as cleaned } from "../../account/secrets.ts";
import { createCommandUndo } from "../../interactions/parts/undo.ts";

/** Everything that interactions need beside their account. */
export interface InteractionParts
  extends
    Pick<ConversationParts, "spend" | "rates" | "summaries">,
    Pick<InteractionContext, "byExtra">,
    Pick<AccountPorts, "health" | "changedInAll"> {
  readonly options: Pick<
    AccountOptions,
    "version" | "dataDir" | "media" | "dashboardLink"
  >;
  readonly settings: Pick<RunningSettings, "models" | "choices" | "configFile">;
  readonly client: RestClient;
  readonly sources: Pick<TurnRulesPorts, "skills" | "tools">;
}

/** The same, and the parts that work before the code of commands is loaded. */
export interface HandlerParts
  extends InteractionParts, Pick<Asks, "isRefused">, Pick<InteractionContext, "pause"> {
  readonly models: AccountModels;
  /** Whether a person is an owner, or decides about approvals or answers. */
  readonly isPrivileged: (one: Pick<Interaction, "sender">) => boolean;
}

/**
 * Creates the context.
 *
 * @param account Its log is that of interactions.
 */
export function createCommandContext(
  account: AccountContext,
  parts: HandlerParts,
  authorize: (call: AskingInteraction, needs: CommandNeeds) => Promise<Verdict>,
): InteractionContext {
  const { config, store, policy, now, log } = account;
  const { client, options, settings, sources } = parts;
  const { spend, rates, summaries, isRefused, models, pause } = parts;
  const routeOfCall = (call: Conversation) => sessionOf(account, call);
  const configFile = () => settings.configFile;
  const cleanSecrets = (text: string) => cleaned(account, text);
  const isAccepted = async (call: AskingInteraction, needs: CommandNeeds) =>
    (await authorize(call, needs)).kind === "accept";
  const isOwner = (call: AskingInteraction) => isAccepted(call, "owner");
  const conversationParts = {
    ...{ spend, rates, summaries, cleanSecrets },
    answering: () => settings.models,
    choices: () => settings.choices,
    routeOf: routeOfCall,
  };
  const configPort = createConfigPort(config, configFile);
  const mcp = createMcpSignIns(account, {
    serverIds: (login) =>
      Object.entries(config().mcp.servers)
        .flatMap(([id, server]) => server.login === login ? [id] : []),
    loadLogins: async () =>
      (await import("../mcp/logins.ts")).createServerLogins(config, options.dataDir),
    listen: listenForCallback,
    pastedUrl: (port) => pastedUrl(port, config().http.publicUrl),
    tellPerson: (userId, text) => tellPerson(account, userId, text),
  });
  const context: InteractionContext = {
    account,
    now,
    log,
    store,
    isOwner,
    currency: () => config().models.currency,
    budgets(call) {
      const by = usedBy(call, routeOfCall(call).agentId);
      return readBudgets(config().budgets, by, store, now());
    },
    questions: {
      open: store.questions.open,
      async decide(deciding) {
        const outcome = await store.questions.decide(deciding);
        if (outcome.kind === "decided" || outcome.kind === "closed") {
          decided(account);
          parts.changedInAll("questions"); // one about a skill's tool is one for all bots
        }
        return outcome;
      },
    },
    contextOf: createContextFacts(account, conversationParts, models.modelOf),
    commands: () => COMMANDS.filter(({ isOffered }) => isOffered?.(context) ?? true),
    conversations: createConversations(account, conversationParts, models.modelOf),
    models,
    settings: chosenSettings(account),
    async skills(call) {
      const { agentId } = routeOfCall(call);
      await account.bot.toolServices.skillsRead(agentId);
      return sources.skills(call, agentId);
    },
    ask: createAsk(account, {
      isRefused,
      waiting: () => waitingRules(account),
      judge: (...of) => judge(account, ...of),
      route: (message) => routeOf(account, message),
      openDirect: createOpenDirect(client),
    }),
    why: createWhy(store, isOwner, (...of) => storedLine(account, TOOLS, ...of)),
    forget: createForget(account, async (userId) => {
      await options.media.folder.forget(userId);
      dropLogins(options.dataDir, userId);
      parts.changedInAll("forgetting", userId);
    }),
    ...createCommandUndo(account, {
      undo: (origin, ...of) => undo({ account, ...origin }, ...of),
      isOutage: (error) => error instanceof RestError || error instanceof StoreError,
      isOwner,
      cleanSecrets,
    }),
    config: configPort,
    allowlists: createAllowlists(
      account,
      () => policy().policy,
      configFile,
      createReadUser(client),
    ),
    mcp,
    pause,
    restart: createRestart(
      account,
      () => isSupervised(process.env, process.pid),
      () => void process.kill(process.pid, "SIGTERM"),
    ),
    dashboardLink: options.dashboardLink,
    agents: () =>
      config().agentList.map(({ name, id }) => ({
        id: name ?? id,
        modelId: settings.models.of(id).id,
      })),
    agentHere(call) {
      const { agentList } = config();
      if (agentList.length === 1) return undefined;
      const { id, name } = agentOf(config(), routeOfCall(call).agentId);
      return name ?? id;
    },
    byExtra: parts.byExtra,
    talks: () => config().voice !== undefined,
    cleanSecrets,
    turns: {
      stop: (scope) => stopTurns(account, scope),
      mayStopAll: (event) => isAccepted(event, "session"),
    },
    async status(call) {
      const { id, window } = models.modelOf(routeOfCall(call));
      const { warnings, ...facts } = statusOf(parts.health, BUILD_NAME, id, now());
      return { ...facts, window, warnings: await isOwner(call) ? warnings : undefined };
    },
  };
  return context;
}

/**
 * Creates the config file for `/config` (K4).
 *
 * @param file The file as it is now; `undefined` if there is none.
 */
function createConfigPort(
  config: AccountContext["config"],
  file: () => ConfigFile | undefined,
): ConfigPort {
  let paths: readonly string[] | undefined;
  return {
    allows() {
      const { discord: { configCommand } } = config();
      const reading = configCommand !== "off" && file() !== undefined;
      return { reading, writing: reading && configCommand === "write" };
    },
    // Built by the first person who types a path: the schema takes milliseconds.
    paths: () => paths ??= pathsOf(referenceKeys(configSchema)),
    get: (path) => file()?.get(path) ?? Promise.resolve(undefined),
    set: (path, value) => file()?.set(path, value) ?? Promise.resolve("there is no config file"),
  };
}

function pathsOf(keys: readonly ReferenceKey[]): readonly string[] {
  return keys.flatMap(({ path, keys: below }) => [path, ...pathsOf(below)]);
}
