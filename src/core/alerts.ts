/** Declares alerts: trouble that keeps the bot from answering, and what the owners have heard of it (O12). */

export const ALERT_KINDS = ["account", "gateway", "store", "model", "backup"] as const;

export type AlertKind = typeof ALERT_KINDS[number];

/** Trouble at one moment. It becomes an alert once it has held for the time of its kind. */
export interface Trouble {
  readonly kind: AlertKind;
  /** The account or model; empty if it concerns the whole bot. */
  readonly about: string;
  /** The cause, as the end of a sentence and without any message of a person. */
  readonly cause: string;
  /** The next step, in the imperative. */
  readonly fix?: string;
}

/** An alert on record. It stays for a day after its end, to notice trouble that comes and goes. */
export interface AlertRecord extends Trouble {
  /** Unix time in milliseconds at which the trouble began. */
  readonly since: number;
  /** The same, at which it ended; absent while the alert is open. */
  readonly endedAt?: number;
  /** The same, of the last message that the owners have got; absent if none. */
  readonly toldAt?: number;
  /** The message that the owners are yet to get; absent if none. */
  readonly owed?: {
    readonly event: "begins" | "ends";
    /** Unix time in milliseconds of the next attempt. */
    readonly nextAt: number;
    /** Failed attempts. */
    readonly tries: number;
  };
  /** Why the last attempt failed; absent after a success. */
  readonly failure?: string;
  /** How often it came back within a day. */
  readonly returns: number;
}
