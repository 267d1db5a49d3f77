/**
 * Takes back what the tool `discord` has done (T3): for ten minutes, by the person who asked or by an
 * owner of the bot, and only with the rights that this needs at Discord.
 *
 * The command `/undo` and the tool use the same function.
 */

import { z } from "zod";
import type { Need } from "../../core/rights/rights.ts";
import {
  type LeftState,
  UNDO_MINUTES,
  type UndoneAction,
  type UndoSteps,
} from "../../core/turn/discord_place.ts";
import type { MadeChange } from "../../store/changes/changes.ts";
import type { BotAccount } from "../../account/account.ts";
import { changeUndone } from "../receipts/receipts.ts";
import type { Caller, FoundTarget } from "./targets.ts";
import { afterDone, badArguments, RefusedCall } from "../../core/turn/tool.ts";
import { assertMay, channelAt, guildAt, refusal } from "./targets.ts";

/** The changes of a place that a person may take back, newest first. */
async function candidates({ account, askers, guildId }: Caller): Promise<readonly MadeChange[]> {
  const { accountId, now, store } = account;
  const since = now() - UNDO_MINUTES * 60_000;
  const made = await store.changes.since(accountId, guildId, since);
  const mayHere = (change: MadeChange) => change.guildId === guildId;
  return made.filter((change) =>
    askers.every(({ userId, isOwner }) => isOwner || (userId === change.askerId && mayHere(change)))
  );
}

async function placeOf(caller: Caller, { guildId, channelId }: MadeChange): Promise<FoundTarget> {
  // The change has been made from here, so its server is in reach of this place.
  const there: Caller = guildId === undefined ? caller : { ...caller, guildId };
  return channelId === undefined
    ? await guildAt(there, guildId)
    : await channelAt(there, channelId);
}

async function needsOf({ undo }: MadeChange, found: FoundTarget): Promise<readonly Need[]> {
  const needs: Need[] = [...undo?.needs ?? []];
  if (undo?.holds !== undefined) needs.push({ kind: "holds", bits: BigInt(undo.holds) });
  if (undo?.role !== undefined) needs.push({ kind: "above_role", roleId: undo.role });
  if (undo?.overUser !== undefined) {
    const member = await found.guild?.reads.member(undo.overUser);
    if (member) needs.push({ kind: "outranks", member });
  }
  return needs;
}

/** Fields that people have changed after the action: their change stays. */
async function laterChanges(
  { left, requests }: UndoSteps,
  { rest }: BotAccount,
): Promise<readonly string[]> {
  if (!left) return [];
  return changedSince(left, await rest.request("GET", left.path), requests[0]?.body);
}

/**
 * Takes a change back.
 *
 * @param caller The person, and the place in which they ask.
 * @param callKey Identifies the call: a crash may repeat it, and it takes one change back.
 * @param id Number of the change; absent: the newest that they may take back.
 * @throws {Error} If there is none, or they may not, with the reason in words.
 */
export async function undo(caller: Caller, callKey: string, id?: number): Promise<UndoneAction> {
  const { account, account: { now, rest, store } } = caller;
  const all = await candidates(caller);
  const done = all.find(({ undoneBy }) => undoneBy === callKey);
  if (done?.undo) return { id: done.id, what: done.what, does: done.undo.does };
  const change = id === undefined
    ? all.find(({ isUndone, undo }) => !isUndone && undo)
    : all.find((one) => one.id === id);
  if (!change) {
    throw badArguments(
      id === undefined
        ? `there is nothing of the last ${UNDO_MINUTES} minutes to undo here with the asker's rights`
        : `there is no change ${id} of the last ${UNDO_MINUTES} minutes to undo here with the asker's rights`,
    );
  }
  const { undo: steps, what } = change;
  if (!steps) throw badArguments(`Discord does not let this be undone: ${what}`);
  if (steps.opens && caller.askers.some(({ message }) => message)) { // a tool asks
    throw badArguments("people could read more by it: a person uses the button Undo, or /undo");
  }
  if (change.isUndone) throw badArguments(`that is undone already: ${what}`);
  const found = await placeOf(caller, change);
  const needs = await needsOf(change, found);
  await assertMay(caller, found, needs);
  let kept: readonly string[] = [];
  try {
    kept = await laterChanges(steps, account);
    for (const [at, { method, path, body }] of steps.requests.entries()) {
      const fields = method === "PATCH" && body ? without(body, kept) : body;
      const isWhole = method !== "PATCH" && kept.length > 0;
      if (isWhole || (fields && Object.keys(fields).length === 0)) {
        throw new RefusedCall(
          "changed",
          `it was changed again since, so it stays as it is now: ${what}`,
        );
      }
      const request = () =>
        rest.request(method, path, {
          ...(fields && { body: { ...fields } }),
          reason: `undone for ${caller.askers.map(({ userId }) => userId).join(", ")}`,
        });
      const total = steps.requests.length;
      await (at === 0 ? request() : afterDone(`${at} of ${total} steps are undone`, request));
    }
  } catch (error) {
    throw await refusal(error, caller, found, needs);
  }
  await store.changes.undone(change.id, callKey, now());
  changeUndone(account, change.turnId);
  const but = kept.length === 0
    ? ""
    : `; it left alone what was changed again since: ${kept.join(", ")}`;
  return { id: change.id, what, does: steps.does + but };
}

function without(body: object, names: readonly string[]): object {
  return Object.fromEntries(Object.entries(body).filter(([name]) => !names.includes(name)));
}

/** Fields of the request whose names in the answer are not just in snake case. */
const NAMES: ReadonlyMap<string, string> = new Map([["rateLimitPerUser", "rate_limit_per_user"]]);

/** Discord moves channels to keep their order, so a position tells nothing about people. */
const NOT_COMPARED: ReadonlySet<string> = new Set(["position", "type"]);

/** A timeout's end may lose its milliseconds. */
const CLOCK_MS = 1_000;

const record = z.record(z.string(), z.unknown());
const channelSchema = z.lazy(() =>
  z.object({ permission_overwrites: z.array(z.looseObject({ id: z.string() })).default([]) })
);
/** An overwrite that is gone gives and denies nothing. */
const NONE = { allow: "0", deny: "0" };

/**
 * The fields whose present value is neither the one that the action has left, nor the one that
 * undoing sets: a crash may repeat an undoing.
 *
 * @param answer The present state in Discord's own form.
 * @param before The values that undoing sets; absent: it removes an overwrite.
 */
export function changedSince(
  { overwrite, fields }: LeftState,
  answer: unknown,
  before: object = NONE,
): readonly string[] {
  const present = presentOf(answer, overwrite);
  const differing = (from: object): readonly string[] =>
    Object.entries(from).filter(([name, value]) =>
      name in fields && !NOT_COMPARED.has(name) && !isSame(name, value, fieldOf(present, name))
    ).map(([name]) => name);
  const changed = differing(fields);
  const notUndone = differing(before);
  // An overwrite is set as a whole. Other fields are set one by one.
  if (overwrite !== undefined) return notUndone.length === 0 ? [] : changed;
  return changed.filter((name) => !(name in before) || notUndone.includes(name));
}

function presentOf(
  answer: unknown,
  overwrite: string | undefined,
): Readonly<Record<string, unknown>> {
  if (overwrite === undefined) return record.safeParse(answer).data ?? {};
  const { data } = channelSchema.safeParse(answer);
  return data?.permission_overwrites.find(({ id }) => id === overwrite) ?? NONE;
}

/** A thread has some fields in an object of their own. */
function fieldOf(present: Readonly<Record<string, unknown>>, name: string): unknown {
  const key = NAMES.get(name) ?? name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return present[key] ?? record.safeParse(present["thread_metadata"]).data?.[key];
}

function isSame(name: string, left: unknown, now: unknown): boolean {
  const [one, other] = [left, now].map(plain);
  if (one === other) return true;
  if (typeof one !== "string" || typeof other !== "string") return false;
  if (name === "name") return letters(one) === letters(other);
  if (!name.endsWith("Until")) return false;
  return Math.abs(Date.parse(one) - Date.parse(other)) <= CLOCK_MS;
}

/** Discord leaves out, or answers null, for false, 0 and an empty text. */
function plain(value: unknown): unknown {
  return value === undefined || value === "" || value === false || value === 0 ? null : value;
}

/** Discord writes names of channels in lower case, with hyphens. */
function letters(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "");
}
