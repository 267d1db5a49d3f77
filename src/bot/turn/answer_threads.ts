/**
 * Joins the threads of an account's answers with policy, store, model and REST (S7).
 *
 * @module
 */

import type { AccountId } from "../../core/discord/ids.ts";
import { NO_THREADS, type ThreadRules } from "../../core/inbound/threads.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { Model } from "../../core/model.ts";
import type { SpendPort } from "../../core/spending/metered_model.ts";
import { createThreadCalls } from "../../discord/rest/calls/channel.ts";
import type { RestClient } from "../../discord/rest/client/client.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";
import {
  type AnswerThreads,
  createAnswerThreads,
  createTitleByModel,
} from "../../flows/turn/answer_threads.ts";
import { randomId } from "../account_context.ts";
import { schedule } from "../../lib/clock.ts";
import type { Logging } from "../../log.ts";
import { rulesFor } from "../../policy/rules/place_rules.ts";
import type { PolicyKeeper } from "../../flows/judging/policy_keeper.ts";
import type { Store } from "../../core/store/store.ts";

/** The dependencies of an account's threads. */
export interface AccountThreadsOptions {
  /** The account. */
  readonly accountId: AccountId;
  /** Sends requests to Discord. */
  readonly client: RestClient;
  /** Methods of the store. */
  readonly store: Pick<Store, "turns">;
  /** Keeps the current policy. */
  readonly policy: Pick<PolicyKeeper, "now">;
  /** The current model. */
  readonly model: () => Model;
  /** The agent of the current config. */
  readonly agentId: () => string;
  /** Budgets, and the count of requests. */
  readonly spend: SpendPort;
  /** Removes the program's secrets from a text. */
  readonly cleanSecrets: (text: string) => string;
  /** Aborted when the grace period of a stop is over. */
  readonly stopping: AbortSignal;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** The process's log, by part. */
  readonly logging: Logging;
}

/** Creates the threads of an account. */
export function createAccountThreads(
  {
    accountId,
    agentId,
    client,
    store,
    policy,
    model,
    spend,
    cleanSecrets,
    stopping,
    now,
    logging,
  }: AccountThreadsOptions,
): AnswerThreads {
  const log = logging.forPart("turns");
  return createAnswerThreads({ accountId, schedule, stopping, now, log }, {
    store: store.turns,
    calls: createThreadCalls(client),
    refusalOf(error) {
      if (!(error instanceof RestError)) return undefined;
      return error.kind === "unsent" || error.kind === "unavailable" ? undefined : error.kind;
    },
    rules({ place }: InboundMessage): ThreadRules {
      if (place.kind !== "guild") return NO_THREADS;
      const rules = rulesFor(place, policy.now().policy);
      return rules.kind === "open" ? rules.threads.value : NO_THREADS;
    },
    matchesPattern: (text) => policy.now().policy.matchesPattern(text),
    titleByModel: createTitleByModel({ now, randomId, schedule, stopping, log }, {
      model,
      agentId,
      spend,
    }),
    cleanSecrets,
  });
}
