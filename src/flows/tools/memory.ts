/**
 * The agent's memory for tools: with the rights of the asker, and only the notes of the asker's space
 * (T14, SEC-R4).
 */

import type { MessageId } from "../../core/discord/ids.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { MAX_NOTES, type Note, scopeKeyOf, spaceOf, visibleKeys } from "../../core/notes/note.ts";
import type { MemoryPort } from "../../core/turn/ports/memory.ts";
import type { Showing } from "../../core/turn/ports/discord_call.ts";
import { badArguments, RefusedCall } from "../../core/refused_call.ts";
import type { Account } from "../../core/account/account.ts";
import type { Notes } from "../../store/notes/notes.ts";

export function createMemoryPort(
  { store: { notes }, now }: Pick<
    Account<{ readonly notes: Pick<Notes, "save" | "search" | "find" | "update" | "remove"> }>,
    "store" | "now"
  >,
  { agentId, cleanSecrets, isOwner, showing }: {
    readonly agentId: string;
    readonly cleanSecrets: (text: string) => string;
    readonly isOwner: (message: InboundMessage) => boolean;
    readonly showing: Showing;
  },
): MemoryPort {
  /** The messages that a note comes from. The asker's also stands for all that its turn reads (H6a). */
  const sourcesOf = (asker: InboundMessage, named: readonly MessageId[]) => [
    ...new Set([asker.id, ...named]),
  ];

  /** A note that the asker's turn sees and that the asker may change. */
  async function changeable(asker: InboundMessage, id: number): Promise<Note | undefined> {
    const note = await notes.find(id);
    if (note?.agentId !== agentId) return undefined;
    if (!visibleKeys(asker, isOwner(asker)).includes(note.scopeKey)) return undefined;
    if (note.authorId === asker.sender.id || isOwner(asker)) return note;
    throw new RefusedCall(
      "not_theirs",
      `only its author or an owner of the bot may change note ${id}`,
    );
  }

  return {
    async save(asker, { scope, text, sources, callKey, isOwnWords }) {
      const scopeKey = scopeKeyOf(scope, asker);
      if (scopeKey === undefined) {
        throw badArguments(
          scope === "guild"
            ? "there is no server here; use another scope"
            : "notes of the agent are only for direct messages of owners; use another scope",
        );
      }
      if ((scope === "guild" || scope === "agent") && !isOwner(asker)) {
        throw new RefusedCall(
          "owners_only",
          `only an owner of the bot may save notes of the ${scope}`,
        );
      }
      const note = await notes.save({
        agentId,
        scope,
        scopeKey,
        space: spaceOf(asker),
        channelId: asker.channelId,
        authorId: asker.sender.id,
        text: cleanSecrets(text.trim()),
        sources: sourcesOf(asker, sources),
        callKey,
        isOwnWords,
      }, now());
      if (note) return note;
      throw new RefusedCall(
        "budget",
        `this scope has ${MAX_NOTES} notes already; delete or merge some of them first`,
      );
    },
    async search(asker, query, limit) {
      const keys = visibleKeys(asker, isOwner(asker));
      const mayShow = showing(asker);
      const shown: Note[] = [];
      for (const note of await notes.search(agentId, keys, query, MAX_NOTES)) {
        if (shown.length < limit && await mayShow(note.channelId)) shown.push(note);
      }
      return shown;
    },
    async update(asker, id, text, sources, isOwnWords) {
      const note = await changeable(asker, id);
      if (!note) throw badArguments(`there is no note ${id} here`);
      const isOfHere = asker.place.kind !== "guild" || note.channelId === asker.channelId;
      if (!isOfHere) throw badArguments(`note ${id} is of another channel: save a new one`);
      const from = sourcesOf(asker, sources);
      await notes.update(id, cleanSecrets(text.trim()), from, now(), isOwnWords);
    },
    async remove(asker, id) {
      const note = await changeable(asker, id);
      if (note) await notes.remove(id);
      return note !== undefined;
    },
  };
}
