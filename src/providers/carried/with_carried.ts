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
import type { Clock } from "../../lib/clock.ts";
import { carriedIn, withoutCarried } from "./carried.ts";

type MessageList = readonly ModelMessage[];

/** Leaves out what a server does not take, until a time: words without a name may mislead. */
interface Limit {
  readonly until: number;
  readonly apply: (messages: MessageList) => MessageList;
}

/** Milliseconds for which such words count. */
const UNNAMED_MS = 600_000;

/** Asks one model, as the `Ask` of `wire.ts` does. */
type AskModel = (...asked: Parameters<Model["generate"]>) => AsyncGenerator<ModelPart, void>;

/**
 * Wraps the way to ask one model, so that messages may have fields of others.
 *
 * @param origin Names the server and the model, in hex digits.
 */
export function withCarried(ask: AskModel, origin: string, now: Clock["now"]): AskModel {
  let known: readonly Limit[] = [];

  return async function* (request, signal) {
    const own = request.messages.map((message) =>
      message.role !== "assistant" || message.carried?.startsWith(origin) !== false
        ? message // the same object, whose bytes the wire has kept
        : { ...message, carried: undefined }
    );
    const before = known.filter(({ until }) => until > now());
    let learned: readonly Limit[] = [];
    for (;;) {
      const messages = [...before, ...learned].reduce<MessageList>(
        (fit, { apply }) => apply(fit),
        own,
      );
      let hasBegun = false;
      try {
        for await (const part of ask({ ...request, messages }, signal)) {
          if (!hasBegun && learned.length > 0) known = [...known, ...learned];
          hasBegun = true;
          const isCarried = part.kind === "finish" && part.carried !== undefined;
          yield isCarried ? { ...part, carried: origin + part.carried } : part;
        }
        return;
      } catch (thrown) {
        const next = hasBegun || signal.aborted ? undefined : limitAfter(thrown, messages, now());
        if (!next) throw thrown;
        learned = [...learned, next];
      }
    }
  };
}

/** Words about fields of answers, and not about the level of thinking. */
const ABOUT_FIELDS =
  /thinking(?![._ ]?(?:budget|level|config))|reasoning(?![._ ]?effort)|thought|signature|encrypted|\b(?:extra|unknown|unrecognized|unexpected|additional)\b.*\b(?:input|field|propert|param|argument|key|name)/i;
const MISSES = /\bmissing\b|\brequire[sd]?\b|\bmust (?:be|have|contain|include)\b/i;

/** A further limit after a failure; `undefined` if no field can be its reason. */
function limitAfter(error: unknown, messages: MessageList, now: number): Limit | undefined {
  if (!(error instanceof ModelError) || error.kind !== "rejected") return undefined;
  const { words = "" } = error;
  const isAbout = ABOUT_FIELDS.test(words);
  const lacks = messages.some((one) => one.role === "assistant" && one.calls && !one.carried);
  if (lacks && isAbout && MISSES.test(words)) {
    const isPlain = ({ carried }: { readonly carried?: string }) => carried === undefined;
    return { until: Infinity, apply: (all) => plainMessages(all, isPlain) };
  }
  for (const beginOf of [newestQuestion, ({ length }: MessageList) => length]) {
    const names = messages.slice(0, beginOf(messages)).map(carriedIn)
      .flatMap(({ fields, calls }) => [fields, ...calls].flatMap(Object.keys));
    const named = names.filter((name) =>
      new RegExp(`(?<!\\w)${RegExp.escape(name)}(?!\\w)`).test(words)
    );
    const refused = new Set(named.length > 0 || !isAbout ? named : names);
    if (refused.size > 0) {
      return {
        until: named.length > 0 ? Infinity : now + UNNAMED_MS,
        apply: (all) =>
          all.map((one, at) => at < beginOf(all) ? withoutCarried(one, refused) : one),
      };
    }
  }
  return undefined;
}

const newestQuestion = (all: MessageList) => all.findLastIndex(({ role }) => role === "user");
