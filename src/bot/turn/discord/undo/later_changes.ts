/**
 * Finds what people have changed after an action, so that undoing does not overwrite it (T3).
 *
 * @module
 */

import { z } from "zod";
import type { LeftState } from "../../../../core/turn/ports/discord_place.ts";

/** Fields of the request whose names in the answer are not just in snake case. */
const NAMES: ReadonlyMap<string, string> = new Map([["rateLimitPerUser", "rate_limit_per_user"]]);

/** Discord moves channels to keep their order, so a position tells nothing about people. */
const NOT_COMPARED: ReadonlySet<string> = new Set(["position", "type"]);

/** A timeout's end may lose its milliseconds. */
const CLOCK_MS = 1_000;

const record = z.record(z.string(), z.unknown());
const channelSchema = z.object({
  permission_overwrites: z.array(z.looseObject({ id: z.string() })).default([]),
});
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
