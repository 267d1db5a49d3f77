/**
 * Rewrites the rows of a table from which a person is forgotten (X5).
 *
 * @module
 */

import type { ForgetRule, Row } from "./forget_rule.ts";

/** The condition that a column has one of the ids of a list. */
export const IN = (column: string, list: "messages" | "channels" | "sessions"): string =>
  `${column} IN (SELECT value FROM json_each(:${list}))`;

/** The text of a column; empty if it has none. */
export const stringIn = (row: Row, column: string): string => String(row[column] ?? "");

/** Rewrites texts of a row; `undefined` if none changes. */
export function changed(
  row: Row,
  columns: readonly string[],
  rewrite: (text: string) => string,
): Row | undefined {
  const after = Object.fromEntries(
    columns.filter((column) => typeof row[column] === "string").map((column) =>
      [column, rewrite(stringIn(row, column))] as const
    ).filter(([column, text]) => text !== row[column]),
  );
  return Object.keys(after).length === 0 ? undefined : after;
}

/** Rewrites columns of JSON of ours. */
export function json(...columns: readonly string[]): Extract<ForgetRule, { change?: unknown }> {
  return {
    change: { columns, row: (row, _person, scrub) => changed(row, columns, scrub.json) },
  };
}
