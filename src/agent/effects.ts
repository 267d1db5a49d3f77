/**
 * Asks before people elsewhere see the effect of a call (T4). An injection chooses effects, and could
 * carry words of the turn's place by each: by a reaction, an order or a time. So one rule binds all
 * tools: if people may see an effect who may not read the place, its asker presses a card first.
 */

import type { Question } from "../core/people/question.ts";
import type { RefusedCall } from "../core/refused_call.ts";
import type { Effect } from "../core/rights/effects.ts";
import { hookedOf, isTyped } from "../core/inbound/origin.ts";
import { isPressedBy, notPressed } from "../core/turn/decided_action.ts";
import type { Readers, SeenCall } from "../core/turn/ports/discord_place.ts";
import type { MadeCall, OpenCall, ToolContext } from "../core/turn/tool.ts";

/** Reads the effect of a call, and the call as a card shows it; `undefined` if it has none. */
export type ReadEffect = (
  call: Pick<OpenCall, "name" | "arguments">,
) => (Effect & Pick<SeenCall, "at" | "named" | "written">) | undefined;

/** Loads what few calls need. */
export type LoadReaders = () => Promise<Readers>;

const THREE_WORDS = /(?:[\p{L}\p{M}\p{N}]+[^\p{L}\p{M}\p{N}]+){2}[\p{L}\p{N}]/u;

/** The texts of the turn's messages that the asker has written. */
const ownTexts = ({ message, also = [] }: ToolContext): readonly string[] =>
  [message, ...also].flatMap((one) =>
    one.sender.id === message.sender.id && isTyped(one) ? one.text : []
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
  readers: LoadReaders,
): Promise<boolean> {
  const { message, made = [], open = [], callKey } = context;
  if (address !== undefined && !isOwnAddress(address, context)) return true;
  const isHere = at.kind === "channel" && !at.isListed &&
    (at.id ?? message.channelId) === message.channelId;
  if (isHere || at.id === message.sender.id && at.kind === "person") return false;
  if (at.kind === "account") return context.readsOthers === true || made.length > open.length;
  if (at.kind === "everyone") return !(at.by && hookedOf(message)); // a hook's config names its tools (W3)
  const isExempt = isOwnText({ at, text }, context) && // once in a turn
    made.find((one) => isOwnText(read(one), context))?.callKey === callKey;
  return !isExempt && await (await readers()).isSeenByOthers(context, at);
}

/**
 * The question about a call's effect, for all calls of the answer with an effect at the same place.
 *
 * @returns `undefined` if it needs none, or if the asker has refused that place in this turn.
 */
export async function effectQuestion(
  call: OpenCall,
  context: ToolContext,
  read: ReadEffect,
  readers: LoadReaders,
): Promise<Question | undefined> {
  const effect = read(call);
  if (!effect || !await needsPress(effect, context, read, readers)) return undefined;
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
  return (await readers()).acting(context, [{ ...call, ...effect }, ...others]);
}

const UNREAD =
  "not everyone who would see this may read this conversation, so the person who asks " +
  "must press a button first";

/** Why a call lacks the press that it needs; `undefined` if it does not. */
export async function pressMissing(
  call: Pick<OpenCall, "name" | "arguments">,
  context: ToolContext,
  read: ReadEffect,
  readers: LoadReaders,
): Promise<RefusedCall | undefined> {
  const { decision, message: { sender } } = context;
  const effect = isPressedBy(decision, sender.id) ? undefined : read(call);
  const isMissing = effect && await needsPress(effect, context, read, readers);
  return isMissing ? notPressed(UNREAD, "readers", decision) : undefined;
}
