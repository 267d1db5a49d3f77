/**
 * Creates the parts of an account, each from parts created before it.
 *
 * A part reports to the others by its events, which `wiring.ts` connects.
 */

import { viewOf } from "../../flows/judging/judge.ts";
import { createPolicyKeeper } from "../../flows/judging/policy_keeper.ts";
import { wakes } from "../../account/wakes.ts";
import { createAccountContext } from "../account_context.ts";
import type { AccountOptions, AccountPorts } from "../account_interface.ts";
import { loadExtras, ownServers } from "../../account/extra_parts.ts";
import { queuesOf } from "../../flows/deliver/channel_queues.ts";
import type { ToolServices } from "../rules/tool_services.ts";
import { createHistory } from "../turn/history.ts";
import { createRuleSources } from "../turn/rule_sources.ts";
import { turnsOf } from "../../flows/turn/account_turns.ts";
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
  const { client, connection, connectionState, presence, settings } = gateway;
  const { health, now } = ports;
  const log = logging.forPart("policy");
  const reader = await gateway.reader();
  const ended = new AbortController();
  const keeper = await createPolicyKeeper(options.config, text, { store, now, log });
  const account = createAccountContext({
    config: () => settings.config,
    store,
    policy: keeper.now,
    keeper,
    self: () => reader.self,
    stopping: gateway.stopping.signal,
    ended: ended.signal,
    logging,
    now,
    rest: client,
    connection,
    connectionState,
    presence,
    reader,
    voiceIndex: gateway.voice(),
    settings,
    health,
    bot: { ...ports, ...options, toolServices },
    chance: ports.chance,
  });
  const sources = createRuleSources(account, {
    ...{ options, reader, toolServices },
    own: () => ownServers(account),
  });
  ports.publish(viewOf(account)); // before any message is judged
  const history = createHistory(account);
  Object.assign(account.parts, {
    ...{ sources, history },
  });
  Object.assign(wakes(account), {
    turns: turnsOf(account).wake,
    channels: queuesOf(account).wake,
  });
  await loadExtras(account, options.extras);
  return {
    account,
    /** Aborted when the account ends by itself: no turn begins after that. */
    ended,
    /** Aborted when the grace period of a stop is over. */
    stopping: gateway.stopping,
    restEvents: gateway.restEvents,
    /** Events of the connection and of requests wait until its release. */
    events: gateway.events,
  };
}

export type Parts = Awaited<ReturnType<typeof createParts>>;
