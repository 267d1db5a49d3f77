/** Declares alerts: what keeps the bot from answering, and what the owners have heard of it (O12). */

/** The ways by which owners hear of an alert. */
export const ALERT_WAYS = ["dm", "webhook", "ntfy"] as const;

/** A way by which owners hear of an alert. */
export type AlertWay = typeof ALERT_WAYS[number];

export const ALERT_KIND_NAMES = [
  "account",
  "gateway",
  "limit",
  "store",
  "disk",
  "crashes",
  "model",
  "budget-near",
  "budget",
  "schedule",
  "backup",
] as const;

export type AlertKindName = typeof ALERT_KIND_NAMES[number];

/** Trouble at one moment. It becomes an alert once it has held for the time of its kind. */
export interface Trouble {
  readonly kind: AlertKindName;
  /** The account, model, budget or schedule; empty if it concerns the whole bot. */
  readonly about: string;
  /** The cause, as the end of a sentence and without any text of people. */
  readonly cause: string;
  /** The next step, in the imperative. */
  readonly fix?: string;
  /** Whether the owners get a direct message about its beginning from another part of Barnacle. */
  readonly isNoticed?: boolean;
}

/** A message that the owners are yet to get. */
export interface OwedMessage {
  readonly event: AlertEvent;
  /** Unix time in milliseconds of the next attempt. */
  readonly nextAt: number;
  /** Failed attempts by the way that is next. */
  readonly tries: number;
  readonly failed: readonly AlertWay[];
}

/** `begins` and `ends` are told once, `lasts` once a day. */
export type AlertEvent = "begins" | "lasts" | "ends";

/** An alert on record. It stays for a day after its end, to notice trouble that comes and goes. */
export interface AlertRecord extends Trouble {
  /** Unix time in milliseconds at which the trouble began. */
  readonly since: number;
  /** The same, at which it ended; absent while the alert is open. */
  readonly endedAt?: number;
  /** The last message that the owners have got; absent if none. */
  readonly told?: { readonly at: number; readonly way: AlertWay };
  /** The message that the owners are yet to get; absent if none. */
  readonly owed?: OwedMessage;
  /** Why the last attempt failed; absent after a success. */
  readonly failure?: string;
  /** How often it came back within a day. */
  readonly returns: number;
}
