/**
 * Completes messages that Discord sent without the name of their group, or without the original of a
 * reply, which may be the bot's. Batches keep their order; without these facts, the rules are stricter.
 */

import type { ChannelId } from "../../core/discord/ids.ts";
import type { InboundBatch, InboundEvent } from "../../core/inbound/events.ts";
import type { Self } from "../../core/inbound/inbound.ts";
import type { Outbox } from "../../store/outbox/outbox.ts";

export function createMissingFacts(
  { outbox, self, groupName }: {
    readonly outbox: Pick<Outbox, "known">;
    readonly self: () => Self | undefined;
    readonly groupName: (channelId: ChannelId) => Promise<string | undefined>;
  },
) {
  /** The last batch that waits, for its facts or for those before it. */
  let waiting: Promise<void> | undefined;

  function lacksFact(event: InboundEvent): boolean {
    if (event.kind === "message_edited") return lacksFact(event.message);
    if (event.kind !== "message") return false;
    return event.place.kind === "group_dm" || (event.quoted && !event.quoted.author) === true;
  }

  async function completed<Event extends InboundEvent>(event: Event): Promise<Event> {
    if (event.kind === "message_edited") {
      return { ...event, message: await completed(event.message) };
    }
    if (event.kind !== "message") return event;
    const { channelId, quoted, sender, mention = sender.automaton ? undefined : "reply" } = event;
    const isGroup = event.place.kind === "group_dm";
    const place = isGroup ? { ...event.place, name: await groupName(channelId) } : event.place;
    const me = quoted && !quoted.author ? self() : undefined;
    if (!me || !quoted || !(await outbox.known(channelId, [quoted.id])).has(quoted.id)) {
      return { ...event, place };
    }
    const author = { id: me.userId, tag: me.username };
    return { ...event, place, mention, quoted: { ...quoted, author } };
  }

  const complete = <Event extends InboundEvent>(events: readonly Event[]) =>
    Promise.all(events.map((one) => lacksFact(one) ? completed(one).catch(() => one) : one));

  return {
    complete,
    /** Completes a batch, and has it accepted; at once if it lacks nothing and no other waits. */
    inOrder(batch: InboundBatch, accept: (batch: InboundBatch) => void): void {
      if (!waiting && !batch.events.some(lacksFact)) return accept(batch);
      const done = Promise.all([complete(batch.events), waiting])
        .then(([events]) => accept({ ...batch, events }));
      waiting = done;
      void done.then(() => waiting = waiting === done ? undefined : waiting);
    },
    /** Resolves once no batch waits. */
    idle: async (): Promise<void> => await waiting,
  };
}

export type MissingFacts = ReturnType<typeof createMissingFacts>;
