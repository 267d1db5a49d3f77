/**
 * Something that was looked at, and how it is: one row of `doctor`, of the
 * preflight, and of what health says of them.
 *
 * @module
 */

export type FindingStatus =
  | "pass"
  /** Not wrong, or it heals by itself. */
  | "warn"
  | "fail"
  /** It could not be looked at, because of another row. */
  | "skipped";

export interface Finding {
  /** Stable, for `--json`: `"discord.token"`. */
  readonly id: string;
  /** What was looked at, in words: `"Token"`. */
  readonly what: string;
  readonly status: FindingStatus;
  /** Which host, file, key or portal page. */
  readonly where?: string;
  /** What was seen: a fact with its figures. */
  readonly why: string;
  /** The one thing to do; present wherever something is to be done. */
  readonly fix?: string;
  /** Milliseconds that it took, where that says something. */
  readonly ms?: number;
}
