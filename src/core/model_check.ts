/**
 * The result of asking a model's server whether it has the model, without a question to the model.
 *
 * @module
 */

import type { ModelFailure } from "./model_problem.ts";

/** The result. `server` is the origin of its address: `"http://127.0.0.1:11434"`. */
export type ModelCheck =
  | {
    readonly kind: "listed";
    readonly server: string;
    /** Whether the server accepted the key. `unknown`: it lists models without one, too. */
    readonly key: "accepted" | "unknown" | "none";
  }
  | {
    readonly kind: "unlisted";
    readonly server: string;
    /** Some listed models, as the server names them. */
    readonly others: readonly string[];
    /** Whether the list is complete. Some servers accept more names than they list. */
    readonly isCertain: boolean;
  }
  /** The server answers, and has no list of models. */
  | { readonly kind: "no_list"; readonly server: string }
  | {
    readonly kind: "failed";
    readonly server: string;
    /** Kind of the failure, with the model's id. */
    readonly failure: ModelFailure;
    /** The failure in words, without key and content. */
    readonly message: string;
  };
