/**
 * Sends the fields of earlier answers back to the server and the model that attached them, and to no
 * other (L1).
 *
 * A server that refuses a field gets it no more: first it is left out of earlier turns, then of all. A
 * server that misses a field gets the calls without it as text, because another model or a workflow
 * has made them. Only an answer proves such a limit; later requests then have it from the beginning.
 */

import { plainMessages } from "../../core/fit_request.ts";
import { type Model, ModelError, type ModelMessage, type ModelPart } from "../../core/model.ts";
import { carriedIn, withoutCarried } from "./carried.ts";

/** Limits of what a server takes. */
export interface CarriedLimits {
  /** Names of fields that answers of earlier turns do not have. */
  readonly earlier: ReadonlySet<string>;
  /** Names of fields that no answer has; those of earlier turns neither. */
  readonly all: ReadonlySet<string>;
  /** Whether calls without fields become text. */
  readonly arePlain: boolean;
}

type MessageList = readonly ModelMessage[];

/** Asks one model, as the `Ask` of `wire.ts` does. */
type AskModel = (...asked: Parameters<Model["generate"]>) => AsyncGenerator<ModelPart, void>;

/**
 * Wraps the way to ask one model, so that messages may have fields of others.
 *
 * @param origin Names the server and the model, in hex digits.
 */
export function withCarried(ask: AskModel, origin: string): AskModel {
  let known: CarriedLimits = { earlier: new Set(), all: new Set(), arePlain: false };

  return async function* (request, signal) {
    const own = request.messages.map((message) =>
      message.role !== "assistant" || message.carried?.startsWith(origin) !== false
        ? message // the same object, whose bytes the wire has kept
        : { ...message, carried: undefined }
    );
    for (let limits = known;;) {
      const messages = withinLimits(own, limits);
      let hasBegun = false;
      try {
        for await (const part of ask({ ...request, messages }, signal)) {
          hasBegun = true;
          known = limits;
          const isCarried = part.kind === "finish" && part.carried !== undefined;
          yield isCarried ? { ...part, carried: origin + part.carried } : part;
        }
        return;
      } catch (thrown) {
        const next = hasBegun || signal.aborted ? undefined : limitsAfter(thrown, messages, limits);
        if (!next) throw thrown;
        limits = next;
      }
    }
  };
}

/** The messages as a server takes them. */
export function withinLimits(
  messages: MessageList,
  { earlier, all, arePlain }: CarriedLimits,
): MessageList {
  const asked = messages.findLastIndex(({ role }) => role === "user");
  const fit = messages.map((one, at) => withoutCarried(one, at < asked ? earlier : all));
  return arePlain ? plainMessages(fit, ({ carried }) => carried === undefined) : fit;
}

/** Words about fields of answers, and not about the level of thinking. */
const ABOUT_FIELDS =
  /thinking(?![._ ]?(?:budget|level|config))|reasoning(?![._ ]effort)|thought|signature|encrypted|\b(?:extra|unknown|unrecognized|unexpected|additional)\b.*\b(?:input|field|propert|param|argument|key|name)/i;
const MISSES = /\bmissing\b|\brequire[sd]?\b|\bmust (?:be|have|contain|include)\b/i;

/** The limits for the next request after a failure; `undefined` if no field can be its reason. */
export function limitsAfter(
  error: unknown,
  messages: MessageList,
  { earlier, all, arePlain }: CarriedLimits,
): CarriedLimits | undefined {
  if (!(error instanceof ModelError) || error.kind !== "rejected") return undefined;
  const { words = "" } = error;
  const isAbout = ABOUT_FIELDS.test(words);
  const lacks = messages.some((one) => one.role === "assistant" && one.calls && !one.carried);
  if (!arePlain && lacks && isAbout && MISSES.test(words)) return { earlier, all, arePlain: true };
  const refusedIn = (some: MessageList): ReadonlySet<string> => {
    const names = some.map(carriedIn).flatMap(({ fields, calls }) =>
      [fields, ...calls].flatMap(Object.keys)
    );
    const named = names.filter((name) => words.includes(name));
    return new Set(named.length > 0 || !isAbout ? named : names);
  };
  const asked = messages.findLastIndex(({ role }) => role === "user");
  const old = refusedIn(messages.slice(0, asked));
  if (old.size > 0) return { earlier: earlier.union(old), all, arePlain };
  const refused = refusedIn(messages);
  if (refused.size === 0) return undefined;
  return { earlier: earlier.union(refused), all: all.union(refused), arePlain };
}
