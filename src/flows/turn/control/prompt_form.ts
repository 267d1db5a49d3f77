/**
 * Chooses the form of the prompt for a model (T2a): full, or small for a slow machine or a small
 * window.
 *
 * Another form is another prompt, which the server reads anew. So the choice is made once for each
 * model, and stored.
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

/** The form by what is known of a model; `isFinal` if nothing more is to be learned. */
export function formBy(
  window: ContextWindow | undefined,
): { readonly form: PromptForm; readonly isFinal: boolean } {
  if (window?.isEarly) return { form: "small", isFinal: false }; // its window may be Ollama's 4,096
  if (!window || window.isPending) return { form: "full", isFinal: false };
  const { contextWindow, from, readPerSec } = window;
  if (contextWindow <= SMALL_WINDOW) return { form: "small", isFinal: from !== "refusal" };
  if (readPerSec === undefined) return { form: "full", isFinal: false };
  return { form: readPerSec < SLOW_PER_SEC ? "small" : "full", isFinal: true };
}

export function createPromptForms({ wish, stored, keep, schedule }: {
  /** `tools.prompt`. */
  readonly wish: () => "auto" | PromptForm;
  /** The stored choice for a model; `undefined` before it. */
  readonly stored: (modelId: string) => string | undefined;
  /** Stores a choice. Must not throw. */
  readonly keep: (modelId: string, form: PromptForm) => void;
  readonly schedule: StartTimer;
}) {
  function chosen({ id, window }: Model): PromptForm {
    const by = wish();
    if (by !== "auto") return by;
    const known = stored(id);
    if (known === "full" || known === "small") return known;
    const { form, isFinal } = formBy(window);
    if (isFinal) keep(id, form);
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
