/** Joins the threads of an account's answers with policy, store, model and REST (S7). */

import type { AccountContext } from "../account_context.ts";
import { NO_THREADS, type ThreadRules } from "../../core/inbound/threads.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { SpendPort } from "../../core/spending/metered_model.ts";
import { createThreadRequests } from "../../discord/rest/requests/channel.ts";
import type { RestClient } from "../../discord/rest/client/client.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";
import {
  type AnswerThreads,
  createAnswerThreads,
  createTitleByModel,
} from "../../flows/turn/answer_threads.ts";
import type { Outbound } from "../outbound/outbound.ts";
import type { RunningSettings } from "../rules/setup.ts";
import { rulesFor } from "../../policy/rules/place_rules.ts";

export function createAccountThreads(
  account: AccountContext,
  { client, settings, spend, outbound: { cleanSecrets } }: {
    readonly client: RestClient;
    readonly settings: Pick<RunningSettings, "models">;
    readonly spend: SpendPort;
    readonly outbound: Pick<Outbound, "cleanSecrets">;
  },
): AnswerThreads {
  const { policy, store } = account;
  const turns = account.forPart("turns");
  return createAnswerThreads(turns, {
    store: store.turns,
    requests: createThreadRequests(client),
    refusalOf(error) {
      if (!(error instanceof RestError)) return undefined;
      return error.kind === "unsent" || error.kind === "unavailable" ? undefined : error.kind;
    },
    rules({ place }: InboundMessage): ThreadRules {
      if (place.kind !== "guild") return NO_THREADS;
      const rules = rulesFor(place, policy().policy);
      return rules.kind === "open" ? rules.threads.value : NO_THREADS;
    },
    matchesPattern: (text) => policy().policy.matchesPattern(text),
    titleByModel: createTitleByModel(turns, {
      modelOf: (agentId) => settings.models.of(agentId),
      spend,
    }),
    cleanSecrets,
  });
}
