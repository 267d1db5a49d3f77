/**
 * Describes how a person is forgotten in one table (X5).
 *
 * @module
 */

import type { Person, Scrubber } from "./person.ts";

/** A row, as SQLite returns it. */
export type Row = Readonly<Record<string, unknown>>;

/** How a person is forgotten in one table. */
export type ForgetRule =
  /** The table has nothing about people; the text says why. */
  | { readonly keep: string }
  | {
    /**
     * Condition of the rows to delete. It may use `:userId`, and lists in JSON: `:messages`,
     * `:channels` and `:sessions`.
     */
    readonly delete?: string;
    /** Columns that are set to a value, by the condition of their rows. */
    readonly set?: readonly { readonly where: string; readonly to: string }[];
    /** Rewrites the rows that stay. The table needs a column `id`. */
    readonly change?: {
      /** The columns that {@link change.row} reads. */
      readonly columns: readonly string[];
      /** @returns The changed columns; `"delete"`; or `undefined` if nothing changes. */
      row(row: Row, person: Person, scrub: Scrubber): Row | "delete" | undefined;
    };
  };
