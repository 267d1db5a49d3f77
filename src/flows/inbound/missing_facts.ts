/**
 * Completes messages that Discord sent without the name of their group, or without the original of a
 * reply, which may be the bot's. Batches keep their order; without these facts, the rules are stricter.
 */

import type { ChannelId } from "../../core/discord/ids.ts";
import type { InboundEvent } from "../../core/inbound/events.ts";
import type { Self } from "../../core/inbound/inbound.ts";
import type { Store } from "../../store/store.ts";
import type { createAcceptor } from "./accept.ts";

type Acceptor = ReturnType<typeof createAcceptor>;

export function withMissingFacts(
  acceptor: Acceptor,
  { outbox, self, groupName }: Pick<Store, "outbox"> & {
    readonly self: () => Self | undefined;
    readonly groupName: (channelId: ChannelId) => Promise<string | undefined>;
  },
): Acceptor {
  let waiting: Promise<void> | undefined;

  function lacksFact(event: InboundEvent): boolean {
    if (event.kind === "message_edited") return lacksFact(event.message);
    if (event.kind !== "message") return false;
    return event.place.kind === "group_dm" || (event.quoted && !event.quoted.author) === true;
  }

  async function complete<Event extends InboundEvent>(event: Event): Promise<Event> {
    if (event.kind === "message_edited") {
      return { ...event, message: await complete(event.message) };
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

  const allOf = <Event extends InboundEvent>(events: readonly Event[]) =>
    Promise.all(events.map((one) => lacksFact(one) ? complete(one).catch(() => one) : one));

  return {
    accept(batch) {
      if (!waiting && !batch.events.some(lacksFact)) return acceptor.accept(batch);
      const done = Promise.all([allOf(batch.events), waiting])
        .then(([events]) => acceptor.accept({ ...batch, events }));
      waiting = done;
      void done.then(() => waiting = waiting === done ? undefined : waiting);
    },
    acceptHistory: async (events, judgeAs) =>
      await acceptor.acceptHistory(await allOf(events), judgeAs),
    async flush() {
      await waiting;
      await acceptor.flush();
    },
  };
}
