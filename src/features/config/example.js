/** Embeds `config.example.jsonc`. Imports of texts have no types, so this is no TypeScript. */

import text from "../../../config.example.jsonc" with { type: "text" };

/** @type {string} */
export const EXAMPLE = text;
