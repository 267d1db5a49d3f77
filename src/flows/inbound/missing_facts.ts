/**
 * Completes messages that Discord sent without the name of their group, before it has told of their
 * thread, or without the original of a reply, which may be the bot's. Batches keep their order; without these facts, the rules are stricter.
 */

import type { BotAccount } from "../../account/account.ts";
import { perAccount } from "../../account/per_account.ts";
import type { InboundBatch, InboundEvent } from "../../core/inbound/events.ts";
import type { InboundMessage, Place } from "../../core/inbound/inbound.ts";
import { placeOfTarget } from "../../discord/gateway/decode/places.ts";
import { readPlace } from "../../discord/rest/requests/guild_reads.ts";

/** The last batch that waits, for its facts or for those before it. */
const line = perAccount("inbox", (): { waiting?: Promise<void> } => ({}));

function lacksFact(account: BotAccount, event: InboundEvent): boolean {
  if (event.kind === "message_edited") return lacksFact(account, event.message);
  if (event.kind !== "message") return false;
  return lacksPlace(account, event) || (event.quoted && !event.quoted.author) === true;
}

/** Whether its place is a group, or a thread of a known guild that the guild's index does not have. */
function lacksPlace({ reader }: BotAccount, { place, channelId }: InboundMessage): boolean {
  if (place.kind !== "guild") return place.kind === "group_dm";
  return reader.index.get(place.guild.id)?.channels.has(channelId) === false;
}

async function placeOf(
  { policy, rest, reader }: BotAccount,
  { place, channelId }: InboundMessage,
): Promise<Place> {
  const { groupChannels } = policy().policy.dm;
  const isAsked = place.kind === "guild" || groupChannels?.some(({ kind }) => kind === "name");
  const { name, parentId } = isAsked
    ? await readPlace(rest, channelId, { priority: "spare", timeoutMs: 2_000 })
    : {};
  if (place.kind !== "guild") return { kind: "group_dm", name };
  const { id } = place.guild;
  return placeOfTarget(id, { channelId, parentId }, reader.index.get(id));
}

async function completed<Event extends InboundEvent>(
  account: BotAccount,
  event: Event,
): Promise<Event> {
  if (event.kind === "message_edited") {
    return { ...event, message: await completed(account, event.message) };
  }
  if (event.kind !== "message") return event;
  const { channelId, quoted, sender, mention = sender.automaton ? undefined : "reply" } = event;
  const place = lacksPlace(account, event) ? await placeOf(account, event) : event.place;
  const me = quoted && !quoted.author ? account.self() : undefined;
  if (
    !me || !quoted || !(await account.store.outbox.known(channelId, [quoted.id])).has(quoted.id)
  ) {
    return { ...event, place };
  }
  const author = { id: me.userId, tag: me.username };
  return { ...event, place, mention, quoted: { ...quoted, author } };
}

/** Adds the facts that events lack. An event stays as it is if a look-up fails. */
export function complete<Event extends InboundEvent>(
  account: BotAccount,
  events: readonly Event[],
): Promise<Event[]> {
  return Promise.all(
    events.map((one) => lacksFact(account, one) ? completed(account, one).catch(() => one) : one),
  );
}

/** Completes a batch, and has it accepted; at once if it lacks nothing and no other waits. */
export function inOrder(
  account: BotAccount,
  batch: InboundBatch,
  accept: (batch: InboundBatch) => void,
): void {
  const state = line(account);
  if (!state.waiting && !batch.events.some((one) => lacksFact(account, one))) return accept(batch);
  const done = Promise.all([complete(account, batch.events), state.waiting])
    .then(([events]) => accept({ ...batch, events }));
  state.waiting = done;
  void done.then(() => state.waiting = state.waiting === done ? undefined : state.waiting);
}

/** Resolves once no batch waits. */
export async function batchesComplete(account: BotAccount): Promise<void> {
  await line(account).waiting;
}
