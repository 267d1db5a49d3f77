/**
 * Declares the check of a model, and explains failures that only the operator can fix (L3).
 *
 * All other failures pass by themselves, or belong to one request. No text contains a key, and only
 * {@link wordsOf} has the server's own words.
 */

import type { Finding } from "./finding.ts";
import type { ModelErrorKind, RefusedPart } from "./model.ts";

/** A failure and its fix, in words for the operator. */
interface ModelProblem {
  /** The failure, as the end of a sentence: `"its server refuses the API key …"`. */
  readonly why: string;
  /** The next step, in the imperative. */
  readonly fix: string;
}

/** The row of a refused part for `doctor` and the reports of health. */
export function refusedFinding({ modelId, part, fix, reason, at }: RefusedPart): Finding {
  const since = new Date(at).toISOString().slice(0, 16).replace("T", " ");
  const why = `its server refuses ${part}, so requests go on without since ${since} UTC; ` +
    `${fix} (${reason})`;
  return { id: "model:refused", what: "Model", status: "warn", where: modelId, why };
}

/** Why a model answers no question, though a fallback may. */
export interface ModelDown {
  /** The cause, as the end of a sentence. */
  readonly cause: string;
  /** The next step, in the imperative. */
  readonly fix?: string;
  /** Whether only the operator can fix it (L3). */
  readonly needsOperator: boolean;
}

export interface ModelFailure {
  readonly kind: ModelErrorKind;
  /** `"<provider>/<model>"` */
  readonly modelId: string;
  /** Host and scheme of a redirect's target; absent for other failures, or if unknown. */
  readonly redirectedTo?: string;
  /** As a `ModelError` has it: the operator reads it with the cause. */
  readonly said?: string;
}

/** Providers that are vendors, so no operator runs `ollama pull` for them. */
const VENDORS: ReadonlySet<string> = new Set(["openai", "anthropic", "google"]);

/** Explains a failure; `undefined` if the operator cannot fix it, or need not. */
export function modelProblemOf(failure: ModelFailure): ModelProblem | undefined {
  const { kind, modelId, redirectedTo } = failure;
  const cut = modelId.indexOf("/");
  const provider = modelId.slice(0, cut);
  const name = modelId.slice(cut + 1);
  switch (kind) {
    case "unauthorized":
      return {
        why: "its server refuses the API key, or does not let the key use this model",
        fix: `check the API key of the provider ${provider}, and which models it may use`,
      };
    case "quota":
      return {
        why: "the quota or the credit of its API key is used up",
        fix: `add credit or raise the limit at the provider ${provider}, or choose another model`,
      };
    case "no_memory":
      return {
        why: "the machine of its server has too little memory for it",
        fix:
          "free memory there, give the model a smaller context window, or choose a smaller model",
      };
    case "not_found":
      return {
        why: "its server does not have this model, or the address is wrong",
        fix: provider === "ollama"
          ? `run \`ollama pull ${name}\` on the server's machine, or correct the model's name`
          : "check the model's name and the provider's baseUrl" +
            (VENDORS.has(provider)
              ? ""
              : `; if Ollama serves it, run \`ollama pull ${name}\` there`),
      };
    case "web_page":
      return {
        why: "its address answers with a web page, not with an API",
        fix: "check the provider's baseUrl, and whether a login page intercepts requests",
      };
    case "redirected":
      return {
        why: "its address redirects requests" +
          (redirectedTo === undefined ? "" : ` to ${redirectedTo}`),
        fix: "check the provider's baseUrl: write the address of the API itself, " +
          "and check whether a login page intercepts requests",
      };
    case "unread_call":
      return {
        why: "its server's tool parser does not read its tool calls, so they come as text",
        fix: "turn on the parser: `--jinja` of llama.cpp, `--enable-auto-tool-choice` and " +
          "`--tool-call-parser` of vLLM, `--tool-call-parser` of SGLang; or choose another model",
      };
    case "context_length":
    case "filtered":
    case "rejected":
    case "rate_limited":
    case "unavailable":
    case "server_error":
    case "timeout":
    case "not_an_answer":
      return undefined;
  }
}

/** The server's own words, to follow a cause. They are code, so that Discord shows no link of them. */
export function wordsOf({ said }: ModelFailure): string {
  return said === undefined ? "" : `; its server says: \`${said.replaceAll("`", "'")}\``;
}

/** Next steps for an operator after failures that may pass by themselves, by the word of the reason. */
const NEXT_STEPS: readonly (readonly [reason: RegExp, fix: string])[] = [
  [
    /^context_length:/,
    "set the model's contextWindow in models.providers, or choose another model",
  ],
  [
    /^server_error:/,
    "read the log of the model's server; if it stays, test the model by `barnacle model test`",
  ],
  [
    /^(?:rate_limited|unavailable|timeout):/,
    "if it stays, check the model's server by `barnacle model test`, or add fallbacks to " +
    "agents.defaults.model",
  ],
  [
    /^not_an_answer: .* used up its tokens before/,
    "raise maxOutput of the model in models.providers, or let it think less by `/settings think low`",
  ],
  [/^(?:rejected|not_an_answer):/, "test the model by `barnacle model test`"],
  [
    /^filtered:/,
    "ask in other words; if it refuses too much, choose another model, or change the provider's filter",
  ],
  [/^cut:/, "raise maxOutput of the model in models.providers, or the limit of its server"],
  [/^no answer within/, "choose a faster model, or raise agents.turnTimeoutSec"],
  [/^no words after/, "choose another model, or raise agents.maxSteps"],
];

/** The next step for an operator by the recorded reason of a failed turn; `undefined` if unknown. */
export function nextStepAfter(reason: string): string | undefined {
  const kind = OPERATORS.find((one) => reason.startsWith(`${one}:`));
  const [, modelId = ""] = /: (\S+\/\S+)/.exec(reason) ?? [];
  if (kind) return modelProblemOf({ kind, modelId })?.fix;
  return NEXT_STEPS.find(([words]) => words.test(reason))?.[1];
}

/** Kinds of failure that only the operator can fix. */
const OPERATORS: readonly ModelErrorKind[] = [
  "unauthorized",
  "quota",
  "no_memory",
  "not_found",
  "web_page",
  "redirected",
  "unread_call",
];

/**
 * The result of asking a model's server whether it has the model, without a question to the model.
 * `server` is the origin of its address: `"http://127.0.0.1:11434"`.
 */
export type ModelCheck =
  | {
    readonly kind: "listed";
    readonly server: string;
    /** Whether the server accepted the key. `unknown`: it lists models without one, too. */
    readonly key: "accepted" | "unknown" | "none";
  }
  | {
    readonly kind: "unlisted";
    readonly server: string;
    /** Some listed models, as the server names them. */
    readonly others: readonly string[];
    /** Whether the list is complete. Some servers accept more names than they list. */
    readonly isCertain: boolean;
  }
  /** The server answers, and has no list of models. */
  | { readonly kind: "no_list"; readonly server: string }
  | {
    readonly kind: "failed";
    readonly server: string;
    readonly failure: ModelFailure;
    /** The failure in words, without key and content. */
    readonly message: string;
  };
