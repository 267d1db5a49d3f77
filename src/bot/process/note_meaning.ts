/**
 * Connects the agent's notes with the embedding model: for searches, and for vectors that are made in
 * the background (T14).
 */

import type { Config } from "../../config/config.ts";
import type { Embedding } from "../../core/notes/embedding.ts";
import { createEmbedder } from "../../flows/notes/embedder.ts";
import { createNoteEmbedding } from "../../flows/notes/embed_notes.ts";
import { createNoteSearch } from "../../flows/notes/search.ts";
import { type Clock, schedule } from "../../lib/clock.ts";
import type { Logging } from "../../log.ts";
import { createSecretFilter, type Filtered } from "../../render/safety/secrets.ts";
import type { Store } from "../../store/store.ts";
import { createBySecrets } from "../../lib/cache.ts";
import { createSpending } from "../../flows/turn/spending/budgets.ts";

/** Creates the connection. Without a model in the config, it asks and reads nothing. */
export function createNoteMeaning(
  { setup, store: { notes, usage }, logging, now }: Clock & {
    readonly setup: () => {
      readonly config: Pick<Config, "budgets">;
      readonly embedding?: Embedding;
    };
    readonly store: Pick<Store, "notes" | "usage">;
    readonly logging: Logging;
  },
) {
  const log = logging.forPart("memory");
  let filter: ((text: string) => Filtered) | undefined; // made with the first request
  const embedder = createEmbedder({ now, log }, {
    embedding: () => setup().embedding,
    spend: createSpending({ config: () => setup().config, store: { usage }, now }),
    cleanSecrets(text) {
      filter ??= createBySecrets(logging.secrets, createSecretFilter);
      return filter(text).text;
    },
  });
  const embedding = createNoteEmbedding({ schedule, log }, { notes, embedder });
  let dimension: number | undefined;

  /** If a search shows that the model's vectors have changed, all notes need new ones. */
  function onEmbedded(): void {
    if (embedder.dimension() === dimension) return;
    dimension = embedder.dimension();
    embedding.wake();
  }

  return {
    ...embedding,
    /** State of the model; `undefined` if the config names none. */
    state: embedder.state,
    search: createNoteSearch({ notes, embedder, onEmbedded }),
    /** The same notes; each change begins the work on its vector. */
    notes: {
      ...notes,
      async save(note, at) {
        const saved = await notes.save(note, at);
        embedding.wake();
        return saved;
      },
      async update(...change) {
        const isThere = await notes.update(...change);
        embedding.wake();
        return isThere;
      },
    } satisfies Store["notes"],
  };
}
