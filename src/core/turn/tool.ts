/**
 * Declares a tool of the agent. Each tool is a module of its own, listed in `tools/registry.ts`.
 *
 * A call that has begun may wait for a person (T10, T13): the tool keeps it in memory, the turn is
 * parked, and the tool's next run gets the decision.
 *
 * The model reads the words. Metrics count the reason, and `barnacle why` shows both. So the
 * reasons are a fixed list: none has an id, a name or a text.
 *
 * A turn on a small machine has short forms of some tools, and one tool that opens the others by
 * name (T2a). A server reads a prompt anew from its first changed byte. So opening a tool changes
 * no definition: its definition is a result, and its call is a call of the opener. Only the model
 * sees that. The stored steps, the policy and people have the calls of the tools themselves.
 */

import { z } from "zod";
import type { SharedConfig } from "../../config/config.ts";
import { isRecord, parseForeignJson } from "../../lib/text/quoted.ts";
import type { MessageId } from "../discord/ids.ts";
import type { InboundMessage } from "../inbound/inbound.ts";
import {
  type Model,
  type ModelMessage,
  type ToolCall,
  type ToolDefinition,
  withGenerate,
} from "../model.ts";
import type { Question } from "../people/question.ts";
import type { Effect, MissingRight, Seen } from "../rights/rights.ts";
import type { NamedTool, ToolGate } from "../tool_names.ts";
import type { DiscordCall } from "./discord_place.ts";
import type { KeptImage } from "./media.ts";

/** A call of an answer that has no result yet. */
export interface OpenCall {
  readonly callKey: string;
  readonly name: string;
  /** Its arguments as the model wrote them: JSON, or not. */
  readonly arguments: string;
}

/** A call of the turn so far. */
export interface MadeCall extends OpenCall {
  /** Why it was refused; absent if it was not, or has no result. */
  readonly refused?: RefusalReason | undefined;
}

/** @returns The result, without a fence. */
export type CallTool = (name: string, input: unknown) => Promise<string>;

export interface ToolContext extends Omit<DiscordCall, "isProbe" | "sharesReads"> {
  /** All calls of the turn so far, in order, with {@link open}; absent outside of a turn. */
  readonly made?: readonly MadeCall[];
  /** Whether the turn's prompt may have words of other people than the asker. */
  readonly readsOthers?: boolean;
  /** The calls of the same answer without a result, in order; absent outside of a turn. */
  readonly open?: readonly OpenCall[];
  /** Whether the call can wait for a person by a `WaitsForPerson`; absent: it cannot. */
  readonly mayWait?: true;
  /**
   * Keeps an image of the call's result, and shows it to the model; absent: the result is text alone.
   *
   * @throws {FileError} If it cannot be kept, with the reason for the model; as a rejection.
   */
  readonly showImage?: (bytes: Uint8Array) => Promise<KeptImage>;
  /** Calls another tool within the call, as the same person; absent outside of a turn. */
  readonly callTool?: CallTool;
  /** Notes messages that the result comes from without naming them (H6a). */
  readonly noteRead?: (ids: readonly MessageId[]) => void;
}

export interface Tool<Input extends z.ZodType = z.ZodType> extends NamedTool {
  /** Name for the model: lower case with underscores. */
  readonly name: string;
  /** Tells the model what the tool does and when to use it. */
  readonly description: string;
  /** Checks the model's input before {@link Tool.run}. */
  readonly input: Input;
  /** JSON Schema of the arguments for the model; derived from {@link Tool.input} if absent. */
  readonly parameters?: Readonly<Record<string, unknown>>;
  /**
   * The shortest form that most questions need, for small machines (T2a): a description, and the
   * arguments that it keeps. Absent: such a machine opens the tool by its name.
   */
  readonly short?: { readonly description: string; readonly fields: readonly string[] };
  /** Whether the config has what the tool works with; absent: it needs nothing. */
  readonly isEnabled?: (config: SharedConfig) => boolean;
  /** Gate that the config must leave open; absent if no gate applies. */
  readonly gate?: ToolGate;
  /**
   * Whether it shows or changes things of the asker alone, such as notes about one person. Messages
   * of several people then share no turn, and later turns do not see its results.
   */
  readonly isPersonal?: true;
  /**
   * Whether a call shows things of its asker alone, by its arguments: later turns do not see its
   * result. Absent if no call does.
   */
  readonly isPersonalCall?: (written: unknown, message: InboundMessage) => boolean;
  /**
   * The tool with the parts whose gates are open: the same object for the same gates, and
   * `undefined` if no part is left. Absent if the tool has no such parts.
   */
  readonly withGates?: (open: readonly ToolGate[]) => Tool | undefined;
  /** The gates of those parts. */
  readonly partGates?: readonly ToolGate[];
  /**
   * Where people see an effect of a call, beside the answer, and the text that it is. `nowhere`: no call
   * has one, or others than its asker decide about it (A1, T7a).
   *
   * @returns `undefined` if the call has none, or can only fail.
   */
  readonly seenAt: "nowhere" | Seen<[z.infer<Input>, InboundMessage], Effect | undefined>["at"];
  /** Discord permissions that the asker needs, by Discord's names: `"Manage Messages"` (T4). */
  readonly needs: readonly string[];
  /** Whether a second run changes nothing more, so that a crash may repeat it. */
  readonly isIdempotent: boolean;
  /** The same for one call, if it depends on the arguments; absent if it does not. */
  readonly mayRepeat?: (input: unknown) => boolean;
  /**
   * The calls that change nothing but the answer and the agent's notes: all, or those whose arguments
   * fit. Absent: none.
   */
  readonly isReadOnly?: true | ((input: unknown) => boolean);
  /**
   * The effect of a call by its arguments, for the receipt under an answer. Its run notes what they do
   * not say, by {@link DiscordCall.noteEffect}. `undefined`: it has none. Absent: the calls
   * that {@link isReadOnly} does not name have one, by the tool's name.
   */
  readonly effect?: (
    input: unknown,
    message: Pick<InboundMessage, "channelId" | "guildId">,
  ) => CallEffect | undefined;
  /**
   * What people must decide before the call runs; absent: nothing. The turn waits without memory,
   * and {@link Tool.run} gets the decision.
   *
   * @returns `undefined` if the call may run at once, or if it can only fail.
   */
  asks?(input: z.infer<Input>, context: ToolContext): Promise<Question | undefined>;
  /**
   * Runs a call up to its first change, to find the rights that its asker lacks; absent if the tool
   * cannot. It rejects as {@link Tool.run} does, and at the change.
   */
  probe?(input: z.infer<Input>, context: ToolContext): Promise<unknown>;
  /**
   * Runs the tool.
   *
   * @returns The result for the model.
   * @throws {Error} If it failed; the message tells the model why. An `UnknownOutcomeError` if it may
   * have done its work all the same. A `WaitsForPerson` if it cannot go on without a decision.
   */
  run(input: z.infer<Input>, context: ToolContext): Promise<string>;
}

/** A lasting effect of a call, for people: `"reminder 3"` and `"set"`. */
export interface CallEffect {
  readonly object: string;
  /** Absent: the object is the call itself, of which nobody but its program knows the effect. */
  readonly did?: string;
  /** Why a call that ended counts as failed, in Barnacle's words: `"exit code 1"`; absent: it does not. */
  readonly failure?: string;
  /** Mentions and links, which Discord shows only to people who may see their targets. */
  readonly links?: readonly string[];
  /** Rows of the outbox that wait, and on which the effect depends; absent: it depends on none. */
  readonly waits?: readonly number[];
  /** The change in `store.changes` that it made, which can be taken back; absent: none. */
  readonly change?: number;
  /** Set if it has changed nothing, because all was so before. */
  readonly isNone?: true;
}

/** Whether a call changes nothing that stays. */
export function changesNothing({ isReadOnly }: Tool, input: unknown): boolean {
  return isReadOnly === true || isReadOnly?.(input) === true;
}

/** The schema of an input, or a function that builds it at the first call. */
export type DeclaredInput<Input extends z.ZodType> = { readonly input: Input | (() => Input) };

/** Checks a tool's types while it is declared, and hides that of its input from the list of tools. */
export function defineTool<Input extends z.ZodType>(
  tool: Omit<Tool<Input>, "input"> & DeclaredInput<Input>,
): Tool {
  return withInput(tool);
}

/**
 * Builds the input of a declaration at its first use. A process knows a hundred inputs and checks
 * few, and their schemas take 4 ms of a start.
 */
export function withInput<Declared extends object, Input extends z.ZodType>(
  declared: Declared & DeclaredInput<Input>,
): Declared & { readonly input: Input } {
  const { input } = declared;
  let built: Input | undefined;
  const get = () => built ??= typeof input === "function" ? input() : input;
  return Object.defineProperty<object>(declared, "input", { get }) as Declared & {
    readonly input: Input;
  };
}

export type RefusalReason =
  /** A right of the asker at Discord is missing (T4). */
  | MissingRight["kind"]
  /**
   * - `unknown_tool`, `unknown_action`: nothing has this name.
   * - `closed_tool`: the config, or the rules for tools, leave the tool out here.
   * - `closed_gate`: the config closes the gate of the action.
   * - `bad_arguments`: the arguments are not JSON, or do not fit.
   * - `too_many_calls`: an answer has more calls than run.
   * - `same_id`: another call of the answer has the same id.
   * - `place`: the target is outside of the turn's reach.
   * - `policy`: the access rules close the target to the asker.
   * - `owners_only`: only an owner of the bot may do it.
   * - `max_destructive`: the turn has made its destructive changes.
   * - `irreversible`: the action cannot be undone, and no person got a question about it.
   * - `exec_rules`: no rule allows the command, and no person can.
   * - `changed`: the command has changed since a person approved it.
   * - `secret`: the arguments have a secret of the config.
   * - `declined`, `expired`, `withdrawn`: a person said no, gave no answer in time, or
   *   could not be reached.
   * - `budget`: a budget is used up.
   * - `bot_permission`: the bot itself lacks a right.
   * - `discord`: Discord refused the request.
   */
  | "unknown_tool"
  | "closed_tool"
  | "unknown_action"
  | "closed_gate"
  | "bad_arguments"
  | "too_many_calls"
  | "same_id"
  | "place"
  | "policy"
  | "owners_only"
  | "max_destructive"
  | "irreversible"
  | "exec_rules"
  | "changed"
  | "secret"
  | "declined"
  | "expired"
  | "withdrawn"
  | "budget"
  | "bot_permission"
  | "discord";

/** A refused call. Its message is for the model. */
export class RefusedCall extends Error {
  /** Name of the class, for logs. */
  override name = "RefusedCall";
  readonly reason: RefusalReason;

  /**
   * Creates a refusal.
   *
   * @param words For the model: what is refused and why.
   */
  constructor(reason: RefusalReason, words: string, options?: ErrorOptions) {
    super(words, options);
    this.reason = reason;
  }
}

/** A refusal of arguments that do not fit together, or to the target. */
export function badArguments(words: string): RefusedCall {
  return new RefusedCall("bad_arguments", words);
}

/** Names of errors that end a call in another way than by failing. */
const OTHER_ENDS: ReadonlySet<string> = new Set([
  "ProbeEnded",
  "UnknownOutcomeError",
  "WaitsForPerson",
  "AbortError",
]);

/**
 * Runs a later step of an action. Its failure says what the earlier steps have done, so it is no
 * refusal: the model must not repeat them.
 *
 * @param done As the start of a sentence: `"the thread 5 is open"`.
 */
export async function afterDone<Result>(
  done: string,
  step: () => Promise<Result>,
): Promise<Result> {
  try {
    return await step();
  } catch (error) {
    if (!(error instanceof Error) || OTHER_ENDS.has(error.name)) throw error;
    throw new Error(`${done}, but the next step failed: ${error.message}`, { cause: error });
  }
}

/** A tool may have done its work, or not: the connection to it was lost. */
export class UnknownOutcomeError extends Error {
  override readonly name = "UnknownOutcomeError";
}

/** Thrown by a tool: its call waits for a person. */
export class WaitsForPerson extends Error {
  override readonly name = "WaitsForPerson";
  readonly question: Question;

  constructor(question: Question) {
    super("the call waits for a person");
    this.question = question;
  }
}

/**
 * The key of a question about a call. No other call has it: keys of calls begin with the id of a
 * message and a colon, and only their end comes from the model.
 *
 * @param round 0: a question before the call begins. From 1: those that it waits for.
 */
export function questionKey(callKey: string, round: number): string {
  return round === 0 ? callKey : `${round}@${callKey}`;
}

/** Whether a call's result is for its asker alone. Arguments that are no JSON have only a failure. */
export function showsToAskerAlone(
  { name, arguments: written }: ToolCall,
  tools: readonly Tool[],
  message: InboundMessage,
): boolean {
  const { isPersonal, isPersonalCall } = tools.find((tool) => tool.name === name) ?? {};
  if (isPersonal || !isPersonalCall) return isPersonal === true;
  try {
    return isPersonalCall(JSON.parse(written), message);
  } catch {
    return false;
  }
}

/** Name of the tool that opens the others. */
export const USE_TOOL = "use_tool";

/** Maximum UTF-16 units of the names in its description. */
const NAMES_CHARS = 600;

/** The model's view of a turn's tools on a small machine. */
export interface SmallTools {
  /** Short forms, and the opener. */
  readonly shown: readonly ToolDefinition[];
  /** Absent if no tool is left for it. */
  readonly opener?: Tool;
}

/**
 * Makes the view.
 *
 * @param full The definitions of the tools, in the same order.
 */
export function smallTools(tools: readonly Tool[], full: readonly ToolDefinition[]): SmallTools {
  const shown = full.flatMap((one, at) => {
    const short = tools[at]?.short;
    return short ? [shortened(one, short)] : [];
  });
  if (shown.length === full.length) return { shown };
  const opener = openerOf(full, full.filter((_, at) => !tools[at]?.short));
  return { shown: [...shown, definitionOf(opener)], opener };
}

/** The definition of a tool for the model. */
export function definitionOf(tool: Tool): ToolDefinition {
  const { name, description, parameters: own } = tool;
  if (own) return { name, description, parameters: own };
  const { $schema: _, ...parameters } = z.toJSONSchema(tool.input, { io: "input" });
  return { name, description, parameters };
}

/** Types and choices of the kept arguments: their descriptions and limits cost more than they help. */
function shortened(
  { name, parameters: { properties, required } }: ToolDefinition,
  { description, fields }: NonNullable<Tool["short"]>,
): ToolDefinition {
  const all = isRecord(properties) ? properties : {};
  const kept = fields.map((field) => {
    const { type, enum: choices, items } = isRecord(all[field]) ? all[field] : {};
    const itemType = isRecord(items) ? { items: { type: items["type"] } } : {};
    return [field, { type, enum: choices, ...itemType }] as const;
  });
  return {
    name,
    description,
    parameters: { type: "object", properties: Object.fromEntries(kept), required },
  };
}

/**
 * The tool that shows definitions. A call with arguments reaches the tool itself
 * ({@link withSmallTools}).
 */
function openerOf(full: readonly ToolDefinition[], others: readonly ToolDefinition[]): Tool {
  const groups = Map.groupBy(others, ({ name }) => /^mcp__.+?(?=__)/.exec(name)?.[0] ?? name);
  const names = Array.from(
    groups,
    ([name, { length }]) => length === 1 ? name : `${name} (${length} tools)`,
  ).join(", ");
  const listed = names.length > NAMES_CHARS
    ? `${names.slice(0, names.lastIndexOf(", ", NAMES_CHARS))}, and more: \`all\` lists them`
    : names;
  return defineTool({
    name: USE_TOOL,
    description: "Opens the other tools. With a name alone, it tells what the tool takes. With " +
      `arguments, it runs the tool. Names: ${listed}.`,
    input: z.object({ tool: z.string(), arguments: z.record(z.string(), z.unknown()).optional() }),
    parameters: {
      type: "object",
      properties: { tool: { type: "string" }, arguments: { type: "object" } },
      required: ["tool"],
    },
    needs: [],
    isReadOnly: true,
    seenAt: "nowhere",
    isIdempotent: true,
    run({ tool }) {
      const one = full.find(({ name }) => name === tool);
      if (one) return Promise.resolve(helpOf(one));
      const near = others.filter(({ name }) => name.startsWith(`${tool}__`));
      const found = near.length > 0 ? near : others;
      return Promise.resolve(
        found.map(({ name, description }) => `${name}: ${description.split(/(?<=[.!?])\s/)[0]}`)
          .join("\n"),
      );
    },
  });
}

/** Tells a model what a tool takes. */
export function helpOf({ description, parameters }: ToolDefinition): string {
  return `${description}\nArguments, as JSON Schema: ${JSON.stringify(parameters)}`;
}

/** A model that calls tools by the opener, if its request has one. Others get and give plain calls. */
export function withSmallTools(model: Model): Model {
  return withGenerate(model, async function* (request, signal) {
    const declared = new Set(request.tools?.map(({ name }) => name));
    const isSmall = declared.has(USE_TOOL);
    const messages = isSmall
      ? request.messages.map((message) => wrapped(message, declared))
      : request.messages;
    for await (const part of model.generate(isSmall ? { ...request, messages } : request, signal)) {
      yield part.kind === "finish" && part.calls && isSmall
        ? { ...part, calls: part.calls.map(unwrapped) }
        : part;
    }
  });
}

function wrapped(message: ModelMessage, declared: ReadonlySet<string>): ModelMessage {
  const ofOpener = (call: ToolCall): ToolCall =>
    declared.has(call.name) ? call : {
      ...call,
      name: USE_TOOL,
      arguments: JSON.stringify({ tool: call.name, arguments: valueOf(call.arguments) }),
    };
  if (message.role === "tool") return { ...message, call: ofOpener(message.call) };
  if (message.role === "user" || !message.calls) return message;
  return { ...message, calls: message.calls.map(ofOpener) };
}

/** Small models also write the arguments beside the name, or as text. */
function unwrapped(call: ToolCall): ToolCall {
  const written = call.name === USE_TOOL ? valueOf(call.arguments) : undefined;
  if (!isRecord(written)) return call;
  const { tool, arguments: own, ...beside } = written;
  const given = own ?? (Object.keys(beside).length > 0 ? beside : undefined);
  if (typeof tool !== "string" || given === undefined) return call;
  return {
    ...call,
    name: tool,
    arguments: typeof given === "string" ? given : JSON.stringify(given),
  };
}

/** The value of JSON; `{}` for nothing, and the text itself if it is no JSON. */
function valueOf(written: string): unknown {
  return written.trim() === "" ? {} : parseForeignJson(written) ?? written;
}
