/**
 * Connects commands and components with the parts of the bot that they may use.
 *
 * @module
 */

import process from "node:process";
import type { CommandNeeds } from "../../core/inbound/commands.ts";
import type { UserId } from "../../core/discord/ids.ts";
import { createOpenDirect } from "../../discord/rest/calls/channel.ts";
import { createReadUser } from "../../discord/rest/calls/members.ts";
import type { InteractionContext } from "../../interactions/base/context.ts";
import { COMMANDS } from "../../interactions/registry.ts";
import { randomId } from "../../host/random_id.ts";
import { bounded } from "../../lib/text/cut.ts";
import { schedule } from "../../lib/clock.ts";
import { notice } from "../../render/notices/notices.ts";
import { createContextFacts } from "./context_facts.ts";
import type { AuthorizeCall, CommandOptions, InteractionOptions } from "./options.ts";
import { createMcpSignIns } from "../mcp/sign_ins.ts";
import { createAllowlists } from "./allowlists.ts";
import { createAsk } from "./ask.ts";
import { createConfigPort } from "./config_port.ts";
import { createConversations } from "./conversations.ts";
import { createForget } from "./forget.ts";
import { type AccountModels, createAccountModels } from "./models.ts";
import { type AccountPause, createPause } from "./pause.ts";
import { createRestart, isSupervised } from "./settings/restart.ts";
import { createCommandUndo } from "./undo.ts";
import { createWhy } from "./why.ts";

/** The context, with the models and the pause that turns use. */
export interface CommandContext {
  /** Ports of the commands. */
  readonly context: InteractionContext;
  /** Models that conversations can use. */
  readonly models: AccountModels;
  /** The account's pause. */
  readonly pause: AccountPause;
}

/** Creates the context. The function is long because each part stands here once. */
export function createCommandContext(
  options: InteractionOptions & CommandOptions,
  authorize: AuthorizeCall,
): CommandContext {
  const { config, store, client, outbound, logging, sessionOf, settings, now } = options;
  const { accountId } = config().discord;
  const log = logging.forPart("interactions");
  const isAccepted = async (call: Parameters<AuthorizeCall>[0], needs: CommandNeeds) =>
    (await authorize(call, needs)).kind === "accept";
  const models = createAccountModels({
    accountId,
    settings: store.settings,
    model: options.model,
    choices: options.choices,
    routeOf: sessionOf,
    now,
  });
  const pause = createPause({
    accountId,
    settings: store.settings,
    stopAll: (except) => options.stopTurns({ accountId, except: except || undefined }),
    now,
    log,
  });
  const configPort = createConfigPort(config, options.configFile);
  const mcp = createMcpSignIns({
    config,
    dataDir: options.dataDir,
    onEnded: (userId, server, problem) => void tellSignIn(userId, server, problem),
    stopping: options.stopping,
    log,
  });
  async function tellSignIn(userId: UserId, server: string, problem?: string): Promise<void> {
    if (problem === undefined) {
      log.warn("An owner signed in to an MCP server", { by: userId, server });
    }
    const text = problem === undefined
      ? notice("mcpLoggedIn", { server }, config().texts)
      : notice("mcpFailed", { server, problem: bounded(problem, 800) }, config().texts);
    await outbound.tellPerson(userId, text).catch((error: unknown) =>
      log.warn("Cannot tell an owner about a sign-in", { userId, server, error })
    );
  }
  const context: InteractionContext = {
    pairing: store.pairing,
    questions: {
      open: store.questions.open,
      mayDecide: options.mayDecide,
      async decide(deciding) {
        const outcome = await store.questions.decide(deciding);
        if (outcome.kind === "decided" || outcome.kind === "closed") options.onDecided();
        return outcome;
      },
    },
    contextOf: createContextFacts(options),
    commands: () =>
      COMMANDS.filter(({ isOffered }) => isOffered?.({ config: configPort, mcp }) ?? true),
    conversations: createConversations({
      sessions: store.sessions,
      routeOf: sessionOf,
      modelOf: models.modelOf,
      spend: options.spend,
      rates: options.rates,
      randomId,
      cleanSecrets: outbound.cleanSecrets,
      schedule,
      stopping: options.stopping,
      now,
      log,
    }),
    models,
    settings,
    skills: options.skills,
    ask: createAsk({ ...options, openDirect: createOpenDirect(client) }),
    why: createWhy({ received: store.received, isOwner: (call) => isAccepted(call, "owner") }),
    forget: createForget({ ...options, forgetting: store.forgetting, schedule, log }),
    ...createCommandUndo({
      ...options,
      accountId,
      isOwner: (call) => isAccepted(call, "owner"),
      cleanSecrets: outbound.cleanSecrets,
    }),
    config: configPort,
    allowlists: createAllowlists({
      accountId,
      policy: () => options.policy.now().policy,
      file: options.configFile,
      pairing: store.pairing,
      readUser: createReadUser(client),
      now,
      log,
    }),
    mcp,
    pause: pause.port,
    restart: createRestart({
      accountId,
      settings: store.settings,
      isSupervised: () => isSupervised(process.env, process.pid),
      stop: () => process.kill(process.pid, "SIGTERM"),
      schedule,
      now,
    }),
    agents: () => [{ id: config().agent.name ?? config().agent.id, modelId: options.model().id }],
    notes: store.notes,
    cleanSecrets: outbound.cleanSecrets,
    onOutbox: ({ channelId }) => outbound.channelQueues.wake([channelId]),
    turns: {
      stop: options.stopTurns,
      mayStopAll: (event) => isAccepted(event, "session"),
    },
    status: options.status,
    usage: store.usage,
    texts: () => config().texts,
    now,
    log,
  };
  return { context, models, pause };
}
