/** State of an account's turns that outlives each of them, and what its config says about turns. */

import { isOwner } from "../owners/owner_ids.ts";
import type { BotAccount } from "../../account/account.ts";
import { perAccount } from "../../account/per_account.ts";
import { agentOf } from "../../config/config.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { createMissingPermission } from "../../discord/rest/permissions/denial.ts";
import { latest, latestOf } from "../../lib/cache.ts";
import { queueModeOf } from "../judging/chosen_settings.ts";
import { commandOf } from "../judging/judge.ts";
import { createMissingRight } from "./control/asker_rights.ts";
import { createPromptForms, type PromptForms } from "./control/prompt_form.ts";
import { prepareQueueModes, type QueueModes, withCommands } from "./control/queue_mode.ts";
import { prepareTurnRules, type TurnRules } from "./turn_rules.ts";

type Of<State> = (account: BotAccount) => State;

/** What an account's config says about turns: made anew after a reload. */
const byConfig = perAccount("turns", (account) => {
  const { config } = account;
  const rulesOf = latestOf(
    config,
    (by, agentId: string) => prepareTurnRules(account, by, agentOf(by, agentId)),
  );
  const modes = latest(config, (by) =>
    withCommands(
      prepareQueueModes(by, rulesOf, (message) =>
        isOwner(account, message), (message) =>
        queueModeOf(account, message)),
      (message) =>
        commandOf(account, message) !== undefined,
    ));
  return { rulesOf, modes };
});

/** The rules of an agent's turns, by a message. */
export function rulesOf(
  account: BotAccount,
  agentId: string,
): (message: InboundMessage) => TurnRules {
  return byConfig(account).rulesOf(agentId);
}

/** Decides which messages share turns, by the config as it is now. */
export const modesOf = (account: BotAccount): QueueModes => byConfig(account).modes();

export const missingRightOf: Of<ReturnType<typeof createMissingRight>> = perAccount(
  "turns",
  (account) =>
    createMissingRight({
      isOwner: (message) => isOwner(account, message),
      missingPermission: createMissingPermission(account.rest, account.now),
    }),
);

/** Chooses the form of prompts (T2a). */
export const formsOf: Of<PromptForms> = perAccount("turns", (account) => {
  const { accountId, config, store: { settings }, now, schedule, log } = account;
  return createPromptForms({
    wish: () => config().tools.prompt,
    stored: (modelId) => settings.known(accountId, modelId, "prompt"),
    keep(modelId, choice) {
      log.info("The form of the prompt for a model is chosen", { model: modelId, by: choice });
      const kept = settings.change(accountId, modelId, "prompt", choice, now());
      kept.catch(() => {}); // the next turn chooses again
    },
    schedule,
  });
});
