/**
 * Searches notes by words and by meaning, and merges both by rank (T14).
 *
 * Only notes of the given keys take part in either search. Without vectors, the words alone decide.
 */

import { fuseRanks } from "../../core/notes/embedding.ts";
import type { FoundNotes } from "../../core/turn/ports/memory.ts";
import type { UsedBy } from "../../core/spending/usage.ts";
import type { Embedder } from "./embedder.ts";
import type { Notes, NoteVectors } from "../../store/notes/notes.ts";

export type NoteSearch = (query: {
  /** Keys of the notes that the asker may see; no other note is read. */
  readonly keys: readonly string[];
  /** Free text; without a word, the newest notes. */
  readonly query: string;
  /** Maximum number of notes. */
  readonly limit: number;
  /** The asker, the place and the agent. */
  readonly by: UsedBy;
}, signal: AbortSignal) => Promise<FoundNotes>;

const MERGED = 50;
/** Milliseconds for a vector: a small machine may have to load its model first. */
const QUERY_MS = 10_000;
/** Characters of a query that count for its meaning: each model takes as many. */
const QUERY_CHARS = 300;
/** Notes less near than this part of the nearest one are left out. */
const NEAR_ENOUGH = 0.5;

export function createNoteSearch({ notes, embedder, onEmbedded }: {
  readonly notes: Pick<Notes, "search" | "find"> & Pick<NoteVectors, "nearest">;
  readonly embedder: Pick<Embedder, "modelId" | "embed">;
  readonly onEmbedded: () => void;
}): NoteSearch {
  return async ({ keys, query, limit, by }, signal) => {
    const modelId = embedder.modelId();
    const { agentId } = by;
    if (modelId === undefined || !/[\p{L}\p{N}]/u.test(query)) {
      return { notes: await notes.search(agentId, keys, query, limit) };
    }
    const words = query.slice(0, QUERY_CHARS);
    const result = await embedder.embed([words], "query", by, QUERY_MS, signal);
    const vector = result.kind === "vectors" ? result.vectors[0] : undefined;
    if (result.kind !== "vectors" || !vector) {
      const wordsOnly = result.kind === "vectors" ? "no vector" : result.why;
      return { notes: await notes.search(agentId, keys, query, limit), wordsOnly };
    }
    onEmbedded();
    const near = await notes.nearest(agentId, keys, modelId, vector, MERGED);
    const byWords = await notes.search(agentId, keys, query, MERGED);
    const least = (near[0]?.nearness ?? 0) * NEAR_ENOUGH;
    const byMeaning = near.filter(({ nearness }) => nearness > 0 && nearness >= least);
    const ids = fuseRanks([byMeaning.map(({ id }) => id), byWords.map(({ id }) => id)], limit);
    const found = await Promise.all(
      ids.map((id) => byWords.find((note) => note.id === id) ?? notes.find(id)),
    );
    // A note may have been deleted meanwhile.
    const visible = found.flatMap((note) => note && keys.includes(note.scopeKey) ? [note] : []);
    return { notes: visible };
  };
}
