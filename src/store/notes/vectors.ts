/**
 * The vectors of `store.notes`: made for stored notes, and compared by a search (T14).
 *
 * A vector goes with its note, and with a change of the note's text. So a note without a vector of
 * the current model is the only sign that one must be made, also after a crash.
 */

import type { DatabaseSync } from "node:sqlite";
import { setImmediate as otherWork } from "node:timers/promises";
import { createNearness, type NearNote } from "../../core/notes/embedding.ts";
import { bytes, integer, rows } from "../schema/columns.ts";
import { NOTE } from "../schema/notes.ts";
import { UNNAMED } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { NoteVectors } from "../../core/store/notes.ts";

/** Vectors that are compared at once; other work runs in between. */
const PAGE = 256;

const TEXT = NOTE.pick("id", "text", "agentId");
const ID = NOTE.pick("id");
const VECTOR = rows({ id: integer(), vector: bytes() });
const COUNTS = rows({ notes: integer(), embedded: integer() });

/** Creates the methods. */
export function createNoteVectors(
  database: DatabaseSync,
  { commit, readUnjournaled: read }: Transactions,
): NoteVectors {
  const withoutVector = database.prepare(
    `SELECT n.id, n.text, n.agent_id FROM note AS n
     WHERE NOT EXISTS (
       SELECT 1 FROM note_vector AS v WHERE v.note_row = n.id AND v.model = :modelId
         AND (:dimension IS NULL OR v.dimension IN (0, :dimension))
     )
     ORDER BY n.id DESC LIMIT :limit`,
  );
  const keep = database.prepare(
    `INSERT OR REPLACE INTO note_vector (note_row, model, dimension, vector)
     SELECT id, :modelId, :dimension, :vector FROM note WHERE id = :id AND text = :text`,
  );
  const visible = database.prepare(
    `SELECT id FROM note
     WHERE agent_id = ? AND scope_key IN (SELECT value FROM json_each(?))`,
  );
  const page = database.prepare(
    `SELECT v.note_row AS id, v.vector FROM json_each(:ids) AS i
     CROSS JOIN note_vector AS v ON v.note_row = i.value
     WHERE v.model = :modelId AND v.dimension = :dimension`,
  );
  const count = database.prepare(
    `SELECT COUNT(*) AS notes, COUNT(v.note_row) AS embedded
     FROM note AS n LEFT JOIN note_vector AS v ON v.note_row = n.id AND v.model = ?
       AND v.dimension > 0`,
  );

  return {
    unembedded: (modelId, dimension, limit) =>
      read(() =>
        withoutVector.all({ modelId, dimension: dimension ?? null, limit })
          .map(TEXT.read)
      ),
    async keepVectors(modelId, vectors) {
      await commit(UNNAMED, () => {
        for (const { id, text, vector } of vectors) {
          const { buffer, byteOffset, length } = vector;
          const bytes = new Uint8Array(buffer, byteOffset, length);
          keep.run({ modelId, dimension: length, vector: bytes, id, text });
        }
      });
    },
    async nearest(agentId, keys, modelId, vector, limit) {
      const nearnessOf = createNearness(vector);
      const ids = await read(() =>
        visible.all(agentId, JSON.stringify(keys)).map((row) => ID.read(row).id)
      );
      const found: NearNote[] = [];
      for (let from = 0; from < ids.length; from += PAGE) {
        if (from > 0) await otherWork();
        const among = JSON.stringify(ids.slice(from, from + PAGE));
        const rows = await read(() => page.all({ ids: among, modelId, dimension: vector.length }));
        for (const row of rows) {
          const { id, vector: { buffer, byteOffset, length } } = VECTOR.read(row);
          const nearness = nearnessOf(new Int8Array(buffer, byteOffset, length));
          if (nearness !== undefined) found.push({ id, nearness });
        }
      }
      return found.toSorted((one, other) => other.nearness - one.nearness).slice(0, limit);
    },
    countEmbedded: (modelId) => read(() => COUNTS.read(count.get(modelId))),
  };
}
