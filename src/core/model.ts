/**
 * The port to a language model: one request, one streamed answer, and what a model can do (L4).
 *
 * The wire protocols belong to `providers/`, and the turn around the call to `flows/turn/`.
 *
 * A request is adapted to the model's abilities (L3, L4). A fallback may have no tools, see no
 * images, or have a smaller window than the model that the request was made for. Anthropic and
 * several gateways refuse calls and results in a request that offers no tools, and models without
 * tools cannot read them.
 */

import { oncePer } from "../lib/cache.ts";
import type { ThinkLevel } from "./config_file.ts";

export interface ToolCall {
  /** Id of the call, unique within its answer. */
  readonly id: string;
  /** Name of the tool, as the model wrote it. */
  readonly name: string;
  /** JSON as the model wrote it, not checked. */
  readonly arguments: string;
  /** Set if another call of the answer came with the same id, so that neither runs. */
  readonly sharesId?: true;
}

/** An image for the model, checked and within the limits of size (H7). */
export interface ModelImage {
  /** `"image/png"`, `"image/jpeg"`, `"image/gif"` or `"image/webp"`. */
  readonly mediaType: string;
  /** The file's bytes: never an address, which the server would fetch. */
  readonly data: Uint8Array;
}

export type ModelMessage =
  /** A person's message with its envelope and context (H3). */
  | {
    readonly role: "user";
    readonly text: string;
    /** Only for models that take images (L4). */
    readonly images?: readonly ModelImage[];
  }
  /** An answer of the model. One with calls is followed by the result of each. */
  | {
    readonly role: "assistant";
    readonly text: string;
    readonly calls?: readonly ToolCall[];
    /**
     * Opaque text with the fields that the server attached to the answer and its calls, such as
     * thinking. `providers/models.ts` sends them back to that server and model alone.
     */
    readonly carried?: string;
  }
  | { readonly role: "tool"; readonly call: ToolCall; readonly text: string };

/** A tool, as the model gets to see it. */
export interface ToolDefinition {
  readonly name: string;
  /** Tells the model what the tool does and when to use it. */
  readonly description: string;
  /** JSON Schema of the arguments: an object. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** Everything that the model gets to see. */
export interface ModelRequest {
  /** System prompt: only our text and the operator's, never a text from Discord (H4). */
  readonly system: string;
  /** The conversation, oldest first; the last message is the user's, or a tool's result. */
  readonly messages: readonly ModelMessage[];
  /** Tools that the model may call; absent if it has none. */
  readonly tools?: readonly ToolDefinition[];
  /** `false`: the model sees the tools, but must answer without a call. */
  readonly mayCall?: boolean;
  /** How long the model thinks; absent: as its server does by itself. */
  readonly thinking?: ThinkLevel;
  /** Whether the answer has the thinking as parts of its own. */
  readonly showsThinking?: boolean;
  /** Key of the session, for a server that finds its cache by it (L1). */
  readonly sessionKey?: string;
  /** Whether a person has seen text of the answer; absent: it is shown only once it is whole. */
  readonly isShown?: () => boolean;
  /**
   * Gets whether a server on a private network, which may take minutes for it, reads the request:
   * `true` when it is sent, `false` with the first byte of the answer. Must not throw.
   */
  readonly onReading?: (isReading: boolean) => void;
  /** Id of the model that answered the turn's last request: a chain goes on with it (L3). */
  readonly prefers?: string;
  /** Fields that the body must not have, each with the name to write in its place, if any (L3). */
  readonly omit?: ReadonlyMap<string, string | undefined>;
  /** Whether a server of chat completions wants this request by its Responses API (L3). */
  readonly byResponses?: true;
  /** Whether calls without fields of this server become text, because it wants them back (L1). */
  readonly plainCalls?: true;
}

/** What comes with an answer, beside its text. */
export interface AnswerFacts {
  /** Calls in the order of the answer; absent if the model calls no tool. */
  readonly calls?: readonly ToolCall[];
  /** As a later message has it; absent if the server attached nothing. */
  readonly carried?: string;
  /** Tokens of the request and the answer; absent if the model's API does not report them. */
  readonly usage?: ModelUsage;
  /** Id of the model that answered, if it is not {@link Model.id}: a fallback (L3). */
  readonly modelId?: string;
  /** The last failure of the model that should have answered; absent if none failed. */
  readonly failure?: ModelError;
  /** Why and for how long another model answers; absent if none failed. */
  readonly replaced?: ReplacedModel;
}

/** A part of a streamed answer. A `text` part continues the text before it. */
export type ModelPart =
  | { readonly kind: "text"; readonly text: string }
  /** Thinking that the server sends separately; only if the request asks for it. */
  | { readonly kind: "thinking"; readonly text: string }
  /** The answer broke off and begins again: its parts so far do not count. */
  | { readonly kind: "again" }
  /** Always the last part; an answer without it is incomplete. */
  | { readonly kind: "finish"; readonly reason: FinishReason } & AnswerFacts;

/** Why a fallback answers for a model, and for how long (L3). The steps of a turn keep it. */
export interface ReplacedModel {
  /** Id of the model that should have answered. */
  readonly model: string;
  readonly why: ModelErrorKind;
  /** Unix time in milliseconds of its first failure since its last answer. */
  readonly since: number;
  /** Unix time in milliseconds from which it is asked again; absent: by the next turn. */
  readonly until?: number;
}

/**
 * Why the model stopped. `length`: it reached its maximum of output tokens. `other`: its answer broke
 * off, also when it was asked again.
 */
export type FinishReason = "stop" | "length" | "content_filter" | "tool_calls" | "other";

/** Tokens of one request, as the model's API counted them. */
export interface ModelUsage {
  /** Tokens of the request, cached ones included. */
  readonly inputTokens: number;
  /** Tokens of the request that the server had in its cache; absent if it does not report them. */
  readonly cachedTokens?: number;
  readonly outputTokens: number;
  /** Cost in millionths of the config's currency; absent if the price is not known (L5). */
  readonly micros?: number;
  /** Whether the server reported no tokens, so that these are an estimate. */
  readonly isEstimate?: boolean;
}

export interface Model {
  /** `"<provider>/<model>"`. */
  readonly id: string;
  /** Whether its server has refused tools, so that turns need not offer any. */
  readonly takesNoTools?: boolean;
  /** Levels of thinking that its server has refused. */
  readonly refusedThinking?: ReadonlySet<ThinkLevel>;
  /** Whether it takes images; absent if not known. */
  readonly takesImages?: boolean;
  /** Its room in tokens; absent if not known. */
  readonly window?: ContextWindow;
  /**
   * Sends one request and streams its answer.
   *
   * @throws {ModelError} While iterating, if the model gives no whole answer. After an abort,
   * iterating throws the signal's reason instead.
   */
  generate(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelPart>;
}

/** Asks a model for a text. @returns At most the part that first exceeds `maxChars`. */
export async function askForText(
  model: Model,
  request: ModelRequest,
  signal: AbortSignal,
  maxChars: number = Infinity,
): Promise<string> {
  let text = "";
  for await (const part of model.generate(request, signal)) {
    if (part.kind === "again") text = "";
    if (part.kind === "text") text += part.text;
    if (part.kind === "finish" || text.length > maxChars) return text;
  }
  throw new Error("the answer ended early");
}

const NONE: ReadonlySet<ThinkLevel> = new Set();

/** A model with another way to generate. Its abilities are always those of the wrapped model. */
export function withGenerate(model: Model, generate: Model["generate"]): Model {
  return {
    id: model.id,
    get takesNoTools() {
      return model.takesNoTools ?? false;
    },
    get refusedThinking() {
      return model.refusedThinking ?? NONE;
    },
    get takesImages() {
      return model.takesImages;
    },
    get window() {
      return model.window;
    },
    generate,
  };
}

/**
 * Kinds of failure, by who can mend them.
 *
 * - `unauthorized`: the key is wrong; the operator.
 * - `not_found`: no such model or address; the operator.
 * - `quota`: the key's quota or credit is used up; the operator.
 * - `no_memory`: the server's machine has too little memory for the model; the operator.
 * - `web_page`: HTML, from a wrong address or a login page; the operator.
 * - `context_length`: the request is too long for the model; a shorter one may succeed.
 * - `redirected`: a redirect, which Barnacle does not follow; the operator.
 * - `filtered`: the model or its provider refuses to answer this conversation; other words may help.
 * - `rejected`: the API refused the request as written; the operator, or a bug.
 * - `rate_limited`: too many requests; a later one may succeed.
 * - `unavailable`: the server is overloaded, or no connection to it is possible; it may pass.
 * - `server_error`: the server was reached, and failed; a later request may succeed.
 * - `timeout`: no first byte, or no further one, for too long.
 * - `not_an_answer`: garbage, nothing, or an incomplete answer.
 * - `unread_call`: a tool call came as text, because the server did not read it; the operator.
 */
export type ModelErrorKind =
  | "unauthorized"
  | "not_found"
  | "quota"
  | "no_memory"
  | "web_page"
  | "context_length"
  | "redirected"
  | "filtered"
  | "rejected"
  | "rate_limited"
  | "unavailable"
  | "server_error"
  | "timeout"
  | "not_an_answer"
  | "unread_call";

/** A request to a model that failed. The message contains no key and no content. */
export class ModelError extends Error {
  override readonly name = "ModelError";
  /** Kind of failure, which decides what to do next. */
  declare readonly kind: ModelErrorKind;
  /** Id of the model that failed, as {@link Model.id} has it. */
  declare readonly modelId: string;
  /** Milliseconds that the server asks to wait; absent if it does not ask. */
  declare readonly retryAfterMs?: number;
  /** HTTP status of a refusal; absent for other failures. */
  declare readonly status?: number;
  /** The server's own reason, cut and without secrets; absent if it gave none. */
  declare readonly said?: string;
  /** Set if the answer's text is there, without a good end. */
  declare readonly isBroken?: true;
  /** Set if plainer requests have failed for a minute, too: a person waits no longer. */
  declare readonly isFinal?: true;
  /** Host and scheme of a redirect's target: `"login.example (https)"`; absent if unknown. */
  declare readonly redirectedTo?: string;
  /**
   * The server's words for a refusal with its codes, without secrets: for decisions, never for people.
   * Absent for other failures.
   */
  declare readonly words?: string;
  /** Tokens of the context window, if a refusal because of the length names them. */
  declare readonly contextWindow?: number;

  /**
   * Creates the error.
   *
   * @param message Names the model and the failure, without key or content.
   */
  constructor(
    message: string,
    { cause, ...facts }: Omit<ModelError, keyof Error> & { readonly cause?: unknown },
  ) {
    super(message, { cause });
    const known = Object.entries(facts).filter(([, fact]) => fact !== undefined);
    Object.assign(this, Object.fromEntries(known));
  }
}

/** The models of the config that a person may choose for a conversation. */
export interface ModelChoices {
  /** Their ids, as `"<provider>/<model>"`. */
  readonly ids: readonly string[];
  /** One of them; `undefined` if the config does not have it. */
  of(id: string): Model | undefined;
  /** The parts of requests that the servers of these models have refused. */
  refused(): readonly RefusedPart[];
}

/** A part of requests that a model's server has refused, so that Barnacle leaves it out (L3). */
export interface RefusedPart {
  /** `"<provider>/<model>"` */
  readonly modelId: string;
  /** What the server refuses, as the end of a sentence: "the tool `mcp__crm__find`". */
  readonly part: string;
  /** The next step, in the imperative. */
  readonly fix: string;
  /** The refusal, as its error's message has it. */
  readonly reason: string;
  /** Unix time in milliseconds at which Barnacle learnt it. */
  readonly at: number;
}

/** Abilities of a model. An absent one is not known. */
export interface Abilities {
  /** Tokens that a request and its answer may have together. */
  readonly contextWindow?: number;
  /** Maximum tokens of an answer. */
  readonly maxOutput?: number;
  /** Whether it takes images. */
  readonly images?: boolean;
  /** Whether it can call tools. */
  readonly tools?: boolean;
}

/**
 * Where the size of a window comes from.
 *
 * - `config`: the config has it.
 * - `server`: the model's server told it.
 * - `family`: it is usual for the model's name.
 * - `assumed`: nothing tells it.
 * - `refusal`: the server refused a longer request.
 */
export type WindowSource = "config" | "server" | "family" | "assumed" | "refusal";

export interface ContextWindow {
  /** Tokens that a request and its answer may have together. */
  readonly contextWindow: number;
  /** Tokens that are kept free for the answer. */
  readonly maxOutput: number;
  /** Set while the server has not told the room yet: then it is an assumption, often too small. */
  readonly isPending?: true;
  /** Resolves once the running question to the server has ended; absent: none runs. */
  readonly asked?: Promise<void>;
  /** Set while the server has not loaded the model. It may then cut a request without a word. */
  readonly isEarly?: true;
  /** Where its size comes from; absent: assumed. */
  readonly from?: WindowSource;
  /** Absent: not measured yet. */
  readonly readPerSec?: ReadSpeed;
}

/**
 * Tokens of a request that a server reads in a second, measured. They differ if the server does not
 * count the tokens that it had in its cache.
 */
export interface ReadSpeed {
  /** `0`: not known. */
  readonly least: number;
  /** As if nothing was in the cache, if the server does not count that. */
  readonly most: number;
}

/** Room for an answer, if the model has no known limit of answers. */
const ANSWER_TOKENS = 4_096;
/** Maximum share of the window that is kept free for the answer. */
const ANSWER_SHARE = 0.25;

/** Tokens that a model has if neither the config nor its server tells, nor its family's name. */
const ASSUMED_TOKENS = 32_768;

export function windowOf({ contextWindow = ASSUMED_TOKENS, maxOutput }: Abilities): ContextWindow {
  const most = Math.floor(contextWindow * ANSWER_SHARE);
  return { contextWindow, maxOutput: Math.min(maxOutput ?? ANSWER_TOKENS, most) };
}

/** The room of a model of which nothing is known. */
export const UNKNOWN_WINDOW: ContextWindow = windowOf({});

/** Rough number of tokens per UTF-16 unit, as for the history (`session/session.ts`). */
const TOKENS_PER_CHAR = 0.3;

/** The request, as far as the model can take it. The same object if nothing changes. */
export function fitRequest(
  request: ModelRequest,
  { takesNoTools, takesImages, window }: Model,
): ModelRequest {
  let fit = request;
  if (takesNoTools && request.tools) fit = withoutTools(fit);
  if (takesImages === false) fit = withoutImages(fit);
  return window ? withinWindow(fit, window) : fit;
}

/** The images of a conversation, oldest first. */
export function imagesOf(messages: readonly ModelMessage[]): readonly ModelImage[] {
  return messages.flatMap((one) => one.role === "user" ? one.images ?? [] : []);
}

export function hasImages(messages: readonly ModelMessage[]): boolean {
  for (const one of messages) if (one.role === "user" && one.images !== undefined) return true;
  return false;
}

/**
 * The same request without images; the model learns that there were some.
 *
 * @param isRefused Chooses single images; absent: all of them.
 */
export function withoutImages(
  request: ModelRequest,
  isRefused: (image: ModelImage) => boolean = () => true,
): ModelRequest {
  if (!hasImages(request.messages)) return request;
  const messages = request.messages.map((message): ModelMessage => {
    if (message.role !== "user" || !message.images) return message;
    const { images, text } = message;
    const seen = images.filter((image) => !isRefused(image));
    const count = images.length - seen.length;
    if (count === 0) return message;
    const note = `[${count} image${count === 1 ? "" : "s"}: you see ${
      seen.length === 0 ? "no images" : "only the others"
    }]`;
    return {
      role: "user",
      text: text === "" ? note : `${text}\n${note}`,
      ...(seen.length > 0 && { images: seen }),
    };
  });
  return { ...request, messages };
}

/** Leaves out the oldest turns that do not fit. The newest turn stays, whatever its length. */
function withinWindow(
  request: ModelRequest,
  { contextWindow, maxOutput }: ContextWindow,
): ModelRequest {
  const { system, messages } = request;
  const maxChars = (contextWindow - maxOutput) / TOKENS_PER_CHAR;
  let chars = system.length + toolChars(request.tools);
  let start = messages.length;
  for (let at = messages.length - 1; at >= 0; at--) {
    const message = messages[at];
    if (!message) break;
    chars += lengthOf(message);
    if (chars > maxChars && start < messages.length) break;
    if (message.role === "user") start = at;
  }
  return start === 0 ? request : { ...request, messages: messages.slice(start) };
}

/** UTF-16 units of a message that a model sees: text, arguments of calls, and carried fields. */
export function lengthOf(message: ModelMessage): number {
  if (message.role !== "assistant") return message.text.length;
  const { text, calls, carried = "" } = message;
  const chars = text.length + carried.length;
  return calls ? calls.reduce((sum, call) => sum + call.arguments.length, chars) : chars;
}

/** Lengths by tools: a list of tools is the same array for all turns that have it. */
const lengthOfTools = oncePer((tools: readonly ToolDefinition[]) => JSON.stringify(tools).length);

/** UTF-16 units of the definitions of tools. */
export function toolChars(tools: readonly ToolDefinition[] = []): number {
  return tools.length === 0 ? 0 : lengthOfTools(tools);
}

export function estimatedTokens(request: ModelRequest): number {
  return Math.ceil((charsIn(request) + toolChars(request.tools)) * TOKENS_PER_CHAR);
}

/** UTF-16 units of a request without its tools, for an estimate of its tokens. */
export function charsIn({ system, messages }: ModelRequest): number {
  return messages.reduce((sum, message) => sum + lengthOf(message), system.length);
}

/** Whether a conversation has calls of tools, or their results. */
export function hasCalls(messages: readonly ModelMessage[]): boolean {
  return messages.some((message) =>
    message.role === "tool" || (message.role === "assistant" && message.calls !== undefined)
  );
}

/**
 * The same request without tools.
 *
 * A result joins the user's message before it. Answers with calls are left out: a model that reads
 * calls as text writes such text itself. So user and assistant still alternate.
 */
export function withoutTools(
  { tools: _tools, mayCall: _mayCall, messages, ...rest }: ModelRequest,
): ModelRequest {
  return { ...rest, messages: hasCalls(messages) ? plainMessages(messages) : messages };
}

/**
 * The messages with results of calls as text of the user, and without the answers that made the calls.
 *
 * @param isPlain Whether the calls of an answer become text; absent: all do.
 */
export function plainMessages(
  messages: readonly ModelMessage[],
  isPlain: (answer: Extract<ModelMessage, { role: "assistant" }>) => boolean = () => true,
): readonly ModelMessage[] {
  const plain: ModelMessage[] = [];
  let areResults = false;
  for (const message of messages) {
    if (message.role === "assistant") areResults = message.calls !== undefined && isPlain(message);
    if (message.role === "tool" ? !areResults : message.role === "user" || !areResults) {
      plain.push(message);
    } else if (message.role === "tool") {
      const last = plain.at(-1);
      if (last?.role !== "user") plain.push({ role: "user", text: lineOf(message) });
      else plain[plain.length - 1] = { ...last, text: `${last.text}\n${lineOf(message)}` };
    }
  }
  return plain;
}

function lineOf({ call, text }: Extract<ModelMessage, { role: "tool" }>): string {
  return `[result of the tool ${JSON.stringify(call.name)}]\n${text}`;
}
