/**
 * Keys of `memory`: the agent's notes.
 *
 * @module
 */

import { z } from "zod";
import { modelRef } from "./models.ts";
import { key, lazySection } from "./parts/key.ts";

/** `memory`. */
export const memory = lazySection(
  () =>
    z.strictObject({
      embedding: key(
        modelRef().optional(),
        "Model by which a search finds notes of a similar meaning: `<provider>/<model>`, at any " +
          'OpenAI-compatible `/v1/embeddings`, or of the kind `"google"`. Notes and searches go to ' +
          "its server, and count in `budgets`. After a change, Barnacle makes new vectors of all " +
          "notes in the background.",
        { unset: "notes are found by their words", example: "ollama/nomic-embed-text" },
      ),
    }).prefault({}),
  {},
  "The agent's memory.",
  { task: "agents" },
);
