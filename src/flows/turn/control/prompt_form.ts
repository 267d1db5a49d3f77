/**
 * Chooses the form of the prompt for a model (T2a): full, or small for a slow machine or a small
 * window.
 *
 * Another form is another prompt, which the server reads anew. So the choice is stored for each model,
 * with its cause, and stays until that is gone.
 */

import { withSmallTools } from "../../../core/turn/small_tools.ts";
import type { ContextWindow, Model } from "../../../core/model.ts";
import type { StartTimer } from "../../../lib/clock.ts";
import type { Instructions } from "../../../render/prompt/system_prompt.ts";

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
export function formBy(
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

export function createPromptForms({ wish, stored, keep, schedule }: {
  /** `tools.prompt`. */
  readonly wish: () => "auto" | PromptForm;
  /** The stored choice for a model; `undefined` before it. */
  readonly stored: (modelId: string) => string | undefined;
  /** Stores a choice. Must not throw. */
  readonly keep: (modelId: string, choice: Choice) => void;
  readonly schedule: StartTimer;
}) {
  function chosen({ id, window }: Model): PromptForm {
    const by = wish();
    if (by !== "auto") return by;
    const known = stored(id);
    const { form, choice } = formBy(window, CHOICES.find((one) => one === known));
    if (choice !== undefined && choice !== known) keep(id, choice);
    return form;
  }
  return {
    /** The form for a turn. A model's first one waits a moment until its server tells the window. */
    async of(model: Model): Promise<PromptForm> {
      const isOpen = wish() === "auto" && stored(model.id) === undefined;
      const asked = isOpen ? model.window?.asked : undefined;
      if (asked) {
        const late = Promise.withResolvers<void>();
        await Promise.race([asked, late.promise]).finally(schedule(late.resolve, ASKED_MS));
      }
      return chosen(model);
    },
    /** Stores the choice after an answer, if that has told enough. */
    settle: (model: Model): void => void chosen(model),
  };
}

export type PromptForms = ReturnType<typeof createPromptForms>;

/** What an agent works with, in the form for its model. */
export async function inForm<
  Rules extends { readonly instructions: Instructions; readonly isSmall?: true },
  Given extends { readonly model: Model; readonly rules: Rules },
>(
  given: Given,
  forms: PromptForms | undefined,
): Promise<Given> {
  const { model, rules } = given;
  if (await forms?.of(model) !== "small") return given;
  const instructions = { ...rules.instructions, isSmall: true as const };
  return {
    ...given,
    model: withSmallTools(model),
    rules: { ...rules, isSmall: true, instructions },
  };
}
