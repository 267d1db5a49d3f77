/**
 * The tools of one turn: checks the model's calls, and runs them within a time limit.
 *
 * A tool may ignore its signal. So the limit is a race, which the tool cannot delay (T1).
 *
 * Before people elsewhere see the effect of a call, its asker presses a card (T4). An injection
 * chooses effects, and could carry words of the turn's place by each: by a reaction, an order or a
 * time. So one rule binds all tools.
 */

import { z } from "zod";
import type { BotAccount } from "../../account/account.ts";
import { perAccount } from "../../account/per_account.ts";
import type { MessageId } from "../../core/discord/ids.ts";
import { type InboundMessage, termsOf } from "../../core/inbound/inbound.ts";
import type { ToolCall } from "../../core/model.ts";
import type { Question } from "../../core/people/question.ts";
import {
  type CallTool,
  changesNothing,
  definitionOf,
  helpOf,
  type MadeCall,
  type OpenCall,
  type RefusalReason,
  RefusedCall,
  smallTools,
  type Tool,
  type ToolContext,
  UnknownOutcomeError,
  WaitsForPerson,
} from "../../core/turn/tool.ts";
import type { Effect } from "../../core/rights/rights.ts";
import type { ToolResult } from "../../core/step.ts";
import { audienceOf } from "../../core/tool_names.ts";
import { isPressedBy, LacksRight, notPressed, ProbeEnded } from "../../core/turn/discord_place.ts";
import type { KeptImage } from "../../core/turn/media.ts";
import type { HiddenChannel, SeenCall } from "../../core/turn/discord_place.ts";
import { oncePer } from "../../lib/cache.ts";
import { createMissingPermission } from "../../discord/rest/requests/guild_reads.ts";
import { whileAwake } from "../../lib/clock.ts";
import { fenced } from "../../render/prompt/prompt.ts";
import { isOwner } from "../owners/owner_ids.ts";
import type { TurnRules } from "./turn_rules.ts";

/** Reads the effect of a call, and the call as a card shows it; `undefined` if it has none. */
type WrittenCall = Omit<OpenCall, "callKey">;
type ReadEffect = (
  call: WrittenCall,
) => (Effect & Pick<SeenCall, "at" | "named" | "written">) | undefined;

/** Loads what few calls need. */
async function loadReaders() {
  const { acting, reading } = await import("../questions/action_questions.ts");
  const { isSeenByOthers } = await import("../actions/targets.ts");
  return { acting, reading, isSeenByOthers };
}

const THREE_WORDS = /(?:[\p{L}\p{M}\p{N}]+[^\p{L}\p{M}\p{N}]+){2}[\p{L}\p{N}]/u;

/** The texts of the turn's messages that the asker has written. */
const ownTexts = ({ message, also = [] }: ToolContext): readonly string[] =>
  [message, ...also].flatMap((one) =>
    one.sender.id === message.sender.id && termsOf(one).isTyped ? one.text : []
  );

/** Whether an effect is one unbroken part of the asker's own message, which names the place. */
function isOwnText(effect: Effect | undefined, context: ToolContext): boolean {
  const { at, text } = effect ?? {};
  if (at?.id === undefined || text === undefined || !THREE_WORDS.test(text)) return false;
  const named = new RegExp(`(?<!\\d)${at.id}(?!\\d)`);
  return ownTexts(context).some((one) => named.test(one) && one.includes(text));
}

/** Whether the asker has written an address, all of it. */
const isOwnAddress = (address: string, context: ToolContext): boolean =>
  ownTexts(context).some((text) => text.split(/[\s<>()[\]"'`|]+/).includes(address));

async function needsPress(
  { at, text, address }: Effect,
  context: ToolContext,
  read: ReadEffect,
): Promise<boolean> {
  const { message, made = [], open = [], callKey } = context;
  if (address !== undefined && !isOwnAddress(address, context)) return true;
  const isHere = at.kind === "channel" && !at.isListed &&
    (at.id ?? message.channelId) === message.channelId;
  if (isHere || at.id === message.sender.id && at.kind === "person") return false;
  if (at.kind === "account") return context.readsOthers === true || made.length > open.length;
  if (at.kind === "everyone") return !(at.by && termsOf(message).rights === "config");
  const isExempt = isOwnText({ at, text }, context) && // once in a turn
    made.find((one) => isOwnText(read(one), context))?.callKey === callKey;
  return !isExempt && await (await loadReaders()).isSeenByOthers(context, at);
}

/**
 * The question about a call's effect, for all calls of the answer with an effect at the same place.
 *
 * @returns `undefined` if it needs none, or if the asker has refused that place in this turn.
 */
async function effectQuestion(
  call: OpenCall,
  context: ToolContext,
  read: ReadEffect,
): Promise<Question | undefined> {
  const effect = read(call);
  if (!effect || !await needsPress(effect, context, read)) return undefined;
  const { made = [], open = [] } = context;
  const there = (calls: readonly MadeCall[]) =>
    calls.flatMap((one) => {
      const other = read(one);
      const isSame = other?.at.kind === effect.at.kind && other.at.id === effect.at.id;
      return isSame ? [{ ...one, ...other }] : [];
    });
  if (there(made).some(({ refused }) => refused === "declined" || refused === "expired")) {
    return undefined;
  }
  const others = there(open).filter(({ callKey }) => callKey !== call.callKey);
  return (await loadReaders()).acting(context, [{ ...call, ...effect }, ...others]);
}

const UNREAD =
  "not everyone who would see this may read this conversation, so the person who asks " +
  "must press a button first";

/** Why a call lacks the press that it needs; `undefined` if it does not. */
async function pressMissing(
  call: WrittenCall,
  context: ToolContext,
  read: ReadEffect,
): Promise<RefusedCall | undefined> {
  const { decision, message: { sender } } = context;
  const effect = isPressedBy(decision, sender.id) ? undefined : read(call);
  const isMissing = effect && await needsPress(effect, context, read);
  return isMissing ? notPressed(UNREAD, "readers", decision) : undefined;
}

/** The end of a run of a call: its result, or the reason why it has none. */
type CallEnd =
  | ToolResult
  /** It has begun and waits for a person. Its next run gets the decision. */
  | { readonly end: "waits"; readonly question: Question };

type NoteRead = NonNullable<ToolContext["noteRead"]>;
type Lasting = Map<ToolCall, ToolResult>;

export function isResult(ended: CallEnd): ended is ToolResult {
  return "text" in ended;
}

/**
 * Creates the tools of a turn.
 *
 * @param rules The tools that the turn may use, and those that the model sees; absent: the same.
 * @param of `boundary`: of the fence around a result or a reason, which may have words of people in it
 * (H4); absent: there is none. `askers`: messages whose senders need the permissions of a tool (T4).
 * `keepImage`: keeps an image of a result for the model, or rejects with a `FileError`; absent: results
 * are text alone.
 */
export function createToolbox(
  account: BotAccount,
  rules: Pick<TurnRules, "tools" | "offered" | "isSmall" | "toolTimeoutMs" | "cleanSecrets">,
  { boundary, askers, keepImage }: {
    readonly boundary?: string;
    readonly askers: () => readonly InboundMessage[];
    readonly keepImage?: (bytes: Uint8Array) => Promise<KeptImage>;
  },
) {
  const { tools, offered = tools, isSmall, toolTimeoutMs: timeoutMs, cleanSecrets } = rules;
  const schedule = whileAwake(account.schedule);
  const fence = (text: string) => boundary === undefined ? text : fenced("result", boundary, text);
  const { shown, opener } = isSmall
    ? smallOf(offered)
    : { shown: definitionsFor(offered), opener: undefined };
  const own = byNameOf(tools);
  const byName = opener ? new Map([...own, [opener.name, opener]]) : own;

  function mayRepeat({ isIdempotent, mayRepeat }: Tool, input: unknown): boolean {
    return isIdempotent && mayRepeat?.(input) !== false;
  }

  const effectIn = ({ message }: ToolContext): ReadEffect => ({ name, arguments: written }) => {
    const tool = byName.get(name);
    if (!tool || tool.seenAt === "nowhere") return undefined;
    const input = tool.input.safeParse(jsonOf(written)?.value);
    const effect = input.success ? tool.seenAt(input.data, message) : undefined;
    const named = tool.effect?.(input.data, message)?.links ?? [];
    return effect && { ...effect, named, written: JSON.stringify(input.data) };
  };

  /** Why a call cannot happen, as far as its probe tells; `undefined` if it can. */
  const problemOf = ({ probe }: Tool, input: unknown, context: ToolContext) =>
    Promise.try(() => probe?.(input, context)).then(
      () => undefined,
      (error: unknown) => error instanceof ProbeEnded ? undefined : error,
    );

  /** All reasons are fenced: they quote web pages, servers and people. */
  const failed = (why: string, refused?: RefusalReason): ToolResult => ({
    end: "failed",
    text: `Error: ${fence(why)}`,
    refused,
  });

  /** For a call that must not run twice, and did not end in time, or lost its connection. */
  const unknown = (why: string): ToolResult => ({
    end: "unknown",
    text: `Unknown: ${fence(why)}\nIt may have happened, or not. ` +
      "Find out before you do it again, or tell the user.",
  });

  /** Calls tools within a call: their results have no fence, and no person decides about them. */
  function callWithin(context: ToolContext, noteRead: NoteRead, lasting: Lasting): CallTool {
    let made = 0;
    return async (name, input) => {
      const own = { decision: undefined, mayWait: undefined, open: undefined, made: undefined };
      const inner = { ...context, ...own, callKey: `${context.callKey}:${++made}` };
      const call = { id: "", name, arguments: JSON.stringify(input) };
      const tool = byName.get(name);
      const note = (result: ToolResult) =>
        tool && (tool.isReadOnly === true ? tool.effect : !changesNothing(tool, input)) &&
        lasting.set(call, result);
      note({ end: "unknown", text: "" }); // it may never end
      const toolbox = createToolbox(account, { ...rules, isSmall: undefined }, { askers });
      const question = await toolbox.ask(call, inner);
      const ended = question ? undefined : await toolbox.run(call, inner);
      if (!ended || !isResult(ended)) {
        note({ end: "failed", text: "", refused: "closed_tool" });
        throw new RefusedCall("closed_tool", `${name} needs a person's decision: call it yourself`);
      }
      note(ended);
      noteRead(ended.read ?? []);
      if (ended.end === "done") return ended.text;
      throw new (ended.end === "unknown" ? UnknownOutcomeError : Error)(ended.text);
    };
  }

  async function runWithin(
    call: ToolCall,
    tool: Tool,
    input: unknown,
    context: ToolContext,
  ): Promise<CallEnd> {
    const ending = new AbortController();
    const onAbort = () => ending.abort(context.signal.reason);
    let hasBegun = false;
    const images: string[] = [];
    const read: MessageId[] = [];
    let noted: ToolResult["effect"];
    const noteEffect: ToolContext["noteEffect"] = (parts) => {
      noted = { ...noted, ...parts };
    };
    const noteRead = (ids: readonly MessageId[]) => void read.push(...ids);
    const lasting: Lasting = new Map();
    const inner = () => lasting.size > 0 && { inner: [...lasting] };
    const showImage = keepImage && (async (bytes: Uint8Array) => {
      const kept = await keepImage(bytes);
      if (kept.unseen === undefined) images.push(kept.id);
      return kept;
    });
    const cancel = schedule(
      () => ending.abort(new Error(`no result within ${timeoutMs / 1_000} s`)),
      timeoutMs,
    );
    const stopped = new Promise<never>((_resolve, reject) => {
      ending.signal.addEventListener("abort", () => reject(ending.signal.reason), { once: true });
    });
    if (context.signal.aborted) onAbort();
    context.signal.addEventListener("abort", onAbort, { once: true });
    try {
      if (tool.needs.length > 0) {
        const missing = await Promise.race([
          rightMissingToAskers(account, askers(), tool.needs),
          stopped,
        ]);
        if (missing) {
          return failed(`the asker may not do this here: ${missing} is missing`, "permission");
        }
      }
      if (tool.seenAt !== "nowhere") {
        const press = pressMissing(call, context, effectIn(context));
        const missing = await Promise.race([press, stopped]);
        const problem = missing && await Promise.race([problemOf(tool, input, context), stopped]);
        if (missing) throw problem && !hiddenIn(problem) ? problem : missing;
      }
      hasBegun = true;
      const mayUse = (name: string) => byName.has(name);
      const { signal } = ending;
      const callTool = callWithin({ ...context, signal }, noteRead, lasting);
      const full = { ...context, mayUse, signal, showImage, noteRead, noteEffect, callTool };
      const run = Promise.try(() => tool.run(input, full));
      run.catch(() => {}); // after the limit, its failure changes nothing
      const { text, note } = boundedResult(await Promise.race([run, stopped]), cleanSecrets);
      const shown = {
        ...images.length > 0 && { images: [...images] },
        ...noted && { effect: noted },
        ...inner(),
      };
      return { end: "done", text: fence(text) + note, ...shown, ...(read.length > 0 && { read }) };
    } catch (error) {
      if (error instanceof WaitsForPerson) {
        const { exact, ...question } = error.question;
        const clean = exact !== undefined && { exact: cleanSecrets(exact) }; // a foreign address
        return { end: "waits", question: { ...question, ...clean } };
      }
      const { text, note } = boundedResult(
        error instanceof Error ? error.message : String(error),
        cleanSecrets,
      );
      const isUnknown = hasBegun && !mayRepeat(tool, input) &&
        (ending.signal.aborted || error instanceof UnknownOutcomeError);
      const refused = error instanceof RefusedCall ? error.reason : undefined;
      const result = isUnknown ? unknown(text) : failed(text, refused);
      return { ...result, text: result.text + note, ...inner() };
    } finally {
      cancel();
      context.signal.removeEventListener("abort", onAbort);
    }
  }

  return {
    /** For the model. The same array as long as the tools are the same. */
    definitions: shown,
    /** Whether a call may run twice. True for calls that fail before they begin. */
    isIdempotent(call: ToolCall): boolean {
      const tool = byName.get(call.name);
      return !tool || mayRepeat(tool, jsonOf(call.arguments)?.value);
    },
    /**
     * The question to people before a call runs; `undefined` if it may run, or can only fail. It
     * never rejects: a call whose question fails runs without a decision, and fails as well.
     */
    async ask(call: ToolCall, context: ToolContext): Promise<Question | undefined> {
      const tool = byName.get(call.name);
      const written = jsonOf(call.arguments);
      const input = written && tool?.input.safeParse(written.value);
      if (!tool || !input?.success) return undefined;
      const missing = tool.needs.length > 0
        ? await rightMissingToAskers(account, askers(), tool.needs)
        : undefined;
      if (missing !== undefined) return undefined;
      const { callKey } = context;
      const effect = effectIn(context);
      const question = await effectQuestion({ ...call, callKey }, context, effect);
      const mayShow = question !== undefined || effect(call)?.isCopy ||
        tool.isPersonalCall?.(input.data, context.message) === true;
      const problem = mayShow ? await problemOf(tool, input.data, context) : undefined;
      const hidden = hiddenIn(problem);
      if (question && (!problem || hidden)) return question;
      return hidden
        ? (await loadReaders()).reading(context, hidden)
        : await tool.asks?.(input.data, context);
    },
    /**
     * Runs a call.
     *
     * @returns The result for the model, or why there is none. A failure is a result; it is never
     * thrown.
     */
    async run(call: ToolCall, context: ToolContext): Promise<CallEnd> {
      const tool = byName.get(call.name);
      if (!tool) {
        const names = [...byName.keys()].join(", ");
        return audienceOf(call.name)
          ? failed(`${call.name} cannot be used here; there are: ${names}`, "closed_tool")
          : failed(
            `there is no tool ${JSON.stringify(call.name)} here; there are: ${names}`,
            "unknown_tool",
          );
      }
      const written = jsonOf(call.arguments);
      if (written === undefined) return failed("the arguments are not JSON", "bad_arguments");
      const input = tool.input.safeParse(written.value);
      if (!input.success) {
        const why = `the arguments do not fit:\n${z.prettifyError(input.error)}`;
        const unseen = opener && !tool.short &&
          definitionsFor(offered).find(({ name }) => name === tool.name);
        return failed(unseen ? `${why}\n${helpOf(unseen)}` : why, "bad_arguments");
      }
      const ended = await runWithin(call, tool, input.data, context);
      const lasts = isResult(ended) && !tool.effect && !changesNothing(tool, input.data);
      return lasts ? { ...ended, mayLast: true } : ended;
    },
  };
}

export type Toolbox = ReturnType<typeof createToolbox>;

/** The channel that a call would show to others (T4). */
function hiddenIn(problem: unknown): HiddenChannel | undefined {
  const missing = problem instanceof LacksRight ? problem.missing : undefined;
  return missing?.kind === "readers" ? missing : undefined;
}

/** Some models write nothing for a call without arguments. */
function jsonOf(written: string): { readonly value: unknown } | undefined {
  try {
    return { value: written.trim() === "" ? {} : JSON.parse(written) };
  } catch {
    return undefined; // the result tells the model
  }
}

/**
 * The parts of a toolbox by its tools, which all turns with the same tools share. The schemas are made
 * once, and stay the same for the provider's cache.
 */
const byNameOf = oncePer((tools: readonly Tool[]) =>
  new Map(tools.map((tool) => [tool.name, tool]))
);
const definitionsFor = oncePer((tools: readonly Tool[]) => tools.map(definitionOf));
const smallOf = oncePer((tools: readonly Tool[]) => smallTools(tools, definitionsFor(tools)));

/** Maximum UTF-16 units of a result that Barnacle keeps. */
export const MAX_RESULT_CHARS = 1_000_000;

/** More than the longest secret in any form that the rules of SEC-R10 know. */
const MARGIN = 20_000;

/**
 * Cuts a result that is too long, and removes secrets from it.
 *
 * A cut may leave a part of a secret, which no rule knows. So the cleaned text is cut again, further
 * to the front than such a part can reach.
 *
 * @param cleanSecrets Removes whole secrets.
 * @returns The result without secrets, and a note for the model that the rest is missing, if it is.
 */
export function boundedResult(
  text: string,
  cleanSecrets: (text: string) => string,
): { readonly text: string; readonly note: string } {
  if (text.length <= MAX_RESULT_CHARS) return { text: cleanSecrets(text), note: "" };
  const isCut = text.length > MAX_RESULT_CHARS + MARGIN;
  const clean = cleanSecrets(text.slice(0, MAX_RESULT_CHARS + MARGIN));
  const end = Math.min(MAX_RESULT_CHARS, clean.length - (isCut ? MARGIN : 0));
  return {
    text: withoutHalfPair(clean.slice(0, end)),
    note: `\n[This result had ${text.length} characters. Only the first ${end} were kept.]`,
  };
}

/** Without the first half of a surrogate pair at the end. */
function withoutHalfPair(text: string): string {
  const code = text.charCodeAt(text.length - 1);
  return code >= 0xD800 && code <= 0xDBFF ? text.slice(0, -1) : text;
}

const missingPermissionOf = perAccount(
  "turns",
  ({ rest, now }) => createMissingPermission(rest, now),
);

/**
 * The first Discord permission that one of those who ask lacks in the place of their message, before a
 * tool runs for them (T4); in direct messages, which have no permissions, none. The bot may do more than
 * the asker, and only an owner of the bot may use all of it.
 *
 * @throws {RestError} If Discord does not answer.
 */
export async function rightMissingToAskers(
  account: BotAccount,
  messages: readonly InboundMessage[],
  needed: readonly string[],
): Promise<string | undefined> {
  const others = messages.filter((message) => !isOwner(account, message));
  const askers = new Map(others.map((message) => [message.sender.id, message]));
  for (const { channelId, guildId, sender } of askers.values()) {
    const place = { channelId, guildId, userId: sender.id };
    const missing = await missingPermissionOf(account)(place, needed);
    if (missing !== undefined) return missing;
  }
  return undefined;
}
