/** Actions that change, move and delete channels, behind the gate `channels`. */

import { z } from "zod";
import { type Channel, CHANNEL_KINDS, isThread } from "../../../core/rights/rights.ts";
import type { ChannelId } from "../../../core/discord/ids.ts";
import type { Need } from "../../../core/rights/rights.ts";
import type { ChannelPlace } from "../../../flows/actions/place.ts";
import { type Action, defineAction, DESTRUCTIVE, FIELDS, inChannel } from "./action.ts";
import { badArguments } from "../../../core/turn/tool.ts";

const { channelId, name, parentId, position, topic, isNsfw } = FIELDS;

interface ChannelFields {
  /** Name for people. */
  readonly name?: string;
  /** May be empty. */
  readonly topic?: string;
  /** Category; `null` for none. */
  readonly parentId?: ChannelId | null;
  /** Place in the list of its category. */
  readonly position?: number;
  /** Whether it is only for adults. */
  readonly isNsfw?: boolean;
  /** Seconds of slow mode; 0 ends it. */
  readonly slowmodeSec?: number;
  /** Of a thread. */
  readonly archived?: boolean;
  /** Of a thread. */
  readonly locked?: boolean;
}

export const CHANNEL_CHANGES: readonly Action[] = [
  defineAction({
    name: "channelEdit",
    gate: "channels",
    rights: "Manage Channels; Manage Threads for a thread; in the category too, to move it there",
    isIdempotent: true,
    seenAt: "listed",
    undo: "yes",
    input: () =>
      z.strictObject({
        channelId: channelId.optional(),
        name: name.optional(),
        topic: topic.optional(),
        parentId: parentId.optional(),
        isNsfw: isNsfw.optional(),
        slowmodeSec: z.int().min(0).max(21_600).optional(),
        archived: z.boolean().optional(),
        locked: z.boolean().optional(),
        ...DESTRUCTIVE,
      }),
    run: inChannel([], edit),
  }),
  defineAction({
    name: "channelMove",
    gate: "channels",
    rights: "Manage Channels, also in the category; on the server for a position",
    isIdempotent: true,
    seenAt: "listed",
    undo: "yes",
    input: () =>
      z.strictObject({
        channelId,
        parentId: parentId.optional(),
        position: position.optional(),
        ...DESTRUCTIVE,
      }),
    run: inChannel([], edit),
  }),
  defineAction({
    name: "channelDelete",
    gate: "channels",
    rights: "Manage Channels; Manage Threads for a thread",
    isIdempotent: true,
    seenAt: "listed",
    undo: "no",
    input: () => z.strictObject({ channelId, ...DESTRUCTIVE }),
    run: inChannel([], (place, how) => remove(place, how, false)),
  }),
  defineAction({
    name: "categoryEdit",
    gate: "channels",
    rights: "Manage Channels; on the server for a position",
    isIdempotent: true,
    seenAt: "listed",
    undo: "yes",
    input: () =>
      z.strictObject({
        channelId,
        name: name.optional(),
        position: position.optional(),
        ...DESTRUCTIVE,
      }),
    run: inChannel([], (place, fields) => {
      assertCategory(place.channel);
      return edit(place, fields);
    }),
  }),
  defineAction({
    name: "categoryDelete",
    summary: "its channels stay",
    gate: "channels",
    rights: "Manage Channels",
    isIdempotent: true,
    seenAt: "listed",
    undo: "no",
    input: () => z.strictObject({ channelId, ...DESTRUCTIVE }),
    run: inChannel([], (place, how) => {
      assertCategory(place.channel);
      return remove(place, how, true);
    }),
  }),
];

interface ChannelChangeOptions {
  readonly reason?: string;
  readonly dryRun?: boolean;
}

async function edit(
  place: ChannelPlace,
  { reason, dryRun = false, ...fields }: ChannelFields & ChannelChangeOptions,
): Promise<string> {
  const { channel, guild } = place;
  if (!guild) throw badArguments("direct messages cannot be changed");
  if (Object.keys(fields).length === 0) throw badArguments("give the fields to change");
  assertFits(channel, fields);
  const needs: Need[] = [manages(channel)];
  // A position shifts the channels of others.
  if (fields.position !== undefined) {
    needs.push({ kind: "in_guild", permission: "Manage Channels" });
  }
  await place.assertMay(needs);
  await place.assertBotMay(needs);
  if (fields.parentId) await place.assertMayIn(fields.parentId, ["Manage Channels"]);
  const path = `/channels/${channel.id}`;
  const body = channelFields(fields, place.clean);
  const before = channelFields(fieldsBefore(channel, fields), place.clean);
  return await place.change({
    what: `change <#${channel.id}>: ${wordsOf(body)}`,
    dryRun,
    undo: {
      does: `sets its ${namesOf(before)} back`,
      needs: isThread(channel) ? ["Manage Threads"] : ["Manage Channels"],
      left: { path, fields: { ...body } },
      requests: [{ method: "PATCH", path, body: before }],
    },
  }, async () => {
    await place.request("PATCH", path, { body, reason });
    return "Changed.";
  });
}

async function remove(
  place: ChannelPlace,
  { reason, dryRun = false }: ChannelChangeOptions,
  isCategory: boolean,
): Promise<string> {
  const { channel, guild } = place;
  if (!guild) throw badArguments("direct messages cannot be deleted");
  if (!isCategory && channel.type === CHANNEL_KINDS.category) {
    throw badArguments("that is a category: use categoryDelete");
  }
  const needs = [manages(channel)];
  await place.assertMay(needs);
  await place.assertBotMay(needs);
  const what = `delete <#${channel.id}>${isCategory ? "" : " with all its messages"}`;
  return await place.change({ what, dryRun, asks: true }, async () => {
    await place.request("DELETE", `/channels/${channel.id}`, { reason });
    return "Deleted.";
  });
}

function manages(channel: Channel): "Manage Threads" | "Manage Channels" {
  return isThread(channel) ? "Manage Threads" : "Manage Channels";
}

function assertCategory({ type }: Channel): void {
  if (type !== CHANNEL_KINDS.category) throw badArguments("that channel is no category");
}

/** @throws {Error} If a kind of channel has no such field. */
function assertFits(channel: Channel, fields: ChannelFields): void {
  const isInThread = isThread(channel);
  const wrong = isInThread ? ["topic", "parentId", "position", "isNsfw"] : ["archived", "locked"];
  const found = Object.keys(fields).find((name) => wrong.includes(name));
  if (found === undefined) return;
  throw badArguments(
    `${isInThread ? "a thread has" : "only a thread has"} ${
      isInThread ? "no" : "the field"
    } \`${found}\``,
  );
}

/** The same fields as they are now. */
function fieldsBefore(channel: Channel, fields: ChannelFields): ChannelFields {
  const all: Required<ChannelFields> = {
    name: channel.name,
    topic: channel.topic ?? "",
    parentId: channel.parentId ?? null,
    position: channel.position,
    isNsfw: channel.isNsfw,
    slowmodeSec: channel.slowmodeSec,
    archived: channel.thread?.isArchived ?? false,
    locked: channel.thread?.isLocked ?? false,
  };
  return Object.fromEntries(Object.entries(all).filter(([name]) => name in fields));
}

/** A body in words for people: `name "help", slow mode 5 s`. */
function wordsOf(body: object): string {
  return Object.entries(body).map(([name, value]) => {
    const label = namesOf({ [name]: value });
    if (name === "rateLimitPerUser") return `${label} ${value === 0 ? "off" : `${value} s`}`;
    if (name === "parentId") return `${label} ${value === null ? "none" : `<#${value}>`}`;
    if (typeof value === "boolean") return `${label} ${value ? "on" : "off"}`;
    return `${label} ${value === "" ? "none" : JSON.stringify(value)}`;
  }).join(", ");
}

function namesOf(body: object): string {
  return Object.keys(body).map((name) => FIELD_NAMES[name] ?? name).join(", ");
}

const FIELD_NAMES: Readonly<Record<string, string>> = {
  parentId: "category",
  nsfw: "age restriction",
  rateLimitPerUser: "slow mode",
};

export function channelFields(
  { isNsfw, slowmodeSec, name, topic, ...fields }: ChannelFields,
  clean: (text: string) => string,
): object {
  return {
    ...(name !== undefined && { name: clean(name) }),
    ...(topic !== undefined && { topic: clean(topic) }),
    ...fields,
    ...(isNsfw !== undefined && { nsfw: isNsfw }),
    ...(slowmodeSec !== undefined && { rateLimitPerUser: slowmodeSec }),
  };
}

export function kindOf(type: number): string {
  return Object.entries(CHANNEL_KINDS).find(([, number]) => number === type)?.[0] ?? "other";
}
