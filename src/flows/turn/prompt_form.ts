/**
 * Chooses the form of the prompt for a model (T2a): full, or small for a slow machine or a small
 * window.
 *
 * Another form is another prompt, which the server reads anew. So the choice is made once for each
 * model, and stored.
 */

import { withSmallTools } from "../../agent/small_tools.ts";
import type { ContextWindow, Model } from "../../core/model.ts";
import type { StartTimer } from "../../lib/clock.ts";
import type { Instructions } from "../../render/prompt/system_prompt.ts";
import type { TurnRules } from "./answer_ports.ts";

/** The form of a prompt. */
export type PromptForm = "full" | "small";

/** Largest window in tokens that gets the small form. */
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

/** Creates the choice. */
export function createPromptForms({ wish, stored, keep, schedule }: {
  /** `tools.prompt`. */
  readonly wish: () => "auto" | PromptForm;
  /** The stored choice for a model; `undefined` before it. */
  readonly stored: (modelId: string) => string | undefined;
  /** Stores a choice. Must not throw. */
  readonly keep: (modelId: string, form: PromptForm) => void;
  /** Timer for the wait. */
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
  async function waited(model: Model, asked: Promise<void>): Promise<PromptForm> {
    const late = Promise.withResolvers<void>();
    const cancel = schedule(late.resolve, ASKED_MS);
    await Promise.race([asked, late.promise]).finally(cancel);
    return chosen(model);
  }
  return {
    /** The form for a turn. A model's first one waits a moment until its server tells the window. */
    of(model: Model): PromptForm | Promise<PromptForm> {
      const isOpen = wish() === "auto" && stored(model.id) === undefined;
      const asked = isOpen ? model.window?.asked : undefined;
      return asked ? waited(model, asked) : chosen(model);
    },
    /** Stores the choice after an answer, if that has told enough. */
    settle: (model: Model): void => void chosen(model),
  };
}

/** The choice of forms. */
export type PromptForms = ReturnType<typeof createPromptForms>;

/** What an agent works with, in the form for its model. */
export function inForm<Given extends { readonly model: Model; readonly rules: TurnRules }>(
  given: Given,
  forms: PromptForms | undefined,
): Given | Promise<Given> {
  const form = forms?.of(given.model) ?? "full";
  return form instanceof Promise ? form.then((known) => formed(given, known)) : formed(given, form);
}

function formed<Given extends { readonly model: Model; readonly rules: TurnRules }>(
  given: Given,
  form: PromptForm,
): Given {
  if (form === "full") return given;
  const { model, rules } = given;
  const instructions = smallOf(rules.instructions);
  return {
    ...given,
    model: withSmallTools(model),
    rules: { ...rules, isSmall: true, instructions },
  };
}

/** The same object for the same instructions: its prompt is composed once. */
const small = new WeakMap<Instructions, Instructions>();

function smallOf(instructions: Instructions): Instructions {
  const made = small.get(instructions) ?? { ...instructions, isSmall: true };
  small.set(instructions, made);
  return made;
}
