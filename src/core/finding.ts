/** One row of `doctor`, of the preflight, or of the health report. */

/** Result of a check. */
export type FindingStatus =
  | "pass"
  /** Not wrong, or it recovers without help. */
  | "warn"
  | "fail"
  /** Another check failed, which this one needs. */
  | "skipped";

/** The result of one check, written for the operator. */
export interface Finding {
  /** Stable name of the check, for `--json`: `"discord.token"`. */
  readonly id: string;
  /** Short title of the checked thing: `"Token"`. */
  readonly what: string;
  readonly status: FindingStatus;
  /** Host, file, config key or portal page to look at; absent if none helps. */
  readonly where?: string;
  /** The observed fact, with its figures. */
  readonly why: string;
  /** The one next step; present whenever there is one. */
  readonly fix?: string;
  /** Duration of the check in milliseconds; absent if it says nothing. */
  readonly ms?: number;
}
