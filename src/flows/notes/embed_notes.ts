/**
 * Makes vectors of stored notes in the background (T14).
 *
 * A note is stored without one. So neither a turn nor a transaction waits for the embedding model,
 * and a crash in between leaves a note whose vector is made later. The same holds for all notes
 * after a change of the model.
 */

import { type EmbeddedAs, MAX_EMBEDDED_TEXTS } from "../../core/notes/embedding.ts";
import { ofAgent } from "../../core/spending/usage.ts";
import { waitFor } from "../../lib/clock.ts";
import type { Embedder } from "./embedder.ts";
import type { OwnNoteText } from "../../store/notes/notes.ts";
import type { Account } from "../../core/account/account.ts";
import type { NoteVectors } from "../../store/notes/notes.ts";

/** Milliseconds between two requests: 32 notes a second at most. */
const PACE_MS = 1_000;
/** Milliseconds for one request: 32 notes on a small machine. */
const REQUEST_MS = 60_000;
/** Milliseconds until the next attempt after a failure of the store. */
const STORE_RETRY_MS = 60_000;
/** Characters of the attempt with the beginning of a refused note. */
const SHORT_CHARS = 200;
const PLAIN = "note";
const REFUSED = new Int8Array(0);

/** Creates the work. It begins with the first `wake`. */
export function createNoteEmbedding(
  { schedule, log }: Pick<Account, "log" | "schedule">,
  { notes, embedder }: {
    readonly notes: Pick<NoteVectors, "unembedded" | "keepVectors">;
    readonly embedder: Pick<Embedder, "modelId" | "dimension" | "embed">;
  },
) {
  const stopping = new AbortController();
  const { signal } = stopping;
  let running: Promise<void> | undefined;
  let isAgain = false;
  let waiting = new AbortController();
  /** Notes in the next request: half as many after a failure, and one more after each success. */
  let size = MAX_EMBEDDED_TEXTS;

  const embed = (texts: readonly string[], agentId: string, as: EmbeddedAs = "note") =>
    embedder.embed(texts, as, ofAgent(agentId), REQUEST_MS, signal);

  /** @returns Milliseconds until the next request; `undefined` if no note is left. */
  async function next(): Promise<number | undefined> {
    const modelId = embedder.modelId();
    if (modelId === undefined) return undefined;
    const newest = await notes.unembedded(modelId, embedder.dimension(), size);
    const [first] = newest;
    if (!first) return undefined;
    const batch = newest.filter(({ agentId }) => agentId === first.agentId); // who pays for it
    const result = await embed(batch.map(({ text }) => text), first.agentId);
    if (result.kind === "vectors") {
      const { vectors } = result;
      size = Math.min(MAX_EMBEDDED_TEXTS, size + 1);
      await notes.keepVectors(
        modelId,
        batch.map((note, at) => ({ ...note, vector: vectors[at] ?? REFUSED })),
      );
      return PACE_MS;
    }
    // The request may have been too much for the server, or one of its notes.
    size = Math.ceil(batch.length / 2);
    if (result.kind === "none") return result.retryMs;
    if (batch.length > 1) return PACE_MS;
    const vector = await vectorOfRefused(first);
    if (typeof vector === "number") return vector;
    await notes.keepVectors(modelId, [{ ...first, vector }]);
    return PACE_MS;
  }

  /** @returns An empty vector if only this text is refused; or milliseconds until an attempt. */
  async function vectorOfRefused({ text, agentId }: OwnNoteText): Promise<Int8Array | number> {
    const short = await embed([text.slice(0, SHORT_CHARS)], agentId);
    if (short.kind === "none") return short.retryMs;
    if (short.kind === "vectors") return short.vectors[0] ?? REFUSED;
    const plain = await embed([PLAIN], agentId, "query"); // a server that fails refuses this, too
    return plain.kind === "none" ? plain.retryMs : REFUSED;
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      isAgain = false;
      let waitMs: number | undefined;
      try {
        waitMs = await next();
      } catch (error) {
        if (signal.aborted) return;
        log.warn("Cannot make vectors of notes", { error });
        waitMs = STORE_RETRY_MS;
      }
      if (waitMs !== undefined) {
        await waitFor(waitMs, schedule, AbortSignal.any([signal, waiting.signal]));
      } else if (!isAgain) {
        running = undefined; // here: a later turn of the loop would miss a call of `wake`
        return;
      }
    }
  }

  function wake(): void {
    isAgain = true;
    if (!signal.aborted) running ??= run();
  }

  return {
    /** Notes may have no vectors: begins, unless it waits for its next request already. */
    wake,
    /** The config may name another model: begins at once. */
    reconfigured(): void {
      size = MAX_EMBEDDED_TEXTS;
      waiting.abort();
      waiting = new AbortController();
      wake();
    },
    /** Ends without another request. */
    async stop(): Promise<void> {
      stopping.abort();
      await running;
    },
  };
}
