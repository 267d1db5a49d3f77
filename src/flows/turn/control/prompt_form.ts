/**
 * Chooses the form of the prompt for a model (T2a): full, or small for a slow machine or a small
 * window.
 *
 * Another form is another prompt, which the server reads anew. So the choice is stored for each model,
 * with its cause, and stays until that is gone.
 */

import type { BotAccount } from "../../../account/account.ts";
import { withSmallTools } from "../../../core/turn/small_tools.ts";
import type { ContextWindow } from "../../../core/model.ts";
import type { OneTurn } from "../turn_step.ts";

export type PromptForm = "full" | "small";

const SMALL_WINDOW = 8_192;
/** Tokens a second below which a server gets the small form. */
const SLOW_PER_SEC = 200;
/** Maximum milliseconds that the first turn waits for the server to tell the window. */
const ASKED_MS = 3_000;

/** What chose a form, as it is stored: a measured speed, or a window that is known. */
const CHOICES = ["full", "window", "speed"] as const;
type Choice = (typeof CHOICES)[number];

/**
 * The form by what is known of a model.
 *
 * @param before The stored choice. It stays until its cause is gone.
 * @returns Without a choice, more is to be learned.
 */
function formBy(
  window: ContextWindow | undefined,
  before?: Choice,
): { readonly form: PromptForm; readonly choice?: Choice } {
  const choiceOf = (choice: Choice) =>
    ({ form: choice === "full" ? choice : "small", choice }) as const;
  if (!window || window.isPending) return before ? choiceOf(before) : { form: "full" };
  const { contextWindow, from = "assumed", readPerSec, isEarly } = window;
  if (isEarly) return before ? choiceOf(before) : { form: "small" }; // it may be Ollama's 4,096
  if (contextWindow <= SMALL_WINDOW) {
    return from === "refusal" ? { form: "small" } : choiceOf("window");
  }
  const isOpen = before === "window" && from === "assumed"; // so no larger one is known
  if (isOpen) return choiceOf(before);
  if (readPerSec && readPerSec.most < SLOW_PER_SEC) return choiceOf("speed");
  if (before === "speed" && (readPerSec?.least ?? 0) < SLOW_PER_SEC) return choiceOf(before);
  return readPerSec || before === "full" ? choiceOf("full") : { form: "full" };
}

function storedFor({ accountId, store }: BotAccount, modelId: string): string | undefined {
  return store.settings.known(accountId, modelId, "prompt");
}

function chosen(
  { account, config: { tools: { prompt: by } }, model: { id, window } }: OneTurn,
): PromptForm {
  const { accountId, store, now, log } = account;
  if (by !== "auto") return by;
  const known = storedFor(account, id);
  const { form, choice } = formBy(window, CHOICES.find((one) => one === known));
  if (choice !== undefined && choice !== known) {
    log.info("The form of the prompt for a model is chosen", { model: id, by: choice });
    const kept = store.settings.change(accountId, id, "prompt", choice, now());
    kept.catch(() => {}); // the next turn chooses again
  }
  return form;
}

/** The form for a turn. A model's first one waits a moment until its server tells the window. */
export async function formOf(turn: OneTurn): Promise<PromptForm> {
  const { account, config, model } = turn;
  const isOpen = config.tools.prompt === "auto" && storedFor(account, model.id) === undefined;
  const asked = isOpen ? model.window?.asked : undefined;
  if (asked) {
    const late = Promise.withResolvers<void>();
    const cancel = account.schedule(late.resolve, ASKED_MS);
    await Promise.race([asked, late.promise]).finally(cancel);
  }
  return chosen(turn);
}

/** Stores the choice after an answer, if that has told enough. */
export const settleForm = (turn: OneTurn): void => void chosen(turn);

/** Gives a turn the prompt and the tools of the form for its model. */
export async function useForm(turn: OneTurn): Promise<void> {
  if (await formOf(turn) !== "small") return;
  const { model, rules } = turn;
  const instructions = { ...rules.instructions, isSmall: true as const };
  turn.model = withSmallTools(model);
  turn.rules = { ...rules, isSmall: true, instructions };
}
