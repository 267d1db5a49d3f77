/**
 * Makes models over HTTP from their settings.
 *
 * Also remembers what a model can do, and asks its server for the abilities that the config leaves
 * out (L4). The first look asks, and returns the abilities known so far. So no turn waits for the
 * answer, and a bot without turns asks nothing. A refusal because of the length teaches a window.
 *
 * A conversation is brought into the one form that all servers take (L3):
 *
 * - Roles alternate: neighbours of one role are one message, and no message of a user follows a
 *   result directly. A short answer stands between, which chat templates and APIs take everywhere.
 * - Each call has an id of its own: nine letters and digits, as Mistral wants them. A transcript
 *   has ids of many servers, because a fallback or another model of the config continues it.
 *
 * New ids depend only on the old ones and their order. So the beginning of a conversation stays the
 * same from request to request, as a server's cache needs it. Messages stay the same objects, too.
 */

import {
  type Abilities,
  type ContextWindow,
  estimatedTokens,
  type Model,
  type ModelError,
  type ModelMessage,
  type ModelRequest,
  plainMessages,
  type ReadSpeed,
  type ToolCall,
  UNKNOWN_WINDOW,
  windowOf,
  type WindowSource,
} from "../core/model.ts";
import { type Clock, schedule } from "../lib/clock.ts";
import type { WorkPlaces } from "../lib/places.ts";
import {
  endpointOf,
  hashOf,
  isPaid,
  modelIdOf,
  type ModelSettings,
  type ProviderSettings,
} from "./settings.ts";
import type { Ask } from "./wire.ts";

type MakeAsk = (settings: ModelSettings) => Ask | Promise<Ask>;

/** Loads the code of a wire format at the first request, because an idle bot does not need it. */
async function loadWireFormat(kind: ProviderSettings["kind"]): Promise<MakeAsk> {
  switch (kind) {
    case "openai-compatible":
      return (await import("./chat_completions.ts")).createChatAsk;
    case "openai-responses":
      return (await import("./responses.ts")).createResponsesAsk;
    case "anthropic":
    case "google":
      return (await import("./ai_sdk.ts")).createSdkAsk;
  }
}

/**
 * Creates a model that sends one request per call, without a retry.
 *
 * @param room For bytes of images in requests; absent: no limit.
 * @throws {TypeError} If the provider's `baseUrl` is not an http or https URL.
 */
export function createModel(settings: ModelSettings, room?: WorkPlaces): Model {
  const { provider } = settings;
  endpointOf(provider); // throws now, not at the first request
  let ask: Ask | undefined;
  let loading: Promise<Ask> | undefined;
  const load = async () => {
    const makeAsk = await loadWireFormat(provider.kind);
    const origin = hashOf(`${provider.kind} ${endpointOf(provider)} ${settings.name}`);
    return ask = withOrigin(await makeAsk(settings), origin, room);
  };
  const askFirst: Ask = async function* (request, signal) {
    yield* (await (loading ??= load()))(request, signal);
  };
  const isLocal = !isPaid(settings);
  let responses: Model | undefined;
  return {
    id: modelIdOf(settings),
    generate(request, signal) {
      if (request.byResponses && provider.kind === "openai-compatible") {
        const other = { ...provider, kind: "openai-responses" } as const;
        responses ??= createModel({ ...settings, provider: other }, room);
        return responses.generate(request, signal);
      }
      if (isLocal) request.onReading?.(true);
      return (ask ?? askFirst)(request, signal);
    },
  };
}

/**
 * Sends the fields of earlier answers back to the server and the model that attached them, and to no
 * other (L1). With images, waits for room.
 *
 * @param origin Names the server and the model, in hex digits.
 */
function withOrigin(ask: Ask, origin: string, room?: WorkPlaces): Ask {
  return async function* (request, signal) {
    const own = request.messages.map((message) =>
      message.role !== "assistant" || message.carried?.startsWith(origin) !== false
        ? message // the same object, whose bytes the wire has kept
        : { ...message, carried: undefined }
    );
    const messages = inOneForm(
      request.plainCalls ? plainMessages(own, ({ carried }) => carried === undefined) : own,
    );
    const images = messages.flatMap((message) => "images" in message ? message.images ?? [] : []);
    const bytes = images.reduce((sum, { data }) => sum + data.length, 0);
    const free = bytes > 0 ? await room?.take(signal, bytes) : undefined;
    const cancel = free && schedule(free, SENT_MS);
    try {
      for await (const part of ask({ ...request, messages }, signal)) {
        free?.(); // the server has the images
        const isCarried = part.kind === "finish" && part.carried !== undefined;
        yield isCarried ? { ...part, carried: origin + part.carried } : part;
      }
    } finally {
      cancel?.();
      free?.();
    }
  };
}

/** Milliseconds after which a silent server has the images: others wait no longer for their room. */
const SENT_MS = 10_000;

/** Milliseconds after a question without a whole answer before the next one. */
const AGAIN_MS = 60_000;
/** Maximum number of questions about one model until the next start. */
const ASKS_MAX = 10;

/** Share of a refused request's estimated tokens that a window has, if the server does not tell it. */
const REFUSED_SHARE = 0.5;
/**
 * Milliseconds for which such a guess counts, if the config or the server tells the window: the
 * server may have been full, as llama.cpp's is if its slots share one window.
 */
const GUESS_MS = 600_000;
/** Fewest tokens of a window that a refusal teaches: prompt and tools take most of these. */
const LEAST_WINDOW = 2_048;

export interface ToldAbilities extends Abilities {
  /** `"family"`: the window is that of the model's family, by its name; else the server's own. */
  readonly windowFrom?: "family";
  /** The model does not run yet: its server tells more after an answer. */
  readonly isEarly?: true;
}

export function createKnownAbilities(
  { written = {}, ask, readPerSec, now }: Clock & {
    /** Abilities that the config has; the server is not asked about these. */
    readonly written?: Abilities;
    /** Asks the server; `undefined` if no answer came. Must not reject. */
    readonly ask: () => Promise<ToldAbilities | undefined>;
    /** Absent, or `undefined`: not measured. */
    readonly readPerSec?: () => ReadSpeed | undefined;
  },
) {
  const { contextWindow, images, tools } = written;
  const isWhole = contextWindow !== undefined && images !== undefined && tools !== undefined;
  let known: Abilities = written;
  let knownFrom: WindowSource = contextWindow === undefined ? "assumed" : "config";
  let asking: Promise<void> | undefined;
  let askedAt = -Infinity;
  let asks = 0;
  let named = Infinity;
  /** The window guessed from refusals that named none, and when the guess was made. */
  let guess = { tokens: Infinity, at: -Infinity };
  let isAnswered = isWhole;
  let hasAsked = isWhole;
  let isLoaded = true;

  function look(): void {
    if (isAnswered || asking || asks === ASKS_MAX || now() - askedAt < AGAIN_MS) return;
    askedAt = now();
    asks += 1;
    asking = ask().then((told) => {
      if (!told) return;
      const { windowFrom = "server", isEarly, ...abilities } = told;
      isAnswered = !isEarly;
      isLoaded = !isEarly;
      known = { ...abilities, ...written };
      if (contextWindow === undefined && known.contextWindow !== undefined) knownFrom = windowFrom;
    }).finally(() => {
      asking = undefined;
      hasAsked = true;
    });
  }

  function learned(): number {
    const holds = known.contextWindow === undefined || now() - guess.at < GUESS_MS;
    return Math.min(named, holds ? guess.tokens : Infinity);
  }

  return {
    /** Returns it, and asks the server if it was not asked before. */
    now(): Abilities {
      look();
      return known;
    },
    window(): ContextWindow {
      look();
      const { contextWindow = UNKNOWN_WINDOW.contextWindow } = known;
      const most = learned();
      const from = most < contextWindow ? "refusal" : knownFrom;
      const perSec = readPerSec?.();
      const window: ContextWindow = {
        ...windowOf({ ...known, contextWindow: Math.min(contextWindow, most) }),
        from,
        ...(perSec !== undefined && { readPerSec: perSec }),
        ...(asking && { asked: asking }),
        ...(!isLoaded && { isEarly: true }),
      };
      return hasAsked || known.contextWindow !== undefined || most < Infinity
        ? window
        : { ...window, isPending: true };
    },
    /** Notes a refusal because of the length: the window is smaller than assumed. */
    refused(
      { contextWindow: told }: Pick<ModelError, "contextWindow">,
      request: ModelRequest,
    ): void {
      if (told !== undefined) {
        named = Math.min(named, Math.max(LEAST_WINDOW, told));
        return;
      }
      const tokens = Math.floor(estimatedTokens(request) * REFUSED_SHARE);
      guess = { tokens: Math.min(learned(), Math.max(LEAST_WINDOW, tokens)), at: now() };
    },
    /** Resolves once a running question has ended. */
    asked: (): Promise<void> => asking ?? Promise.resolve(),
  };
}

export function withAbilities(model: Model, known: ReturnType<typeof createKnownAbilities>): Model {
  return {
    id: model.id,
    get takesNoTools() {
      return known.now().tools === false;
    },
    get takesImages() {
      return known.now().images;
    },
    get window() {
      return known.window();
    },
    generate: (request, signal) => model.generate(request, signal),
  };
}

type Answer = Extract<ModelMessage, { role: "assistant" }>;
type UserMessage = Extract<ModelMessage, { role: "user" }>;

/** Announces a user's message after results, such as their pictures. */
const READ: ModelMessage = { role: "assistant", text: "I have read the results." };

export function inOneForm(messages: readonly ModelMessage[]): readonly ModelMessage[] {
  return withIds(alternating(messages));
}

/** The same array if it is in this form. */
function alternating(messages: readonly ModelMessage[]): readonly ModelMessage[] {
  let all: ModelMessage[] | undefined;
  let last: ModelMessage | undefined;
  for (const [at, message] of messages.entries()) {
    const one = last && joined(last, message);
    const isReply = last?.role === "tool" && message.role === "user";
    if (one || isReply) all ??= messages.slice(0, at);
    if (one) all?.splice(-1, 1, one);
    else all?.push(...(isReply ? [READ, message] : [message]));
    last = one ?? message;
  }
  return all ?? messages;
}

/** Both as one; `undefined` if they may be neighbours. */
function joined(one: ModelMessage, other: ModelMessage): ModelMessage | undefined {
  if (one.role === "user" && other.role === "user") return joinedUsers(one, other);
  if (one.role !== "assistant" || other.role !== "assistant" || one.calls) return undefined;
  return { ...other, text: textOf(one, other), carried: other.carried ?? one.carried };
}

function joinedUsers(one: UserMessage, other: UserMessage): UserMessage {
  const images = [...one.images ?? [], ...other.images ?? []];
  return { role: "user", text: textOf(one, other), ...(images.length > 0 && { images }) };
}

const textOf = (one: ModelMessage, other: ModelMessage) =>
  [one.text, other.text].filter((text) => text !== "").join("\n\n");

/** Messages with new ids, by these ids. */
const renamed = new WeakMap<
  ModelMessage,
  { readonly ids: string; readonly message: ModelMessage }
>();

function known(message: ModelMessage, ids: string, make: () => ModelMessage): ModelMessage {
  const before = renamed.get(message);
  if (before?.ids === ids) return before.message;
  const made = make();
  renamed.set(message, { ids, message: made });
  return made;
}

/** Fewest characters of an id that may stand in carried fields, too. */
const UNIQUE_LENGTH = 8;

function withIds(messages: readonly ModelMessage[]): readonly ModelMessage[] {
  const used = new Set<string>();
  let newest = new Map<string, ToolCall>(); // calls of the newest answer
  const rename = (call: ToolCall): ToolCall => {
    let id = shortIdOf(call.id);
    for (let at = 2; used.has(id); at++) id = shortIdOf(`${call.id} ${at}`);
    used.add(id);
    const mine = { ...call, id };
    newest.set(call.id, mine);
    return mine;
  };
  return messages.map((message) => {
    if (message.role === "tool") {
      const call = newest.get(message.call.id) ?? rename(message.call);
      return known(message, call.id, () => ({ ...message, call }));
    }
    if (message.role === "user" || !message.calls) return message;
    newest = new Map();
    const calls = message.calls.map(rename);
    return known(message, calls.map(({ id }) => id).join(), () => withCalls(message, calls));
  });
}

/** Some servers repeat a call's id in the fields of its answer. */
function withCalls(message: Answer, calls: readonly ToolCall[]): Answer {
  let { carried } = message;
  for (const [at, { id }] of (message.calls ?? []).entries()) {
    if (id.length >= UNIQUE_LENGTH) carried = carried?.replaceAll(id, calls[at]?.id ?? id);
  }
  return { ...message, calls, ...(carried !== undefined && { carried }) };
}

const SHORT_LENGTH = 9;

/** Nine letters and digits, computed from an id. Not for secrets: two ids may get the same. */
function shortIdOf(id: string): string {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let at = 0; at < id.length; at++) {
    const unit = id.charCodeAt(at);
    high = Math.imul(high ^ unit, 2654435761);
    low = Math.imul(low ^ unit, 1597334677);
  }
  const text = (high >>> 0).toString(36) + (low >>> 0).toString(36).padStart(7, "0");
  return text.slice(-SHORT_LENGTH).padStart(SHORT_LENGTH, "0");
}
