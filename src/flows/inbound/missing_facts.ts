/**
 * Completes messages that Discord sent without the name of their group, or without the original of a
 * reply, which may be the bot's. Batches keep their order; without these facts, the rules are stricter.
 */

import type { BotAccount } from "../../account/account.ts";
import { perAccount } from "../../account/per_account.ts";
import type { ChannelId } from "../../core/discord/ids.ts";
import type { InboundBatch, InboundEvent } from "../../core/inbound/events.ts";
import { createReadChannel } from "../../discord/rest/requests/channel.ts";

/** The last batch that waits, for its facts or for those before it. */
const line = perAccount("inbox", (): { waiting?: Promise<void> } => ({}));

function lacksFact(event: InboundEvent): boolean {
  if (event.kind === "message_edited") return lacksFact(event.message);
  if (event.kind !== "message") return false;
  return event.place.kind === "group_dm" || (event.quoted && !event.quoted.author) === true;
}

async function groupName(
  { policy, rest }: BotAccount,
  channelId: ChannelId,
): Promise<string | undefined> {
  const { groupChannels } = policy().policy.dm;
  if (!groupChannels?.some(({ kind }) => kind === "name")) return undefined;
  return (await createReadChannel(rest, { priority: "spare", timeoutMs: 2_000 })(channelId)).name;
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
  const isGroup = event.place.kind === "group_dm";
  const place = isGroup
    ? { ...event.place, name: await groupName(account, channelId) }
    : event.place;
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
    events.map((one) => lacksFact(one) ? completed(account, one).catch(() => one) : one),
  );
}

/** Completes a batch, and has it accepted; at once if it lacks nothing and no other waits. */
export function inOrder(
  account: BotAccount,
  batch: InboundBatch,
  accept: (batch: InboundBatch) => void,
): void {
  const state = line(account);
  if (!state.waiting && !batch.events.some(lacksFact)) return accept(batch);
  const done = Promise.all([complete(account, batch.events), state.waiting])
    .then(([events]) => accept({ ...batch, events }));
  state.waiting = done;
  void done.then(() => state.waiting = state.waiting === done ? undefined : state.waiting);
}

/** Resolves once no batch waits. */
export async function batchesComplete(account: BotAccount): Promise<void> {
  await line(account).waiting;
}
